//! What is read: a regular file, standard input, a pipe that a shell's process substitution made, or what a reader in
//! this process gives.
//!
//! A named pipe, a device or a directory under the name of an input is refused before it is opened: reading one could
//! wait for ever, or do something to the machine.

use std::collections::HashSet;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use zeroize::Zeroizing;

use super::interrupt::Interrupt;
use crate::fault::{Class, Explanation, Fault};
use crate::text::{printable, printable_path};

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
        let is_link = |stat: &Stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink;
        let stats = sources.into_iter().flat_map(|source| match source {
            Source::Stdin => [rustix::fs::fstat(io::stdin()).ok(), None],
            Source::Path(path) => {
                let named = rustix::fs::lstat(path).ok();
                // Of a link both the link and what it leads to.
                let behind = named.filter(is_link).and_then(|_| rustix::fs::stat(path).ok());
                [named, behind]
            }
        });
        Self(stats.flatten().map(|stat| (stat.st_dev, stat.st_ino)).collect())
    }

    pub(super) fn contain(&self, stat: &Stat) -> bool {
        self.0.contains(&(stat.st_dev, stat.st_ino))
    }
}

/// An input that was opened.
pub struct Input {
    origin: Origin,
    size: Option<u64>,
    read: u64,
    ended: bool,
    name: String,
}

/// Where the bytes come from.
enum Origin {
    File(File),
    /// A pipe or a terminal, with what ends waiting for it.
    Pipe(File, Interrupt),
    Reader(Box<dyn Read + Send>),
}

impl Input {
    /// Opens a source for reading.
    ///
    /// # Errors
    /// [`InputError::NotFound`], [`InputError::NotReadable`], [`InputError::NotAFile`], [`InputError::Read`].
    pub fn open(source: &Source) -> Result<Self, InputError> {
        let name = source.to_string();
        let from_os = |error: Errno| InputError::from_io(&name, error.into());
        let (file, stat) = match source {
            Source::Stdin => {
                let file = io::stdin().as_fd().try_clone_to_owned();
                let file = file.map_err(|error| InputError::from_io(&name, error))?;
                let stat = rustix::fs::fstat(&file).map_err(from_os)?;
                (file, stat)
            }
            Source::Path(path) => {
                // Looked at before it is opened: opening a named pipe or a device is an act of its own.
                let before = rustix::fs::stat(path).map_err(from_os)?;
                let is_unnamed = || Ok(rustix::fs::statfs(path).map_err(from_os)?.f_type as u64 == PIPEFS_MAGIC);
                check_kind(&name, &before, is_unnamed)?;
                let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
                let file = rustix::fs::open(path, flags, Mode::empty()).map_err(from_os)?;
                let opened = rustix::fs::fstat(&file).map_err(from_os)?;
                let is_unnamed = || Ok(rustix::fs::fstatfs(&file).map_err(from_os)?.f_type as u64 == PIPEFS_MAGIC);
                check_kind(&name, &opened, is_unnamed)?;
                if FileType::from_raw_mode(opened.st_mode) != FileType::RegularFile {
                    rustix::fs::fcntl_setfl(&file, OFlags::empty()).map_err(from_os)?;
                }
                (file, opened)
            }
        };
        let is_regular = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        let origin = match is_regular {
            true => Origin::File(file.into()),
            false => Origin::Pipe(file.into(), Interrupt::new().map_err(from_os)?),
        };
        Ok(Self {
            origin,
            size: is_regular.then(|| u64::try_from(stat.st_size).unwrap_or(0)),
            read: 0,
            ended: false,
            name,
        })
    }

    /// What `reader` gives, to its end; an error of it is [`InputError::BrokeOff`]. `size`, in bytes, is what was said of
    /// its length: it decides about threads and memory, and need not be right. The name is made printable.
    ///
    /// Nothing ends a read that waits: with more than one thread, what fails meanwhile is told only when it is over.
    pub fn from_reader(reader: impl Read + Send + 'static, name: impl Into<String>, size: Option<u64>) -> Self {
        Self {
            origin: Origin::Reader(Box::new(reader)),
            size,
            read: 0,
            ended: false,
            name: printable(&name.into()),
        }
    }

