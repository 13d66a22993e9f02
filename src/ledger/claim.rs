//! Between processes of one user: an advisory lock for each device, and in it a note of who talks and whether the device
//! is asking.
//!
//! The lock goes when its process does. The note stays: a process that finds one saying that the device was asking for
//! a process that is gone sends nothing, because the next command would spoil the answer or be taken for it
//! (recorded: app 1.22.0 executes a second command at once).

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::endpoint::Endpoint;
use super::usb::Port;
use crate::own_folders::{OwnFolders, open_lock};
use crate::text::{printable, printable_path};

/// The longest note that is read, in bytes.
const NOTE_LIMIT: u64 = 4096;

/// The most characters of a name that are noted, so that a note is far below its limit.
const NAME_LIMIT: usize = 100;

/// The right to talk to a device, until it is dropped.
pub(super) struct Claim {
    file: File,
    who: String,
}

/// Why a device may not be talked to.
pub(super) enum Barred {
    /// Another process does.
    Busy { holder: String },
    /// A process is gone that the device was asking for.
    Pending { holder: String, note: Found },
    /// The lock cannot be made.
    NoLock { reason: String },
}

/// A note as it was found. To say that the device asks nothing any more is to say it of this one alone.
#[derive(PartialEq, Eq)]
pub(super) struct Found(Vec<u8>);

impl Found {
    /// Who talked to the device, and whether it was asking for him.
    fn tells(&self) -> (String, bool) {
        match serde_json::from_slice(&self.0) {
            Ok(Note { pid, who, asking, .. }) => (format!("{} (process {pid})", printable(&who)), asking),
            // It was being written when its process died, and may have said so.
            Err(_) => ("another program".to_owned(), !self.0.is_empty()),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Note {
    pid: u32,
    who: String,
    asking: bool,
    /// Nanoseconds since 1970: no two notes are the same.
    #[serde(default)]
    at: u128,
}

impl Claim {
    /// Takes the device, unless another process has it, or left while the device was asking for it. `settled` are the
    /// notes of which a person says that their questions are gone; `is_empty` tells whether no device is at a port.
    pub(super) fn take(
        endpoint: &Endpoint,
        who: &str,
        settled: &[Found],
        is_empty: &dyn Fn(&Port) -> bool,
    ) -> Result<Self, Barred> {
        let mut file = open(&lock_of(endpoint)?).map_err(|reason| Barred::NoLock { reason })?;
        let no_lock = |error: io::Error| Barred::NoLock {
            reason: error.to_string(),
        };
        let locked = flock(&file, FlockOperation::NonBlockingLockExclusive);
        let found = read(&mut file).map_err(no_lock)?;
        let (holder, asking) = found.tells();
        match locked {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(Barred::Busy { holder }),
            Err(error) => return Err(no_lock(error.into())),
        }
        if asking && !settled.contains(&found) {
            return Err(Barred::Pending { holder, note: found });
        }
        // Settled: the next one need not be told of it, whatever is found elsewhere.
        if asking {
            file.set_len(0).map_err(no_lock)?;
        }
        if endpoint.is_usb() {
            left_at_another_port(endpoint, settled, is_empty)?;
        }
        let mut claim = Self {
            file,
            who: who.chars().take(NAME_LIMIT).collect(),
        };
        claim.note(false).map_err(no_lock)?;
        Ok(claim)
    }

    /// Notes whether the device is asking the person something. Nothing may be sent that makes it ask before this is
    /// written.
    pub(super) fn note(&mut self, asking: bool) -> io::Result<()> {
        let note = Note {
            pid: std::process::id(),
            who: self.who.clone(),
            asking,
            at: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_nanos()),
        };
        // Written over the old one and then cut, so that the file is empty at no moment.
        let text = serde_json::to_vec(&note)?;
        self.file.rewind()?;
        self.file.write_all(&text)?;
        self.file.set_len(text.len().try_into().unwrap_or(u64::MAX))
    }
}

fn read(file: &mut File) -> io::Result<Found> {
    let mut text = Vec::new();
    file.take(NOTE_LIMIT).read_to_end(&mut text)?;
    Ok(Found(text))
}

/// Where the lock of a device lies.
fn lock_of(endpoint: &Endpoint) -> Result<PathBuf, Barred> {
    let folder = OwnFolders::of_this_process().locks().map_err(|error| Barred::NoLock {
        reason: error.to_string(),
    })?;
    Ok(folder.join(format!("{}.lock", endpoint.lock_name())))
}

/// Whether a device was pulled out of another port while it was asking: with a battery it asks on, and may be the one that
/// is talked to now. The notes of settled questions are removed.
fn left_at_another_port(
    endpoint: &Endpoint,
    settled: &[Found],
    is_empty: &dyn Fn(&Port) -> bool,
) -> Result<(), Barred> {
    let ours = lock_of(endpoint)?;
    let Some(Ok(entries)) = ours.parent().map(std::fs::read_dir) else {
        return Ok(());
    };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let port = path.file_name().and_then(|name| Endpoint::port_of_lock(name.to_str()?));
        let Some(port) = port.filter(|_| path != ours) else {
            continue;
        };
        let Ok(mut file) = open(&path) else { continue };
        let asks = read(&mut file).is_ok_and(|note| note.tells().1);
        // One that is held is somebody's who can still look after it.
        if !asks || flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            continue;
        }
        let Ok(note) = file.rewind().and_then(|()| read(&mut file)) else {
            continue;
        };
        let (holder, asking) = note.tells();
        if asking && settled.contains(&note) {
            let _ = file.set_len(0);
        } else if asking && is_empty(&port) {
            return Err(Barred::Pending { holder, note });
        }
    }
    Ok(())
}

/// Opens a lock, which is made if it is not there.
fn open(path: &Path) -> Result<File, String> {
    open_lock(path).map_err(|error| format!("{}: {error}", printable_path(path)))
}
