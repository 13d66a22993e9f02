//! A file that has no name until it is finished.
//!
//! Where the system allows it (`O_TMPFILE` and `linkat`, Linux with ext4, xfs, btrfs, tmpfs and others) the file has no
//! name at all, and the kernel removes it whatever happens to the process. Elsewhere it is called
//! `.saltbridge-<16 hexadecimal digits>.partial`, is locked (`flock`) as long as its process lives, is removed on
//! failure and on Ctrl-C, and one that a killed process left is removed by the next run that needs such a name in that
//! folder. The finished file, too, has such a name for the moment between the two system calls that replace another.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};

use rustix::fs::{AtFlags, FileType, FlockOperation, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

const PREFIX: &str = ".saltbridge-";
const SUFFIX: &str = ".partial";

/// A folder in which files are made.
pub(super) struct Place {
    folder: OwnedFd,
    /// Looking for leftovers reads the whole folder: once is enough.
    swept: Once,
}

impl Place {
    pub(super) fn new(folder: OwnedFd) -> Self {
        Self {
            folder,
            swept: Once::new(),
        }
    }
}

impl AsFd for Place {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.folder.as_fd()
    }
}

/// All files of this process that have a temporary name.
static NAMED: Mutex<Vec<Entry>> = Mutex::new(Vec::new());

struct Entry {
    folder: Arc<Place>,
    name: OsString,
}

fn named() -> MutexGuard<'static, Vec<Entry>> {
    NAMED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes every temporary name of this process, and lets none be made afterwards: whoever tries waits for ever.
/// For a signal's thread, right before it ends the process.
pub fn remove_named_before_exit() {
    let entries = named();
    for entry in entries.iter() {
        let _ = rustix::fs::unlinkat(&entry.folder, &entry.name, AtFlags::empty());
    }
    std::mem::forget(entries);
}

/// Whether a file may be made without a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// Without, where the system allows it.
    Avoid,
    /// With, in any case.
    #[cfg(test)]
    Always,
}

/// A file that is being written, in the folder where it will be published. Dropped unpublished, it is gone.
pub(super) struct Temporary {
    file: File,
    folder: Arc<Place>,
    name: Option<TemporaryName>,
}

impl Temporary {
    pub(super) fn create(folder: &Arc<Place>, mode: Mode, naming: Naming) -> io::Result<Self> {
        if naming == Naming::Avoid && std::fs::exists("/proc/self/fd")? {
            let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
            match rustix::fs::openat(folder, ".", flags, mode) {
                Ok(file) => {
                    // For the moment in which it has a temporary name, lest it be taken for a leftover.
                    rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).ok();
                    return Ok(Self {
                        file: file.into(),
                        folder: folder.clone(),
                        name: None,
                    });
                }
                // What file systems and kernels without O_TMPFILE answer (open(2)).
                Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOENT) => {}
                Err(error) => return Err(error.into()),
            }
        }
        folder.swept.call_once(|| remove_leftovers(folder));
        loop {
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let (name, file) = TemporaryName::make(folder, |name| Ok(rustix::fs::openat(folder, name, flags, mode)?))?;
            // Another process may have taken it for a leftover before it was locked.
            let locked = rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok();
            if locked && rustix::fs::fstat(&file)?.st_nlink == 1 {
                return Ok(Self {
                    file: file.into(),
                    folder: folder.clone(),
                    name: Some(name),
                });
            }
        }
    }

    pub(super) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Gives the file its name. What stands under that name is replaced if `replace`, and makes it fail with
    /// `AlreadyExists` otherwise. The data must be synced; the folder is synced here.
    pub(super) fn publish(mut self, name: &std::ffi::OsStr, replace: bool) -> io::Result<()> {
        let folder = &*self.folder;
        match (&self.name, replace) {
            (None, false) => link_unnamed(&self.file, folder, name)?,
            (None, true) => {
                // A link never replaces anything, so the file, whole by now, passes through a temporary name.
                folder.swept.call_once(|| remove_leftovers(folder));
                let (temporary, ()) = TemporaryName::make(&self.folder, |name| link_unnamed(&self.file, folder, name))?;
                rustix::fs::renameat(folder, temporary.as_os_str(), folder, name)?;
            }
            (Some(temporary), true) => rustix::fs::renameat(folder, temporary.as_os_str(), folder, name)?,
            (Some(temporary), false) => rename_without_replacing(folder, temporary.as_os_str(), name)?,
        }
        self.name = None;
        match rustix::fs::fsync(folder) {
            // File systems whose folders cannot be synced.
            Err(Errno::INVAL) => Ok(()),
            result => Ok(result?),
        }
    }
}