    /// Refuses early what opening would refuse late. The size in bytes, if it is a regular file.
    ///
    /// # Errors
    /// As [`Input::open`].
    pub fn check(path: &Path) -> Result<Option<u64>, InputError> {
        let name = printable_path(path);
        let from_os = |error: Errno| InputError::from_io(&name, error.into());
        let stat = rustix::fs::stat(path).map_err(from_os)?;
        let is_unnamed = || Ok(rustix::fs::statfs(path).map_err(from_os)?.f_type as u64 == PIPEFS_MAGIC);
        check_kind(&name, &stat, is_unnamed)?;
        // Other answers come from kernels without this call; opening will tell.
        if let Err(Errno::ACCESS) = rustix::fs::accessat(CWD, path, Access::READ_OK, AtFlags::EACCESS) {
            return Err(from_os(Errno::ACCESS));
        }
        let is_regular = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        Ok(is_regular.then(|| u64::try_from(stat.st_size).unwrap_or(0)))
    }

    /// The size in bytes, if it is a regular file; of a reader, what was said of it.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// How much of it is left to be read, in bytes, if the size is known and nobody changes it.
    pub(super) fn rest(&self) -> Option<u64> {
        self.size.map(|size| size.saturating_sub(self.read))
    }

    /// The name to show, made printable.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What ends waiting for this input, in another thread.
    pub(super) fn interrupt(&self) -> Result<Option<Interrupt>, InputError> {
        match &self.origin {
            Origin::Pipe(_, interrupt) => interrupt.try_clone().map(Some).map_err(|error| self.error(error)),
            Origin::File(_) | Origin::Reader(_) => Ok(None),
        }
    }

    /// Fills `buffer` as far as the input reaches. Less than the whole length means that it ended, or was interrupted.
    ///
    /// # Errors
    /// [`InputError::Read`]; [`InputError::BrokeOff`] of a reader.
    pub fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, InputError> {
        // A terminal that ended goes on if it is read again.
        if self.ended {
            return Ok(0);
        }
        let length = match &mut self.origin {
            Origin::File(file) => fill(file, buffer),
            Origin::Pipe(file, interrupt) => fill(&mut interrupt.guard(file), buffer),
            Origin::Reader(reader) => fill(reader, buffer),
        };
        let length = length.map_err(|error| self.error(error))?;
        self.ended = length < buffer.len();
        self.read += length as u64;
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
            let result = match &mut self.origin {
                Origin::File(file) | Origin::Pipe(file, _) => file.read(&mut bytes),
                Origin::Reader(reader) => reader.read(&mut bytes),
            };
            let length = result.map_err(|error| self.error(error))?;
            let line = bytes.get(..length).unwrap_or_default();
            if length == 0 || !line.trim_ascii().is_empty() {
                return self.text(&bytes, length, limit);
            }
        }
    }

    fn error(&self, source: io::Error) -> InputError {
        match &self.origin {
            Origin::File(_) | Origin::Pipe(..) => InputError::from_io(&self.name, source),
            // Whatever kind of error it is, it says nothing of a file.
            Origin::Reader(_) => InputError::BrokeOff {
                name: self.name.clone(),
                source,
            },
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
    /// A reader failed before its end.
    #[error("{name} broke off: {}", printable(&source.to_string()))]
    BrokeOff {
        /// What it was to give.
        name: String,
        /// What it said.
        source: io::Error,
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
            Self::BrokeOff { .. } => system("broke-off", "nothing was made of what had come: send it again"),
            Self::Read { .. } => system("read-failed", "check the disk or the program that writes into the pipe"),
        }
    }
}
