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
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, OnceLock, PoisonError};

use rustix::fs::{AtFlags, FileType, FlockOperation, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

const PREFIX: &str = ".saltbridge-";
const SUFFIX: &str = ".partial";

/// A folder in which files are made.
pub(super) struct Place {
    folder: OwnedFd,
    /// Looking for leftovers reads the whole folder: once is enough.
    swept: Once,
    /// The file system failed to sync as a whole. It tells that once, and what failed may be of files that are still
    /// being written; they are asked one by one from then on.
    failed_to_sync: AtomicBool,
}

impl Place {
    pub(super) fn new(folder: OwnedFd) -> Self {
        Self {
            folder,
            swept: Once::new(),
            failed_to_sync: AtomicBool::new(false),
        }
    }
}

/// File systems that sync as a whole as surely as file by file (`f_type` in statfs(2)): those of the ext4 driver, xfs,
/// btrfs, f2fs, tmpfs. Others may leave to each file what `syncfs` does not do: FUSE and network file systems.
const SYNCED_AS_A_WHOLE: [u64; 5] = [0xef53, 0x5846_5342, 0x9123_683e, 0xf2f5_2010, TMPFS_MAGIC];

/// `f_type` of file systems that are kept in memory (linux/magic.h).
const TMPFS_MAGIC: u64 = 0x0102_1994;
const RAMFS_MAGIC: u64 = 0x8584_58f6;

impl Place {
    /// Syncs the names in the folder.
    pub(super) fn sync_names(&self) -> Result<(), Errno> {
        match rustix::fs::fsync(self) {
            // File systems whose folders cannot be synced.
            Err(Errno::INVAL) => Ok(()),
            result => result,
        }
    }

    /// Syncs all that was written to the folder's file system, by anybody. Whether that is so: where it cannot be told,
    /// or not all could be written once, each file must be synced by itself.
    pub(super) fn sync_file_system(&self) -> bool {
        let can_be_told = self.file_system().is_some_and(|kind| SYNCED_AS_A_WHOLE.contains(&kind))
            && syncfs_tells_errors()
            && !self.failed_to_sync.load(Ordering::Relaxed);
        if can_be_told && rustix::fs::syncfs(self).is_err() {
            self.failed_to_sync.store(true, Ordering::Relaxed);
        }
        can_be_told && !self.failed_to_sync.load(Ordering::Relaxed)
    }

    /// Whether what is written here stays in memory.
    pub(super) fn is_memory_backed(&self) -> bool {
        self.file_system()
            .is_some_and(|kind| [TMPFS_MAGIC, RAMFS_MAGIC].contains(&kind))
    }

    fn file_system(&self) -> Option<u64> {
        let stat = rustix::fs::fstatfs(self).ok()?;
        // The type differs between processors; all of these numbers have 32 bits.
        Some(stat.f_type as u64 & 0xffff_ffff)
    }
}

/// Linux 5.8 and later tell of pages that could not be written since the folder was opened (syncfs(2)), and 5.17 and later
/// of a journal that could not.
fn syncfs_tells_errors() -> bool {
    let system = rustix::system::uname();
    let release = system.release().to_string_lossy();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= (5, 17),
        _ => false,
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
        if naming == Naming::Avoid && has_proc() {
            let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
            match rustix::fs::openat(folder, ".", flags, mode) {
                Ok(file) => {
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
            // Another process may have taken it for a leftover before it was locked. Where there are no locks, none does.
            let locked = rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive);
            if locked != Err(Errno::WOULDBLOCK) && rustix::fs::fstat(&file)?.st_nlink == 1 {
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
    /// `AlreadyExists` otherwise. The data must be synced before, the names afterwards.
    pub(super) fn link(mut self, name: &std::ffi::OsStr, replace: bool) -> io::Result<()> {
        let folder = &*self.folder;
        match (&self.name, replace) {
            (None, false) => link_unnamed(&self.file, folder, name)?,
            (None, true) => {
                // A link never replaces anything, so the file, whole by now, passes through a temporary name. It is locked
                // for that moment, lest it be taken for a leftover.
                rustix::fs::flock(&self.file, FlockOperation::NonBlockingLockExclusive).ok();
                folder.swept.call_once(|| remove_leftovers(folder));
                let (temporary, ()) = TemporaryName::make(&self.folder, |name| link_unnamed(&self.file, folder, name))?;
                rustix::fs::renameat(folder, temporary.as_os_str(), folder, name)?;
            }
            (Some(temporary), true) => rustix::fs::renameat(folder, temporary.as_os_str(), folder, name)?,
            (Some(temporary), false) => rename_without_replacing(folder, temporary.as_os_str(), name)?,
        }
        self.name = None;
        Ok(())
    }
}

/// Whether a file without a name can be given one (see [`link_unnamed`]).
fn has_proc() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| std::fs::exists("/proc/self/fd").unwrap_or(false))
}

fn link_unnamed(file: &File, folder: &Place, name: &std::ffi::OsStr) -> io::Result<()> {
    // Without a capability Linux allows that from 6.10 on, and says that there is no such file before (open(2)).
    match rustix::fs::linkat(file, "", folder, name, AtFlags::EMPTY_PATH) {
        Err(Errno::NOENT) => {}
        result => return Ok(result?),
    }
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
