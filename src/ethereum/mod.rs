//! What saltbridge needs of Ethereum: address, derivation path, personal message, signature.
//!
//! Promises: pure functions of their arguments, no I/O; every text and byte string from outside is checked before it
//! becomes one of these types. Refuses: transactions, typed data, chain identifiers in v, and any signing of its own;
//! keys stay in the wallet.

#![forbid(unsafe_code)]

mod address;
mod path;
mod personal_message;
mod signature;

pub use address::{Address, AddressError};
pub use path::{DerivationPath, PathError};
pub use personal_message::personal_message_hash;
pub use signature::{Signature, SignatureError, VForm};

use sha3::{Digest as _, Keccak256};

/// Keccak-256 (the function that Ethereum uses, not SHA3-256) of the joined `parts`: 32 bytes.
pub(crate) fn keccak256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Keccak256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}
