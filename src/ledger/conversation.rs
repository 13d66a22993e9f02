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

use super::apdu::{self, AppInfo};
use super::claim::Claim;
use super::endpoint::Endpoint;
use super::fault::DeviceFault;
use super::link::{Answer, Link, LinkError};
use super::speculos::SpeculosLink;
use super::status::Cause;
use crate::ethereum::{Address, DerivationPath, Signature};

/// How long an answer may take that needs no person. A real device takes 2 ms for the app's name and 80 ms for an
/// address (measured behind a real kernel); the rest is for loaded machines.
const DEADLINE: Duration = Duration::from_secs(10);

/// How often it is looked whether what is waited for has come.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// How long the link may be away after an app was opened or closed: Ledger's devices take up to 6 s.
const REENUMERATION: Duration = Duration::from_secs(10);

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
    /// A person says that the device asks nothing, although a process ended while it did.
    pub device_is_idle: bool,
    /// Is told what happens. Called on the device's thread, which waits meanwhile.
    pub tell: Arc<dyn Fn(&Event) + Send + Sync>,
}

/// A conversation. While there is one, no other process talks to the device.
pub struct Conversation<'a> {
    endpoint: &'a Endpoint,
    asker: &'a Asker,
    claim: Claim,
    link: Option<Box<dyn Link>>,
    /// What the person was told last that is waited for.
    told: Option<Waiting>,
}

impl<'a> Conversation<'a> {
    /// Takes the device for this process.
    pub(super) fn begin(endpoint: &'a Endpoint, asker: &'a Asker) -> Result<Self, DeviceFault> {
        let mut told = None;
        let claim = loop {
            match Claim::take(endpoint, &asker.who, asker.device_is_idle) {
                Err(DeviceFault::Busy { holder }) if asker.patience == Patience::Wait => {
                    tell(asker, &mut told, Waiting::ForOtherProcess { holder });
                    std::thread::sleep(LOOK_AGAIN);
                }
                claim => break claim?,
            }
        };
        Ok(Self {
            endpoint,
            asker,
            claim,
            link: None,
            told,
        })
    }

    /// Which app runs, asked once, without waiting.
    ///
    /// # Errors
    /// [`DeviceFault`].
    pub fn app_info(&mut self) -> Result<AppInfo, DeviceFault> {
        let answer = self.exchange(apdu::app_info(), Some(DEADLINE))?;
        let data = accepted(&answer, None, "the name of the app")?;
        AppInfo::parse(data).ok_or(DeviceFault::UnexpectedAnswer {
            what: "no name of an app",
        })
    }

    /// Waits, if the asker does, until the Ethereum app is open on an unlocked device, and opens it where the firmware
    /// can, the person agreeing.
    ///
    /// # Errors
    /// [`DeviceFault`]: the state that was found, if it is not waited for.
    pub fn ready(&mut self) -> Result<AppInfo, DeviceFault> {
        // Since when the link may be away because the device opens or closes an app.
        let mut away = None;
        loop {
            let fault = match self.app_info() {
                Ok(info) if info.is_ethereum() => {
                    (self.asker.tell)(&Event::Ready(info.clone()));
                    return Ok(info);
                }
                Ok(info) if info.is_dashboard() => DeviceFault::AppNotOpen,
                Ok(info) => DeviceFault::OtherApp { name: info.name },
                Err(fault) => fault,
            };
            let returns = away.is_some_and(|since: Instant| since.elapsed() < REENUMERATION);
            let waiting = match &fault {
                DeviceFault::NoDevice { .. } | DeviceFault::LinkLost { .. } if returns => Waiting::ForReturn,
                _ if self.asker.patience == Patience::NoWait => return Err(fault),
                DeviceFault::NoDevice { .. } | DeviceFault::LinkLost { .. } => Waiting::ForDevice {
                    endpoint: self.endpoint.to_string(),
                },
                DeviceFault::Locked => Waiting::ForUnlocking,
                DeviceFault::OtherApp { name } => {
                    (self.asker.tell)(&Event::ClosingApp { name: name.clone() });
                    let answer = self.exchange(apdu::close_app(), Some(DEADLINE))?;
                    // An app that does not know the command is closed by the person.
                    if Cause::of(answer.status).is_none() {
                        self.link = None;
                        away = Some(Instant::now());
                    }
                    Waiting::ForApp
                }
                DeviceFault::AppNotOpen => {
                    if self.open_ethereum()? {
                        away = Some(Instant::now());
                    }
                    Waiting::ForApp
                }
                _ => return Err(fault),
            };
            tell(self.asker, &mut self.told, waiting);
            std::thread::sleep(LOOK_AGAIN);
        }
    }

