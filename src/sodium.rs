//! libsodium's XSalsa20 and Poly1305 as safe types: the one room with `unsafe`.
//!
//! Promises: keys and states are wiped on drop; tags are compared in constant time. Refuses nothing by itself: what is
//! encrypted with which key, and that a key and nonce are used once, is its callers' business.
//!
//! libsodium is used for its speed over large files (docs/dependencies.md); `tests/engine_agrees_with_oracles.rs` holds
//! it against the RustCrypto crates.

#![allow(unsafe_code)]

use std::sync::Once;

use libsodium_sys as ffi;
use secrecy::{ExposeSecret as _, ExposeSecretMut as _, SecretBox};

/// Lets libsodium choose its implementations for this processor. Needed once before any other call.
fn init() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: takes no arguments; libsodium documents that it may be called from any thread, and any number of
        // times. If it fails, the portable implementations stay chosen, which give the same bytes.
        unsafe { ffi::sodium_init() };
    });
}

/// The XSalsa20 key stream of one key and nonce, to be entered at any of its 64-byte blocks.
pub struct StreamCipher {
    key: SecretBox<[u8; 32]>,
    nonce: [u8; 24],
}

impl StreamCipher {
    /// The length of a block of the key stream in bytes.
    pub const BLOCK_BYTES: usize = 64;

    /// The key stream of a key (32 bytes) and a nonce (24 bytes).
    pub fn new(key: &[u8; 32], nonce: &[u8; 24]) -> Self {
        init();
        let mut own = SecretBox::new(Box::new([0; 32]));
        own.expose_secret_mut().copy_from_slice(key);
        Self {
            key: own,
            nonce: *nonce,
        }
    }

    /// Combines `data` with the key stream from the start of block `block` on, by exclusive or: encrypts and decrypts.
    pub fn apply(&self, block: u64, data: &mut [u8]) {
        // SAFETY: input and output are the same `data.len()` bytes, which libsodium allows (it works in place); nonce
        // and key point to the 24 and 32 bytes that the function reads. It always returns 0.
        unsafe {
            let bytes = data.as_mut_ptr();
            ffi::crypto_stream_xsalsa20_xor_ic(
                bytes,
                bytes,
                data.len() as u64,
                self.nonce.as_ptr(),
                block,
                self.key.expose_secret().as_ptr(),
            );
        }
    }
}

/// Poly1305 over a message that comes in parts.
pub struct Authenticator {
    // On the heap, so that moving the authenticator leaves no copy behind.
    state: Box<ffi::crypto_onetimeauth_poly1305_state>,
}

impl Authenticator {
    /// The length of a tag in bytes.
    pub const TAG_BYTES: usize = 16;

    /// Starts a message under a one-time key (32 bytes).
    pub fn new(key: &[u8; 32]) -> Self {
        init();
        let mut state = Box::new(ffi::crypto_onetimeauth_poly1305_state { opaque: [0; 256] });
        // SAFETY: `state` is a whole, aligned state for libsodium to fill; the key points to the 32 bytes that it reads.
        unsafe { ffi::crypto_onetimeauth_poly1305_init(&mut *state, key.as_ptr()) };
        Self { state }
    }

    /// Takes the next part of the message, of any length.
    pub fn update(&mut self, part: &[u8]) {
        // SAFETY: the state was initialised in `new`; the pointer and length are those of a slice.
        unsafe { ffi::crypto_onetimeauth_poly1305_update(&mut *self.state, part.as_ptr(), part.len() as u64) };
    }

    /// The tag of the message.
    pub fn finish(mut self) -> [u8; 16] {
        let mut tag = [0; Self::TAG_BYTES];
        // SAFETY: the state was initialised in `new` and is not used again; `tag` has the 16 bytes that are written.
        unsafe { ffi::crypto_onetimeauth_poly1305_final(&mut *self.state, tag.as_mut_ptr()) };
        tag
    }

    /// Whether `tag` is the tag of the message, in constant time.
    pub fn verify(self, tag: &[u8; 16]) -> bool {
        let expected = self.finish();
        // SAFETY: both point to 16 bytes.
        unsafe { ffi::crypto_verify_16(expected.as_ptr(), tag.as_ptr()) == 0 }
    }
}

impl Drop for Authenticator {
    fn drop(&mut self) {
        // SAFETY: the pointer and length are those of the state, which is plain bytes.
        unsafe { ffi::sodium_memzero(std::ptr::from_mut(&mut *self.state).cast(), size_of_val(&*self.state)) };
    }
}
