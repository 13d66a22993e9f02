//! Ciphertext that waits until all of it has been seen.
//!
//! What is read again is what was written, or an error before a byte of it is used: a disk may give back something else,
//! and so may whoever else can write to the file. That a box was verified when it came in would be worth nothing then,
//! because its cipher turns a flipped bit into a flipped bit. So each chunk has a tag, which stays in memory: 16 bytes
//! for a MiB.

use std::io::{Seek as _, Write as _};

use rustix::fs::Mode;
use zeroize::Zeroizing;

use super::input::fill;
use super::pipeline::CHUNK_BYTES;
use super::temporary::{Naming, Temporary};
use super::{Folder, TargetError};
use crate::authenticator::Authenticator;
use crate::sodium::StreamCipher;

/// A private file, without a name where the system allows that. Written from its start to its end, in chunks of
/// [`CHUNK_BYTES`] of which only the last may be shorter; then read again in the same.
pub(super) struct Spool {
    temporary: Temporary,
    name: String,
    /// Block `n` of this key stream holds the authenticator's key for chunk `n`.
    keys: StreamCipher,
    tags: Vec<[u8; Authenticator::TAG_BYTES]>,
}

impl Spool {
    pub(super) fn create(folder: &Folder) -> Result<Self, TargetError> {
        let name = format!("the spool file in {}", folder.shown());
        let mut key = Zeroizing::new([0; 32]);
        let temporary = getrandom::fill(&mut *key)
            .map_err(std::io::Error::other)
            .and_then(|()| Temporary::create(folder.place(), Mode::RUSR | Mode::WUSR, Naming::Avoid));
        match temporary {
            Ok(temporary) => Ok(Self {
                temporary,
                name,
                keys: StreamCipher::new(&key, &[0; 24]),
                tags: Vec::new(),
            }),
            Err(error) => Err(TargetError::from_io(&name, error)),
        }
    }

    pub(super) fn write(&mut self, chunk: &[u8]) -> Result<(), TargetError> {
        self.tags.push(self.authenticator(self.tags.len(), chunk).finish());
        let result = self.temporary.file().write_all(chunk);
        result.map_err(|error| TargetError::from_io(&self.name, error))
    }

    /// From its start.
    pub(super) fn read_again(mut self) -> Result<Reading, TargetError> {
        let result = self.temporary.file().rewind();
        result.map_err(|error| TargetError::from_io(&self.name, error))?;
        Ok(Reading { spool: self, next: 0 })
    }

    fn authenticator(&self, number: usize, chunk: &[u8]) -> Authenticator {
        let mut block = Zeroizing::new([0; StreamCipher::BLOCK_BYTES]);
        self.keys.apply(number as u64, &mut *block);
        let mut key = Zeroizing::new([0; 32]);
        key.iter_mut().zip(block.iter()).for_each(|(to, from)| *to = *from);
        let mut authenticator = Authenticator::new(&key);
        authenticator.update(chunk);
        authenticator
    }
}

/// A spool that is read.
pub(super) struct Reading {
    spool: Spool,
    next: usize,
}

impl Reading {
    /// Fills `chunk`, of [`CHUNK_BYTES`], with the next one, as far as it reached; with nothing at the end.
    pub(super) fn fill(&mut self, chunk: &mut [u8]) -> Result<usize, TargetError> {
        debug_assert_eq!(chunk.len(), CHUNK_BYTES);
        let Some(tag) = self.spool.tags.get(self.next).copied() else {
            return Ok(0);
        };
        let length =
            fill(self.spool.temporary.file(), chunk).map_err(|error| TargetError::from_io(&self.spool.name, error))?;
        let read = chunk.get(..length).unwrap_or_default();
        if !self.spool.authenticator(self.next, read).verify(&tag) {
            return Err(TargetError::SpoolChanged {
                name: self.spool.name.clone(),
            });
        }
        self.next += 1;
        Ok(length)
    }
}
