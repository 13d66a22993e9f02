//! The envelope of the old mechanism (v1, before 2022-09-24): recognised and named, never opened.
//!
//! It is encrypted to the wallet's own encryption key and was opened by the wallet's `eth_decrypt`. No signature opens
//! it, so it must not be mistaken for a damaged v2 envelope.

use super::format::Object;
use super::{FormatError, base64};
use crate::fault::{Class, Explanation};

/// What an old envelope says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacyEnvelope {
    /// The wallet encryption scheme, `x25519-xsalsa20-poly1305`.
    pub version: String,
    /// The length of the decoded ciphertext in bytes, tag (16) included.
    pub ciphertext_length: usize,
}

impl LegacyEnvelope {
    /// Whether an object that is no v2 envelope is one of the old mechanism, sound or not. A `version` alone is a sign
    /// of it only where nothing speaks for v2.
    pub(super) fn is_meant_by(object: &Object) -> bool {
        object.has("ephemPublicKey")
            || object.has("ciphertext")
            || (object.has("version") && !object.has("data") && !object.has("salt"))
    }

    pub(super) fn from_object(mut object: Object) -> Result<Self, FormatError> {
        let version = object.text("version")?;
        base64::decode_exact::<24>("nonce", &object.text("nonce")?)?;
        base64::decode_exact::<32>("ephemPublicKey", &object.text("ephemPublicKey")?)?;
        let ciphertext = base64::decode("ciphertext", &object.text("ciphertext")?)?;
        Ok(Self {
            version: version.to_string(),
            ciphertext_length: ciphertext.len(),
        })
    }

    pub(super) fn explain() -> Explanation {
        Explanation::new(
            "legacy-envelope",
            Class::DoesNotOpen,
            "no signature opens it, only eth_decrypt of the software wallet that it was made with (a Ledger cannot do \
             that): export the key file in NumerBay's web app with that wallet, then use --key-file",
        )
    }
}
