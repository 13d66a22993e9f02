//! Where a device is reached: `usb`, `usb:PORT` or `speculos://HOST:PORT`.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;

use crate::fault::{Class, Explanation, Fault};
use crate::text::printable;

use super::usb::{Port, UsbDevice};

const SPECULOS: &str = "speculos://";
const USB: &str = "usb";
#[cfg(feature = "zondax-hid")]
const ZONDAX_HID: &str = "zondax-hid";

/// Where a device is reached.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// A device on a cable: the one at this port, or the only one.
    Usb(Option<Port>),
    /// The same, by ledger-transport-hid: another implementation of the framing, to compare ours with.
    #[cfg(feature = "zondax-hid")]
    ZondaxHid(Option<Port>),
    /// An emulator that speaks Speculos's protocol, on this machine.
    Speculos(SocketAddr),
}

impl Default for Endpoint {
    fn default() -> Self {
        Self::Usb(None)
    }
}

impl Endpoint {
    /// The same kind of endpoint, at this port. An emulator has none.
    #[must_use]
    pub fn at(&self, port: Port) -> Self {
        match self {
            Self::Usb(_) => Self::Usb(Some(port)),
            #[cfg(feature = "zondax-hid")]
            Self::ZondaxHid(_) => Self::ZondaxHid(Some(port)),
            Self::Speculos(address) => Self::Speculos(*address),
        }
    }

    /// Whether it is a device on a cable.
    pub fn is_usb(&self) -> bool {
        !matches!(self, Self::Speculos(_))
    }

    /// The port that is named, if it is on a cable and one is.
    pub fn port(&self) -> Option<&Port> {
        match self {
            Self::Usb(port) => port.as_ref(),
            #[cfg(feature = "zondax-hid")]
            Self::ZondaxHid(port) => port.as_ref(),
            Self::Speculos(_) => None,
        }
    }

    /// Whether a device on a cable is one that it means.
    pub fn means(&self, device: &UsbDevice) -> bool {
        self.is_usb() && self.port().is_none_or(|port| *port == device.port)
    }

    /// What the lock of the device is called: the same for one device, however it is reached.
    pub(super) fn lock_name(&self) -> String {
        let name = match self.port() {
            Some(port) => format!("{USB}:{port}"),
            None => self.to_string(),
        };
        name.replace(|c: char| !c.is_ascii_alphanumeric() && c != '.', "-")
    }

    /// The port of the device whose lock has this name as a file, if it is on a cable.
    pub(super) fn port_of_lock(name: &str) -> Option<Port> {
        let port = name.strip_prefix(USB)?.strip_prefix('-')?.strip_suffix(".lock")?;
        port.parse().ok()
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usb(port) => on_cable(f, USB, port.as_ref()),
            #[cfg(feature = "zondax-hid")]
            Self::ZondaxHid(port) => on_cable(f, ZONDAX_HID, port.as_ref()),
            Self::Speculos(address) => write!(f, "{SPECULOS}{address}"),
        }
    }
}

fn on_cable(f: &mut fmt::Formatter<'_>, kind: &str, port: Option<&Port>) -> fmt::Result {
    match port {
        Some(port) => write!(f, "{kind}:{port}"),
        None => f.write_str(kind),
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let unknown = || EndpointError::Unknown { text: printable(text) };
        let port_after = |kind| match text.strip_prefix(kind)? {
            "" => Some(Ok(None)),
            port => Some(port.strip_prefix(':')?.parse().map(Some).map_err(|()| unknown())),
        };
        if let Some(port) = port_after(USB) {
            return Ok(Self::Usb(port?));
        }
        #[cfg(feature = "zondax-hid")]
        if let Some(port) = port_after(ZONDAX_HID) {
            return Ok(Self::ZondaxHid(port?));
        }
        let address = text.strip_prefix(SPECULOS).ok_or_else(unknown)?;
        let address = address.strip_suffix('/').unwrap_or(address);
        // The one name that is looked up nowhere (RFC 6761, section 6.3).
        let by_number = match address.strip_prefix("localhost:") {
            Some(port) => format!("{}:{port}", Ipv4Addr::LOCALHOST),
            None => address.to_owned(),
        };
        let elsewhere = || EndpointError::NotLoopback {
            address: printable(address),
        };
        let has_port = |(_, port): (_, &str)| port.parse::<u16>().is_ok();
        match by_number.parse::<SocketAddr>() {
            Ok(address) if address.port() == 0 => Err(unknown()),
            Ok(address) if address.ip().is_loopback() => Ok(Self::Speculos(address)),
            Err(_) if !address.rsplit_once(':').is_some_and(has_port) => Err(unknown()),
            Ok(_) | Err(_) => Err(elsewhere()),
        }
    }
}

/// Why a text names no device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Neither of the known forms.
    #[error("\"{text}\" names no device")]
    Unknown {
        /// The text, made printable.
        text: String,
    },
    /// An emulator on another machine: the connection is not encrypted, and the signature is the key.
    #[error("{address} is not a loopback address, and the connection to an emulator is not encrypted")]
    NotLoopback {
        /// Where it would be, made printable.
        address: String,
    },
}

impl Fault for EndpointError {
    fn explain(&self) -> Explanation {
        Explanation::new(
            "bad-device",
            Class::Usage,
            "give usb for the Ledger that is plugged in, usb:PORT for one of several (saltbridge devices shows the ports), or \
             speculos://127.0.0.1:9999, with the port at which an emulator listens on this machine",
        )
    }
}
