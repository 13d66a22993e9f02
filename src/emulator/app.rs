//! Ledger's Ethereum app 1.22.0 as a state machine.
//!
//! Promises: to the commands that were recorded from the real app it gives the same answers, in the same order around
//! what the person does, and it stops where the real app stops. What was not recorded follows from one rule that
//! explains all recordings: GET ADDRESS and every error put the app's memory back to its beginning; a review that is
//! left on the screen then has nothing behind it, and the next touch ends the app.
//!
//! Refuses: transactions, typed data and everything else that the bridge never asks for (`6d00`).

use super::model::Model;
use super::screens::{self, Review, Screen};
use super::seed::Seed;
use super::steps::{Press, Step};
use crate::ethereum::DerivationPath;

const CLA: u8 = 0xe0;
const GET_ADDRESS: u8 = 0x02;
const GET_CONFIGURATION: u8 = 0x06;
const SIGN_PERSONAL_MESSAGE: u8 = 0x08;

const SUCCESS: u16 = 0x9000;
const REFUSED: u16 = 0x6985;
const NOT_ALLOWED: u16 = 0x6980;
const BAD_DATA: u16 = 0x6a80;
const NOT_HARDENED: u16 = 0x6a12;
const PATH_NOT_ALLOWED: u16 = 0x6a15;
const NO_MEMORY: u16 = 0x6a84;
const BAD_LENGTH: u16 = 0x6a87;
const BAD_PARAMETER: u16 = 0x6b00;
const BAD_INSTRUCTION: u16 = 0x6d00;
const BAD_CLASS: u16 = 0x6e00;

/// Flags (external plugins needed: no; a data provider: yes) and the version 1.22.0, as recorded.
const CONFIGURATION: [u8; 4] = [0x02, 1, 22, 0];

/// What the app can hold of a message and the text that it shows for it, in bytes. From the longest that the real app
/// took: about 7650 bytes of text (once and once again for the screen), 5116 bytes of binary (and twice as many digits).
const MEMORY: usize = 15_360;

/// The length in bytes of the buffer that commands come into and answers go from: a header, its length byte, 255 of data.
const BUFFER: usize = 260;

const HARDENED: u32 = DerivationPath::HARDENED;

/// What comes of a command or a touch.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reaction {
    /// The device sends this: data and status word.
    Answer(Vec<u8>),
    /// The device sends nothing now.
    Silence,
    /// The app ends, and nothing is sent.
    Exit,
}

/// A command in its parts, its length checked.
struct Command<'a> {
    class: u8,
    instruction: u8,
    p1: u8,
    p2: u8,
    data: &'a [u8],
}

impl<'a> Command<'a> {
    /// Four bytes, or five and as many as the fifth says.
    fn parse(apdu: &'a [u8]) -> Option<Self> {
        let (&[class, instruction, p1, p2], rest) = apdu.split_first_chunk()?;
        let data = match rest.split_first() {
            None => rest,
            Some((length, data)) if data.len() == usize::from(*length) => data,
            Some(_) => return None,
        };
        Some(Self {
            class,
            instruction,
            p1,
            p2,
            data,
        })
    }
}

/// A message of which not all chunks have come.
struct Partial {
    path: DerivationPath,
    length: usize,
    message: Vec<u8>,
}

/// What the person is asked.
enum Subject {
    Message { path: DerivationPath, message: Vec<u8> },
    Address { answer: Vec<u8> },
}

/// What becomes of an approval.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Answered,
    /// Another command was answered meanwhile: the decision is never sent.
    Unanswered,
    /// The app's memory was put back meanwhile: the next touch ends the app.
    Exit,
}

struct Asking {
    subject: Subject,
    step: Step,
    fate: Fate,
}

pub(super) struct EthereumApp {
    model: Model,
    seed: Seed,
    partial: Option<Partial>,
    asking: Option<Asking>,
    /// What is shown after a decision, until something else happens.
    status: Option<Screen>,
    /// The last answer, which stays in the buffer that the next command is written over.
    left_over: Vec<u8>,
}

impl EthereumApp {
    pub(super) fn new(model: Model, seed: Seed) -> Self {
        Self {
            model,
            seed,
            partial: None,
            asking: None,
            status: None,
            left_over: Vec::new(),
        }
    }

