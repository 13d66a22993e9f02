//! One conversation with one device, from the greeting to the last answer.
//!
//! The rules, and where they come from (recordings of app 1.22.0):
//! - A second command while a review is on the screen spoils the answer or ends the app, so each command waits for the
//!   answer to the one before, and another process is kept out by the lock.
//! - The app that is open and whether the device is locked are asked first: several status words mean either.
//! - GET ADDRESS comes before a signature: it refuses a path that the app may not use, where signing would end the app
//!   at the person's approval; it clears a message left half-sent; and it shows that the account is the right one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use coins_ledger::common::ApduCommand;
use coins_ledger::errors::LedgerError;

use super::accounts::Account;
use super::apdu::{self, AppInfo};
use super::endpoint::Endpoint;
use super::fault::DeviceFault;
use super::leave::Leave;
use super::link::{Answer, Link, LinkError};
use super::place::{Memory, Place, Visited};
use super::status::Cause;
use crate::ethereum::{Address, DerivationPath, Signature, personal_message_hash};

/// How long an answer may take that needs no person. A real device takes 2 ms for the app's name and 80 ms for an
/// address (measured behind a real kernel); the rest is for loaded machines.
const DEADLINE: Duration = Duration::from_secs(10);

/// The shortest time in which a person can have refused. A refusal without a question came after 11 ms (measured).
const FASTEST_PERSON: Duration = Duration::from_millis(100);

/// How often it is looked whether what is waited for has come.
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// Whether to wait for a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Patience {
    /// For plugging in, unlocking and opening the app.
    #[default]
    Wait,
    /// For nothing but the answer to what the device was asked to show.
    NoWait,
}

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// That a device is there.
    ForDevice {
        /// Where.
        endpoint: String,
    },
    /// That another process is done with it.
    ForOtherProcess {
        /// Which.
        holder: String,
    },
    /// That it is unlocked.
    ForUnlocking,
    /// That the Ethereum app is opened.
    ForApp,
    /// That the person agrees on the device to open the Ethereum app.
    ForOpening,
    /// That it comes back after an app was opened or closed.
    ForReturn,
    /// That the one of several devices is ready that has this account.
    ForAccount {
        /// The account.
        address: Address,
    },
}

/// What happens during a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Something is waited for.
    Waiting(Waiting),
    /// What was waited for has come.
    Ready(AppInfo),
    /// Another app is told to close.
    ClosingApp {
        /// Its name.
        name: String,
    },
    /// Other programs have the device open, and can read what it answers.
    OthersListen {
        /// Their names and numbers.
        programs: Vec<String>,
    },
    /// The device went away before the conversation was at its end, which now begins again.
    Again {
        /// Whether it was asking the person something.
        asking: bool,
    },
    /// The path of an address is looked for.
    Searching {
        /// The address.
        address: Address,
    },
    /// The device begins to ask the person: for a signature, or whether the address is right.
    Asking,
    /// The device has stopped asking, whatever came of it.
    Answered,
}

/// Who talks to the device, and how he is kept up to date.
#[derive(Clone)]
pub struct Asker {
    /// Named to other processes that find the device taken.
    pub who: String,
    /// Whether to wait for the person.
    pub patience: Patience,
    /// Whether the device asks nothing any more, although a process ended while it did: a person knows.
    pub is_idle: Arc<dyn Fn(&DeviceFault) -> bool + Send + Sync>,
    /// Is told what happens. Called on the device's thread, which waits meanwhile.
    pub tell: Arc<dyn Fn(&Event) + Send + Sync>,
    /// Whether he has left. Then nothing is sent to the device any more and nothing waited for, but for the answer to what
    /// it asks the person just then; the conversation ends with [`DeviceFault::AskerLeft`] where it would go on.
    pub leave: Leave,
}

/// A conversation. While there is one, no other saltbridge of the same user talks to the device.
pub struct Conversation<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) asker: &'a Asker,
    pub(super) place: Option<Place>,
    pub(super) link: &'a mut Option<Box<dyn Link>>,
    pub(super) memory: &'a mut Memory,
    pub(super) visited: Visited,
    /// What the person was told last that is waited for.
    told: Option<Waiting>,
    /// Whether the device may go on asking although the link closed.
    pub(super) asks_on: bool,
}

