//! The v2 envelope: a JSON text that holds the private key under the storage key.

use serde::Serialize;
use zeroize::Zeroizing;

use super::format::Object;
use super::secretbox::{self, TAG_BYTES};
use super::{
    FormatError, Kdf, LegacyEnvelope, Message, Nonce, PrivateKey, SignableMessage, StorageKey, UnusualSalt, base64,
};
use crate::ethereum::{Address, Signature, VForm};
use crate::fault::{Class, Explanation, Fault};
use crate::text::printable;

/// The fields that matter in an envelope, of either mechanism.
pub(super) const FIELDS: &[&str] = &["data", "salt", "kdf", "version", "nonce", "ephemPublicKey", "ciphertext"];

/// A v2 envelope: `{"data":"<base64 of nonce ‖ secretbox>","salt":"<the message>"}`, with `"kdf":"hkdf-sha256"` in ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    nonce: Nonce,
    /// Tag (16 bytes) ‖ ciphertext.
    boxed: Vec<u8>,
    message: Message,
    kdf: Kdf,
}

impl Envelope {
    /// Reads an envelope's text. Accepts what NumerBay's web app accepts: unknown fields, any spacing, any escapes.
    ///
    /// # Errors
    /// [`EnvelopeError`], one variant per reason.
    pub fn parse(text: &str) -> Result<Self, EnvelopeError> {
        Self::from_object(Object::parse(text, &[FIELDS])?)
    }

    pub(super) fn from_object(mut object: Object) -> Result<Self, EnvelopeError> {
        // A stray `version` does not make a v2 envelope an old one; see "telling a text apart" in docs/envelope.md.
        let is_v2 = object.has("data") && object.has("salt");
        if !is_v2 && LegacyEnvelope::is_meant_by(&object) {
            return Err(EnvelopeError::Legacy);
        }
        let data = object.text("data")?;
        let salt = object.text("salt")?;
        let kdf = match object.has("kdf") {
            false => Kdf::Keccak256,
            true => {
                let name = object.text("kdf")?;
                name.parse()
                    .map_err(|()| EnvelopeError::UnknownKdf { name: printable(&name) })?
            }
        };
        let data = base64::decode("data", &data)?;
        let Some((nonce, boxed)) = data.split_first_chunk().filter(|(_, boxed)| boxed.len() >= TAG_BYTES) else {
            return Err(EnvelopeError::TooShort { found: data.len() });
        };
        let message = Message::parse(&salt);
        if kdf == Kdf::HkdfSha256 && !matches!(message, Message::Saltbridge { .. }) {
            return Err(EnvelopeError::MessageNamesNoKey {
                shown: printable(&salt),
            });
        }
        Ok(Self {
            nonce: Nonce::from_bytes(*nonce),
            boxed: boxed.to_vec(),
            message,
            kdf,
        })
    }

    /// The message whose signature opens it.
    pub fn message(&self) -> &Message {
        &self.message
    }

    /// How the storage key is derived from that signature.
    pub fn kdf(&self) -> Kdf {
        self.kdf
    }

    /// The length of the decoded `data` in bytes: nonce (24), tag (16), ciphertext (55 if the web app made it).
    pub fn data_length(&self) -> usize {
        Nonce::BYTES + self.boxed.len()
    }

    /// The message as something that a wallet may be asked to sign: it has a known form, and the one that goes with the
    /// key derivation.
    ///
    /// # Errors
    /// [`UnusualSalt`] otherwise.
    pub fn message_to_sign(&self) -> Result<SignableMessage, UnusualSalt> {
        match (self.kdf, &self.message) {
            (Kdf::Keccak256, Message::NumerBay { .. }) | (Kdf::HkdfSha256, Message::Saltbridge { .. }) => {
                self.message.known()
            }
            (_, message) => Err(UnusualSalt {
                shown: printable(&message.to_string()),
            }),
        }
    }

    /// The storage keys that may open it, given a signature over its message by `address`, in the order in which to try
    /// them; with each the form of v that it stands for. With Keccak-256 the form is part of the key, and wallets
    /// disagree on it: first 1b/1c, then 00/01. With HKDF it is always 1b/1c.
    pub fn storage_keys(&self, signature: &Signature, address: &Address) -> Vec<(VForm, StorageKey)> {
        match (self.kdf, &self.message) {
            (Kdf::HkdfSha256, Message::Saltbridge { public_key, salt }) => {
                vec![(VForm::Offset27, StorageKey::hkdf_sha256(signature, salt, address, public_key))]
            }
            _ => [VForm::Offset27, VForm::Bare]
                .map(|form| (form, StorageKey::keccak256(&signature.in_v_form(form))))
                .into(),
        }
    }