    /// What `B0 01` answers: the operating system does, not the app, but a pending decision is lost all the same.
    pub(super) fn app_info_was_asked(&mut self) {
        if let Some(asking) = &mut self.asking
            && asking.fate == Fate::Answered
        {
            asking.fate = Fate::Unanswered;
        }
    }

    pub(super) fn rest(&mut self) {
        self.status = None;
    }

    pub(super) fn command(&mut self, apdu: &[u8]) -> Reaction {
        self.status = None;
        let Some(command) = Command::parse(apdu) else {
            return self.bad_length(apdu);
        };
        match (command.class, command.instruction) {
            (CLA, GET_ADDRESS) => self.get_address(&command),
            (CLA, GET_CONFIGURATION) => {
                self.app_info_was_asked();
                self.answer(&CONFIGURATION)
            }
            (CLA, SIGN_PERSONAL_MESSAGE) => self.sign(&command),
            (CLA, _) => self.error(BAD_INSTRUCTION),
            _ => self.error(BAD_CLASS),
        }
    }

    fn answer(&mut self, data: &[u8]) -> Reaction {
        let mut answer = data.to_vec();
        answer.extend(SUCCESS.to_be_bytes());
        self.left_over.clone_from(&answer);
        Reaction::Answer(answer)
    }

    fn error(&mut self, status: u16) -> Reaction {
        self.reset();
        self.left_over = status.to_be_bytes().to_vec();
        Reaction::Answer(self.left_over.clone())
    }

    /// As many bytes as the last answer had, with the bad command written over them, go before the status word.
    fn bad_length(&mut self, apdu: &[u8]) -> Reaction {
        self.reset();
        for (left, new) in self.left_over.iter_mut().zip(apdu) {
            *left = *new;
        }
        self.left_over.truncate(BUFFER - 2);
        self.left_over.extend(BAD_LENGTH.to_be_bytes());
        Reaction::Answer(self.left_over.clone())
    }

    /// Puts the app's memory back. A review stays on the screen, with nothing behind it.
    fn reset(&mut self) {
        self.partial = None;
        if let Some(asking) = &mut self.asking {
            asking.fate = Fate::Exit;
        }
    }

    fn get_address(&mut self, command: &Command<'_>) -> Reaction {
        if !matches!(command.p1, 0 | 1) || !matches!(command.p2, 0 | 1) {
            return self.error(BAD_PARAMETER);
        }
        // A chain identifier of 8 bytes may follow.
        let Some((path, [] | [_, _, _, _, _, _, _, _])) = take_path(command.data) else {
            return self.error(BAD_DATA);
        };
        match may_use(&path) {
            Ok(()) => {}
            Err(status) => return self.error(status),
        }
        let Some(key) = self.seed.key(&path) else {
            return self.error(BAD_DATA);
        };
        let public_key = key.public_key();
        let address = key.address().to_string();
        let digits = address.trim_start_matches("0x").as_bytes();
        let mut data = vec![65];
        data.extend(public_key);
        data.push(40);
        data.extend(digits);
        if command.p2 == 1 {
            data.extend(key.chain_code());
        }
        self.reset();
        if command.p1 == 0 {
            return self.answer(&data);
        }
        data.extend(SUCCESS.to_be_bytes());
        self.ask(Subject::Address { answer: data }, screens::address_review(self.model, &address))
    }

    fn sign(&mut self, command: &Command<'_>) -> Reaction {
        match command.p1 {
            0x00 => self.first_chunk(command.data),
            0x80 => self.following_chunk(command.data),
            _ => self.error(BAD_PARAMETER),
        }
    }

    fn first_chunk(&mut self, data: &[u8]) -> Reaction {
        if self.partial.is_some() || self.asking.take().is_some() {
            return self.error(NOT_ALLOWED);
        }
        let Some((path, rest)) = take_path(data) else {
            return self.error(BAD_DATA);
        };
        // Of the four bytes of the length the real app keeps the lower two.
        let Some((&[_, _, high, low], chunk)) = rest.split_first_chunk() else {
            return self.error(BAD_DATA);
        };
        let partial = Partial {
            path,
            length: usize::from(u16::from_be_bytes([high, low])),
            message: Vec::new(),
        };
        if partial.length > MEMORY {
            return self.error(NO_MEMORY);
        }
        self.take_chunk(partial, chunk)
    }

