//! Between processes: an advisory lock for each device, and in it a note of who talks and whether the device is asking.
//!
//! The lock goes when its process does. The note stays: a process that finds one saying that the device was asking for
//! a process that is gone sends nothing, because the next command would spoil the answer or be taken for it
//! (`ledger-facts`: app 1.22.0 executes a second command at once).

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::endpoint::Endpoint;
use super::fault::DeviceFault;
use crate::text::printable;

/// The longest note that is read, in bytes.
const NOTE_LIMIT: u64 = 4096;

/// The right to talk to a device, until it is dropped.
pub(super) struct Claim {
    file: File,
    who: String,
}

#[derive(Serialize, Deserialize)]
struct Note {
    pid: u32,
    who: String,
    asking: bool,
}

impl Claim {
    /// Takes the device, unless another process has it, or left while the device was asking for it and `idle` is false.
    pub(super) fn take(endpoint: &Endpoint, who: &str, idle: bool) -> Result<Self, DeviceFault> {
        let no_lock = |error: io::Error| DeviceFault::NoLock {
            reason: error.to_string(),
        };
        let folder = folder().map_err(no_lock)?;
        let path = folder.join(file_name(endpoint));
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(no_lock)?;
        let locked = flock(&file, FlockOperation::NonBlockingLockExclusive);
        let note = read(&mut file);
        let holder = match &note {
            Some(Note { pid, who, .. }) => format!("{} (process {pid})", printable(who)),
            None => "another program".to_owned(),
        };
        match locked {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(DeviceFault::Busy { holder }),
            Err(error) => return Err(no_lock(error.into())),
        }
        if note.is_some_and(|note| note.asking) && !idle {
            return Err(DeviceFault::PromptPending { holder });
        }
        let mut claim = Self {
            file,
            who: who.to_owned(),
        };
        claim.note(false).map_err(no_lock)?;
        Ok(claim)
    }

    /// Notes whether the device is asking the person something. Nothing may be sent that makes it ask before this is
    /// written.
    pub(super) fn asking(&mut self, asking: bool) -> Result<(), DeviceFault> {
        self.note(asking).map_err(|error| DeviceFault::NoLock {
            reason: error.to_string(),
        })
    }

    fn note(&mut self, asking: bool) -> io::Result<()> {
        let note = Note {
            pid: std::process::id(),
            who: self.who.clone(),
            asking,
        };
        // Written over the old one and then cut, so that there is one at every moment.
        let text = serde_json::to_vec(&note)?;
        self.file.rewind()?;
        self.file.write_all(&text)?;
        self.file.set_len(text.len().try_into().unwrap_or(u64::MAX))
    }
}

fn read(file: &mut File) -> Option<Note> {
    let mut text = String::new();
    file.take(NOTE_LIMIT).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn file_name(endpoint: &Endpoint) -> String {
    let name = endpoint.to_string();
    let name = name.replace(|c: char| !c.is_ascii_alphanumeric() && c != '.', "-");
    format!("{name}.lock")
}

/// A folder of the user's own: `$XDG_RUNTIME_DIR/saltbridge`, otherwise `~/.cache/saltbridge`. Never one that others may
/// write to: who could replace the lock could have two processes talk to one device.
fn folder() -> io::Result<PathBuf> {
    let variable = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let parent = match (variable("XDG_RUNTIME_DIR"), variable("HOME")) {
        (Some(runtime), _) => runtime,
        (None, Some(home)) => home.join(".cache"),
        (None, None) => return Err(io::Error::other("neither XDG_RUNTIME_DIR nor HOME is set")),
    };
    let folder = parent.join("saltbridge");
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
    check(&folder)?;
    Ok(folder)
}

fn check(folder: &Path) -> io::Result<()> {
    let found = std::fs::symlink_metadata(folder)?;
    let is_ours = found.uid() == rustix::process::geteuid().as_raw();
    if !found.is_dir() || !is_ours || found.mode() & 0o022 != 0 {
        let name = crate::text::printable_path(folder);
        return Err(io::Error::other(format!("{name} is no folder of yours alone")));
    }
    Ok(())
}
