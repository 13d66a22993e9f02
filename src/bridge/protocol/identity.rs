//! The bridge's own signing key, which proves to a page that the answer is the bridge's.

use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, LineEnding};
use zeroize::Zeroizing;

use super::key::{KeyId, PageKey};
use super::{RandomError, random};
use crate::fault::{Class, Explanation, Fault};

/// The bridge's P-256 signing key. Secret, wiped on drop.
pub struct Identity(SigningKey);

impl Identity {
    /// A new one from the system's random source.
    ///
    /// # Errors
    /// [`RandomError`] if that source fails.
    pub fn generate() -> Result<Self, RandomError> {
        loop {
            // One number of 2³² is zero or not below the order of the curve.
            if let Ok(key) = SigningKey::from_slice(&*random::<32>()?) {
                return Ok(Self(key));
            }
        }
    }

    /// The one that [`Self::to_pem`] wrote.
    ///
    /// # Errors
    /// [`IdentityError`] if the text is no P-256 private key in PKCS#8.
    pub fn from_pem(text: &str) -> Result<Self, IdentityError> {
        SigningKey::from_pkcs8_pem(text).map(Self).map_err(|_| IdentityError)
    }

    /// The key as PEM text (PKCS#8, RFC 5958). Wiped on drop.
    pub fn to_pem(&self) -> Zeroizing<String> {
        self.0
            .to_pkcs8_pem(LineEnding::LF)
            // Encoding fails only for lengths beyond DER's limits.
            .unwrap_or_else(|_| unreachable!("a P-256 key is short enough for DER"))
    }

    /// Its public half: 65 bytes, 04 ‖ x ‖ y.
    pub fn public_key(&self) -> [u8; PageKey::LENGTH] {
        *self.key().as_bytes()
    }

    /// Its public half as the key that answers are checked with.
    pub fn key(&self) -> PageKey {
        PageKey::of(self.0.verifying_key())
    }

    /// The name that signatures call it by.
    pub fn key_id(&self) -> KeyId {
        self.key().key_id()
    }

    /// r ‖ s over SHA-256 of `message`; the same for the same message (RFC 6979).
    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        let signature: Signature = self.0.sign(message);
        signature.to_bytes().into()
    }
}

/// A text is not the bridge's signing key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bridge's own key is not a P-256 private key in PKCS#8")]
pub struct IdentityError;

impl Fault for IdentityError {
    fn explain(&self) -> Explanation {
        Explanation::new(
            "bad-identity",
            Class::Damaged,
            "the file is damaged; remove it, and the bridge makes a new key, but every site must be paired again",
        )
    }
}
