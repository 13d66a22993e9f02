//! Where a device is reached: `usb` or `speculos://HOST:PORT`.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;

use crate::fault::{Class, Explanation, Fault};
use crate::text::printable;

const SPECULOS: &str = "speculos://";

/// Where a device is reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// A device on a cable.
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
            "give speculos://127.0.0.1:9999, with the port at which the emulator listens on this machine",
        )
    }
}
