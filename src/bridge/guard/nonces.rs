//! The nonces of all keys.

use std::collections::HashMap;

use super::super::protocol::{KeyId, Nonces, RequestSignature};
use super::super::refusal::Refusal;

/// The nonces of all keys.
pub(in crate::bridge) struct AllNonces {
    not_before: i64,
    of: HashMap<KeyId, Nonces>,
}

impl AllNonces {
    /// `not_before` is the second in which the process began to listen.
    pub(in crate::bridge) fn new(not_before: i64) -> Self {
        Self {
            not_before,
            of: HashMap::new(),
        }
    }

    pub(in crate::bridge) fn check(&mut self, now: i64, signature: &RequestSignature) -> Result<(), Refusal> {
        let not_before = self.not_before;
        let nonces = self
            .of
            .entry(signature.key_id())
            .or_insert_with(|| Nonces::new(not_before));
        Ok(nonces.check(now, signature.created(), signature.nonce())?)
    }
}
