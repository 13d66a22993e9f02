//! Which pages are paired: kept on disk, in a file of the user alone.
//!
//! Promises: what was paired is paired after a restart, and what was revoked is not; the file is replaced whole or not
//! at all; public keys alone are in it. Refuses a file that it does not understand: it is never replaced by an empty one.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::caller::{Ending, Standing};
use super::protocol::{KeyId, Origin, PageKey, Scopes};
use crate::fault::{Class, Explanation, Fault};
use crate::files::{Folder, Input, InputError, Inputs, Overwrite, Source, Target, TargetError, write_private_text};
use crate::text::printable_path;

const FILE: &str = "pairings.json";

/// The longest file that is read, in bytes: some 5,000 pairings.
const LIMIT: usize = 1 << 20;

/// How many browsers may be paired for one origin, and how many pairings there may be.
const MOST_OF_ONE: usize = 64;
const MOST: usize = 1024;

/// A page that is paired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pairing {
    /// Its origin.
    pub origin: Origin,
    /// The public key of its browser.
    pub key: PageKey,
    /// What it may do.
    pub scopes: Scopes,
    /// When it was paired, in seconds since 1970.
    pub paired_at: u64,
}

/// All pairings, and where they are kept.
pub struct Pairings {
    target: Target,
    path: PathBuf,
    known: BTreeMap<KeyId, Known>,
}

struct Known {
    pairing: Pairing,
    standing: Standing,
    _ending: Ending,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    pairings: Vec<Pairing>,
}

impl Pairings {
    /// Reads those that are kept in this folder; none if nothing was ever paired.
    ///
    /// # Errors
    /// [`PairingsError`].
    pub fn load(folder: &Path) -> Result<Self, PairingsError> {
        let path = folder.join(FILE);
        let target = Target::new(&Folder::open(folder)?, OsStr::new(FILE))?;
        let stored = match Input::open(&Source::Path(path.clone())) {
            Ok(input) => {
                let text = input.read_text(LIMIT)?;
                serde_json::from_str(&text).ok()
            }
            Err(InputError::NotFound { .. }) => Some(Stored {
                version: 1,
                pairings: Vec::new(),
            }),
            Err(error) => return Err(error.into()),
        };
        let Some(stored) = stored.filter(|stored: &Stored| stored.version == 1) else {
            return Err(PairingsError::Damaged {
                path: printable_path(&path),
            });
        };
        let known = stored
            .pairings
            .into_iter()
            .map(|pairing| (pairing.key.key_id(), Known::new(pairing)));
        Ok(Self {
            target,
            path,
            known: known.collect(),
        })
    }

    /// Where they are kept.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All of them, by origin and then by age.
    pub fn all(&self) -> Vec<Pairing> {
        let mut all: Vec<_> = self.known.values().map(|known| known.pairing.clone()).collect();
        all.sort_by(|a, b| (&a.origin, a.paired_at).cmp(&(&b.origin, b.paired_at)));
        all
    }

    /// The one with this key, and how long it stands.
    pub(super) fn get(&self, key: &KeyId) -> Option<(&Pairing, &Standing)> {
        self.known.get(key).map(|known| (&known.pairing, &known.standing))
    }

    /// Whether a page of this origin is paired.
    pub fn has(&self, origin: &Origin) -> bool {
        self.known.values().any(|known| known.pairing.origin == *origin)
    }

