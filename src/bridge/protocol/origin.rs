//! Origins: who a page is, to a browser. Compared as tuples of scheme, host and port, never as pieces of text.
//!
//! A browser says it in one spelling, and a header in any other is refused ([`Origin::from_header`]). A person may type
//! upper case, the default port and a slash at the end, which mean the same ([`FromStr`]); anything else that is not an
//! origin is refused, not repaired.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use http::HeaderValue;
use serde::{Deserialize, Serialize};

use crate::fault::{Class, Explanation, Fault};
use crate::text::printable;

/// Scheme, host and port of a page; shown as browsers write it in `Origin` (RFC 6454, section 6.2).
///
/// https from anywhere; http from this computer alone (`127.0.0.1`, `[::1]`, `localhost`); and browser extensions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin {
    scheme: Scheme,
    host: String,
    /// The true port, the default one too; None for extensions, which have none.
    port: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Scheme {
    Https,
    Http,
    ChromeExtension,
    MozExtension,
    SafariWebExtension,
}

impl Scheme {
    const ALL: [Self; 5] =
        [Self::Https, Self::Http, Self::ChromeExtension, Self::MozExtension, Self::SafariWebExtension];

    const fn name(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
            Self::ChromeExtension => "chrome-extension",
            Self::MozExtension => "moz-extension",
            Self::SafariWebExtension => "safari-web-extension",
        }
    }

    const fn default_port(self) -> Option<u16> {
        match self {
            Self::Https => Some(443),
            Self::Http => Some(80),
            _ => None,
        }
    }
}

impl Origin {
    /// The origin in a header that a browser sent. It stands there in its one spelling: lower case, without the default
    /// port, path, user, or a dot or slash at the end.
    ///
    /// # Errors
    /// [`OriginError`], for `null` too.
    pub fn from_header(value: &HeaderValue) -> Result<Self, OriginError> {
        let text = value.to_str().map_err(|_| OriginError::NotAscii)?;
        let origin: Self = text.parse()?;
        let canonical = origin.to_string();
        match canonical == text {
            true => Ok(origin),
            false => Err(OriginError::Spelling { canonical }),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.name(), self.host)?;
        match self.port {
            Some(port) if self.port != self.scheme.default_port() => write!(f, ":{port}"),
            _ => Ok(()),
        }
    }
}

/// Parses what a person types: an origin in any case, with the default port or without it, a slash at the end or none.
impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        if text.eq_ignore_ascii_case("null") {
            return Err(OriginError::Opaque);
        }
        let (scheme, rest) = text.split_once("://").ok_or(OriginError::NoScheme)?;
        let known = Scheme::ALL
            .into_iter()
            .find(|known| scheme.eq_ignore_ascii_case(known.name()));
        let scheme = known.ok_or_else(|| OriginError::Scheme {
            shown: printable(scheme),
        })?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#', '\\']) {
            return Err(OriginError::Path);
        }
        if rest.contains('@') {
            return Err(OriginError::User);
        }
        if !rest.is_ascii() {
            return Err(OriginError::NotAscii);
        }
        let Some(default_port) = scheme.default_port() else {
            let host = extension(scheme, rest).ok_or(OriginError::Extension)?;
            return Ok(Self {
                scheme,
                host,
                port: None,
            });
        };
        // The colons inside of brackets are an address's own.
        let end = rest.rfind(']').map_or(0, |bracket| bracket + 1);
        let (host, port) = match rest.get(end..).and_then(|behind| behind.find(':')) {
            Some(colon) => (rest.get(..end + colon), rest.get(end + colon + 1..)),
            None => (Some(rest), None),
        };
        let port = port.map_or(Some(default_port), parse_port).ok_or(OriginError::Port)?;
        let host = host.unwrap_or_default().to_ascii_lowercase();
        if host.ends_with('.') {
            return Err(OriginError::Dot);
        }
        let host = canonical_host(&host).ok_or_else(|| OriginError::Host {
            shown: printable(&host),
        })?;
        if scheme == Scheme::Http && !["127.0.0.1", "[::1]", "localhost"].contains(&host.as_str()) {
            return Err(OriginError::Insecure);
        }
        Ok(Self {
            scheme,
            host,
            port: Some(port),
        })
    }
}

impl TryFrom<String> for Origin {
    type Error = OriginError;

    fn try_from(text: String) -> Result<Self, OriginError> {
        text.parse()
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.to_string()
    }
}

/// A port in decimal, without a sign or leading zeros.
fn parse_port(digits: &str) -> Option<u16> {
    let port: u16 = digits.parse().ok().filter(|port| *port != 0)?;
    (port.to_string() == digits).then_some(port)
}

