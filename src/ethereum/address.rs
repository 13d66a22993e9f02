//! Addresses, and their checksummed spelling (EIP-55).

use std::fmt;
use std::str::FromStr;

use k256::ecdsa::VerifyingKey;

use super::keccak256;
use crate::fault::{Class, Explanation, Fault};

/// An Ethereum address: 20 bytes. Shown as `0x` and 40 hexadecimal digits with the checksum of EIP-55.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Address([u8; 20]);

impl Address {
    /// The address with these 20 bytes.
    pub const fn from_bytes(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// Its 20 bytes.
    pub const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// The address of a public key: the last 20 bytes of the Keccak-256 hash of its 64 bytes x ‖ y (Yellow Paper, section 4.1).
    pub fn from_public_key(key: &VerifyingKey) -> Self {
        let point = key.to_sec1_point(false);
        // SEC 1 puts the byte 04 in front of an uncompressed point.
        let hash = keccak256(&[point.as_bytes().get(1..).unwrap_or_default()]);
        let mut address = [0; 20];
        address.copy_from_slice(&hash[12..]);
        Self(address)
    }

    /// The 40 digits with the letters in the case that EIP-55 gives them.
    fn checksummed_digits(&self) -> [u8; 40] {
        let mut digits = [0; 40];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0) {
            for (digit, nibble) in pair.iter_mut().zip([byte >> 4, byte & 15]) {
                *digit = char::from_digit(nibble.into(), 16).map_or(b'0', |c| c as u8);
            }
        }
        let hash = keccak256(&[&digits]);
        let nibbles = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        for (digit, nibble) in digits.iter_mut().zip(nibbles) {
            if nibble >= 8 {
                digit.make_ascii_uppercase();
            }
        }
        digits
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.checksummed_digits()
            .iter()
            .try_for_each(|digit| fmt::Write::write_char(f, char::from(*digit)))
    }
}

/// Parses `0x` and 40 hexadecimal digits: all lower case, all upper case, or mixed with the right EIP-55 checksum.
impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let digits = text
            .strip_prefix("0x")
            .or_else(|| text.strip_prefix("0X"))
            .ok_or(AddressError::Prefix)?;
        let found = digits.chars().count();
        if found != 40 {
            return Err(AddressError::Length { found });
        }
        let mut bytes = [0; 20];
        base16ct::mixed::decode(digits, &mut bytes).map_err(|_| AddressError::NotHex)?;
        let address = Self(bytes);
        let mixed = digits.bytes().any(|c| c.is_ascii_lowercase()) && digits.bytes().any(|c| c.is_ascii_uppercase());
        if mixed && digits.as_bytes() != address.checksummed_digits() {
            return Err(AddressError::Checksum);
        }
        Ok(address)
    }
}

/// Why a text is not an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It does not begin with `0x`.
    #[error("an Ethereum address begins with 0x")]
    Prefix,
    /// Not 40 digits after `0x`.
    #[error("an Ethereum address has 40 hexadecimal digits after 0x, this has {found}")]
    Length {
        /// How many characters stand after `0x`.
        found: usize,
    },
    /// A character that is not a hexadecimal digit.
    #[error("an Ethereum address has only hexadecimal digits after 0x")]
    NotHex,
    /// Mixed case that is not the address's checksum (EIP-55): most likely a typing error.
    #[error("the address's upper and lower case do not match its checksum (EIP-55)")]
    Checksum,
}

impl Fault for AddressError {
    fn explain(&self) -> Explanation {
        match self {
            Self::Checksum => Explanation::new(
                "bad-address-checksum",
                Class::Usage,
                "a digit was probably mistyped: copy the address from the wallet again",
            ),
            _ => Explanation::new(
                "bad-address",
                Class::Usage,
                "give the address as the wallet shows it, for example 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
            ),
        }
    }
}
