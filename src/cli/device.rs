//! A device, for the commands: the session, and what is said while it is used.

use std::io::{IsTerminal as _, stdin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use saltbridge::bridge::Prompt;
use saltbridge::encryption::PublicKey;
use saltbridge::ledger::{
    Asker, Conversation, DeviceFault, Endpoint, Event, Leave, Patience, Session, Waiting, Wanted,
};
use saltbridge::text::printable_whole;
use saltbridge::unlock::{LedgerWallet, Request};

use super::args;
use super::failure::Failure;
use super::process;
use super::report::Report;
use super::terminal;

/// A session with the device that the arguments name.
pub(super) struct Device {
    session: Session,
    asker: Asker,
    report: Report,
}

/// What signatures are wanted for.
#[derive(Clone, Copy)]
pub(super) struct Purpose {
    /// What is done with the key: `to open`, `to seal`.
    pub(super) verb: &'static str,
    /// The public key of it, if it is known.
    pub(super) public_key: Option<PublicKey>,
    /// Which request of the command the first one is, from 1.
    pub(super) first: usize,
    /// How many the command has.
    pub(super) requests: usize,
}

impl Device {
    /// `command` is what other processes are told that find the device taken.
    pub(super) fn named(args: &args::Device, command: &str, report: &Report) -> Result<Self, Failure> {
        let patience = if args.no_wait { Patience::NoWait } else { Patience::Wait };
        let endpoint = args.endpoint.parse()?;
        Ok(Self::new(endpoint, patience, args.device_idle, command, report)?)
    }

    /// The same for a command that only looks, and waits for nobody.
    pub(super) fn looked_at(endpoint: Endpoint, command: &str, report: &Report) -> Result<Self, DeviceFault> {
        Self::new(endpoint, Patience::NoWait, false, command, report)
    }

    fn new(
        endpoint: Endpoint,
        patience: Patience,
        idle: bool,
        command: &str,
        report: &Report,
    ) -> Result<Self, DeviceFault> {
        let session = Session::start(endpoint).map_err(|_| DeviceFault::SessionEnded)?;
        Ok(Self {
            session,
            asker: asker(patience, idle, command, report),
            report: *report,
        })
    }

    /// Where the device is.
    pub(super) fn endpoint(&self) -> String {
        self.session.endpoint().to_string()
    }

    /// Has a conversation.
    pub(super) fn converse<T: Send + 'static>(
        &self,
        talk: impl FnOnce(&mut Conversation<'_>) -> Result<T, DeviceFault> + Send + 'static,
    ) -> Result<T, DeviceFault> {
        self.session.converse(self.asker.clone(), talk)
    }

    /// The same, and begins again if a device on a cable is pulled meanwhile.
    pub(super) fn converse_through<T: Send + 'static>(
        &self,
        talk: impl Fn(&mut Conversation<'_>) -> Result<T, DeviceFault> + Clone + Send + 'static,
    ) -> Result<T, DeviceFault> {
        self.session.converse_through(&self.asker, talk)
    }

    /// The wanted account as a wallet.
    pub(super) fn wallet(&self, wanted: Wanted, purpose: Purpose) -> LedgerWallet<impl FnMut(&Request<'_>) + use<>> {
        let (report, who) = (self.report, self.asker.who.clone());
        let announce = move |request: &Request<'_>| Announcement::new(&who, purpose, request).tell(&report);
        LedgerWallet::new(self.session.clone(), self.asker.clone(), wanted, announce)
    }
}

/// Who asks for a command that only looks, and waits for nobody.
pub(super) fn looker(command: &str, report: &Report) -> Asker {
    asker(Patience::NoWait, false, command, report)
}

fn asker(patience: Patience, idle: bool, command: &str, report: &Report) -> Asker {
    let report = *report;
    // Said of what the device shows when the command starts, not of a question that comes up later.
    let idle = Arc::new(AtomicBool::new(idle));
    let spent = Arc::clone(&idle);
    // The question was announced before, and is put again now.
    let (again, opening) = (AtomicBool::new(false), AtomicBool::new(false));
    Asker {
        who: format!("saltbridge {command}"),
        patience,
        is_idle: Arc::new(move |fault| {
            idle.swap(false, Ordering::SeqCst) || (patience == Patience::Wait && person_says_idle(&report, fault))
        }),
        tell: Arc::new(move |event| {
            // Before there is a device, no other question can come up.
            if !matches!(event, Event::Waiting(Waiting::ForDevice { .. })) {
                spent.store(false, Ordering::SeqCst);
            }
            match event {
                Event::Waiting(waiting) => opening.store(*waiting == Waiting::ForOpening, Ordering::SeqCst),
                Event::Ready(_) => opening.store(false, Ordering::SeqCst),
                Event::Again { asking: true } if !opening.load(Ordering::SeqCst) => {
                    again.store(true, Ordering::SeqCst);
                }
                Event::Asking if !opening.load(Ordering::SeqCst) && again.swap(false, Ordering::SeqCst) => {
                    report.ask("The device asks again: compare the text above, then answer there.");
                }
                _ => {}
            }
            tell(&report, event);
        }),
        // Ctrl-C ends the whole program.
        leave: Leave::never(),
    }
}

/// Asks at the terminal whether a device asks nothing any more. Without one nobody can say so.
fn person_says_idle(report: &Report, fault: &DeviceFault) -> bool {
    if !stdin().is_terminal() {
        return false;
    }
    terminal::enter_was_pressed_after(|| {
        report.ask(&format!("{}.", capitalised(&fault.to_string())));
        report.ask("Look at the device and reject what it still asks. Then press Enter here.");
    })
}

/// Which account the arguments mean.
pub(super) fn wanted(args: &args::Account) -> Result<Wanted, Failure> {
    Ok(Wanted {
        address: args.address.as_deref().map(str::parse).transpose()?,
        path: args.path.as_deref().map(str::parse).transpose()?,
    })
}

/// Who asks for what, and what the device shows, before it does.
pub(super) struct Announcement<'a> {
    who: &'a str,
    verb: String,
    public_key: Option<String>,
    /// Which question of the device it is, from 1: the same message is not shown twice.
    question: usize,
    number: usize,
    requests: usize,
    address: String,
    path: String,
    message: &'a str,
}

