//! What is read: a regular file, standard input, or a pipe that a shell's process substitution made.
//!
//! A named pipe, a device or a directory under the name of an input is refused before it is opened: reading one could
//! wait for ever, or do something to the machine.

use std::collections::HashSet;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd as _;
use std::path::PathBuf;

use rustix::fs::{FileType, Mode, OFlags, Stat};
use zeroize::Zeroizing;

use crate::fault::{Class, Explanation, Fault};
use crate::text::printable_path;

/// `f_type` of the kernel's own file system of pipes without a name (PIPEFS_MAGIC in linux/magic.h).
const PIPEFS_MAGIC: u64 = 0x5049_5045;

/// Where something is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Standard input, `-` on the command line.
    Stdin,
    /// A file.
    Path(PathBuf),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => f.write_str("standard input"),
            Self::Path(path) => f.write_str(&printable_path(path)),
        }
    }
}

/// All files that a run reads. None of them is replaced by what the run writes, not even on request.
#[derive(Default)]
pub struct Inputs(HashSet<(u64, u64)>);

impl Inputs {
    /// The files behind these sources, as far as they are there.
    pub fn of<'a>(sources: impl IntoIterator<Item = &'a Source>) -> Self {
        // Of a link both the link and what it leads to.
        let stats = sources.into_iter().flat_map(|source| match source {
            Source::Stdin => [rustix::fs::fstat(io::stdin()).ok(), None],
            Source::Path(path) => [rustix::fs::stat(path).ok(), rustix::fs::lstat(path).ok()],
        });
        Self(stats.flatten().map(|stat| (stat.st_dev, stat.st_ino)).collect())
    }

    pub(super) fn contain(&self, stat: &Stat) -> bool {
        self.0.contains(&(stat.st_dev, stat.st_ino))
    }
}

/// An input that was opened.
pub struct Input {
    file: File,
    size: Option<u64>,
    ended: bool,
    name: String,
}

impl Input {
    /// Opens a source for reading.
    ///
    /// # Errors
    /// [`InputError::NotFound`], [`InputError::NotReadable`], [`InputError::NotAFile`], [`InputError::Read`].
    pub fn open(source: &Source) -> Result<Self, InputError> {
        let name = source.to_string();
        let file = match source {
            Source::Stdin => io::stdin()
                .as_fd()
                .try_clone_to_owned()
                .map_err(|error| InputError::from_io(&name, error))?,
            Source::Path(path) => {
                let from_os = |error: rustix::io::Errno| InputError::from_io(&name, error.into());
                // Looked at before it is opened: opening a named pipe or a device is an act of its own.
                let before = rustix::fs::stat(path).map_err(from_os)?;
                let is_unnamed = || Ok(rustix::fs::statfs(path).map_err(from_os)?.f_type as u64 == PIPEFS_MAGIC);
                check_kind(&name, &before, is_unnamed)?;
                let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
                let file = rustix::fs::open(path, flags, Mode::empty()).map_err(from_os)?;
                let opened = rustix::fs::fstat(&file).map_err(from_os)?;
                let is_unnamed = || Ok(rustix::fs::fstatfs(&file).map_err(from_os)?.f_type as u64 == PIPEFS_MAGIC);
                check_kind(&name, &opened, is_unnamed)?;
                rustix::fs::fcntl_setfl(&file, OFlags::empty()).map_err(from_os)?;
                file
            }
        };
        let stat = rustix::fs::fstat(&file).map_err(|error| InputError::from_io(&name, error.into()))?;
        let is_regular = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        Ok(Self {
            file: file.into(),
            size: is_regular.then(|| u64::try_from(stat.st_size).unwrap_or(0)),
            ended: false,
            name,
        })
    }

    /// The size in bytes, if it is a regular file.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// The name to show, made printable.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Fills `buffer` as far as the input reaches. Less than the whole length means that it ended.
    ///
    /// # Errors
    /// [`InputError::Read`].
    pub fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, InputError> {
        // A terminal that ended goes on if it is read again.
        if self.ended {
            return Ok(0);
        }
        let length = fill(&mut self.file, buffer).map_err(|error| InputError::from_io(&self.name, error))?;
        self.ended = length < buffer.len();
        Ok(length)
    }

    /// Reads a short text to its end. The buffer is wiped on drop, because the text may be a key.
    ///
    /// # Errors
    /// [`InputError::TooLong`] if it has more than `limit` bytes, of which no more than one more is read;
    /// [`InputError::NotUtf8`]; [`InputError::Read`].
    pub fn read_text(mut self, limit: usize) -> Result<Zeroizing<String>, InputError> {
        // Of the full size at once: a buffer that grows leaves copies behind.
        let mut bytes = Zeroizing::new(vec![0; limit + 1]);
        let length = self.fill(&mut bytes)?;
        self.text(&bytes, length, limit)
    }

