//! What has been judged and may leave: verified, or sealed as a whole.
//!
//! The verdict comes before the first byte, whatever it is poured into. On disk there is ciphertext alone, and each chunk
//! of it is held against its tag again before a byte of it leaves (`spool.rs`).

use super::TargetError;
use super::pipeline::{self, Expected, Threads};
use super::spool::Spool;
use super::stream::BoxCipher;
use crate::encryption::sealed_box::HEADER_BYTES;

/// A result that waits as ciphertext in a file without a name. Dropped, nothing is left of it.
#[must_use = "nothing leaves until it is poured"]
pub struct Spooled {
    spool: Spool,
    length: u64,
    result: Kind,
}

enum Kind {
    /// Plaintext, once it went through the cipher of the box, whose tag was right.
    Plaintext(BoxCipher),
    /// A sealed box, of which this stands in front.
    Box([u8; HEADER_BYTES]),
}

impl Spooled {
    /// The ciphertext of a verified box, `length` bytes.
    pub(super) fn opened(spool: Spool, length: u64, cipher: BoxCipher) -> Self {
        Self {
            spool,
            length,
            result: Kind::Plaintext(cipher),
        }
    }

    /// The ciphertext of a new box, `length` bytes, and its header.
    pub(super) fn sealed(spool: Spool, length: u64, header: [u8; HEADER_BYTES]) -> Self {
        Self {
            spool,
            length: length + HEADER_BYTES as u64,
            result: Kind::Box(header),
        }
    }

    /// How many bytes will be poured.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Gives all of it to `write`, in order, in pieces of at most [`CHUNK_BYTES`](super::CHUNK_BYTES), of which none is
    /// empty. With more than one thread, each piece may come from another one.
    ///
    /// # Errors
    /// What `write` says, which is not called again; [`TargetError`] if the file is not read again as it was written.
    pub fn pour<E: From<TargetError> + Send>(
        self,
        threads: Threads,
        mut write: impl FnMut(&[u8]) -> Result<(), E> + Send,
    ) -> Result<(), E> {
        let mut spool = self.spool.read_again()?;
        let cipher = match self.result {
            Kind::Plaintext(cipher) => Some(cipher),
            Kind::Box(header) => {
                write(&header)?;
                None
            }
        };
        let decrypt = |position, chunk: &mut [u8]| {
            if let Some(cipher) = &cipher {
                cipher.apply(position, chunk);
            }
        };
        let read = |chunk: &mut [u8]| Ok(spool.fill(chunk)?);
        pipeline::run(threads, Expected::default(), || (), read, decrypt, |_| (), write)?;
        Ok(())
    }
}