    /// The pairing of a page that may be added, and what is to be kept before it is: [`Self::insert`].
    ///
    /// # Errors
    /// [`PairingsError::TooMany`], [`PairingsError::KeyOfAnother`].
    pub fn admit(&self, origin: Origin, key: PageKey, scopes: Scopes) -> Result<(Pairing, ToKeep), PairingsError> {
        let all = || self.known.values().map(|known| &known.pairing);
        let of_origin = all().filter(|other| other.origin == origin).count();
        if self.known.len() >= MOST || of_origin >= MOST_OF_ONE {
            return Err(PairingsError::TooMany {
                origin: origin.to_string(),
            });
        }
        // Whose key it is already would have another page act for him.
        if all().any(|other| other.key == key && other.origin != origin) {
            return Err(PairingsError::KeyOfAnother);
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let pairing = Pairing {
            origin,
            key,
            scopes,
            paired_at: since.map_or(0, |since| since.as_secs()),
        };
        let to_keep = self.to_keep(all().filter(|other| other.key != key).chain([&pairing]));
        Ok((pairing, to_keep))
    }

    /// Adds one. An earlier one of the same origin and key ends.
    pub fn insert(&mut self, pairing: Pairing) {
        self.known.insert(pairing.key.key_id(), Known::new(pairing));
    }

    /// Ends all of an origin: the keys of those that ended, and what is to be kept now. Until it is, they are there again
    /// when the bridge is started anew.
    ///
    /// # Errors
    /// [`PairingsError::NotPaired`] if there is none.
    pub fn remove(&mut self, origin: &Origin) -> Result<(Vec<KeyId>, ToKeep), PairingsError> {
        let of_origin = self.known.iter().filter(|(_, known)| known.pairing.origin == *origin);
        let ended: Vec<_> = of_origin.map(|(id, _)| *id).collect();
        if ended.is_empty() {
            return Err(PairingsError::NotPaired {
                origin: origin.to_string(),
            });
        }
        self.known.retain(|id, _| !ended.contains(id));
        Ok((ended, self.to_keep(self.known.values().map(|known| &known.pairing))))
    }

    fn to_keep<'a>(&self, pairings: impl Iterator<Item = &'a Pairing>) -> ToKeep {
        let stored = Stored {
            version: 1,
            pairings: pairings.cloned().collect(),
        };
        ToKeep {
            target: self.target.clone(),
            text: serde_json::to_string_pretty(&stored).unwrap_or_default(),
        }
    }
}

/// The pairings as they are to stand in the file. A disk may be slow: this is done without anybody waiting for the
/// pairings meanwhile, one after the other.
#[must_use = "what is not written is not kept"]
pub struct ToKeep {
    target: Target,
    text: String,
}

impl ToKeep {
    /// Writes them.
    ///
    /// # Errors
    /// [`PairingsError::Target`]; the file stands as it was.
    pub fn write(&self) -> Result<(), PairingsError> {
        Ok(write_private_text(&self.target, &self.text, Overwrite::Replace, &Inputs::default())?)
    }
}

impl Known {
    fn new(pairing: Pairing) -> Self {
        let (ending, standing) = Standing::new();
        Self {
            pairing,
            standing,
            _ending: ending,
        }
    }
}

/// Why pairings cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum PairingsError {
    /// The file cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The file cannot be written.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// It is not what was written.
    #[error("{path} is damaged, or of a newer saltbridge")]
    Damaged {
        /// The file, made printable.
        path: String,
    },
    /// There are as many as there may be.
    #[error("there are too many pairings, of {origin} or in all")]
    TooMany {
        /// The origin that was to be paired.
        origin: String,
    },
    /// The key is that of a page of another origin.
    #[error("the page's key is another page's already")]
    KeyOfAnother,
    /// There is none.
    #[error("{origin} is not paired")]
    NotPaired {
        /// The origin that was named.
        origin: String,
    },
}

impl Fault for PairingsError {
    fn explain(&self) -> Explanation {
        match self {
            Self::Input(error) => error.explain(),
            Self::Target(error) => error.explain(),
            Self::Damaged { .. } => Explanation::new(
                "pairings-damaged",
                Class::Damaged,
                "mend the file, or remove it and pair your sites again",
            ),
            Self::TooMany { .. } => Explanation::new(
                "too-many-pairings",
                Class::Policy,
                "revoke some with saltbridge pairings revoke ORIGIN, then pair again",
            ),
            Self::KeyOfAnother => Explanation::new(
                "key-of-another",
                Class::Policy,
                "each page makes a key of its own, and hands it to nobody",
            ),
            Self::NotPaired { .. } => Explanation::new(
                "not-paired",
                Class::Usage,
                "saltbridge pairings list shows which are; an origin is scheme, name and port: https://numerbay.ai",
            ),
        }
    }
}
