//! NumerBay's client-side encryption as byte formats: messages, storage key, envelope, key pair, sealed box.
//!
//! Promises: pure functions of their arguments, so that every format is held to recorded data and can be fuzzed; reads
//! what NumerBay's web app reads and writes what it writes, byte for byte. The formats are described in
//! `docs/envelope.md`. Refuses: unknown key derivations, texts in which a field that matters stands twice, keys of
//! another length than 32 bytes, points of low order, and messages that are none of the two known ones unless a person
//! insists.
//!
//! What is taken from outside is the system's random source, for new keys, nonces and salts, and memory that is kept out
//! of swap, for a key pair that stays unlocked.

#![forbid(unsafe_code)]

mod base64;
mod document;
mod envelope;
mod format;
mod kdf;
mod key_file;
mod key_pair;
mod legacy;
mod message;
mod profile;
pub mod sealed_box;
mod secretbox;

pub use document::{Document, DocumentError};
pub use envelope::{Envelope, EnvelopeError, OpenError};
pub use format::FormatError;
pub use kdf::{Kdf, StorageKey};
pub use key_file::{KeyFile, KeyFileError};
pub use key_pair::{KeyPair, PrivateKey, PublicKey, PublicKeyError};
pub use legacy::LegacyEnvelope;
pub use message::{Message, SignableMessage, UnusualSalt};
pub use profile::{Mechanism, Profile, ProfileError};
pub use secretbox::Nonce;

use crate::fault::{Class, Explanation, Fault};

/// The longest envelope, profile or key file that is looked at: 64 KiB. NumerBay's own are below 1 KiB, a profile with
/// everything in it below 8 KiB.
pub const TEXT_LIMIT: usize = 64 * 1024;

/// The system's random source failed; nothing can be made safely.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system's random source failed")]
pub struct RandomError;

impl Fault for RandomError {
    fn explain(&self) -> Explanation {
        Explanation::new(
            "no-randomness",
            Class::System,
            "the kernel's getrandom does not answer; restart the machine and try again",
        )
    }
}

/// `N` bytes from the system's random source.
fn random<const N: usize>() -> Result<zeroize::Zeroizing<[u8; N]>, RandomError> {
    let mut bytes = zeroize::Zeroizing::new([0; N]);
    getrandom::fill(&mut *bytes).map_err(|_| RandomError)?;
    Ok(bytes)
}
