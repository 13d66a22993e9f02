//! A sealed box as a stream: pieces of any length in, pieces of the same length out.
//!
//! The first 32 bytes of the key stream are the authenticator's key; the plaintext meets the key stream from byte 32
//! on. Nothing here knows where the bytes come from or go to.

use zeroize::Zeroizing;

use crate::encryption::sealed_box::BoxKey;
use crate::sodium::{Authenticator, StreamCipher};

/// How much of a file is held at a time: 256 KiB.
pub const CHUNK_BYTES: usize = 256 * 1024;

/// Where the plaintext begins in the key stream.
const AUTHENTICATOR_KEY_BYTES: usize = 32;

/// The cipher of a box, at a position in its plaintext.
struct Cipher {
    stream: StreamCipher,
    position: u64,
}

impl Cipher {
    fn start(key: &BoxKey) -> (Self, Authenticator) {
        let stream = StreamCipher::new(key.expose_key(), key.nonce());
        let mut authenticator_key = Zeroizing::new([0; AUTHENTICATOR_KEY_BYTES]);
        stream.apply(0, &mut *authenticator_key);
        let authenticator = Authenticator::new(&authenticator_key);
        (Self { stream, position: 0 }, authenticator)
    }

    fn apply(&mut self, data: &mut [u8]) {
        const BLOCK: usize = StreamCipher::BLOCK_BYTES;
        let offset = self.position + AUTHENTICATOR_KEY_BYTES as u64;
        let block = offset / BLOCK as u64;
        let within = (offset % BLOCK as u64) as usize;
        self.position += data.len() as u64;
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

/// A sealed box being opened.
///
/// The order of calls is the caller's: [`Opener::authenticate`] over the whole ciphertext, [`Opener::decrypt`] over the
/// same. What was decrypted is worth nothing until [`Opener::verify`] has said yes.
pub struct Opener {
    cipher: Cipher,
    authenticator: Authenticator,
}

impl Opener {
    /// Starts with the key of a box.
    pub fn new(key: &BoxKey) -> Self {
        let (cipher, authenticator) = Cipher::start(key);
        Self { cipher, authenticator }
    }

    /// Takes the next piece of ciphertext into the tag.
    pub fn authenticate(&mut self, ciphertext: &[u8]) {
        self.authenticator.update(ciphertext);
    }

    /// Turns the next piece of ciphertext into plaintext, in place.
    pub fn decrypt(&mut self, data: &mut [u8]) {
        self.cipher.apply(data);
    }

    /// Whether `tag` (16 bytes) is the tag of what was authenticated. The cipher remains, for who decrypts afterwards.
    pub fn verify(self, tag: &[u8; 16]) -> Option<Verified> {
        self.authenticator
            .verify(tag)
            .then_some(Verified { cipher: self.cipher })
    }
}

/// A sealed box whose tag was right.
pub struct Verified {
    cipher: Cipher,
}

impl Verified {
    /// As [`Opener::decrypt`].
    pub fn decrypt(&mut self, data: &mut [u8]) {
        self.cipher.apply(data);
    }
}

/// A sealed box being made.
pub struct Sealer {
    cipher: Cipher,
    authenticator: Authenticator,
}

impl Sealer {
    /// Starts with the key of a box.
    pub fn new(key: &BoxKey) -> Self {
        let (cipher, authenticator) = Cipher::start(key);
        Self { cipher, authenticator }
    }

    /// Turns the next piece of plaintext into ciphertext, in place, and takes it into the tag.
    pub fn encrypt(&mut self, data: &mut [u8]) {
        self.cipher.apply(data);
        self.authenticator.update(data);
    }

    /// The tag (16 bytes) of the whole.
    pub fn finish(self) -> [u8; 16] {
        self.authenticator.finish()
    }
}
