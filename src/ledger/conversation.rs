//! One conversation with one device, from the greeting to the last answer.
//!
//! The rules, and where they come from (recordings of app 1.22.0):
//! - A second command while a review is on the screen spoils the answer or ends the app, so each command waits for the
//!   answer to the one before, and another process is kept out by the lock.
//! - The app that is open and whether the device is locked are asked first: several status words mean either.
//! - GET ADDRESS comes before a signature: it refuses a path that the app may not use, where signing would end the app
//!   at the person's approval; it clears a message left half-sent; and it shows that the account is the right one.

use std::sync::Arc;
use std::time::Duration;

use coins_ledger::common::ApduCommand;
use coins_ledger::errors::LedgerError;

use super::accounts::Account;
use super::apdu::{self, AppInfo};
use super::claim::{Barred, Claim};
use super::endpoint::Endpoint;
use super::fault::DeviceFault;
use super::link::{Answer, Link, LinkError};
use super::speculos::SpeculosLink;
use super::status::Cause;
use crate::ethereum::{Address, DerivationPath, Signature, personal_message_hash};

/// How long an answer may take that needs no person. A real device takes 2 ms for the app's name and 80 ms for an
/// address (measured behind a real kernel); the rest is for loaded machines.
pub(super) const DEADLINE: Duration = Duration::from_secs(10);

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
}

/// A conversation. While there is one, no other saltbridge of the same user talks to the device.
pub struct Conversation<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) asker: &'a Asker,
    claim: Claim,
    pub(super) link: &'a mut Option<Box<dyn Link>>,
    /// What the person was told last that is waited for.
    told: Option<Waiting>,
}

impl<'a> Conversation<'a> {
    /// Takes the device for this process. `link` is what the last conversation left, if it is still needed.
    pub(super) fn begin(
        endpoint: &'a Endpoint,
        asker: &'a Asker,
        link: &'a mut Option<Box<dyn Link>>,
    ) -> Result<Self, DeviceFault> {
        let (mut told, mut settled) = (None, None);
        let claim = loop {
            match Claim::take(endpoint, &asker.who, settled.as_ref()) {
                Ok(claim) => break claim,
                Err(Barred::Busy { holder }) if asker.patience == Patience::Wait => {
                    tell(asker, &mut told, Waiting::ForOtherProcess { holder });
                    std::thread::sleep(LOOK_AGAIN);
                }
                Err(Barred::Busy { holder }) => return Err(DeviceFault::Busy { holder }),
                Err(Barred::NoLock { reason }) => return Err(DeviceFault::NoLock { reason }),
                Err(Barred::Pending { holder, note }) => {
                    let fault = DeviceFault::PromptPending { holder };
                    // Said of this question. Another one that comes meanwhile is asked about anew.
                    if !(asker.is_idle)(&fault) {
                        return Err(fault);
                    }
                    settled = Some(note);
                }
            }
        };
        Ok(Self {
            endpoint,
            asker,
            claim,
            link,
            told,
        })
    }

    /// Which app runs, asked once, without waiting.
    ///
    /// # Errors
    /// [`DeviceFault`].
    pub fn app_info(&mut self) -> Result<AppInfo, DeviceFault> {
        let answer = self.exchange(apdu::app_info(), Some(DEADLINE))?;
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
        let answer = self.exchange(apdu::address(path, false), Some(DEADLINE))?;
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
            accepted(&self.exchange(Ok(*command), Some(DEADLINE))?, Some(path), what)?;
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
        tell(self.asker, &mut self.told, waiting);
    }

    /// Sends a command that makes the device ask the person. It is noted for other processes before, and the person
    /// may take his time. `understood` tells whether the data of a success is an answer to that question.
    ///
    /// The note goes when the question does: with an answer to it, or when the device closes the link, as Speculos does
    /// when the app ends. It stays where something else came, which may be the answer to another program's command.
    pub(super) fn asking(
        &mut self,
        command: Result<ApduCommand, LedgerError>,
        understood: impl FnOnce(&[u8]) -> bool,
    ) -> Result<Answer, DeviceFault> {
        // Nothing is asked before there is a link, and the person is told so only then.
        self.connect()?;
        let no_lock = |error: std::io::Error| DeviceFault::NoLock {
            reason: error.to_string(),
        };
        self.claim.note(true).map_err(no_lock)?;
        (self.asker.tell)(&Event::Asking);
        let answer = self.exchange(command, None).map_err(|fault| match fault {
            DeviceFault::LinkLost { .. } => DeviceFault::LinkLost { asking: true },
            other => other,
        });
        let is_over = match &answer {
            Ok(answer) => Cause::of(answer.status).is_some() || understood(&answer.data),
            Err(fault) => matches!(fault, DeviceFault::LinkLost { .. }),
        };
        let noted = if is_over {
            self.claim.note(false).map_err(no_lock)
        } else {
            Ok(())
        };
        (self.asker.tell)(&Event::Answered);
        noted.and(answer)
    }

    /// Opens the link, if there is none.
    fn connect(&mut self) -> Result<&mut Box<dyn Link>, DeviceFault> {
        match &mut self.link {
            Some(link) => Ok(link),
            none => Ok(none.insert(open(self.endpoint)?)),
        }
    }

    pub(super) fn exchange(
        &mut self,
        command: Result<ApduCommand, LedgerError>,
        deadline: Option<Duration>,
    ) -> Result<Answer, DeviceFault> {
        let command = command.map_err(|_| DeviceFault::MessageTooBig)?;
        let exchanged = self.connect()?.exchange(command, deadline);
        exchanged.map_err(|error| match error {
            // The link is kept: it knows the late answer.
            LinkError::Silent(_) => DeviceFault::Silent,
            LinkError::Absent(_) | LinkError::Lost(_) => {
                *self.link = None;
                DeviceFault::LinkLost { asking: false }
            }
            LinkError::OtherProtocol(_) => {
                *self.link = None;
                DeviceFault::UnexpectedAnswer {
                    what: "it does not speak the protocol of a Ledger",
                }
            }
        })
    }
}

fn open(endpoint: &Endpoint) -> Result<Box<dyn Link>, DeviceFault> {
    let opened = match endpoint {
        Endpoint::Usb => return Err(DeviceFault::UsbNotSupported),
        Endpoint::Speculos(address) => SpeculosLink::open(*address),
    };
    match opened {
        Ok(link) => Ok(Box::new(link)),
        Err(LinkError::Silent(_)) => Err(DeviceFault::Silent),
        Err(error) => Err(DeviceFault::NoDevice {
            endpoint: endpoint.to_string(),
            reason: error.to_string(),
        }),
    }
}

/// Tells what is waited for, unless that was told last.
fn tell(asker: &Asker, told: &mut Option<Waiting>, waiting: Waiting) {
    if told.as_ref() != Some(&waiting) {
        (asker.tell)(&Event::Waiting(waiting.clone()));
        *told = Some(waiting);
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
