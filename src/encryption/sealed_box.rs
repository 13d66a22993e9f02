//! The sealed box, NumerBay's file format (libsodium's `crypto_box_seal`), as far as keys go.
//!
//! ephemeral public key (32 bytes) ‖ tag (16 bytes) ‖ ciphertext (as long as the plaintext). The key of the box is
//! HSalsa20 of the X25519 shared secret, the nonce BLAKE2b-192(ephemeral public key ‖ recipient's public key), the
//! cipher XSalsa20-Poly1305. Running the cipher over a file is the business of the rooms above.
//!
//! Refuses points of low order, for which the shared secret is zero whoever the recipient is: as the ephemeral key,
//! where libsodium refuses them too, and as a recipient.

use blake2::Blake2b;
use blake2::digest::Digest as _;
use blake2::digest::consts::{U10, U24};
use secrecy::{ExposeSecret as _, ExposeSecretMut as _, SecretBox};
use zeroize::Zeroizing;

use super::{KeyPair, Nonce, PrivateKey, PublicKey, RandomError};
use crate::fault::{Class, Explanation, Fault};

/// What a sealed box is longer than its plaintext, in bytes: ephemeral public key (32) and tag (16).
pub const HEADER_BYTES: usize = 48;

/// The first 48 bytes of a sealed box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The ephemeral public key.
    pub ephemeral: PublicKey,
    /// The authenticator's tag over the ciphertext.
    pub tag: [u8; 16],
}

impl Header {
    /// Takes the 48 bytes apart.
    pub fn from_bytes(bytes: &[u8; HEADER_BYTES]) -> Self {
        let mut ephemeral = [0; 32];
        let mut tag = [0; 16];
        ephemeral.copy_from_slice(&bytes[..32]);
        tag.copy_from_slice(&bytes[32..]);
        Self {
            ephemeral: PublicKey::from_bytes(ephemeral),
            tag,
        }
    }

    /// Puts them together again.
    pub fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..32].copy_from_slice(self.ephemeral.as_bytes());
        bytes[32..].copy_from_slice(&self.tag);
        bytes
    }
}

/// The XSalsa20-Poly1305 key (32 bytes) and nonce (24 bytes) of one sealed box. Secret, wiped on drop.
///
/// It opens this one box and nothing else: neither the private key nor the key of another box follows from it. Who has
/// it can also change what is in the box.
pub struct BoxKey {
    key: SecretBox<[u8; 32]>,
    nonce: Nonce,
}

impl BoxKey {
    /// The key that opens the box with this ephemeral key, for the recipient with this key pair. The nonce uses the
    /// public key that belongs to the private key, whatever a profile says.
    ///
    /// # Errors
    /// [`LowOrder`] if the ephemeral key is a point of low order.
    pub fn to_open(recipient: &KeyPair, ephemeral: &PublicKey) -> Result<Self, LowOrder> {
        Self::agree(recipient.private_key(), ephemeral, box_nonce(ephemeral, &recipient.public_key()))
    }

    /// The key of a new box for `recipient`, with the ephemeral public key that goes in front of it.
    ///
    /// # Errors
    /// [`SealError::LowOrder`] if the recipient's key is a point of low order, [`SealError::Random`] if the system's
    /// random source fails.
    pub fn to_seal(recipient: &PublicKey) -> Result<(Self, PublicKey), SealError> {
        let ephemeral = PrivateKey::generate()?;
        let public = ephemeral.public_key();
        let key = Self::agree(&ephemeral, recipient, box_nonce(&public, recipient))?;
        Ok((key, public))
    }

    /// The key of the box with this ephemeral key for this recipient, from the 32 bytes that [`BoxKey::expose_key`] gave
    /// somewhere else. The nonce follows from the two public keys. That all three belong together shows when the tag is
    /// found right.
    pub fn from_parts(key: &[u8; 32], ephemeral: &PublicKey, recipient: &PublicKey) -> Self {
        let mut own = SecretBox::new(Box::new([0; 32]));
        own.expose_secret_mut().copy_from_slice(key);
        Self {
            key: own,
            nonce: box_nonce(ephemeral, recipient),
        }
    }

