//! The socket of the user's programs: made for him alone, and taken over from a bridge that is gone.

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::fault::{Class, Explanation, Fault};
use crate::own_folders::open_lock;
use crate::text::printable_path;

/// A socket that is listened at. It is removed on drop.
pub struct Listening {
    path: PathBuf,
    /// Held as long as the socket is ours.
    _lock: File,
}

impl Listening {
    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Listens at a socket in a folder that is the user's alone. One that nobody listens at any more is replaced.
///
/// # Errors
/// [`SocketError`].
pub fn listen(path: &Path) -> Result<(UnixListener, Listening), SocketError> {
    let failed = |error: io::Error| SocketError::Failed {
        path: printable_path(path),
        reason: error.to_string(),
    };
    let lock = take(&path.with_extension("sock.lock"))?;
    match std::fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => {
            if UnixStream::connect(path).is_ok() {
                return Err(SocketError::Taken {
                    path: printable_path(path),
                });
            }
            std::fs::remove_file(path).map_err(failed)?;
        }
        // Whatever it is, it is not ours.
        Ok(_) => {
            return Err(failed(io::ErrorKind::AlreadyExists.into()));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    // Nobody else reaches into the folder; this is for those to whom the user opens it.
    std::fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(failed)?;
    let listening = Listening {
        path: path.to_owned(),
        _lock: lock,
    };
    Ok((listener, listening))
}

/// Takes what is a bridge's alone, as long as the file is open.
pub(super) fn take(lock: &Path) -> Result<File, SocketError> {
    let path = printable_path(lock);
    let locked = open_lock(lock).map(|file| (flock(&file, FlockOperation::NonBlockingLockExclusive), file));
    match locked {
        Ok((Ok(()), file)) => Ok(file),
        Ok((Err(Errno::WOULDBLOCK), _)) => Err(SocketError::Taken { path }),
        Ok((Err(error), _)) => Err(SocketError::Failed {
            path,
            reason: error.to_string(),
        }),
        Err(error) => Err(SocketError::Failed {
            path,
            reason: error.to_string(),
        }),
    }
}

/// Why there is no socket.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SocketError {
    /// Another bridge of the same user listens there.
    #[error("a bridge of yours is running already, at {path}")]
    Taken {
        /// The socket, made printable.
        path: String,
    },
    /// The system does not let it be made.
    #[error("{path} cannot be made: {reason}")]
    Failed {
        /// The socket, made printable.
        path: String,
        /// What the system said.
        reason: String,
    },
}

impl Fault for SocketError {
    fn explain(&self) -> Explanation {
        match self {
            Self::Taken { .. } => Explanation::new(
                "bridge-running",
                Class::System,
                "use that one; saltbridge lock forgets its keys. To start anew, end it first",
            ),
            Self::Failed { .. } => Explanation::new(
                "no-socket",
                Class::System,
                "the folder must be yours alone; what stands under that name, if it is no socket, must go",
            ),
        }
    }
}
