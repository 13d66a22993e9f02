//! The one-time code that a person carries from the bridge to the page.

use std::str::FromStr;

use hmac::{Hmac, KeyInit as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{RandomError, random};
use crate::fault::{Class, Explanation, Fault};

/// Crockford's base 32: no I, L, O and U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A one-time code: 80 random bits, shown as 16 characters in groups of four. Secret, wiped on drop.
pub struct Code(Zeroizing<[u8; 10]>);

impl Code {
    /// A new one from the system's random source.
    ///
    /// # Errors
    /// [`RandomError`] if that source fails.
    pub fn generate() -> Result<Self, RandomError> {
        random().map(Self)
    }

    /// The code as a person is shown it, for example `0123-4567-89AB-CDEF`: each character stands for five bits, the
    /// highest first. Wiped on drop.
    pub fn show(&self) -> Zeroizing<String> {
        let bits = Zeroizing::new(self.0.iter().fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte)));
        let mut text = Zeroizing::new(String::with_capacity(19));
        for position in 0..16 {
            if position > 0 && position % 4 == 0 {
                text.push('-');
            }
            let digit = ALPHABET.get((*bits >> (75 - 5 * position)) as usize & 31);
            text.push(digit.copied().map_or(' ', char::from));
        }
        text
    }

    /// HMAC-SHA256 under the code (RFC 2104), not fed yet.
    pub(super) fn authenticator(&self) -> Hmac<Sha256> {
        Hmac::new_from_slice(&*self.0)
            // RFC 2104 takes keys of any length.
            .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"))
    }
}

/// Reads what a person types or pastes: hyphens, white space and case do not matter; O is 0, I and L are 1.
impl FromStr for Code {
    type Err = CodeError;

    fn from_str(text: &str) -> Result<Self, CodeError> {
        let mut bits = Zeroizing::new(0_u128);
        let mut found = 0;
        for c in text.chars().filter(|c| *c != '-' && !c.is_whitespace()) {
            let c = match c.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            let value = ALPHABET.iter().position(|digit| char::from(*digit) == c);
            *bits = *bits << 5 | value.ok_or(CodeError::Character)? as u128;
            found += 1;
            if found > 16 {
                break;
            }
        }
        if found != 16 {
            return Err(CodeError::Length);
        }
        let mut code = Self(Zeroizing::new([0; 10]));
        let bytes = Zeroizing::new(bits.to_be_bytes());
        code.0
            .iter_mut()
            .zip(bytes.iter().skip(6))
            .for_each(|(to, from)| *to = *from);
        Ok(code)
    }
}

/// Why a text is not a code. It tells nothing of the text, which may nearly be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// A character that no code has.
    #[error("the code has a character that no code has")]
    Character,
    /// Not 16 characters.
    #[error("a code has 16 letters and digits")]
    Length,
}

impl Fault for CodeError {
    fn explain(&self) -> Explanation {
        Explanation::new("bad-code", Class::Usage, "copy the code as it is shown, four groups of four")
    }
}