    /// The key, 32 bytes.
    pub fn expose_key(&self) -> &[u8; 32] {
        self.key.expose_secret()
    }

    /// The nonce, 24 bytes.
    pub fn nonce(&self) -> &[u8; 24] {
        self.nonce.as_bytes()
    }

    fn agree(ours: &PrivateKey, theirs: &PublicKey, nonce: Nonce) -> Result<Self, LowOrder> {
        let shared = ours.agree(theirs).ok_or(LowOrder)?;
        let mut key = SecretBox::new(Box::new([0; 32]));
        let hashed = Zeroizing::new(<[u8; 32]>::from(salsa20::hsalsa::<U10>(
            shared.expose_secret().into(),
            &Default::default(),
        )));
        key.expose_secret_mut().copy_from_slice(&*hashed);
        Ok(Self { key, nonce })
    }
}

fn box_nonce(ephemeral: &PublicKey, recipient: &PublicKey) -> Nonce {
    let hash = Blake2b::<U24>::new()
        .chain_update(ephemeral.as_bytes())
        .chain_update(recipient.as_bytes());
    Nonce::from_bytes(hash.finalize().into())
}

/// Who can open boxes: a key pair, or somebody who asks whoever holds one for the key of each box.
///
/// Who is answered can open every box for that key pair as long as the answers come, and none afterwards whose key was
/// not asked for: the private key is not told.
pub trait BoxOpener: Sync {
    /// The key of the box with this ephemeral key.
    ///
    /// # Errors
    /// [`BoxKeyError`], one variant per reason.
    fn box_key(&self, ephemeral: &PublicKey) -> Result<BoxKey, BoxKeyError>;
}

impl BoxOpener for KeyPair {
    fn box_key(&self, ephemeral: &PublicKey) -> Result<BoxKey, BoxKeyError> {
        Ok(BoxKey::to_open(self, ephemeral)?)
    }
}

/// Why there is no key for a box.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BoxKeyError {
    /// The ephemeral key is a point of low order: made to be opened by anybody.
    #[error("the box is forged: its ephemeral key is a point of low order")]
    LowOrder,
    /// Whoever holds the key pair did not answer, or answered something else.
    #[error("{message}")]
    NotGiven {
        /// The reason, in one sentence. Text from outside stands in it only as it was made printable.
        message: String,
        /// What else there is to say of it.
        explanation: Explanation,
    },
}

impl From<LowOrder> for BoxKeyError {
    fn from(LowOrder: LowOrder) -> Self {
        Self::LowOrder
    }
}

impl Fault for BoxKeyError {
    fn explain(&self) -> Explanation {
        match self {
            Self::LowOrder => Explanation::new(
                "low-order-box",
                Class::Damaged,
                "nobody's honest program made this file: ask the seller, and do not use what it claims to hold",
            ),
            Self::NotGiven { explanation, .. } => explanation.clone(),
        }
    }
}

/// A public key is a point of low order: with it the shared secret is zero, known to everyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the public key is a point of low order, which nobody's private key belongs to")]
pub struct LowOrder;

/// Why no box can be made for a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The recipient's public key is a point of low order.
    #[error("the recipient's public key is a point of low order: everybody could open the box")]
    LowOrder,
    /// The system's random source failed.
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl From<LowOrder> for SealError {
    fn from(LowOrder: LowOrder) -> Self {
        Self::LowOrder
    }
}

impl Fault for SealError {
    fn explain(&self) -> Explanation {
        match self {
            Self::LowOrder => Explanation::new(
                "low-order-recipient",
                Class::Policy,
                "nobody made this key honestly: get the buyer's public key again from the order",
            ),
            Self::Random(error) => error.explain(),
        }
    }
}
