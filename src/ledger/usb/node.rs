//! An open hidraw node: whole reports in and out, every error of the system as what it means.
//!
//! Promises: a signal breaks nothing off; a request that was begun is written to its end, even if the process is about
//! to end by itself ([`finish_writes`]); two processes of any users that keep to the lock never have it both.
//!
//! hidapi finds the devices, but it does not read or write them: it shows neither the node's descriptor, which the lock
//! needs (a second one would be one more that reads every answer), nor the system's error number, only its text.

use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Mutex, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FlockOperation, Mode, OFlags, flock, fstat, open, stat};
use rustix::io::{Errno, read, retry_on_intr, write};
use zeroize::Zeroizing;

use super::framing::{REPORT, Request};

/// How long a node may go on sending before anything was asked.
const NEVER_QUIET: Duration = Duration::from_secs(1);

/// Held while a request is being written.
static WRITING: Mutex<()> = Mutex::new(());

/// A hidraw node, open and locked for this process.
pub(super) struct Node(OwnedFd);

/// Why a node could not be opened.
#[derive(Debug)]
pub(super) enum OpenError {
    /// It is not there, or not any more.
    Absent(io::Error),
    /// It is there, and cannot be opened.
    Failed(io::Error),
    /// The user may not.
    Denied,
    /// Another process has locked it.
    Locked,
}

/// Why nothing was read or written.
#[derive(Debug)]
pub(super) enum NodeError {
    /// The device is gone.
    Gone(io::Error),
    /// Nothing came, or nothing was taken, in time.
    Silent,
}

impl Node {
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let opened = retry_on_intr(|| open(path, flags, Mode::empty()));
        let node = opened.map_err(|errno| match errno {
            Errno::ACCESS | Errno::PERM => OpenError::Denied,
            Errno::NOENT | Errno::NODEV | Errno::NXIO => OpenError::Absent(errno.into()),
            other => OpenError::Failed(other.into()),
        })?;
        match flock(&node, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self(node)),
            Err(Errno::WOULDBLOCK) => Err(OpenError::Locked),
            Err(errno) => Err(OpenError::Failed(errno.into())),
        }
    }

    /// Whether this path is that of the open node still: it goes with its device, and another one may get its name.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        let named = stat(path).map(|node| (node.st_rdev, node.st_ino));
        named.is_ok() && named == fstat(&self.0).map(|node| (node.st_rdev, node.st_ino))
    }

    /// Writes all reports of a request. A device that was sent a part of one takes no other (recorded: app 1.22.0).
    pub(super) fn write(&self, request: &Request) -> Result<(), NodeError> {
        let _whole = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        for report in request.reports() {
            // Zero is the number of the report, for devices that number none (Linux, hidraw.rst).
            let numbered = Zeroizing::new([&[0], report.as_slice()].concat());
            match retry_on_intr(|| write(&self.0, &numbered)) {
                Ok(written) if written == numbered.len() => {}
                Ok(written) => {
                    let short = format!("{written} of {} bytes written", numbered.len());
                    return Err(NodeError::Gone(io::Error::new(io::ErrorKind::WriteZero, short)));
                }
                Err(Errno::TIMEDOUT) => return Err(NodeError::Silent),
                Err(errno) => return Err(NodeError::Gone(errno.into())),
            }
        }
        Ok(())
    }

    /// Reads one report into `report`; how long it is. Without an end the wait has none.
    pub(super) fn read(&self, report: &mut [u8; REPORT + 1], end: Option<Instant>) -> Result<usize, NodeError> {
        loop {
            match retry_on_intr(|| read(&self.0, report.as_mut_slice())) {
                // The end of a file: the device is gone.
                Ok(0) => return Err(NodeError::Gone(io::ErrorKind::UnexpectedEof.into())),
                Ok(length) => return Ok(length),
                Err(Errno::AGAIN) => {}
                Err(errno) => return Err(NodeError::Gone(errno.into())),
            }
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Err(NodeError::Silent);
            }
            self.wait(left)?;
        }
    }

    /// Reads and throws away what is there, and what comes until it was quiet for this time. Where it is never quiet, it is
    /// given up after a second.
    pub(super) fn drain(&self, quiet: Duration) -> Result<(), NodeError> {
        let mut report = Zeroizing::new([0; REPORT + 1]);
        let end = Instant::now() + NEVER_QUIET;
        loop {
            if Instant::now() > end {
                return Err(NodeError::Silent);
            }
            match self.read(&mut report, Some(Instant::now() + quiet)) {
                Ok(_) => {}
                Err(NodeError::Silent) => return Ok(()),
                Err(gone) => return Err(gone),
            }
        }
    }

    /// Whether the node goes within this time: then the device was unplugged or starts anew, otherwise it is still there.
    pub(super) fn disappears(&self, within: Duration) -> bool {
        let end = Instant::now() + within;
        loop {
            match fstat(&self.0) {
                Ok(node) if node.st_nlink > 0 => {}
                _ => return true,
            }
            if Instant::now() >= end {
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until there may be something to read, at most for this time. A signal may end it early.
    fn wait(&self, at_most: Option<Duration>) -> Result<(), NodeError> {
        let mut events = [PollFd::new(&self.0, PollFlags::IN)];
        let timeout = at_most.and_then(|time| Timespec::try_from(time).ok());
        match poll(&mut events, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(NodeError::Gone(errno.into())),
        }
        let [event] = events;
        let seen = event.revents();
        // What was sent before the end is read first.
        if !seen.contains(PollFlags::IN) && seen.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            return Err(NodeError::Gone(Errno::NODEV.into()));
        }
        Ok(())
    }
}

/// Waits until no request is half-written, at most for this time, and lets none begin any more. For a process that is
/// about to end by itself: a device that was sent a part of a request takes no other (recorded: app 1.22.0).
pub fn finish_writes(at_most: Duration) {
    let end = Instant::now() + at_most;
    loop {
        match WRITING.try_lock() {
            Ok(never_given_back) => return std::mem::forget(never_given_back),
            Err(TryLockError::Poisoned(_)) => return,
            Err(TryLockError::WouldBlock) if Instant::now() >= end => return,
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}