/// The host as browsers write it (WHATWG URL, section 3.5), for one in lower case; None if it is none.
fn canonical_host(host: &str) -> Option<String> {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let address: Ipv6Addr = address.parse().ok()?;
        return Some(match address.to_ipv4_mapped().map(|_| address.segments()) {
            // Browsers do not write the last half in decimal, as the standard library does.
            Some([.., high, low]) => format!("[::ffff:{high:x}:{low:x}]"),
            None => format!("[{address}]"),
        });
    }
    let label_is_possible = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-' || c == b'_')
    };
    if host.len() > 253 || !host.split('.').all(label_is_possible) {
        return None;
    }
    // What ends with a number is an IPv4 address, of which browsers know many spellings and write one.
    let last = host.rsplit('.').next().unwrap_or_default();
    let hexadecimal = last
        .strip_prefix("0x")
        .map(|digits| digits.bytes().all(|c| c.is_ascii_hexdigit()));
    if last.bytes().all(|c| c.is_ascii_digit()) || hexadecimal == Some(true) {
        let address: Ipv4Addr = host.parse().ok()?;
        return (address.to_string() == host).then(|| host.to_owned());
    }
    Some(host.to_owned())
}

/// The identifier of an extension: Chromium's 32 letters a to p, Firefox's and Safari's UUID. Safari's is in the case
/// that Safari gave it.
fn extension(scheme: Scheme, id: &str) -> Option<String> {
    let lower = id.to_ascii_lowercase();
    match scheme {
        Scheme::ChromeExtension => {
            (lower.len() == 32 && lower.bytes().all(|c| (b'a'..=b'p').contains(&c))).then_some(lower)
        }
        Scheme::SafariWebExtension if is_uuid(&lower) && (id == lower || id == id.to_ascii_uppercase()) => {
            Some(id.to_owned())
        }
        Scheme::MozExtension if is_uuid(&lower) => Some(lower),
        _ => None,
    }
}

fn is_uuid(text: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    text.split('-').map(str::len).eq(lengths) && text.bytes().all(|c| c.is_ascii_hexdigit() || c == b'-')
}

/// Why a text is not an origin that may be paired.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// `null`: a page that its browser gives no name, in a sandbox or from a file.
    #[error("\"null\" names no site: sandboxed pages and pages from files have no origin")]
    Opaque,
    /// No `://`.
    #[error("an origin begins with https://")]
    NoScheme,
    /// A scheme that no page of ours can have.
    #[error("an origin begins with https://, not with {shown}://")]
    Scheme {
        /// The scheme, made printable.
        shown: String,
    },
    /// http from another computer.
    #[error("a site that comes over plain http can be changed by anybody between")]
    Insecure,
    /// More than scheme, host and port.
    #[error("an origin has no path, query or fragment")]
    Path,
    /// An `@`.
    #[error("an origin has no user name")]
    User,
    /// Characters beyond ASCII, which browsers write in punycode.
    #[error("browsers write an origin in ASCII only")]
    NotAscii,
    /// A dot at the end, which makes another origin.
    #[error("an origin's host does not end with a dot")]
    Dot,
    /// The host is none, or not as browsers write it.
    #[error("\"{shown}\" is not a host as browsers write it")]
    Host {
        /// The host, made printable.
        shown: String,
    },
    /// Not a number from 1 to 65535.
    #[error("an origin's port is a number from 1 to 65535")]
    Port,
    /// Not the identifier of an extension.
    #[error("the browser extension's identifier is not one")]
    Extension,
    /// In a header: the right parts, spelled as no browser does.
    #[error("browsers write this origin {canonical}")]
    Spelling {
        /// As they do.
        canonical: String,
    },
}

impl Fault for OriginError {
    fn explain(&self) -> Explanation {
        match self {
            Self::Insecure => Explanation::new(
                "insecure-origin",
                Class::Policy,
                "give the site's https address; http is for pages from this computer alone: 127.0.0.1, [::1], localhost",
            ),
            Self::NotAscii => Explanation::new(
                "origin-not-ascii",
                Class::Usage,
                "copy it from the site itself: in the browser's console, location.origin shows the form with xn--",
            ),
            Self::Extension => Explanation::new(
                "bad-origin",
                Class::Usage,
                "copy it from the extension's own page: in the browser's console, location.origin shows it",
            ),
            _ => Explanation::new(
                "bad-origin",
                Class::Usage,
                "give scheme, host and, if there is one, port, as the browser shows them: https://numerbay.ai",
            ),
        }
    }
}
