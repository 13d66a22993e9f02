//! The exported key file, `numerbay.json`: the key pair, not encrypted.

use super::format::Object;
use super::{FormatError, KeyPair, PrivateKey, PublicKey, base64};
use crate::fault::{Class, Explanation, Fault};

/// The fields that matter in a key file.
pub(super) const FIELDS: &[&str] = &["public_key", "private_key"];

/// A key file that was read.
pub struct KeyFile {
    /// The key pair. Its public key is derived from the private key.
    pub key_pair: KeyPair,
    /// Whether the file names the public key. If so, it is the one that belongs to the private key.
    pub names_public_key: bool,
}

impl KeyFile {
    /// Reads the text of a key file: `private_key`, and `public_key` unless absent or null. Unknown fields and spacing
    /// are of no account.
    ///
    /// # Errors
    /// [`KeyFileError`], one variant per reason.
    pub fn parse(text: &str) -> Result<Self, KeyFileError> {
        Self::from_object(Object::parse(text, &[FIELDS])?)
    }

    /// Holds the file against the public key that a person expects. One that names its public key must name that one.
    /// In one that does not, the private key alone decides, as in NumerBay's Python client; whether it is the expected
    /// one is the answer.
    ///
    /// # Errors
    /// [`KeyFileError::NotTheExpected`].
    pub fn is_of(&self, expected: PublicKey) -> Result<bool, KeyFileError> {
        let found = self.key_pair.public_key();
        match expected == found {
            false if self.names_public_key => Err(KeyFileError::NotTheExpected { expected, found }),
            is_same => Ok(is_same),
        }
    }

    pub(super) fn from_object(mut object: Object) -> Result<Self, KeyFileError> {
        let private_key = object.text("private_key")?;
        let private_key = PrivateKey::from_bytes(&*base64::decode_exact("private_key", &private_key)?);
        let key_pair = KeyPair::new(private_key);
        let named = match object.optional_text("public_key")? {
            None => None,
            Some(text) => Some(PublicKey::from_field("public_key", &text)?),
        };
        match named {
            Some(named) if named != key_pair.public_key() => Err(KeyFileError::PublicKeyMismatch),
            _ => Ok(Self {
                key_pair,
                names_public_key: named.is_some(),
            }),
        }
    }
}

/// Why a text is not a key file that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFileError {
    /// The text does not have the form of a key file.
    #[error("the key file cannot be read: {0}")]
    Format(#[from] FormatError),
    /// The public key that the file names does not belong to its private key. Which one it names is not said: where the
    /// two keys stand in each other's place, it is the private one.
    #[error("the key file names a public key that does not belong to its private key")]
    PublicKeyMismatch,
    /// The key file is sound, but it is another key's than the expected one. The sentence does not repeat that one: a
    /// person may have given the private key for it.
    #[error("the key file is that of {found}, not of the expected public key")]
    NotTheExpected {
        /// The public key that was expected.
        expected: PublicKey,
        /// The public key that the file names.
        found: PublicKey,
    },
}

impl Fault for KeyFileError {
    fn explain(&self) -> Explanation {
        match self {
            Self::Format(error) => error.explain(),
            Self::PublicKeyMismatch => Explanation::new(
                "public-key-mismatch",
                Class::DoesNotOpen,
                "two key files were probably mixed: export the key again from the envelope",
            ),
            Self::NotTheExpected { .. } => Explanation::new(
                "public-key-mismatch",
                Class::DoesNotOpen,
                "use the key file of that public key; files sealed for this one open without --public-key",
            ),
        }
    }
}
