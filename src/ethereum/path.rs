//! Derivation paths (BIP-32), as a person types them.

use std::fmt;
use std::str::FromStr;

use crate::fault::{Class, Explanation, Fault};
use crate::text::printable;

const HARDENED: u32 = DerivationPath::HARDENED;

/// A derivation path of 1 to 10 elements: `m/44'/60'/0'/0/0`.
///
/// Ten is what Ledger's Ethereum app takes (`MAX_BIP32_PATH` in its source).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DerivationPath(Vec<u32>);

impl DerivationPath {
    /// The most elements a path may have.
    pub const MOST_ELEMENTS: usize = 10;

    /// The bit that marks a hardened element (BIP-32).
    pub const HARDENED: u32 = 1 << 31;

    /// A path of these elements, 32 bits each, the highest bit set where the element is hardened.
    ///
    /// # Errors
    /// [`PathError::Empty`] and [`PathError::TooLong`].
    pub fn from_elements(elements: &[u32]) -> Result<Self, PathError> {
        match elements.len() {
            0 => Err(PathError::Empty),
            found if found > Self::MOST_ELEMENTS => Err(PathError::TooLong { found }),
            _ => Ok(Self(elements.to_vec())),
        }
    }

    /// The elements, 32 bits each, the highest bit set where the element is hardened.
    pub fn elements(&self) -> &[u32] {
        &self.0
    }
}

impl fmt::Display for DerivationPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("m")?;
        self.0.iter().try_for_each(|element| {
            let mark = if element & HARDENED != 0 { "'" } else { "" };
            write!(f, "/{}{mark}", element & !HARDENED)
        })
    }
}

/// Parses elements joined by `/`, with or without `m/` in front. A hardened element ends with `'` or `h`.
impl FromStr for DerivationPath {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Self, PathError> {
        let elements = text.strip_prefix("m/").unwrap_or(text);
        if elements.is_empty() || elements == "m" {
            return Err(PathError::Empty);
        }
        let elements = elements.split('/').map(parse_element).collect::<Result<Vec<_>, _>>()?;
        Self::from_elements(&elements)
    }
}

fn parse_element(text: &str) -> Result<u32, PathError> {
    let fault = || PathError::Element { text: printable(text) };
    let (digits, mark) = match text.strip_suffix(['\'', 'h']) {
        Some(digits) => (digits, HARDENED),
        None => (text, 0),
    };
    // `u32::from_str` would take a plus sign.
    if !digits.bytes().all(|c| c.is_ascii_digit()) {
        return Err(fault());
    }
    let index: u32 = digits.parse().map_err(|_| fault())?;
    if index & HARDENED != 0 {
        return Err(fault());
    }
    Ok(index | mark)
}

/// Why a text is not a derivation path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// No element at all.
    #[error("the derivation path is empty")]
    Empty,
    /// More than ten elements.
    #[error("the derivation path has {found} elements, at most 10 are possible")]
    TooLong {
        /// How many it has.
        found: usize,
    },
    /// An element that is not a number below 2³¹ with or without a hardened mark.
    #[error("\"{text}\" is not an element of a derivation path")]
    Element {
        /// The element, made printable.
        text: String,
    },
}

impl Fault for PathError {
    fn explain(&self) -> Explanation {
        Explanation::new(
            "bad-path",
            Class::Usage,
            "give numbers below 2147483648 joined by /, hardened ones with ' or h, for example m/44'/60'/0'/0/0",
        )
    }
}
