//! Where ciphertext waits, and when that is told.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use saltbridge::files::{Folder, TargetError};

use super::failure::{CliError, Failure};
use super::progress::Progress;
use super::report::Report;

/// From this many bytes on (64 MiB) a person may want to know where they are.
const LARGE: u64 = 64 << 20;

/// The folder for ciphertext that waits until all of it has been seen: the one that was named, otherwise TMPDIR or
/// /var/tmp, whichever comes first, can be written to, and is not kept in memory, which a large file could exhaust.
pub(super) fn choose(named: Option<&Path>, report: &Report) -> Result<Folder, Failure> {
    if let Some(named) = named {
        return Ok(usable(named)?);
    }
    let wished = std::env::var_os("TMPDIR").filter(|folder| !folder.is_empty());
    let candidates = [wished, Some("/var/tmp".into())];
    let mut in_memory = None;
    let mut failure = None;
    for candidate in candidates.iter().flatten() {
        match usable(candidate.as_ref()) {
            Ok(folder) if !folder.is_memory_backed() => return Ok(folder),
            Ok(folder) => in_memory = in_memory.or(Some(folder)),
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    let Some(folder) = in_memory else {
        let reason = failure.map_or_else(String::new, |error| error.to_string());
        return Err(CliError::NoSpoolFolder { reason }.into());
    };
    report.warn(&format!(
        "what waits to be verified is kept in memory, in {}; --spool-dir names another folder",
        folder.shown()
    ));
    Ok(folder)
}

fn usable(folder: &Path) -> Result<Folder, TargetError> {
    let folder = Folder::open(folder)?;
    folder.check_writable()?;
    Ok(folder)
}

/// Tells where the ciphertext is, once it is large.
pub(super) struct Spooling<'a> {
    folder: &'a Folder,
    progress: &'a Progress,
    read: AtomicU64,
}

impl<'a> Spooling<'a> {
    pub(super) fn into(folder: &'a Folder, progress: &'a Progress) -> Self {
        Self {
            folder,
            progress,
            read: AtomicU64::new(0),
        }
    }

    pub(super) fn advance(&self, bytes: u64) {
        self.progress.advance(bytes);
        let before = self.read.fetch_add(bytes, Ordering::Relaxed);
        if before < LARGE && before + bytes >= LARGE {
            self.progress.say(&format!(
                "The ciphertext waits in {} until all of it has been seen; --spool-dir names another folder",
                self.folder.shown()
            ));
        }
    }
}
