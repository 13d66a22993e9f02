//! What can go wrong with a device: one cause, one remedy.

use std::path::PathBuf;

use crate::ethereum::{Address, DerivationPath};
use crate::fault::{Class, Explanation, Fault};
use crate::text::printable_path;

use super::link::LinkError;
use super::status::Cause;
use super::usb::Port;

/// Why a device did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceFault {
    /// No Ledger is plugged in, or none at the port that was named.
    #[error("no Ledger is plugged in{}", port.as_ref().map(|port| format!(" at usb:{port}")).unwrap_or_default())]
    NotPluggedIn {
        /// The port.
        port: Option<Port>,
    },
    /// More than one is plugged in, and nothing tells which is meant.
    #[error("several Ledgers are plugged in: {}", list_of(ports))]
    SeveralDevices {
        /// Where they are.
        ports: Vec<Port>,
    },
    /// The user may not use the node.
    #[error("you have no permission to use the Ledger ({})", printable_path(node))]
    NoPermission {
        /// The node.
        node: PathBuf,
    },
    /// The system does not open the node, whoever asks.
    #[error("{} cannot be opened: {reason}", printable_path(node))]
    CannotOpen {
        /// The node.
        node: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The system cannot list devices.
    #[error("USB devices cannot be listed: {reason}")]
    UsbUnavailable {
        /// What the system said.
        reason: String,
    },
    /// Nobody is at the endpoint.
    #[error("no device at {endpoint}: {reason}")]
    NoDevice {
        /// Where it was looked for.
        endpoint: String,
        /// What the system said.
        reason: String,
    },
    /// The connection closed.
    #[error("the link to the device closed{}", if *asking { " while it was asking you; no answer came" } else { "" })]
    LinkLost {
        /// Whether the device was asking the person something.
        asking: bool,
    },
    /// The device did not answer in time.
    #[error("the device does not answer")]
    Silent,
    /// Locked or asleep.
    #[error("the device is locked")]
    Locked,
    /// The dashboard is open, or an app whose name it does not tell.
    #[error("the Ethereum app is not open on the device")]
    AppNotOpen,
    /// Another app is open.
    #[error("the device has the {name} app open, not Ethereum")]
    OtherApp {
        /// Its name.
        name: String,
    },
    /// There is no Ethereum app on the device.
    #[error("the Ethereum app is not installed on the device")]
    AppNotInstalled,
    /// The person refused.
    #[error("the request {what} was refused on the device")]
    Refused {
        /// What was asked.
        what: &'static str,
    },
    /// The device refused so fast that no person can have done it.
    #[error("the device refused at once, without asking you")]
    RefusedUnasked,
    /// The app may not use the path.
    #[error("the Ethereum app may not use the path {path}")]
    PathNotAllowed {
        /// The path.
        path: DerivationPath,
    },
    /// The path gives another address than the expected one.
    #[error("the device has {found} at {path}, not {expected}")]
    WrongAccount {
        /// The address that was asked for.
        expected: Address,
        /// The address at the path.
        found: Address,
        /// The path.
        path: DerivationPath,
    },
    /// No usual path gives the address.
    #[error("the device has no account {expected} at the usual paths")]
    AccountNotFound {
        /// The address that was asked for.
        expected: Address,
    },
    /// The app calls the command nonsense.
    #[error("the device refuses the command as invalid (status word {status:04x})")]
    InvalidCommand {
        /// The status word.
        status: u16,
    },
    /// The message does not fit.
    #[error("the message is too long for the device")]
    MessageTooBig,
    /// The Ethereum app is too old.
    #[error("the Ethereum app on the device is too old")]
    AppTooOld,
    /// No PIN, no seed, or in recovery mode.
    #[error("the device is not set up")]
    NotSetUp,
    /// The device has a fault.
    #[error("the device reports a fault of its own (status word {status:04x})")]
    OwnFault {
        /// The status word.
        status: u16,
    },
    /// A status word without a known meaning.
    #[error("the device answers with the unknown status word {status:04x}")]
    UnknownStatus {
        /// The status word.
        status: u16,
    },
    /// An answer that is none to the command.
    #[error("the device's answer makes no sense: {what}")]
    UnexpectedAnswer {
        /// What was expected.
        what: &'static str,
    },
    /// Another program talked to the device at the same time.
    #[error("another program talked to the device at the same time, and may have got the answer")]
    Disturbed,
    /// Another process talks to the device.
    #[error("the device is used by {holder}")]
    Busy {
        /// Who, as far as it is known.
        holder: String,
    },
    /// A process ended, or lost the link, while the device was asking for it; the question may still be on the screen.
    #[error(
        "{holder} lost the link or ended while the device was asking; the question may still be on its screen ({device})"
    )]
    PromptPending {
        /// Who had asked.
        holder: String,
        /// Which device.
        device: String,
    },
    /// The lock that keeps two processes from one device cannot be made.
    #[error("the lock of the device cannot be made: {reason}")]
    NoLock {
        /// What the system said.
        reason: String,
    },
    /// Nobody waits for the answer any more, and the device was asked no further.
    #[error("who asked has left")]
    AskerLeft,
    /// The owner of the device in this process is gone.
    #[error("the session with the device has ended")]
    SessionEnded,
}

