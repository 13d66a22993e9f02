//! The folders of this user alone: where his processes meet, and where is kept what outlives them.
//!
//! Promises: what is given out belongs to this user, as does the folder that it is in, and nobody else can write to
//! either; a folder that is made is for its owner alone.
//!
//! Refuses: to change a folder that is there, its permissions included; what cannot be trusted is passed over where there
//! is another place, and named where there is none.

#![forbid(unsafe_code)]

use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::process::geteuid;

use crate::fault::{Class, Explanation, Fault};
use crate::text::printable_path;

/// The name of our folders in those of all programs.
const NAME: &str = "saltbridge";

/// What others may not: write.
const WRITE: u32 = 0o022;

/// What others may not where secrets lie: anything.
const ANYTHING: u32 = 0o077;

/// Opens a file in such a folder that is there to be locked: made for its owner alone if it is not there, never followed
/// elsewhere, and left with what is in it.
///
/// # Errors
/// The system's.
pub fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
}

/// Why there is no folder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoFolder {
    /// No variable tells where the user's folders are.
    #[error("there is no folder of yours: HOME is not set")]
    NoHome,
    /// The system does not make it, or does not tell what it is.
    #[error("{folder}: {reason}")]
    Failed {
        /// The folder, made printable.
        folder: String,
        /// What the system said.
        reason: String,
    },
    /// Something else has its name.
    #[error("{folder} is no folder")]
    OtherFile {
        /// The name, made printable.
        folder: String,
    },
    /// It is not the user's.
    #[error("{folder} belongs to another user")]
    Foreign {
        /// The folder, made printable.
        folder: String,
    },
    /// Others may write to it.
    #[error("{folder} can be written to by others")]
    Writable {
        /// The folder, made printable.
        folder: String,
        /// The permissions that it may not give to others.
        forbidden: u32,
    },
    /// Others may see what lies in it.
    #[error("{folder} can be read by others")]
    Readable {
        /// The folder, made printable.
        folder: String,
    },
}

impl Fault for NoFolder {
    fn explain(&self) -> Explanation {
        let help = match self {
            Self::NoHome => "set HOME to your home folder: an absolute path".to_owned(),
            Self::Failed { folder, .. } => {
                format!("see that {folder} can be made, and that you may write to what it is in")
            }
            Self::OtherFile { folder } => format!("move {folder} away, or name another place in the environment"),
            Self::Foreign { folder } => {
                format!("make {folder} yours (chown), or name another place in the environment")
            }
            Self::Writable { folder, forbidden } => {
                let change = if *forbidden == WRITE { "go-w" } else { "go=" };
                format!("see that nobody has changed what is in it, then: chmod {change} {folder}")
            }
            Self::Readable { folder } => format!("see that nobody has copied what is in it, then: chmod go= {folder}"),
        };
        Explanation::new("no-own-folder", Class::System, help)
    }
}

/// Where the folders of a user are, by the variables of an environment. Those that name no absolute path are taken for
/// unset (XDG Base Directory Specification).
#[derive(Clone, Debug, Default)]
pub struct OwnFolders {
    runtime: Option<PathBuf>,
    state: Option<PathBuf>,
    home: Option<PathBuf>,
}

impl OwnFolders {
    /// Those that the variables of this process name.
    pub fn of_this_process() -> Self {
        Self::named_by(std::env::vars_os())
    }

    /// Those that these variables name: `XDG_RUNTIME_DIR`, `XDG_STATE_HOME`, `HOME`.
    pub fn named_by(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut folders = Self::default();
        for (name, value) in variables {
            let place = match name.to_str() {
                Some("XDG_RUNTIME_DIR") => &mut folders.runtime,
                Some("XDG_STATE_HOME") => &mut folders.state,
                Some("HOME") => &mut folders.home,
                _ => continue,
            };
            *place = Some(PathBuf::from(value)).filter(|path| path.is_absolute());
        }
        folders
    }