impl<'a> Conversation<'a> {
    /// Takes the device for this process, if the endpoint says which; otherwise when it is first talked to. `link` is what
    /// the last conversation left, if it is still needed.
    pub(super) fn begin(
        endpoint: &'a Endpoint,
        asker: &'a Asker,
        link: &'a mut Option<Box<dyn Link>>,
        memory: &'a mut Memory,
    ) -> Result<Self, DeviceFault> {
        let mut conversation = Self {
            endpoint,
            asker,
            place: None,
            link,
            memory,
            visited: Visited::default(),
            told: None,
            asks_on: false,
        };
        // He may have waited for others in vain.
        asker.leave.not_yet()?;
        conversation.take_named_place()?;
        Ok(conversation)
    }

    /// Which app runs, asked once, without waiting.
    ///
    /// # Errors
    /// [`DeviceFault`].
    pub fn app_info(&mut self) -> Result<AppInfo, DeviceFault> {
        let answer = self.command(apdu::app_info())?;
        let data = accepted(&answer, None, "to name the app")?;
        AppInfo::parse(data).ok_or(DeviceFault::UnexpectedAnswer {
            what: "no name of an app",
        })
    }

    /// The address of a path, without asking the person.
    ///
    /// # Errors
    /// [`DeviceFault`].
    pub fn address(&mut self, path: &DerivationPath) -> Result<Address, DeviceFault> {
        let answer = self.command(apdu::address(path, false))?;
        address_in(accepted(&answer, Some(path), "to tell the address")?)
    }

    /// Has the device show the address of an account, and the person compare it and confirm.
    ///
    /// # Errors
    /// [`DeviceFault`].
    pub fn confirm_address(&mut self, account: &Account) -> Result<(), DeviceFault> {
        let is_address = |data: &[u8]| apdu::parse_address(data).is_some();
        let answer = self.asking(apdu::address(&account.path, true), is_address)?;
        let shown = address_in(accepted(&answer, Some(&account.path), "to confirm the address")?)?;
        self.is_expected(account, shown)
    }

    /// That a path has the address that it should have.
    pub(super) fn is_expected(&self, account: &Account, found: Address) -> Result<(), DeviceFault> {
        if found == account.address {
            return Ok(());
        }
        Err(DeviceFault::WrongAccount {
            expected: account.address,
            found,
            path: account.path.clone(),
        })
    }

    /// Signs a message with the key of an account, as `personal_sign` does (EIP-191), if its path has its address and the
    /// person approves. RFC 6979 and low s, v 1b or 1c.
    ///
    /// # Errors
    /// [`DeviceFault`].
    pub fn personal_sign(&mut self, account: &Account, message: &[u8]) -> Result<Signature, DeviceFault> {
        let path = &account.path;
        let found = self.address(path)?;
        self.is_expected(account, found)?;
        let commands = apdu::personal_message(path, message).map_err(|_| DeviceFault::MessageTooBig)?;
        let what = "to sign the message";
        let (last, before) = commands.split_last().ok_or(DeviceFault::MessageTooBig)?;
        for command in before {
            accepted(&self.command(Ok(*command))?, Some(path), what)?;
        }
        // Not a signature: the answer to another program's command, which came in between.
        let is_signature = |data: &[u8]| apdu::parse_signature(data).is_some();
        let answer = self.asking(Ok(*last), is_signature)?;
        let data = accepted(&answer, Some(path), what)?;
        let signature = apdu::parse_signature(data).ok_or(DeviceFault::UnexpectedAnswer { what: "no signature" })?;
        // A device whose last request was broken off completes that one with this (recorded).
        match signature.recover(&personal_message_hash(message)) {
            Ok(signed_by) if signed_by == account.address => Ok(signature),
            _ => Err(DeviceFault::UnexpectedAnswer {
                what: "a signature of something else",
            }),
        }
    }

    /// Tells what is waited for, unless that was told last.
    pub(super) fn waits(&mut self, waiting: Waiting) {
        if self.told.as_ref() != Some(&waiting) {
            (self.asker.tell)(&Event::Waiting(waiting.clone()));
            self.told = Some(waiting);
        }
    }