fn list_of(ports: &[Port]) -> String {
    let named: Vec<_> = ports.iter().map(|port| format!("usb:{port}")).collect();
    named.join(", ")
}

impl DeviceFault {
    /// The fault behind an exchange that came to no answer.
    pub(super) fn of_link(error: &LinkError) -> Self {
        match error {
            LinkError::Silent(_) => Self::Silent,
            LinkError::Absent(_) | LinkError::Lost(_) => Self::LinkLost { asking: false },
            LinkError::Disturbed => Self::Disturbed,
            LinkError::OtherProtocol(_) => Self::UnexpectedAnswer {
                what: "it does not speak the protocol of a Ledger",
            },
        }
    }

    /// Whether it is a state that a person or another program brings to its end.
    pub(super) fn may_pass(&self) -> bool {
        self.is_absence() || matches!(self, Self::Locked | Self::AppNotOpen | Self::OtherApp { .. } | Self::Busy { .. })
    }

    /// Whether nobody is there, now or any more.
    pub(super) fn is_absence(&self) -> bool {
        matches!(self, Self::NoDevice { .. } | Self::NotPluggedIn { .. } | Self::LinkLost { .. })
    }

    /// The fault behind a status word; `path` and `what` are what the command was about.
    pub(super) fn of_status(cause: Cause, status: u16, path: Option<&DerivationPath>, what: &'static str) -> Self {
        match (cause, path) {
            (Cause::Refused, _) => Self::Refused { what },
            (Cause::Locked, _) => Self::Locked,
            (Cause::AppNotOpen, _) => Self::AppNotOpen,
            (Cause::AppNotInstalled, _) => Self::AppNotInstalled,
            (Cause::PathNotAllowed, Some(path)) => Self::PathNotAllowed { path: path.clone() },
            (Cause::InvalidCommand | Cause::PathNotAllowed, _) => Self::InvalidCommand { status },
            (Cause::MessageTooBig, _) => Self::MessageTooBig,
            (Cause::AppTooOld, _) => Self::AppTooOld,
            (Cause::NotSetUp, _) => Self::NotSetUp,
            (Cause::DeviceFault, _) => Self::OwnFault { status },
            (Cause::Unknown, _) => Self::UnknownStatus { status },
        }
    }
}

