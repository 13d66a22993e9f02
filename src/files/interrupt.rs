//! Waiting for a pipe, which may last for ever, and its end.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;

use rustix::event::{EventfdFlags, PollFd, PollFlags};
use rustix::io::Errno;

/// Ends a read that waits for a pipe: the reader finds the end of the input there.
pub(super) struct Interrupt(OwnedFd);

impl Interrupt {
    pub(super) fn new() -> Result<Self, Errno> {
        rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).map(Self)
    }

    pub(super) fn try_clone(&self) -> io::Result<Self> {
        self.0.try_clone().map(Self)
    }

    /// From now on nothing is read. By any thread.
    pub(super) fn signal(&self) {
        // It fails only if that was said 2⁶⁴ - 2 times.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }

    pub(super) fn guard<'a>(&'a self, file: &'a File) -> impl Read + 'a {
        Guarded { file, interrupt: self }
    }
}

struct Guarded<'a> {
    file: &'a File,
    interrupt: &'a Interrupt,
}

impl Read for Guarded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut ready = [PollFd::new(&self.interrupt.0, PollFlags::IN), PollFd::new(self.file, PollFlags::IN)];
        rustix::event::poll(&mut ready, None)?;
        let [interrupt, _] = &ready;
        match interrupt.revents().is_empty() {
            true => self.file.read(buffer),
            false => Ok(0),
        }
    }
}
