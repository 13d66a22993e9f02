//! NaCl's secretbox for the few bytes of an envelope: XSalsa20-Poly1305, tag (16 bytes) ‖ ciphertext.

use poly1305::Poly1305;
use poly1305::universal_hash::KeyInit as _;
use salsa20::XSalsa20;
use salsa20::cipher::{KeyIvInit as _, StreamCipher as _};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::{RandomError, random};

/// The length of an authenticator's tag in bytes.
pub(super) const TAG_BYTES: usize = 16;

/// A nonce of 24 bytes, used once with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nonce([u8; 24]);

impl Nonce {
    /// The length in bytes.
    pub const BYTES: usize = 24;

    /// The nonce with these bytes. For a nonce that was used before: recorded data, an envelope that is read.
    pub const fn from_bytes(bytes: [u8; 24]) -> Self {
        Self(bytes)
    }

    /// A new one from the system's random source.
    ///
    /// # Errors
    /// [`RandomError`] if that source fails.
    pub fn random() -> Result<Self, RandomError> {
        Ok(Self(*random()?))
    }

    /// Its 24 bytes.
    pub const fn as_bytes(&self) -> &[u8; 24] {
        &self.0
    }
}

/// The cipher after the first 32 bytes of its key stream, and the authenticator keyed with these.
fn start(key: &[u8; 32], nonce: &Nonce) -> (XSalsa20, Poly1305) {
    let mut cipher = XSalsa20::new(key.into(), nonce.as_bytes().into());
    let mut authenticator_key = Zeroizing::new([0; 32]);
    cipher.apply_keystream(&mut *authenticator_key);
    let authenticator = Poly1305::new((&*authenticator_key).into());
    (cipher, authenticator)
}

/// Tag ‖ ciphertext of `plaintext`.
pub(super) fn seal(key: &[u8; 32], nonce: &Nonce, plaintext: &[u8]) -> Vec<u8> {
    let (mut cipher, authenticator) = start(key, nonce);
    let mut ciphertext = plaintext.to_vec();
    cipher.apply_keystream(&mut ciphertext);
    let mut boxed = authenticator.compute_unpadded(&ciphertext).to_vec();
    boxed.append(&mut ciphertext);
    boxed
}

/// The plaintext, or nothing if the tag is missing or wrong.
pub(super) fn open(key: &[u8; 32], nonce: &Nonce, boxed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (tag, ciphertext) = boxed.split_first_chunk::<TAG_BYTES>()?;
    let (mut cipher, authenticator) = start(key, nonce);
    let expected = authenticator.compute_unpadded(ciphertext);
    if !bool::from(expected.as_slice().ct_eq(tag)) {
        return None;
    }
    let mut plaintext = Zeroizing::new(ciphertext.to_vec());
    cipher.apply_keystream(&mut plaintext);
    Some(plaintext)
}
