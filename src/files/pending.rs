//! Targets that are being written, and how they get their names.
//!
//! Data is synced before a name leads to it, and the name is synced before anybody is told. Many files are synced
//! together where that is possible: a disk that is told to sync a hundred files one by one is told to wait a hundred
//! times.

use std::collections::HashMap;
use std::io::{self, Write as _};
use std::num::NonZeroU64;

use rustix::fs::{Advice, Mode};

use super::temporary::{Naming, Temporary};
use super::{Overwrite, Privacy, Target, TargetError};

/// The disk begins to write after this many bytes (8 MiB), so that the sync at the end finds little left to do.
const WRITE_BACK_BYTES: u64 = 8 << 20;

/// A page that is not full yet is not written back: it would be written twice.
const PAGE_BYTES: u64 = 4096;

/// From this many files on, syncing their file system as a whole is faster than syncing each, unless others have much to
/// write there.
const WORTH_A_WHOLE_SYNC: usize = 8;

/// A target that is being written. Dropped unpublished, nothing is left of it.
pub(super) struct Pending {
    target: Target,
    temporary: Temporary,
    overwrite: Overwrite,
    written: u64,
    written_back: u64,
}

impl Pending {
    pub(super) fn create(target: &Target, privacy: Privacy, overwrite: Overwrite) -> Result<Self, TargetError> {
        let mode = match privacy {
            Privacy::Owner => Mode::RUSR | Mode::WUSR,
            Privacy::Umask => Mode::from_raw_mode(0o666),
        };
        let folder = target.folder();
        let temporary = Temporary::create(folder.place(), mode, Naming::Avoid)
            .map_err(|error| TargetError::from_io(&folder.shown(), error))?;
        Ok(Self {
            target: target.clone(),
            temporary,
            overwrite,
            written: 0,
            written_back: 0,
        })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), TargetError> {
        let result = self.temporary.file().write_all(bytes);
        result.map_err(|error| self.error(error))?;
        self.written += bytes.len() as u64;
        let whole = self.written / PAGE_BYTES * PAGE_BYTES;
        if let Some(length) = NonZeroU64::new(whole - self.written_back)
            && length.get() >= WRITE_BACK_BYTES
        {
            // Linux starts to write dirty pages when they are declared unneeded; the call that is made for that,
            // sync_file_range, would be `unsafe` here. It is advice: failing, it changes nothing.
            let _ = rustix::fs::fadvise(self.temporary.file(), self.written_back, Some(length), Advice::DontNeed);
            self.written_back = whole;
        }
        Ok(())
    }

    /// Overwrites bytes at the start of what was written.
    pub(super) fn write_at_start(&mut self, bytes: &[u8]) -> Result<(), TargetError> {
        use std::os::unix::fs::FileExt as _;
        let result = self.temporary.file().write_all_at(bytes, 0);
        result.map_err(|error| self.error(error))
    }

    /// Syncs the data, gives the file its name, and syncs that.
    pub(super) fn publish(mut self) -> Result<(), TargetError> {
        self.sync()?;
        let target = self.link()?;
        let synced = target.folder().place().sync_names();
        synced.map_err(|error| TargetError::from_io(&target.shown(), error.into()))
    }

    fn sync(&mut self) -> Result<(), TargetError> {
        let result = self.temporary.file().sync_all();
        result.map_err(|error| self.error(error))
    }

    fn link(self) -> Result<Target, TargetError> {
        let replace = self.overwrite == Overwrite::Replace;
        match self.temporary.link(self.target.name(), replace) {
            Ok(()) => Ok(self.target),
            Err(error) => Err(TargetError::from_io(&self.target.shown(), error)),
        }
    }

    fn file_system(&self) -> u64 {
        let (device, _) = self.target.folder().identity();
        device
    }

    fn error(&self, error: io::Error) -> TargetError {
        TargetError::from_io(&self.target.shown(), error)
    }
}

/// A result that is whole but has no name yet, or has all gone to standard output. Dropped, nothing is left of a file.
#[must_use = "a file has no name until it is published"]
pub struct Unpublished {
    length: u64,
    /// None if it went to standard output, where nothing is left to do.
    pending: Option<Pending>,
}

impl Unpublished {
    pub(super) fn new(length: u64, pending: Option<Pending>) -> Self {
        Self { length, pending }
    }

    /// Its length in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Syncs the data, gives the file its name, and syncs that. The length in bytes.
    ///
    /// # Errors
    /// [`TargetError`]; what stood under the name stands there still, unless the sync of the name itself failed.
    pub fn publish(self) -> Result<u64, TargetError> {
        self.pending.map_or(Ok(()), Pending::publish)?;
        Ok(self.length)
    }
}

/// [`Unpublished::publish`] for many, with as few waits for the disk as possible: all data is synced before the first
/// gets its name. What failed before stays failed, and one that fails now does not stop the others. The results stand in
/// the order of the files.
pub(super) fn publish_all<E: From<TargetError>>(mut all: Vec<Result<Unpublished, E>>) -> Vec<Result<u64, E>> {
    let synced = sync_data(&mut all);
    let link = |(unpublished, synced): (Result<Unpublished, E>, Result<(), TargetError>)| {
        let Unpublished { length, pending } = unpublished?;
        synced?;
        Ok::<_, E>((length, pending.map(Pending::link).transpose()?))
    };
    let linked: Vec<_> = all.into_iter().zip(synced).map(link).collect();
    let mut folders = HashMap::new();
    let mut finish = |linked: Result<(u64, Option<Target>), E>| {
        let (length, target) = linked?;
        if let Some(target) = target {
            let folder = target.folder();
            let synced = *folders
                .entry(folder.identity())
                .or_insert_with(|| folder.place().sync_names());
            synced.map_err(|error| TargetError::from_io(&target.shown(), error.into()))?;
        }
        Ok(length)
    };
    linked.into_iter().map(&mut finish).collect()
}

/// Syncs the data of all; which of them could not be.
fn sync_data<E>(all: &mut [Result<Unpublished, E>]) -> Vec<Result<(), TargetError>> {
    let mut files = HashMap::new();
    for pending in all.iter().flatten().filter_map(|result| result.pending.as_ref()) {
        *files.entry(pending.file_system()).or_insert(0_usize) += 1;
    }
    let mut synced = HashMap::new();
    let mut sync = |pending: &mut Pending| {
        let file_system = pending.file_system();
        let many = files
            .get(&file_system)
            .is_some_and(|files| *files >= WORTH_A_WHOLE_SYNC);
        let as_a_whole = || pending.target.folder().place().sync_file_system();
        // Should that fail, each file says whether it is the one.
        match many && *synced.entry(file_system).or_insert_with(as_a_whole) {
            true => Ok(()),
            false => pending.sync(),
        }
    };
    let pending = all.iter_mut().map(|result| result.as_mut().ok()?.pending.as_mut());
    pending.map(|pending| pending.map_or(Ok(()), &mut sync)).collect()
}
