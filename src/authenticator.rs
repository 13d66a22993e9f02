//! Poly1305 over a message that comes in parts, as fast as the processor allows.
//!
//! Promises: the tags of libsodium's Poly1305 for every message, whatever parts it comes in
//! (`tests/authenticators_agree.rs`); the state is wiped on drop, though a move of it may leave a copy on the stack (it
//! could forge that one box, not read it); tags are compared in constant time. Refuses nothing by itself: that a key
//! authenticates one message only is its callers' business.
//!
//! The tag is what one thread must compute from the first byte to the last, while everything else can be shared: it
//! limits how fast a file opens. dryoc uses the processor's vector units for it (docs/dependencies.md).

use dryoc::onetimeauth::OnetimeAuth;

/// Poly1305 over a message that comes in parts.
pub struct Authenticator(OnetimeAuth);

impl Authenticator {
    /// The length of a tag in bytes.
    pub const TAG_BYTES: usize = 16;

    /// Starts a message under a one-time key (32 bytes).
    pub fn new(key: &[u8; 32]) -> Self {
        Self(OnetimeAuth::new(key))
    }

    /// Takes the next part of the message, of any length.
    pub fn update(&mut self, part: &[u8]) {
        self.0.update(part);
    }

    /// The tag of the message.
    pub fn finish(self) -> [u8; Self::TAG_BYTES] {
        self.0.finalize()
    }

    /// Whether `tag` is the tag of the message, in constant time.
    pub fn verify(self, tag: &[u8; Self::TAG_BYTES]) -> bool {
        self.0.verify(tag).is_ok()
    }
}