impl Fault for DeviceFault {
    fn explain(&self) -> Explanation {
        let device = |code, help| Explanation::new(code, Class::Device, help);
        let opens_not = |code, help| Explanation::new(code, Class::DoesNotOpen, help);
        match self {
            Self::NotPluggedIn { .. } => device(
                "not-plugged-in",
                "plug it in with a cable that carries data and unlock it; saltbridge doctor tells why one that is plugged in \
                 is not seen",
            ),
            Self::SeveralDevices { .. } => device(
                "several-devices",
                "name one with --device usb:PORT (saltbridge devices shows what each is), or name the account with --address \
                 and the one that has it is found",
            ),
            Self::NoPermission { .. } => device(
                "no-permission",
                "a udev rule is missing, or you are not at this machine's screen: saltbridge doctor tells which, and the \
                 commands that mend it",
            ),
            Self::CannotOpen { .. } => device(
                "cannot-open-device",
                "plug the device out and in; in a container its node must be handed in: saltbridge doctor tells how",
            ),
            Self::UsbUnavailable { .. } => Explanation::new(
                "usb-unavailable",
                Class::System,
                "see that /sys is mounted and that libudev works; saltbridge doctor tells more about this machine",
            ),
            Self::NoDevice { .. } => device(
                "no-device",
                "start the emulator (saltbridge emulate, or Speculos), or give the address at which it listens with --device",
            ),
            Self::LinkLost { .. } => {
                device("link-lost", "see that the device is on and connected, then run the command again")
            }
            Self::Silent => device("no-answer", "unplug the device and plug it in again, or restart the emulator"),
            Self::Locked => device("device-locked", "unlock the device with its PIN, then run the command again"),
            Self::AppNotOpen => device("app-not-open", "unlock the device, then open the Ethereum app"),
            Self::OtherApp { .. } => device("other-app", "close that app and open the Ethereum app"),
            Self::AppNotInstalled => device("app-not-installed", "install the Ethereum app with Ledger's own software"),
            Self::Refused { .. } => Explanation::new(
                "refused",
                Class::Declined,
                "run the command again and approve, if that is what you want",
            ),
            Self::RefusedUnasked => {
                device("refused-unasked", "run the command again; if it stays, unplug the device and plug it in again")
            }
            Self::PathNotAllowed { .. } => {
                opens_not("path-not-allowed", "choose an Ethereum path, one that begins with m/44'/60'")
            }
            Self::WrongAccount { .. } => opens_not(
                "wrong-account",
                "leave out --path to have the path found, or choose the path of that account; with another device or \
                 passphrase the accounts are others",
            ),
            Self::AccountNotFound { .. } => opens_not(
                "account-not-found",
                "Ledger Live's, BIP-44's and the legacy paths were tried, 20 accounts each. Give the path with --path; with \
                 another device or passphrase the accounts are others",
            ),
            Self::InvalidCommand { .. } => device(
                "invalid-command",
                "an earlier question may have been on the screen: run the command again. If it stays, update the Ethereum app, \
                 then report it",
            ),
            Self::MessageTooBig => {
                device("message-too-big", "no message of NumerBay's or ours is that long; look at what you sign")
            }
            Self::AppTooOld => device("app-too-old", "update the Ethereum app with Ledger's own software"),
            Self::NotSetUp => device("device-not-set-up", "finish setting the device up: a PIN and a recovery phrase"),
            Self::OwnFault { .. } => device("device-fault", "unplug the device, plug it in again and unlock it"),
            Self::UnknownStatus { .. } => device(
                "unknown-status",
                "unplug the device, plug it in again and open the Ethereum app; if it stays, report the status word",
            ),
            Self::UnexpectedAnswer { .. } => device(
                "unexpected-answer",
                "close other programs that use the device; if it is an emulator, give the port for commands (9999), not that of \
                 its web page (5000)",
            ),
            Self::Disturbed => device(
                "device-disturbed",
                "close the other program, a wallet or a web page perhaps; reject what the device still asks, then run the \
                 command again",
            ),
            Self::Busy { .. } => {
                device("device-busy", "it may be asking you something on the device: answer there, or end it")
            }
            Self::PromptPending { .. } => device(
                "prompt-pending",
                "look at the device and reject what it still asks; once its screen shows no question, run again with --device-idle",
            ),
            Self::NoLock { .. } => Explanation::new(
                "no-lock",
                Class::System,
                "it lies in a folder of your own: make the one that is named yours and writable for you alone",
            ),
            Self::AskerLeft => {
                device("asker-left", "the device asks nothing for it any more: ask again, if it is still wanted")
            }
            Self::SessionEnded => device("session-ended", "run the command again; if it stays, report it"),
        }
    }
}