    /// Opens it.
    ///
    /// # Errors
    /// [`OpenError::DoesNotOpen`] if the key is another one or the box was changed (the two cannot be told apart),
    /// [`OpenError::Damaged`] if it opens but holds no private key of 32 bytes.
    pub fn open(&self, key: &StorageKey) -> Result<PrivateKey, OpenError> {
        let inner = secretbox::open(key.expose(), &self.nonce, &self.boxed).ok_or(OpenError::DoesNotOpen)?;
        let inner = std::str::from_utf8(&inner).map_err(|_| FormatError::NotJson { line: 1, column: 1 })?;
        let text = Object::parse(inner, &[&["data"]])?.text("data")?;
        let bytes = base64::decode_exact("data", &text)?;
        Ok(PrivateKey::from_bytes(&bytes))
    }

    /// Puts a private key into a new envelope under the storage key of a signature over `message`. The form of the
    /// message decides the key derivation: [`Kdf::HkdfSha256`] for ours, [`Kdf::Keccak256`] for any other. Given key,
    /// nonce and a NumerBay message, the result is the web app's, byte for byte.
    pub fn seal(private_key: &PrivateKey, key: &StorageKey, nonce: Nonce, message: Message) -> Self {
        let mut inner = Zeroizing::new(String::with_capacity(64));
        inner.push_str("{\"data\":\"");
        inner.push_str(&private_key.to_base64());
        inner.push_str("\"}");
        Self {
            nonce,
            boxed: secretbox::seal(key.expose(), &nonce, inner.as_bytes()),
            kdf: match message {
                Message::Saltbridge { .. } => Kdf::HkdfSha256,
                Message::NumerBay { .. } | Message::Unusual(_) => Kdf::Keccak256,
            },
            message,
        }
    }

    /// The text that is stored: field order and escapes as the web app's `JSON.stringify` gives them, no spacing, no
    /// line end. `kdf` is written only where it is not NumerBay's.
    pub fn to_text(&self) -> String {
        #[derive(Serialize)]
        struct Fields<'a> {
            data: &'a str,
            salt: String,
            #[serde(skip_serializing_if = "Option::is_none")]
            kdf: Option<&'static str>,
        }
        let data = base64::encode(&[self.nonce.as_bytes().as_slice(), &self.boxed].concat());
        let fields = Fields {
            data: &data,
            salt: self.message.to_string(),
            kdf: (self.kdf != Kdf::Keccak256).then(|| self.kdf.name()),
        };
        serde_json::to_string(&fields).unwrap_or_else(|_| unreachable!("texts always have a JSON form"))
    }
}

/// Why a text is not a v2 envelope that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// The text does not have the form of an envelope.
    #[error("the envelope cannot be read: {0}")]
    Format(#[from] FormatError),
    /// `data` is shorter than nonce and tag.
    #[error("the envelope's data is too short: {found} bytes, at least 40 are needed (nonce 24, tag 16)")]
    TooShort {
        /// The length of the decoded `data` in bytes.
        found: usize,
    },
    /// A key derivation that this version does not know.
    #[error("the envelope wants the key derivation \"{name}\", which this version does not know")]
    UnknownKdf {
        /// Its name, made printable.
        name: String,
    },
    /// An envelope with our key derivation whose message does not name the key that it opens.
    #[error(
        "the envelope wants the key derivation hkdf-sha256, but its message is not the one that goes with it: \"{shown}\""
    )]
    MessageNamesNoKey {
        /// The message, made printable.
        shown: String,
    },
    /// An envelope of the old mechanism.
    #[error("this is a legacy envelope (v1, before 2022-09-24)")]
    Legacy,
}

impl Fault for EnvelopeError {
    fn explain(&self) -> Explanation {
        match self {
            Self::Format(error) => error.explain(),
            Self::TooShort { .. } => Explanation::new(
                "envelope-too-short",
                Class::Damaged,
                "the text was probably cut: get the whole envelope from the profile field encrypted_private_key_v2",
            ),
            Self::UnknownKdf { .. } => Explanation::new(
                "unknown-kdf",
                Class::Policy,
                "known are keccak256 and hkdf-sha256; a newer saltbridge may know more",
            ),
            Self::MessageNamesNoKey { .. } => Explanation::new(
                "message-not-for-kdf",
                Class::Policy,
                "no saltbridge wrote this; do not sign the message, get the envelope again from where it was stored",
            ),
            Self::Legacy => LegacyEnvelope::explain(),
        }
    }
}

/// Why an envelope gave no private key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The storage key is not the one that it was made with, or the box was changed.
    #[error("the storage key does not open the envelope")]
    DoesNotOpen,
    /// It opens, but what it holds is not a private key.
    #[error("the envelope opens, but what it holds is not a private key: {0}")]
    Damaged(#[from] FormatError),
}
