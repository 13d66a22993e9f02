//! The file of the bridge's own key: made at the first start, readable by the user alone.

use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::protocol::{Identity, IdentityError, RandomError};
use crate::fault::{Class, Explanation, Fault};
use crate::files::{Folder, Input, InputError, Inputs, Overwrite, Source, Target, TargetError, write_private_text};
use crate::text::printable_path;

const FILE: &str = "identity.pem";

/// The longest file that is read, in bytes; ours has 241.
const LIMIT: usize = 4096;

/// The bridge's key in this folder, which is made if there is none.
///
/// # Errors
/// [`IdentityFileError`]. A file that is there is never replaced: sites that are paired know its key.
pub(super) fn load_or_make(folder: &Path) -> Result<Identity, IdentityFileError> {
    let path = folder.join(FILE);
    match Input::open(&Source::Path(path.clone())) {
        Ok(input) => {
            let name = printable_path(&path);
            // Whoever reads it can pretend to be the bridge.
            let is_private = std::fs::metadata(&path).is_ok_and(|found| found.mode() & 0o077 == 0);
            if !is_private {
                return Err(IdentityFileError::NotPrivate { path: name });
            }
            let text = input.read_text(LIMIT)?;
            Identity::from_pem(&text).map_err(|source| IdentityFileError::Damaged { path: name, source })
        }
        Err(InputError::NotFound { .. }) => {
            let identity = Identity::generate()?;
            let target = Target::new(&Folder::open(folder)?, OsStr::new(FILE))?;
            write_private_text(&target, &identity.to_pem(), Overwrite::Refuse, &Inputs::default())?;
            Ok(identity)
        }
        Err(error) => Err(error.into()),
    }
}

/// Why the bridge has no key.
#[derive(Debug, thiserror::Error)]
pub enum IdentityFileError {
    /// The file cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The file cannot be written.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// No new key.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// What is in it is no key.
    #[error("{path}: {source}")]
    Damaged {
        /// The file, made printable.
        path: String,
        /// Why.
        source: IdentityError,
    },
    /// Others may read it.
    #[error("{path} may be read by other users")]
    NotPrivate {
        /// The file, made printable.
        path: String,
    },
}

impl Fault for IdentityFileError {
    fn explain(&self) -> Explanation {
        match self {
            Self::Input(error) => error.explain(),
            Self::Target(error) => error.explain(),
            Self::Random(error) => error.explain(),
            Self::Damaged { source, .. } => source.explain(),
            Self::NotPrivate { .. } => Explanation::new(
                "identity-not-private",
                Class::Policy,
                "if nobody else has read it: chmod 600; otherwise remove it and pair your sites again",
            ),
        }
    }
}