    fn following_chunk(&mut self, chunk: &[u8]) -> Reaction {
        match (self.partial.take(), self.asking.take()) {
            (Some(partial), _) => self.take_chunk(partial, chunk),
            (None, Some(_)) if chunk.is_empty() => Reaction::Exit,
            (None, _) => self.error(BAD_DATA),
        }
    }

    fn take_chunk(&mut self, mut partial: Partial, chunk: &[u8]) -> Reaction {
        partial.message.extend(chunk);
        if partial.message.len() > partial.length {
            return self.error(BAD_DATA);
        }
        if partial.message.len() < partial.length {
            self.partial = Some(partial);
            return self.answer(&[]);
        }
        let Partial { path, message, .. } = partial;
        let shown = if screens::is_text(&message) { 1 } else { 2 } * message.len();
        if message.len() + shown > MEMORY {
            return self.error(NO_MEMORY);
        }
        let review = screens::message_review(self.model, &message);
        self.ask(Subject::Message { path, message }, review)
    }

    fn ask(&mut self, subject: Subject, review: Review) -> Reaction {
        self.left_over.clear();
        self.asking = Some(Asking {
            subject,
            step: Step::first(self.model, review),
            fate: Fate::Answered,
        });
        Reaction::Silence
    }

    /// Whether the person is asked something.
    pub(super) fn asking(&self) -> Option<&Step> {
        self.asking.as_ref().map(|asking| &asking.step)
    }

    pub(super) fn screen(&self) -> Screen {
        match (&self.asking, &self.status) {
            (Some(asking), _) => asking.step.screen(),
            (None, Some(status)) => status.clone(),
            (None, None) => screens::home(self.model),
        }
    }

    pub(super) fn press(&mut self, press: Press) -> Reaction {
        self.status = None;
        let Some(asking) = &mut self.asking else {
            return Reaction::Silence;
        };
        if asking.fate == Fate::Exit {
            return Reaction::Exit;
        }
        let Some(approved) = asking.step.press(press) else {
            return Reaction::Silence;
        };
        let fate = asking.fate;
        let Some(Asking { subject, .. }) = self.asking.take() else {
            return Reaction::Silence;
        };
        let answer = match self.decided(subject, approved) {
            Some(answer) => answer,
            None => return Reaction::Exit,
        };
        match fate {
            Fate::Answered => Reaction::Answer(answer),
            Fate::Unanswered | Fate::Exit => Reaction::Silence,
        }
    }

    /// The answer to the person's decision. Nothing if the app ends on it, as it does when a path that it may not use
    /// is about to be used.
    fn decided(&mut self, subject: Subject, approved: bool) -> Option<Vec<u8>> {
        let is_message = matches!(subject, Subject::Message { .. });
        let answer = match subject {
            _ if !approved => REFUSED.to_be_bytes().to_vec(),
            Subject::Address { answer } => answer,
            Subject::Message { path, message } => {
                may_use(&path).ok()?;
                let mut answer = self.seed.key(&path)?.personal_sign(&message).to_vec();
                answer.extend(SUCCESS.to_be_bytes());
                answer
            }
        };
        if is_message {
            let text = if approved { "Message signed" } else { "Message rejected" };
            self.status = Some(screens::status(self.model, text));
        }
        Some(answer)
    }
}

/// A path as the commands hold it: the number of elements in one byte, 1 to 10, and 4 bytes each, big-endian; and what
/// follows it.
fn take_path(data: &[u8]) -> Option<(DerivationPath, &[u8])> {
    let (&count, data) = data.split_first()?;
    let (elements, rest) = data.split_at_checked(4 * usize::from(count))?;
    let (elements, _) = elements.as_chunks::<4>();
    let elements: Vec<_> = elements.iter().copied().map(u32::from_be_bytes).collect();
    Some((DerivationPath::from_elements(&elements).ok()?, rest))
}

/// Whether the operating system lets the app use the path: below m/44'/60' alone.
fn may_use(path: &DerivationPath) -> Result<(), u16> {
    let mut first = path.elements().iter().take(2);
    if first.any(|element| element & HARDENED == 0) {
        return Err(NOT_HARDENED);
    }
    match path.elements() {
        [purpose, coin, ..] if [*purpose, *coin] == [HARDENED | 44, HARDENED | 60] => Ok(()),
        _ => Err(PATH_NOT_ALLOWED),
    }
}
