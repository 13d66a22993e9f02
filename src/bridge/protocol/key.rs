//! Public keys for signatures (ECDSA over P-256), and the names that they are called by.

use std::fmt;
use std::str::FromStr;

use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::base64;
use crate::fault::{Class, Explanation, Fault};

/// The public half of a P-256 signing key: a page's, or, for who checks answers, the bridge's.
///
/// 65 bytes: the point uncompressed, 04 ‖ x ‖ y (SEC 1, section 2.3.3), as WebCrypto exports it in the format `raw`.
/// Shown, and in JSON, as 88 characters of base64.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PageKey([u8; PageKey::LENGTH]);

impl PageKey {
    /// How many bytes a key has.
    pub const LENGTH: usize = 65;

    /// The key with these bytes.
    ///
    /// # Errors
    /// [`KeyError::Length`] unless there are 65, [`KeyError::Point`] unless they are an uncompressed point of the curve.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let found = bytes.len();
        let exact: [u8; Self::LENGTH] = bytes.try_into().map_err(|_| KeyError::Length { found })?;
        // 65 bytes are nothing but an uncompressed point; SEC 1's hybrid forms (06, 07) are that long, too.
        if exact.first() != Some(&4) || VerifyingKey::from_sec1_bytes(&exact).is_err() {
            return Err(KeyError::Point);
        }
        Ok(Self(exact))
    }

    pub(super) fn of(key: &VerifyingKey) -> Self {
        let mut bytes = [0; Self::LENGTH];
        // A key of this type is never the point at infinity, the only one with fewer bytes.
        bytes.copy_from_slice(key.to_sec1_point(false).as_bytes());
        Self(bytes)
    }

    /// Its 65 bytes.
    pub const fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }

    /// The name that signatures call it by.
    pub fn key_id(&self) -> KeyId {
        KeyId(Sha256::digest(self.0).into())
    }

    /// Whether `signature`, r ‖ s, is one of this key over `message`. A high s is as good as a low one.
    pub(super) fn signed(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        match (VerifyingKey::from_sec1_bytes(&self.0), Signature::from_slice(signature)) {
            (Ok(key), Ok(signature)) => key.verify(message, &signature).is_ok(),
            _ => false,
        }
    }
}

impl fmt::Display for PageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64::encode(&self.0))
    }
}

impl fmt::Debug for PageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PageKey({self})")
    }
}

impl FromStr for PageKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        Self::from_bytes(&base64::decode(text).ok_or(KeyError::Base64)?)
    }
}

impl TryFrom<String> for PageKey {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, KeyError> {
        text.parse()
    }
}

impl From<PageKey> for String {
    fn from(key: PageKey) -> Self {
        key.to_string()
    }
}

/// The name of a key: SHA-256 of its 65 bytes. Shown as 43 characters of unpadded base64 for addresses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId([u8; 32]);

impl KeyId {
    /// Its 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64::encode_url(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl FromStr for KeyId {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        base64::decode_url_exact(text).map(Self).ok_or(KeyError::Name)
    }
}

impl TryFrom<String> for KeyId {
    type Error = KeyError;

    fn try_from(text: String) -> Result<Self, KeyError> {
        text.parse()
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.to_string()
    }
}

/// Why a text or bytes are no key, or no name of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not base64 in the standard alphabet with padding.
    #[error("the public key for signatures is not base64")]
    Base64,
    /// Not 65 bytes.
    #[error("the public key for signatures has {found} bytes, an uncompressed P-256 point has 65")]
    Length {
        /// How many there are.
        found: usize,
    },
    /// 65 bytes, but no uncompressed point of the curve.
    #[error("the public key for signatures is not an uncompressed point of the curve P-256")]
    Point,
    /// Not the name of a key.
    #[error("a key is named by 43 characters of unpadded base64 for addresses")]
    Name,
}

impl Fault for KeyError {
    fn explain(&self) -> Explanation {
        match self {
            Self::Name => Explanation::new(
                "bad-key-id",
                Class::Usage,
                "give SHA-256 of the key's 65 bytes as unpadded base64 with - and _",
            ),
            _ => Explanation::new(
                "bad-signing-key",
                Class::Usage,
                "export the key with crypto.subtle.exportKey(\"raw\", publicKey) and send it as padded base64",
            ),
        }
    }
}
