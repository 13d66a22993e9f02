//! libsodium's X25519, XSalsa20 and Poly1305 as safe types: the one room with `unsafe`.
//!
//! Promises: keys and states are wiped on drop; a key that must live long can be kept out of swap. Refuses points of low
//! order in X25519, and nothing else by itself: what is encrypted with which key, and that a key and nonce are used once,
//! is its callers' business.
//!
//! Cipher and X25519 are used for their speed over large files and many (docs/dependencies.md). Files are authenticated by the room
//! `authenticator`, which is faster; libsodium's Poly1305 is here to judge it (`tests/authenticators_agree.rs`).

#![allow(unsafe_code)]

use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
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

/// The secret (32 bytes) that the owner of `private` shares with the owner of `public` (RFC 7748, section 5). None if
/// `public` is a point of low order, with which everybody shares the same secret.
pub fn x25519(private: &[u8; 32], public: &[u8; 32]) -> Option<SecretBox<[u8; 32]>> {
    init();
    let mut shared = SecretBox::new(Box::new([0; 32]));
    // SAFETY: all three point to 32 bytes, of which the first is written and the others are read.
    let result = unsafe {
        let shared = shared.expose_secret_mut().as_mut_ptr();
        ffi::crypto_scalarmult_curve25519(shared, private.as_ptr(), public.as_ptr())
    };
    (result == 0).then_some(shared)
}

/// The public key (32 bytes) that belongs to a private one (RFC 7748, section 6.1).
pub fn x25519_public_key(private: &[u8; 32]) -> [u8; 32] {
    init();
    let mut public = [0; 32];
    // SAFETY: both point to 32 bytes, of which the first is written and the other is read. It always returns 0.
    unsafe { ffi::crypto_scalarmult_curve25519_base(public.as_mut_ptr(), private.as_ptr()) };
    public
}

/// Bytes on the heap that may be secret: wiped on drop, as fast as memory is written.
pub struct WipedBuffer(Vec<u8>);

impl WipedBuffer {
    /// This many zeros.
    pub fn new(length: usize) -> Self {
        Self(vec![0; length])
    }
}

impl Deref for WipedBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for WipedBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

impl AsRef<[u8]> for WipedBuffer {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for WipedBuffer {
    fn drop(&mut self) {
        // SAFETY: the pointer and length are those of the vector's bytes.
        unsafe { ffi::sodium_memzero(self.0.as_mut_ptr().cast(), self.0.len()) };
    }
}

/// A secret of 32 bytes for a long life: in pages of its own that are never swapped out, as far as the system allows that,
/// nor part of a core dump. Before and after them stand pages that nobody may touch. Read-only, wiped on drop.
///
/// It takes four pages, of which one is locked and counts against the limit on locked memory (RLIMIT_MEMLOCK).
pub struct LockedKey {
    bytes: NonNull<[u8; 32]>,
    is_locked: bool,
}

// SAFETY: it owns its bytes, which no thread's state leads to; libsodium allocates and frees them in any thread.
unsafe impl Send for LockedKey {}

// SAFETY: through a shared reference the bytes are only read; they are written once, in `new`, before there is any.
unsafe impl Sync for LockedKey {}

impl LockedKey {
    /// A copy of these bytes. None if the system gives no memory; that it does not lock it is no reason.
    pub fn new(bytes: &[u8; 32]) -> Option<Self> {
        init();
        // SAFETY: takes a length alone. libsodium was initialised, which its guard needs.
        let memory = NonNull::new(unsafe { ffi::sodium_malloc(bytes.len()) })?.cast::<[u8; 32]>();
        // SAFETY: the memory is that of a live allocation of 32 bytes. It has been locked if that was allowed, and
        // locking it again changes nothing but tells.
        let is_locked = unsafe { ffi::sodium_mlock(memory.as_ptr().cast(), bytes.len()) } == 0;
        // SAFETY: the memory is 32 bytes that are writable, nobody else's, and of a type that stands at any address. It is not
        // written to once it is read-only; should that be refused, it changes nothing else.
        unsafe {
            memory.as_ptr().copy_from_nonoverlapping(bytes, 1);
            ffi::sodium_mprotect_readonly(memory.as_ptr().cast());
        }
        Some(Self {
            bytes: memory,
            is_locked,
        })
    }

    /// Whether the system lets it stay out of swap.
    pub fn is_locked(&self) -> bool {
        self.is_locked
    }

    /// The 32 bytes.
    pub fn expose(&self) -> &[u8; 32] {
        // SAFETY: the memory is 32 initialised bytes, which nobody writes to, and lives as long as this does.
        unsafe { self.bytes.as_ref() }
    }
}

impl Drop for LockedKey {
    fn drop(&mut self) {
        // SAFETY: the pointer came from sodium_malloc and is freed once; nothing borrows from it any more. libsodium makes
        // it writable and wipes it.
        unsafe { ffi::sodium_free(self.bytes.as_ptr().cast()) };
    }
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

/// libsodium's Poly1305 over a message that comes in parts.
pub struct Poly1305 {
    // On the heap, so that moving it leaves no copy behind.
    state: Box<ffi::crypto_onetimeauth_poly1305_state>,
}

impl Poly1305 {
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

    /// The tag of the message, 16 bytes.
    pub fn finish(mut self) -> [u8; 16] {
        let mut tag = [0; 16];
        // SAFETY: the state was initialised in `new` and is not used again; `tag` has the 16 bytes that are written.
        unsafe { ffi::crypto_onetimeauth_poly1305_final(&mut *self.state, tag.as_mut_ptr()) };
        tag
    }
}

impl Drop for Poly1305 {
    fn drop(&mut self) {
        // SAFETY: the pointer and length are those of the state, which is plain bytes.
        unsafe { ffi::sodium_memzero(std::ptr::from_mut(&mut *self.state).cast(), size_of_val(&*self.state)) };
    }
}
