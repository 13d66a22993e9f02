//! Where a device is reached: `usb`, `usb:PORT`, `speculos://HOST:PORT`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use crate::fault::{Class, Explanation, Fault};
use crate::text::printable;

const SPECULOS: &str = "speculos://";

/// Where a device is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// A device on a cable: the one there is, or the one at this port.
    #[default]
    Usb,
    /// An emulator that speaks Speculos's protocol, on this machine.
    Speculos(SocketAddr),
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usb => f.write_str("usb"),
            Self::Speculos(address) => write!(f, "{SPECULOS}{address}"),
        }
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        if text == "usb" {
            return Ok(Self::Usb);
        }
        let unknown = || EndpointError::Unknown { text: printable(text) };
        let address = text.strip_prefix(SPECULOS).ok_or_else(unknown)?;
        let address = address.strip_suffix('/').unwrap_or(address);
        let address = match address.strip_prefix("localhost:") {
            Some(port) => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port.parse().map_err(|_| unknown())?),
            None => address.parse().map_err(|_| unknown())?,
        };
        if !address.ip().is_loopback() {
            return Err(EndpointError::NotLoopback { address });
        }
        Ok(Self::Speculos(address))
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
    #[error("{address} is not on this machine, and the connection to an emulator is not encrypted")]
    NotLoopback {
        /// Where it would be.
        address: SocketAddr,
    },
}

impl Fault for EndpointError {
    fn explain(&self) -> Explanation {
        Explanation::new(
            "bad-device",
            Class::Usage,
            "give speculos://127.0.0.1:9999, with the port at which the emulator listens on this machine",
        )
    }
}