    /// Reads the first line that is not blank from a terminal, which hands each line over in one piece (termios(3),
    /// canonical mode). The buffer is wiped on drop.
    ///
    /// # Errors
    /// As [`Input::read_text`].
    pub fn read_line(mut self, limit: usize) -> Result<Zeroizing<String>, InputError> {
        let mut bytes = Zeroizing::new(vec![0; limit + 1]);
        loop {
            let result = self.file.read(&mut bytes);
            let length = result.map_err(|error| InputError::from_io(&self.name, error))?;
            let line = bytes.get(..length).unwrap_or_default();
            if length == 0 || !line.trim_ascii().is_empty() {
                return self.text(&bytes, length, limit);
            }
        }
    }

    fn text(self, bytes: &[u8], length: usize, limit: usize) -> Result<Zeroizing<String>, InputError> {
        if length > limit {
            return Err(InputError::TooLong { name: self.name, limit });
        }
        let bytes = bytes.get(..length).unwrap_or_default();
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Zeroizing::new(text.to_owned())),
            Err(_) => Err(InputError::NotUtf8 { name: self.name }),
        }
    }
}

/// Reads until `buffer` is full or the input ends; how much was read.
pub(super) fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

fn check_kind(
    name: &str,
    stat: &Stat,
    is_unnamed_pipe: impl FnOnce() -> Result<bool, InputError>,
) -> Result<(), InputError> {
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => return Ok(()),
        FileType::Fifo if is_unnamed_pipe()? => return Ok(()),
        other => kind_name(other),
    };
    Err(InputError::NotAFile {
        name: name.to_owned(),
        kind,
    })
}

/// What a file that is none is called.
pub(super) fn kind_name(kind: FileType) -> &'static str {
    match kind {
        FileType::Directory => "a directory",
        FileType::Fifo => "a named pipe",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        FileType::Symlink => "a symbolic link",
        FileType::RegularFile => "a regular file",
        FileType::Unknown => "of an unknown kind",
    }
}

/// Why an input could not be read. Names are made printable.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// There is no such file.
    #[error("{name} does not exist")]
    NotFound {
        /// The file.
        name: String,
    },
    /// The permissions do not allow it.
    #[error("{name} may not be read: permission denied")]
    NotReadable {
        /// The file.
        name: String,
    },
    /// A directory, named pipe, socket or device.
    #[error("{name} is {kind}, not a file")]
    NotAFile {
        /// The file.
        name: String,
        /// What it is.
        kind: &'static str,
    },
    /// A text that is too long to be one of ours.
    #[error("{name} is longer than {limit} bytes")]
    TooLong {
        /// The file.
        name: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// A text that is not UTF-8.
    #[error("{name} is not text (UTF-8)")]
    NotUtf8 {
        /// The file.
        name: String,
    },
    /// Anything else.
    #[error("{name} cannot be read: {source}")]
    Read {
        /// The file.
        name: String,
        /// What the system said.
        source: io::Error,
    },
}

impl InputError {
    fn from_io(name: &str, source: io::Error) -> Self {
        let name = name.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::NotFound { name },
            io::ErrorKind::PermissionDenied => Self::NotReadable { name },
            io::ErrorKind::IsADirectory => Self::NotAFile {
                name,
                kind: "a directory",
            },
            _ => Self::Read { name, source },
        }
    }
}

impl Fault for InputError {
    fn explain(&self) -> Explanation {
        let system = |code, help| Explanation::new(code, Class::System, help);
        match self {
            Self::NotFound { .. } => system("not-found", "check the name and the folder"),
            Self::NotReadable { .. } => {
                system("not-readable", "run as the user who owns the file, or change its permissions")
            }
            Self::NotAFile {
                kind: "a named pipe", ..
            } => system("not-a-file", "to read from a named pipe, give - and redirect: saltbridge … - < PIPE"),
            Self::NotAFile { .. } => system("not-a-file", "name a file, or - for standard input"),
            Self::TooLong { .. } => Explanation::new(
                "text-too-long",
                Class::Damaged,
                "envelopes, profiles, key files and signatures are short texts: this is probably another file",
            ),
            Self::NotUtf8 { .. } => Explanation::new(
                "not-utf8",
                Class::Damaged,
                "envelopes, profiles, key files and signatures are plain text: this is probably another file",
            ),
            Self::Read { .. } => system("read-failed", "check the disk or the program that writes into the pipe"),
        }
    }
}