    /// Asks the dashboard to open the app, which asks the person. Whether it does; firmware that cannot leaves it to
    /// the person.
    fn open_ethereum(&mut self) -> Result<bool, DeviceFault> {
        tell(self.asker, &mut self.told, Waiting::ForOpening);
        let answer = self.asking(apdu::open_ethereum())?;
        match Cause::of(answer.status) {
            None => {
                self.link = None;
                Ok(true)
            }
            // Locked meanwhile, or too old to open apps: what is needed is told by the next look.
            Some(Cause::AppNotOpen | Cause::Locked) => Ok(false),
            Some(_) => accepted(&answer, None, "to open the Ethereum app").map(|_| true),
        }
    }

    /// The address of a path, without asking the person.
    ///
    /// # Errors
    /// [`DeviceFault`].
    pub fn address(&mut self, path: &DerivationPath) -> Result<Address, DeviceFault> {
        let answer = self.exchange(apdu::address(path, false), Some(DEADLINE))?;
        address_in(accepted(&answer, Some(path), "the address")?)
    }

    /// The address of a path, shown on the device, where the person compares it and confirms.
    ///
    /// # Errors
    /// [`DeviceFault`].
    pub fn confirmed_address(&mut self, path: &DerivationPath) -> Result<Address, DeviceFault> {
        let answer = self.asking(apdu::address(path, true))?;
        address_in(accepted(&answer, Some(path), "the address")?)
    }

    /// Signs a message with the key of a path, as `personal_sign` does (EIP-191), if the path has this address and the
    /// person approves. RFC 6979 and low s, v 1b or 1c.
    ///
    /// # Errors
    /// [`DeviceFault`].
    pub fn personal_sign(
        &mut self,
        path: &DerivationPath,
        address: Address,
        message: &[u8],
    ) -> Result<Signature, DeviceFault> {
        let found = self.address(path)?;
        if found != address {
            return Err(DeviceFault::WrongAccount {
                expected: address,
                found,
                path: path.clone(),
            });
        }
        let commands = apdu::personal_message(path, message).map_err(|_| DeviceFault::MessageTooBig)?;
        let what = "to sign the message";
        let mut commands = commands.into_iter().peekable();
        while let Some(command) = commands.next() {
            if commands.peek().is_some() {
                accepted(&self.exchange(Ok(command), Some(DEADLINE))?, Some(path), what)?;
                continue;
            }
            let answer = self.asking(Ok(command))?;
            let data = accepted(&answer, Some(path), what)?;
            // Not the length of a signature: the answer to another program's command, which came in between.
            return apdu::parse_signature(data).ok_or(DeviceFault::UnexpectedAnswer { what: "no signature" });
        }
        Err(DeviceFault::MessageTooBig)
    }

    /// Sends a command that makes the device ask the person. It is noted for other processes before, and the person
    /// may take his time.
    fn asking(&mut self, command: Result<ApduCommand, LedgerError>) -> Result<Answer, DeviceFault> {
        self.claim.asking(true)?;
        (self.asker.tell)(&Event::Asking);
        let answer = self.exchange(command, None).map_err(|fault| match fault {
            DeviceFault::LinkLost { .. } => DeviceFault::LinkLost { asking: true },
            other => other,
        });
        // Where the link is lost, the question is gone with it.
        let noted = self.claim.asking(false);
        (self.asker.tell)(&Event::Answered);
        noted.and(answer)
    }

    fn exchange(
        &mut self,
        command: Result<ApduCommand, LedgerError>,
        deadline: Option<Duration>,
    ) -> Result<Answer, DeviceFault> {
        let command = command.map_err(|_| DeviceFault::MessageTooBig)?;
        let mut link = match self.link.take() {
            Some(link) => link,
            None => open(self.endpoint)?,
        };
        match link.exchange(command, deadline) {
            Ok(answer) => {
                self.link = Some(link);
                Ok(answer)
            }
            // It is not used again: what comes late would be taken for the answer to something else.
            Err(LinkError::Silent(_)) => Err(DeviceFault::Silent),
            Err(LinkError::Absent(_) | LinkError::Lost(_)) => Err(DeviceFault::LinkLost { asking: false }),
        }
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

/// Tells what is waited for, once.
fn tell(asker: &Asker, told: &mut Option<Waiting>, waiting: Waiting) {
    if told.as_ref() != Some(&waiting) {
        (asker.tell)(&Event::Waiting(waiting.clone()));
        *told = Some(waiting);
    }
}

/// The data of an answer, unless its status word says that it was not done.
fn accepted<'b>(
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
