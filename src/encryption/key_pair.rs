//! The X25519 key pair that files are sealed for.

use std::fmt;
use std::str::FromStr;

use secrecy::{ExposeSecret as _, ExposeSecretMut as _, SecretBox};
use zeroize::Zeroizing;

use super::base64::{self, encode};
use super::{FormatError, RandomError, random};
use crate::fault::{Class, Explanation, Fault};
use crate::sodium::{self, LockedKey};

/// A public key: 32 bytes, written as 44 characters of base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// The public key with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(super) fn from_field(field: &'static str, text: &str) -> Result<Self, FormatError> {
        base64::decode_exact(field, text).map(|bytes| Self(*bytes))
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode(&self.0))
    }
}

impl FromStr for PublicKey {
    type Err = PublicKeyError;

    fn from_str(text: &str) -> Result<Self, PublicKeyError> {
        Self::from_field("the public key", text).map_err(PublicKeyError)
    }
}

/// Why a text that a person gave is not a public key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PublicKeyError(FormatError);

impl Fault for PublicKeyError {
    fn explain(&self) -> Explanation {
        Explanation::new(
            "bad-public-key",
            Class::Usage,
            "give the 44 characters of base64 as the profile's public_key_v2 or the order's buyer_public_key has them",
        )
    }
}

/// A private key: 32 bytes as they were made, not clamped (X25519 clamps when it uses them). Secret, wiped on drop.
pub struct PrivateKey(Bytes);

/// Where the bytes of a private key are.
enum Bytes {
    /// On the heap: for a run, or a moment.
    Heap(SecretBox<[u8; 32]>),
    /// In memory that is locked, if the system allows that.
    Locked(LockedKey),
}

impl PrivateKey {
    /// The private key with these bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        let mut own = SecretBox::new(Box::new([0; 32]));
        own.expose_secret_mut().copy_from_slice(bytes);
        Self(Bytes::Heap(own))
    }

    /// A new one from the system's random source.
    ///
    /// # Errors
    /// [`RandomError`] if that source fails.
    pub fn generate() -> Result<Self, RandomError> {
        random().map(|bytes| Self::from_bytes(&bytes))
    }

    /// The public key that belongs to it (RFC 7748).
    pub fn public_key(&self) -> PublicKey {
        PublicKey(sodium::x25519_public_key(self.expose()))
    }

    /// Its 44 characters of base64. Wiped on drop.
    pub fn to_base64(&self) -> Zeroizing<String> {
        encode(self.expose())
    }

    /// The secret that its owner shares with the owner of `public`; None for a point of low order.
    pub(super) fn agree(&self, public: &PublicKey) -> Option<SecretBox<[u8; 32]>> {
        sodium::x25519(self.expose(), public.as_bytes())
    }

    fn expose(&self) -> &[u8; 32] {
        match &self.0 {
            Bytes::Heap(bytes) => bytes.expose_secret(),
            Bytes::Locked(bytes) => bytes.expose(),
        }
    }
}

/// A private key and the public key that belongs to it.
pub struct KeyPair {
    private_key: PrivateKey,
    public_key: PublicKey,
}

impl KeyPair {
    /// The key pair of a private key.
    pub fn new(private_key: PrivateKey) -> Self {
        let public_key = private_key.public_key();
        Self {
            private_key,
            public_key,
        }
    }

    /// The same, for a long life: the private key is moved to memory that is kept out of swap and core dumps, as far as
    /// the system allows that, and stays where it is if there is none. What it leaves is wiped.
    #[must_use]
    pub fn lock_in_memory(self) -> Self {
        match LockedKey::new(self.private_key.expose()) {
            Some(locked) => Self {
                private_key: PrivateKey(Bytes::Locked(locked)),
                public_key: self.public_key,
            },
            None => self,
        }
    }

    /// Whether the private key is kept out of swap.
    pub fn is_locked_in_memory(&self) -> bool {
        matches!(&self.private_key.0, Bytes::Locked(locked) if locked.is_locked())
    }

    /// The private key.
    pub fn private_key(&self) -> &PrivateKey {
        &self.private_key
    }

    /// The public key.
    pub fn public_key(&self) -> PublicKey {
        self.public_key
    }

    /// The text of `numerbay.json`, exactly as the web app exports it: 122 bytes, no spacing, no line end. Wiped on drop.
    pub fn to_key_file_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(128));
        text.push_str("{\"public_key\":\"");
        text.push_str(&self.public_key.to_string());
        text.push_str("\",\"private_key\":\"");
        text.push_str(&self.private_key.to_base64());
        text.push_str("\"}");
        text
    }
}
