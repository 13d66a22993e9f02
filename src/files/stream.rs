//! The cipher of a sealed box, at any position in its plaintext.
//!
//! The first 32 bytes of the key stream are the authenticator's key; the plaintext meets the key stream from byte 32
//! on. Nothing here knows where the bytes come from or go to.

use zeroize::Zeroizing;

use crate::authenticator::Authenticator;
use crate::encryption::sealed_box::BoxKey;
use crate::sodium::StreamCipher;

/// Where the plaintext begins in the key stream.
const AUTHENTICATOR_KEY_BYTES: usize = 32;

/// The cipher of one box. Several threads may use it at once, each for its part.
///
/// What it makes of a ciphertext is worth nothing until the authenticator has found the tag right.
pub struct BoxCipher {
    stream: StreamCipher,
}

impl BoxCipher {
    /// The cipher and the authenticator of a box. The authenticator takes the whole ciphertext, in order.
    pub fn start(key: &BoxKey) -> (Self, Authenticator) {
        let stream = StreamCipher::new(key.expose_key(), key.nonce());
        let mut authenticator_key = Zeroizing::new([0; AUTHENTICATOR_KEY_BYTES]);
        stream.apply(0, &mut *authenticator_key);
        let authenticator = Authenticator::new(&authenticator_key);
        (Self { stream }, authenticator)
    }

    /// Encrypts or decrypts, in place, the part of the box that begins at byte `position` of its plaintext.
    pub fn apply(&self, position: u64, data: &mut [u8]) {
        const BLOCK: usize = StreamCipher::BLOCK_BYTES;
        let offset = position + AUTHENTICATOR_KEY_BYTES as u64;
        let block = offset / BLOCK as u64;
        let within = (offset % BLOCK as u64) as usize;
        if within == 0 {
            return self.stream.apply(block, data);
        }
        // The cipher starts at whole blocks only: the rest of the block that was begun comes first.
        let (head, rest) = data.split_at_mut(data.len().min(BLOCK - within));
        let mut key_stream = Zeroizing::new([0; BLOCK]);
        self.stream.apply(block, &mut *key_stream);
        for (byte, key) in head.iter_mut().zip(key_stream.iter().skip(within)) {
            *byte ^= key;
        }
        self.stream.apply(block + 1, rest);
    }
}