    /// Sends a command that makes the device ask the person. It is noted for other processes before, and the person
    /// may take his time. `understood` tells whether the data of a success is an answer to that question.
    ///
    /// The note goes when the question does: with an answer to it, or when the device is gone that asked it, as Speculos
    /// closes the connection when the app ends. It stays where something else came, which may be the answer to another
    /// program's command, and where the device may still show the question when it is plugged in again.
    pub(super) fn asking(
        &mut self,
        command: Result<ApduCommand, LedgerError>,
        understood: impl FnOnce(&[u8]) -> bool,
    ) -> Result<Answer, DeviceFault> {
        // Nothing is asked before there is a link, and the person is told so only then.
        let programs = self.connect()?.other_programs();
        self.tell_of_others(programs);
        // From the note on it is brought to its end.
        self.asker.leave.not_yet()?;
        self.note(true)?;
        (self.asker.tell)(&Event::Asking);
        let asked = Instant::now();
        let answer = self.exchange(command, None).map_err(|fault| match fault {
            DeviceFault::LinkLost { .. } => DeviceFault::LinkLost { asking: true },
            other => other,
        });
        let is_over = match &answer {
            Ok(answer) => Cause::of(answer.status).is_some() || understood(&answer.data),
            Err(fault) => matches!(fault, DeviceFault::LinkLost { .. }) && !self.asks_on,
        };
        let noted = if is_over { self.note(false) } else { Ok(()) };
        (self.asker.tell)(&Event::Answered);
        noted?;
        let answer = answer?;
        // Nobody reads and presses as fast as that: older apps answer so after a reset took their review (recorded). An
        // emulator may have been told to refuse by itself.
        let is_too_fast = self.endpoint.is_usb() && asked.elapsed() < FASTEST_PERSON;
        if is_too_fast && Cause::of(answer.status) == Some(Cause::Refused) {
            return Err(DeviceFault::RefusedUnasked);
        }
        Ok(answer)
    }

    /// Notes for other processes whether the device is asking.
    fn note(&mut self, asking: bool) -> Result<(), DeviceFault> {
        let place = self.place.as_mut().ok_or(DeviceFault::SessionEnded)?;
        place.claim.note(asking).map_err(|error| DeviceFault::NoLock {
            reason: error.to_string(),
        })
    }

    /// Sends a command that needs no person, if the asker is still there. A message of which he left a part unsent is
    /// cleared by the next GET ADDRESS (recorded).
    pub(super) fn command(&mut self, command: Result<ApduCommand, LedgerError>) -> Result<Answer, DeviceFault> {
        self.asker.leave.not_yet()?;
        self.exchange(command, Some(DEADLINE))
    }

    fn exchange(
        &mut self,
        command: Result<ApduCommand, LedgerError>,
        deadline: Option<Duration>,
    ) -> Result<Answer, DeviceFault> {
        let command = command.map_err(|_| DeviceFault::MessageTooBig)?;
        let link = self.connect()?;
        let exchanged = link.exchange(command, deadline);
        let error = match exchanged {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let is_lost = matches!(error, LinkError::Absent(_) | LinkError::Lost(_));
        let asks_on = is_lost && link.asks_on_when_lost();
        // One that knows the late answer is kept.
        let is_kept = matches!(error, LinkError::Silent(_)) && link.is_owed_an_answer();
        self.asks_on = asks_on;
        if is_lost {
            self.be_sure(false);
        }
        if !is_kept {
            *self.link = None;
        }
        Err(DeviceFault::of_link(&error))
    }
}

/// The link is closed before the claim is given up: the next one to take the device finds it free.
impl Drop for Conversation<'_> {
    fn drop(&mut self) {
        *self.link = self.link.take().filter(|link| link.is_owed_an_answer());
    }
}

/// The data of an answer, unless its status word says that it was not done.
pub(super) fn accepted<'b>(
    answer: &'b Answer,
    path: Option<&DerivationPath>,
    what: &'static str,
) -> Result<&'b [u8], DeviceFault> {
    match Cause::of(answer.status) {
        None => Ok(&answer.data),
        Some(cause) => Err(DeviceFault::of_status(cause, answer.status, path, what)),
    }
}

fn address_in(data: &[u8]) -> Result<Address, DeviceFault> {
    apdu::parse_address(data).ok_or(DeviceFault::UnexpectedAnswer { what: "no address" })
}
