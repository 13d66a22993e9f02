//! Recoverable ECDSA signatures over secp256k1, 65 bytes r ‖ s ‖ v, and the two forms of v.
//!
//! Here a signature is a secret: the storage key is derived from nothing else. It is wiped on drop, cannot be printed,
//! and is compared with nothing but what it recovers to.

use std::fmt;

use k256::ecdsa::{RecoveryId, Signature as Scalars, VerifyingKey};
use secrecy::{ExposeSecret as _, ExposeSecretMut as _, SecretBox};
use zeroize::Zeroizing;

use super::Address;
use crate::fault::{Class, Explanation, Fault};

/// How the last byte of a signature says which of two public keys made it.
///
/// Wallets disagree, and NumerBay's web app derives its key from the byte as the wallet returned it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VForm {
    /// v = 1b or 1c (27 or 28): Ledger's own app and most wallets (Yellow Paper, appendix F).
    Offset27,
    /// v = 00 or 01: some integrations of hardware wallets.
    Bare,
}

impl VForm {
    /// What is added to the parity (0 or 1) to make v.
    const fn offset(self) -> u8 {
        match self {
            Self::Offset27 => 27,
            Self::Bare => 0,
        }
    }
}

impl fmt::Display for VForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Offset27 => "1b/1c",
            Self::Bare => "00/01",
        })
    }
}

/// A signature: r (32 bytes, big-endian) ‖ s (32 bytes, big-endian) ‖ v (1 byte). Secret.
pub struct Signature(SecretBox<[u8; 65]>);

impl Signature {
    /// The length in bytes.
    pub const BYTES: usize = 65;

    /// Takes 65 bytes r ‖ s ‖ v.
    ///
    /// # Errors
    /// [`SignatureError::Scalar`] unless r and s lie between 1 and the order of the curve minus 1,
    /// [`SignatureError::V`] unless v is 00, 01, 1b or 1c.
    pub fn from_bytes(bytes: &[u8; 65]) -> Result<Self, SignatureError> {
        let [scalars @ .., v] = bytes;
        if !matches!(v, 0 | 1 | 27 | 28) {
            return Err(SignatureError::V);
        }
        Scalars::from_slice(scalars).map_err(|_| SignatureError::Scalar)?;
        let mut signature = Self(SecretBox::new(Box::new([0; 65])));
        signature.0.expose_secret_mut().copy_from_slice(bytes);
        Ok(signature)
    }

    /// Takes 130 hexadecimal digits in any case, with or without `0x`. White space around them is ignored.
    ///
    /// # Errors
    /// [`SignatureError::Length`], [`SignatureError::NotHex`], and those of [`Signature::from_bytes`].
    pub fn from_hex(text: &str) -> Result<Self, SignatureError> {
        let text = text.trim_ascii();
        let digits = text
            .strip_prefix("0x")
            .or_else(|| text.strip_prefix("0X"))
            .unwrap_or(text);
        if !digits.bytes().all(|c| c.is_ascii_hexdigit()) {
            return Err(SignatureError::NotHex);
        }
        if digits.len() != 2 * Self::BYTES {
            return Err(SignatureError::Length { found: digits.len() });
        }
        let mut bytes = Zeroizing::new([0; 65]);
        base16ct::mixed::decode(digits, &mut *bytes).map_err(|_| SignatureError::NotHex)?;
        Self::from_bytes(&bytes)
    }

    /// The 65 bytes, with v in the form that the wallet chose.
    pub fn expose_bytes(&self) -> &[u8; 65] {
        self.0.expose_secret()
    }

    /// The form of v.
    pub fn v_form(&self) -> VForm {
        match self.expose_bytes() {
            [.., 27 | 28] => VForm::Offset27,
            _ => VForm::Bare,
        }
    }

    /// The same signature with v in the given form.
    pub fn in_v_form(&self, form: VForm) -> Self {
        self.with(|_| (), form)
    }

    /// The same signature with s at most half the order of the curve (EIP-2) and v in the given form: where s was
    /// high, the order minus s, and the other parity.
    pub fn low_s(&self, form: VForm) -> Self {
        self.with(normalize, form)
    }

    /// The address whose key made this signature over `hash` (32 bytes).
    ///
    /// # Errors
    /// [`SignatureError::Unrecoverable`] where no public key fits, which a signature made by a wallet never meets.
    pub fn recover(&self, hash: &[u8; 32]) -> Result<Address, SignatureError> {
        let [scalars @ .., _] = self.expose_bytes();
        let scalars = Scalars::from_slice(scalars).map_err(|_| SignatureError::Scalar)?;
        let parity = RecoveryId::new(self.parity() == 1, false);
        let key =
            VerifyingKey::recover_from_prehash(hash, &scalars, parity).map_err(|_| SignatureError::Unrecoverable)?;
        Ok(Address::from_public_key(&key))
    }

    fn parity(&self) -> u8 {
        match self.expose_bytes() {
            [.., 1 | 28] => 1,
            _ => 0,
        }
    }

    /// A copy on which `change` was done with v being the bare parity, then v put into `form`.
    fn with(&self, change: impl Fn(&mut [u8; 65]), form: VForm) -> Self {
        let mut other = Self(SecretBox::new(Box::new([0; 65])));
        let bytes = other.0.expose_secret_mut();
        bytes.copy_from_slice(self.expose_bytes());
        let [.., v] = bytes;
        *v = self.parity();
        change(bytes);
        let [.., v] = bytes;
        *v += form.offset();
        other
    }
}

/// `bytes` = r ‖ s ‖ parity, made low-s.
fn normalize(bytes: &mut [u8; 65]) {
    let [scalars @ .., parity] = bytes;
    // The scalars were checked when the signature was made, so there is always a value here.
    let Ok(given) = Scalars::from_slice(scalars) else {
        return;
    };
    let low = given.normalize_s();
    if low != given {
        scalars.copy_from_slice(&low.to_bytes());
        *parity ^= 1;
    }
}

/// Why something is not a usable signature. Never says what it holds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Not 130 digits.
    #[error("a signature has 130 hexadecimal digits (65 bytes), this has {found}")]
    Length {
        /// How many digits there are.
        found: usize,
    },
    /// A character that is not a hexadecimal digit.
    #[error("the signature is not hexadecimal")]
    NotHex,
    /// v is none of 00, 01, 1b, 1c.
    #[error("the signature's last byte (v) is none of 00, 01, 1b, 1c")]
    V,
    /// r or s is zero or not below the order of the curve.
    #[error("the signature's r or s is not a number that a wallet can have made")]
    Scalar,
    /// No public key fits.
    #[error("no wallet can have made this signature over this message")]
    Unrecoverable,
}

impl Fault for SignatureError {
    fn explain(&self) -> Explanation {
        Explanation::new(
            "bad-signature",
            Class::Damaged,
            "give the 65 bytes r, s, v in hexadecimal as the wallet's personal_sign returned them, and nothing else",
        )
    }
}