impl<'a> Announcement<'a> {
    fn new(who: &'a str, purpose: Purpose, request: &'a Request<'_>) -> Self {
        Self {
            who,
            verb: purpose.verb.to_owned(),
            public_key: purpose.public_key.map(|key| key.to_string()),
            question: request.number,
            number: purpose.first + request.number - 1,
            requests: purpose.requests,
            address: request.account.address.to_string(),
            path: request.account.path.to_string(),
            message: request.message.as_str(),
        }
    }

    /// What a bridge is about to have asked.
    pub(super) fn of(prompt: &'a Prompt) -> Self {
        Self {
            who: &prompt.who,
            verb: format!("to {}", prompt.purpose),
            public_key: prompt.public_key.clone(),
            question: prompt.number,
            number: prompt.number,
            requests: prompt.of,
            address: prompt.address.clone(),
            path: prompt.path.clone(),
            message: &prompt.message,
        }
    }

    pub(super) fn tell(&self, report: &Report) {
        let Self {
            who,
            verb,
            number,
            requests,
            address,
            path,
            ..
        } = self;
        if self.question > 1 {
            report.ask(&format!(
                "Request {number} of {requests}: the same message again, to be sure that the key opens again."
            ));
            return;
        }
        let count = if *requests > 1 {
            format!(", request {number} of {requests}")
        } else {
            String::new()
        };
        report.ask(&format!("{who} asks your Ledger for a signature{count}:"));
        report.ask(&format!("  account    {address} ({path})"));
        match &self.public_key {
            Some(key) => report.ask(&format!("  {verb:<10} the key {key}")),
            None => report.ask(&format!("  {verb:<10} the key in the envelope")),
        }
        report.ask("The device shows:");
        report.ask("  | Review message");
        for line in self.message.split('\n') {
            report.ask(format!("  |   {}", printable_whole(line)).trim_end());
        }
        report.ask("  | Sign message");
        report.ask(APPROVE);
    }
}

const APPROVE: &str = "\
Compare the text, then answer on the device. Nano: right button to the end, both buttons on
\"Sign message\". Stax, Flex, Nano Gen5: swipe to the end, hold \"Hold to sign\".";

/// What happens on the device's side.
pub(super) fn tell(report: &Report, event: &Event) {
    match event {
        Event::Waiting(waiting) => report.ask(&match waiting {
            Waiting::ForDevice { endpoint } if endpoint == "usb" => {
                "Plug in your Ledger and unlock it. Ctrl-C ends this.".to_owned()
            }
            Waiting::ForDevice { endpoint } => format!("Waiting for a device at {endpoint}. Ctrl-C ends this."),
            Waiting::ForAccount { address } => format!(
                "Several Ledgers are plugged in. Waiting for the one that has {address} to be unlocked, its Ethereum app open."
            ),
            Waiting::ForOtherProcess { holder } => {
                format!("Waiting for {holder} to let go of the device. It may be asking you there.")
            }
            Waiting::ForUnlocking => "The device is locked. Waiting for you to enter the PIN on it.".to_owned(),
            Waiting::ForApp => "Waiting for the Ethereum app to be open on the device.".to_owned(),
            Waiting::ForOpening => "The device asks whether to open the Ethereum app: answer there.".to_owned(),
            Waiting::ForReturn => "Waiting for the device to come back.".to_owned(),
        }),
        Event::Ready(app) => report.detail(&format!("the {} app {} is open", app.name, app.version)),
        Event::ClosingApp { name } => report.ask(&format!("Closing the {name} app on the device.")),
        Event::OthersListen { programs } => report.ask(&format!(
            "Warning: {} has the device open, too, and can read what it answers: the signature is the key. Close it if you do \
             not trust it.",
            programs.join(", ")
        )),
        Event::Again { asking: true } => {
            report.ask("The device went away while it was asking you.");
        }
        Event::Again { asking: false } => report.ask("The device went away."),
        Event::Searching { address } => report.say(&format!("Looking for the path of {address} ...")),
        Event::Asking => process::device_asks(),
        Event::Answered => process::device_was_answered(),
    }
}

/// With a capital letter, for a sentence on its own.
pub(super) fn capitalised(sentence: &str) -> String {
    let mut chars = sentence.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
