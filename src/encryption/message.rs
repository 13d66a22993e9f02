//! The two messages that a wallet is asked to sign, and the wall in front of all others.
//!
//! A service that turned hostile could store any text as an envelope's salt: a login text, a payment order in words.
//! Only [`SignableMessage`] goes to a wallet, and it is made of the two known forms, or by a person who insists.

use std::fmt;

use super::base64::encode;
use super::{PublicKey, RandomError, base64, random};
use crate::fault::{Class, Explanation, Fault};
use crate::text::printable;

const NUMERBAY_PREFIX: &str = "Sign this to retrieve your encryption key.\n\nSalt:";
const SALTBRIDGE_PREFIX: &str = "Unlock the saltbridge key ";
const SALTBRIDGE_MIDDLE: &str = "\n\nSalt:";

/// The message of an envelope: what its `salt` field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// NumerBay's: `Sign this to retrieve your encryption key.\n\nSalt:<base64 of 32 bytes>`, 93 bytes.
    NumerBay {
        /// The 32 random bytes.
        salt: [u8; 32],
    },
    /// Ours: `Unlock the saltbridge key <public key in base64>\n\nSalt:<base64 of 32 bytes>`, 121 bytes. It names what
    /// it opens, so that the device shows the difference to a NumerBay message.
    Saltbridge {
        /// The public key that belongs to the private key in the envelope.
        public_key: PublicKey,
        /// The 32 random bytes.
        salt: [u8; 32],
    },
    /// Any other text. It may say anything, so no wallet is asked to sign it unless a person insists.
    Unusual(String),
}

impl Message {
    /// A new message in NumerBay's form, its salt from the system's random source.
    ///
    /// # Errors
    /// [`RandomError`] if that source fails.
    pub fn new_numerbay() -> Result<Self, RandomError> {
        Ok(Self::NumerBay { salt: *random()? })
    }

    /// A new message in our form for the key `public_key`, its salt from the system's random source.
    ///
    /// # Errors
    /// [`RandomError`] if that source fails.
    pub fn new_saltbridge(public_key: PublicKey) -> Result<Self, RandomError> {
        Ok(Self::Saltbridge {
            public_key,
            salt: *random()?,
        })
    }

    /// Which of the forms `text` has. Exactly the form: nothing before, between or after, and base64 in its one
    /// canonical spelling, so that a message is known by its bytes.
    pub fn parse(text: &str) -> Self {
        let known = text
            .strip_prefix(NUMERBAY_PREFIX)
            .and_then(canonical_32)
            .map(|salt| Self::NumerBay { salt })
            .or_else(|| {
                let (key, salt) = text.strip_prefix(SALTBRIDGE_PREFIX)?.split_once(SALTBRIDGE_MIDDLE)?;
                Some(Self::Saltbridge {
                    public_key: PublicKey::from_bytes(canonical_32(key)?),
                    salt: canonical_32(salt)?,
                })
            });
        known.unwrap_or_else(|| Self::Unusual(text.to_owned()))
    }

    /// The public key that the message itself names, in our form.
    pub fn named_public_key(&self) -> Option<PublicKey> {
        match self {
            Self::Saltbridge { public_key, .. } => Some(*public_key),
            Self::NumerBay { .. } | Self::Unusual(_) => None,
        }
    }

    /// The message as something that a wallet may be asked to sign.
    ///
    /// # Errors
    /// [`UnusualSalt`] unless it has one of the two known forms.
    pub fn known(&self) -> Result<SignableMessage, UnusualSalt> {
        match self {
            Self::NumerBay { .. } | Self::Saltbridge { .. } => Ok(SignableMessage(self.to_string())),
            Self::Unusual(text) => Err(UnusualSalt { shown: printable(text) }),
        }
    }

    /// The message as something that a wallet may be asked to sign, whatever it says. For a person who was shown the
    /// text and insists; never on a program's own account.
    pub fn insisted_on(&self) -> SignableMessage {
        SignableMessage(self.to_string())
    }
}

/// The exact text, as it is signed and stored.
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NumerBay { salt } => write!(f, "{NUMERBAY_PREFIX}{}", *encode(salt)),
            Self::Saltbridge { public_key, salt } => {
                write!(f, "{SALTBRIDGE_PREFIX}{public_key}{SALTBRIDGE_MIDDLE}{}", *encode(salt))
            }
            Self::Unusual(text) => f.write_str(text),
        }
    }
}

fn canonical_32(text: &str) -> Option<[u8; 32]> {
    let bytes = base64::decode_exact::<32>("the salt", text).ok()?;
    (*encode(&*bytes) == text).then_some(*bytes)
}

/// A message that may be put before a wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignableMessage(String);

impl SignableMessage {
    /// The exact text to sign.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The 32-byte hash that the wallet signs for it (EIP-191).
    pub fn hash(&self) -> [u8; 32] {
        crate::ethereum::personal_message_hash(self.0.as_bytes())
    }
}

/// The envelope's message has neither of the known forms, or not the one that goes with its key derivation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the envelope asks for a signature over an unusual message: \"{shown}\"")]
pub struct UnusualSalt {
    /// The message, made printable.
    pub shown: String,
}

impl Fault for UnusualSalt {
    fn explain(&self) -> Explanation {
        Explanation::new(
            "unusual-salt",
            Class::Policy,
            "a signature over another text may log somebody in or agree to something: read the message, and only if you \
             want to have signed just that, run again with --sign-unusual-salt",
        )
    }
}