    /// The folder for locks, which is made if it is not there: `saltbridge` in that of `XDG_RUNTIME_DIR`, or in
    /// `/run/user/UID`, which it names in a login, so that programs started by cron meet the others there; otherwise in
    /// `~/.cache`. Never in one that others may write to: who could replace a lock could have two processes talk to one
    /// device.
    ///
    /// # Errors
    /// [`NoFolder`].
    pub fn locks(&self) -> Result<PathBuf, NoFolder> {
        self.meeting_place().map(|place| place.locks)
    }

    /// Where the bridge's socket lies: `saltbridge.sock` in the runtime folder, beside the folder for locks; without one
    /// in the folder for locks. The folder is there then; the socket need not be.
    ///
    /// # Errors
    /// [`NoFolder`].
    pub fn socket(&self) -> Result<PathBuf, NoFolder> {
        let place = self.meeting_place()?;
        Ok(place.runtime.unwrap_or(place.locks).join("saltbridge.sock"))
    }

    /// The folder for what is kept, which is made if it is not there: `saltbridge` in that of `XDG_STATE_HOME`, otherwise
    /// in `~/.local/state`. Nobody else can look into it.
    ///
    /// # Errors
    /// [`NoFolder`]: also if it is there, and others may read it.
    pub fn state(&self) -> Result<PathBuf, NoFolder> {
        let parent = match &self.state {
            Some(state) => make_with_parents(state)?,
            None => make(&make(&self.home()?.join(".local"), WRITE)?.join("state"), WRITE)?,
        };
        make(&parent.join(NAME), ANYTHING)
    }

    fn meeting_place(&self) -> Result<MeetingPlace, NoFolder> {
        let of_login = PathBuf::from(format!("/run/user/{}", geteuid().as_raw()));
        let of_session = self.runtime.clone().into_iter().chain([of_login]);
        let mut ours = of_session.filter(|runtime| is_ours(runtime, WRITE).is_ok());
        let found = ours.find_map(|runtime| {
            let locks = make(&runtime.join(NAME), WRITE).ok()?;
            Some(MeetingPlace {
                locks,
                runtime: Some(runtime),
            })
        });
        if let Some(found) = found {
            return Ok(found);
        }
        let cache = make(&self.home()?.join(".cache"), WRITE)?;
        Ok(MeetingPlace {
            locks: make(&cache.join(NAME), WRITE)?,
            runtime: None,
        })
    }

    fn home(&self) -> Result<&Path, NoFolder> {
        let home = self.home.as_deref().ok_or(NoFolder::NoHome)?;
        is_ours(home, WRITE).map(|()| home)
    }
}

/// Where the processes of a user meet.
struct MeetingPlace {
    locks: PathBuf,
    /// The runtime folder, if it is in one.
    runtime: Option<PathBuf>,
}

/// Makes a folder for its owner alone, if it is not there, and looks at what is there then.
fn make(folder: &Path, forbidden: u32) -> Result<PathBuf, NoFolder> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(failed(folder, &error)),
        _ => is_ours(folder, forbidden).map(|()| folder.to_owned()),
    }
}

/// The same for a folder whose parents may be missing, too. Those that are there are not looked at.
fn make_with_parents(folder: &Path) -> Result<PathBuf, NoFolder> {
    let made = DirBuilder::new().mode(0o700).recursive(true).create(folder);
    made.map_err(|error| failed(folder, &error))?;
    is_ours(folder, WRITE).map(|()| folder.to_owned())
}

/// That it is a folder of this user's, and that others have none of the permissions `forbidden`.
fn is_ours(folder: &Path, forbidden: u32) -> Result<(), NoFolder> {
    let name = printable_path(folder);
    let found = std::fs::metadata(folder).map_err(|error| failed(folder, &error))?;
    match () {
        () if !found.is_dir() => Err(NoFolder::OtherFile { folder: name }),
        () if found.uid() != geteuid().as_raw() => Err(NoFolder::Foreign { folder: name }),
        () if found.mode() & WRITE != 0 => Err(NoFolder::Writable {
            folder: name,
            forbidden,
        }),
        () if found.mode() & forbidden != 0 => Err(NoFolder::Readable { folder: name }),
        () => Ok(()),
    }
}

fn failed(folder: &Path, error: &io::Error) -> NoFolder {
    NoFolder::Failed {
        folder: printable_path(folder),
        reason: error.to_string(),
    }
}
