//! What a web page and the bridge say to each other: origins, keys, signatures of requests and answers, pairing, nonces.
//!
//! Promises: pure functions of their arguments, the time included, so that each rule is held to near misses and can be
//! fuzzed. Nothing is guessed at: a header has one spelling, the canonical one; a signature covers exactly the
//! components that the protocol names; keys, proofs and nonces have one length. The protocol is described in
//! `docs/bridge-protocol.md`. Refuses: plain http from anywhere but this computer, opaque origins, other algorithms,
//! other labels, more than one signature, and a nonce for the second time.
//!
//! It judges what it is shown and nothing else: which Host and which origin may come, and to whom a key belongs, is
//! decided above.
//!
//! The one thing taken from outside is the system's random source, for keys and codes.

#![forbid(unsafe_code)]

mod answer;
mod base64;
mod code;
mod components;
mod digest;
mod fields;
mod identity;
mod key;
mod nonces;
mod origin;
mod pairing;
mod refusal;
mod request;
mod scope;

pub use answer::{AnswerSignature, verify_answer};
pub use code::{Code, CodeError};
pub use digest::{body_digest, content_digest};
pub use identity::{Identity, IdentityError};
pub use key::{KeyError, KeyId, PageKey};
pub use nonces::{Freshness, Nonces};
pub use origin::{Origin, OriginError};
pub use pairing::{Pairing, PairingAnswer, PairingRequest, Proof, ProofError};
pub use refusal::SignatureError;
pub use request::RequestSignature;
pub use scope::{Scope, ScopeError, Scopes};

pub use crate::encryption::RandomError;

/// The label of the one signature in `Signature-Input` and `Signature`.
const LABEL: &str = "saltbridge";

/// The only value that the parameter `alg` may have (RFC 9421, section 3.3.4).
const ALGORITHM: &str = "ecdsa-p256-sha256";

/// `N` bytes from the system's random source.
fn random<const N: usize>() -> Result<zeroize::Zeroizing<[u8; N]>, RandomError> {
    let mut bytes = zeroize::Zeroizing::new([0; N]);
    getrandom::fill(&mut *bytes).map_err(|_| RandomError)?;
    Ok(bytes)
}
