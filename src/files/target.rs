//! Where something is written: a name in a folder that was opened once.
//!
//! A target is one plain name, looked up in the opened folder. It cannot lead anywhere else, whatever links stand in
//! the folder and whatever the name holds.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustix::fs::{Access, AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::Inputs;
use super::input::kind_name;
use super::pending::Pending;
use super::temporary::Place;
use crate::fault::{Class, Explanation, Fault};
use crate::text::{printable_name, printable_path};

/// Who may read what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privacy {
    /// The owner alone (mode 0600): plaintext and keys.
    Owner,
    /// Whoever the umask lets (mode 0666 less the umask): ciphertext.
    Umask,
}

/// What happens to a file that stands under the target's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overwrite {
    /// It stays, and writing is refused.
    Refuse,
    /// It is replaced, at the moment when the new one is whole.
    Replace,
}

/// A folder that was opened.
#[derive(Clone)]
pub struct Folder {
    place: Arc<Place>,
    identity: (u64, u64),
    path: PathBuf,
    writable: Arc<OnceLock<Result<(), Errno>>>,
}

impl Folder {
    /// Opens a folder. An empty path is the current one.
    ///
    /// # Errors
    /// [`TargetError::NoFolder`], [`TargetError::NotWritable`], [`TargetError::Write`].
    pub fn open(path: &Path) -> Result<Self, TargetError> {
        let shown = if path.as_os_str().is_empty() {
            Path::new(".")
        } else {
            path
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = rustix::fs::open(shown, flags, Mode::empty());
        let (fd, stat) = opened
            .and_then(|fd| rustix::fs::fstat(&fd).map(|stat| (fd, stat)))
            .map_err(|error| match error {
                Errno::NOENT => TargetError::NoFolder {
                    name: printable_path(shown),
                },
                Errno::NOTDIR => TargetError::NotAFolder {
                    name: printable_path(shown),
                },
                _ => TargetError::from_io(&printable_path(shown), error.into()),
            })?;
        Ok(Self {
            place: Arc::new(Place::new(fd)),
            identity: (stat.st_dev, stat.st_ino),
            path: path.to_owned(),
            writable: Arc::default(),
        })
    }

    /// The same, after the folder was made if it was not there, with those above it.
    ///
    /// # Errors
    /// As [`Folder::open`].
    pub fn open_or_make(path: &Path) -> Result<Self, TargetError> {
        match std::fs::create_dir_all(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(TargetError::from_io(&printable_path(path), error))
            }
            _ => Self::open(path),
        }
    }

    /// Whether what is written here stays in memory (tmpfs, ramfs).
    pub fn is_memory_backed(&self) -> bool {
        self.place.is_memory_backed()
    }

    /// Refuses early what making a file here would refuse late.
    ///
    /// # Errors
    /// [`TargetError::NotWritable`].
    pub fn check_writable(&self) -> Result<(), TargetError> {
        let access = Access::WRITE_OK | Access::EXEC_OK;
        // Once is enough for all the files of a run.
        let answer = self
            .writable
            .get_or_init(|| rustix::fs::accessat(&self.place, ".", access, AtFlags::EACCESS));
        match answer {
            Err(error @ (Errno::ACCESS | Errno::ROFS)) => Err(TargetError::from_io(&self.shown(), (*error).into())),
            // Other answers come from kernels without this call; writing will tell.
            _ => Ok(()),
        }
    }

    /// Device and inode number.
    pub(super) fn identity(&self) -> (u64, u64) {
        self.identity
    }

    pub(super) fn place(&self) -> &Arc<Place> {
        &self.place
    }

    /// Its name to show, made printable.
    pub fn shown(&self) -> String {
        match self.path.as_os_str().is_empty() {
            true => "the current folder".to_owned(),
            false => printable_path(&self.path),
        }
    }
}

/// A name in a folder, to be written once.
#[derive(Clone)]
pub struct Target {
    folder: Folder,
    name: OsString,
}

impl Target {
    /// The name `name` in `folder`.
    ///
    /// # Errors
    /// [`TargetError::BadName`] unless `name` is one plain component: not empty, `.` or `..`, no slash.
    pub fn new(folder: &Folder, name: &OsStr) -> Result<Self, TargetError> {
        let mut components = Path::new(name).components();
        let is_plain = matches!(
            (components.next(), components.next()),
            (Some(Component::Normal(only)), None) if only == name
        );
        if !is_plain {
            return Err(TargetError::BadName {
                name: printable_name(name),
            });
        }
        Ok(Self {
            folder: folder.clone(),
            name: name.to_owned(),
        })
    }