fn link_unnamed(file: &File, folder: &Place, name: &std::ffi::OsStr) -> io::Result<()> {
    // The way that open(2) describes; AT_EMPTY_PATH would need a capability.
    let own = format!("/proc/self/fd/{}", file.as_raw_fd());
    rustix::fs::linkat(rustix::fs::CWD, own, folder, name, AtFlags::SYMLINK_FOLLOW)?;
    Ok(())
}

fn rename_without_replacing(folder: &Place, old: &std::ffi::OsStr, new: &std::ffi::OsStr) -> io::Result<()> {
    match rustix::fs::renameat_with(folder, old, folder, new, RenameFlags::NOREPLACE) {
        // File systems that know no flags; a hard link does not replace either. The old name goes when it is dropped.
        Err(Errno::INVAL | Errno::NOSYS) => Ok(rustix::fs::linkat(folder, old, folder, new, AtFlags::empty())?),
        result => Ok(result?),
    }
}

/// A temporary name, on the list of those to remove as long as this lives. Dropped, it is removed.
struct TemporaryName {
    folder: Arc<Place>,
    name: OsString,
}

impl TemporaryName {
    /// Makes a file or link under a new name, random so that two processes do not meet. The list is locked meanwhile:
    /// a name is on it, or no file of that name ever comes into being.
    fn make<T>(folder: &Arc<Place>, make: impl Fn(&std::ffi::OsStr) -> io::Result<T>) -> io::Result<(Self, T)> {
        let mut list = named();
        loop {
            let number = getrandom::u64().map_err(io::Error::other)?;
            let name = OsString::from(format!("{PREFIX}{number:016x}{SUFFIX}"));
            let made = match make(&name) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                made => made?,
            };
            list.push(Entry {
                folder: folder.clone(),
                name: name.clone(),
            });
            let own = Self {
                folder: folder.clone(),
                name,
            };
            return Ok((own, made));
        }
    }

    fn as_os_str(&self) -> &std::ffi::OsStr {
        &self.name
    }
}

impl Drop for TemporaryName {
    fn drop(&mut self) {
        let _ = rustix::fs::unlinkat(&self.folder, &self.name, AtFlags::empty());
        named().retain(|entry| entry.name != self.name);
    }
}

/// Removes temporary names that processes left which were killed: regular files, our own, with nobody's lock on them.
/// What cannot be looked at or removed stays.
fn remove_leftovers(folder: &Place) {
    let Ok(entries) = rustix::fs::Dir::read_from(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = std::ffi::OsStr::from_bytes(entry.file_name().to_bytes());
        if is_temporary_name(name) {
            remove_leftover(folder.as_fd(), name);
        }
    }
}

fn is_temporary_name(name: &std::ffi::OsStr) -> bool {
    let number = name
        .to_str()
        .and_then(|name| name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX));
    number.is_some_and(|number| number.len() == 16 && number.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f')))
}

fn remove_leftover(folder: BorrowedFd<'_>, name: &std::ffi::OsStr) {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let Ok(file) = rustix::fs::openat(folder, name, flags, Mode::empty()) else {
        return;
    };
    let Ok(stat) = rustix::fs::fstat(&file) else { return };
    let is_own = stat.st_uid == rustix::process::geteuid().as_raw();
    let is_regular = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    if is_own && is_regular && rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
        let _ = rustix::fs::unlinkat(folder, name, AtFlags::empty());
    }
}

#[cfg(test)]
mod tests;