    /// The target that a path names: its last component, in the folder that the rest leads to.
    ///
    /// # Errors
    /// As [`Folder::open`] and [`Target::new`].
    pub fn from_path(path: &Path) -> Result<Self, TargetError> {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(TargetError::BadName {
                name: printable_path(path),
            });
        };
        // `a/` and `a/.` have the file name `a` for `Path`, and are a folder for everybody else.
        if !path.as_os_str().as_encoded_bytes().ends_with(name.as_encoded_bytes()) {
            return Err(TargetError::BadName {
                name: printable_path(path),
            });
        }
        Self::new(&Folder::open(folder)?, name)
    }

    /// The path as the person would write it.
    pub fn path(&self) -> PathBuf {
        self.folder.path.join(&self.name)
    }

    pub(super) fn folder(&self) -> &Folder {
        &self.folder
    }

    pub(super) fn name(&self) -> &OsStr {
        &self.name
    }

    pub(super) fn shown(&self) -> String {
        printable_path(&self.path())
    }

    /// The same for two targets that are one: folder (device and inode number) and name.
    pub fn identity(&self) -> (u64, u64, OsString) {
        let (device, inode) = self.folder.identity;
        (device, inode, self.name.clone())
    }

    /// Refuses early what publishing would refuse late: no wallet need be asked, and no long file read, for that.
    ///
    /// # Errors
    /// [`TargetError::Exists`], [`TargetError::NotAFile`], [`TargetError::IsAnInput`].
    pub fn check(&self, overwrite: Overwrite, inputs: &Inputs) -> Result<(), TargetError> {
        let folder = &self.folder.place;
        let name = self.shown();
        self.folder.check_writable()?;
        let stat = match rustix::fs::statat(folder, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(()),
            Err(error) => return Err(TargetError::from_io(&name, error.into())),
        };
        // A link is replaced itself; but one that leads to a device or a folder is there for another purpose.
        let behind = rustix::fs::statat(folder, &self.name, AtFlags::empty()).unwrap_or(stat);
        match FileType::from_raw_mode(behind.st_mode) {
            FileType::RegularFile | FileType::Symlink => {}
            kind => {
                return Err(TargetError::NotAFile {
                    name,
                    kind: kind_name(kind),
                });
            }
        }
        match overwrite {
            Overwrite::Refuse => Err(TargetError::Exists { name }),
            Overwrite::Replace if inputs.contain(&stat) || inputs.contain(&behind) => {
                Err(TargetError::IsAnInput { name })
            }
            Overwrite::Replace => Ok(()),
        }
    }

    /// Starts to write: a file that has no name yet. It must not replace one of `inputs`.
    pub(super) fn start(
        &self,
        privacy: Privacy,
        overwrite: Overwrite,
        inputs: &Inputs,
    ) -> Result<Pending, TargetError> {
        self.check(overwrite, inputs)?;
        Pending::create(self, privacy, overwrite)
    }
}

/// Writes a short secret text, whole or not at all, readable by the owner alone (0600).
///
/// # Errors
/// [`TargetError`].
pub fn write_private_text(
    target: &Target,
    text: &str,
    overwrite: Overwrite,
    inputs: &Inputs,
) -> Result<(), TargetError> {
    let mut pending = target.start(Privacy::Owner, overwrite, inputs)?;
    pending.write(text.as_bytes())?;
    pending.publish()
}

/// Why a target could not be written. Names are made printable.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// Something stands under that name.
    #[error("{name} exists already")]
    Exists {
        /// The target.
        name: String,
    },
    /// Something that is not a file stands under that name.
    #[error("{name} is {kind}, which is never replaced")]
    NotAFile {
        /// The target.
        name: String,
        /// What it is.
        kind: &'static str,
    },
    /// The target is a file that the same run reads.
    #[error("{name} is one of the files that are read")]
    IsAnInput {
        /// The target.
        name: String,
    },
    /// Not a name for a file.
    #[error("\"{name}\" is not a name for a file")]
    BadName {
        /// The name.
        name: String,
    },
    /// There is no such folder.
    #[error("the folder {name} does not exist")]
    NoFolder {
        /// The folder.
        name: String,
    },
    /// What stands under the folder's name is none.
    #[error("{name} is not a folder")]
    NotAFolder {
        /// The name.
        name: String,
    },
    /// The permissions do not allow it.
    #[error("{name} may not be written to: permission denied")]
    NotWritable {
        /// The target.
        name: String,
    },
    /// No room.
    #[error("{name} cannot be written: no space left")]
    NoSpace {
        /// The target.
        name: String,
    },
    /// A spool file was read again, and was not what had been written.
    #[error("{name} is not what was written to it")]
    SpoolChanged {
        /// The spool file.
        name: String,
    },
    /// Anything else.
    #[error("{name} cannot be written: {source}")]
    Write {
        /// The target.
        name: String,
        /// What the system said.
        source: io::Error,
    },
}

impl TargetError {
    pub(super) fn from_io(name: &str, source: io::Error) -> Self {
        let name = name.to_owned();
        match source.kind() {
            io::ErrorKind::AlreadyExists => Self::Exists { name },
            io::ErrorKind::NotADirectory => Self::NotAFolder { name },
            io::ErrorKind::InvalidFilename => Self::BadName { name },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::NotWritable { name },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::NoSpace { name }
            }
            _ => Self::Write { name, source },
        }
    }
}

impl Fault for TargetError {
    fn explain(&self) -> Explanation {
        let system = |code, help| Explanation::new(code, Class::System, help);
        match self {
            Self::Exists { .. } => {
                Explanation::new("would-overwrite", Class::Policy, "choose another name, or replace it with --force")
            }
            Self::NotAFile {
                kind: "a directory", ..
            } => system("target-not-a-file", "choose another name, or give the folder as --output-dir"),
            Self::NotAFile { .. } => system("target-not-a-file", "choose another name"),
            Self::IsAnInput { .. } => Explanation::new(
                "target-is-input",
                Class::Usage,
                "choose another name; the original is never replaced by what is made from it",
            ),
            Self::BadName { .. } => Explanation::new(
                "bad-name",
                Class::Usage,
                "name a file with -o (at most 255 bytes, no slash at the end), or a folder with --output-dir",
            ),
            Self::NoFolder { .. } => system("no-folder", "make the folder first, with mkdir -p"),
            Self::NotAFolder { .. } => system("not-a-folder", "choose another folder"),
            Self::NotWritable { .. } => {
                system("not-writable", "choose a folder that you may write to, with -o or --output-dir")
            }
            Self::NoSpace { .. } => system("no-space", "make room, or choose a folder on another disk"),
            Self::SpoolChanged { .. } => system(
                "spool-changed",
                "what is in it was not used; check the disk, or name another folder with --spool-dir",
            ),
            Self::Write { .. } => system("write-failed", "check the disk, or the program that reads from the pipe"),
        }
    }
}
