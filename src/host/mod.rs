//! What the machine is like for somebody who wants to reach a Ledger on it: facts, read and never changed.
//!
//! Promises: everything is read below one root, so that a fabricated tree will do; what cannot be read or makes no sense
//! is left out, and nothing of it ends the program; no device is opened, and nothing is sent.
//!
//! Refuses: to change anything, and to run another program.

#![forbid(unsafe_code)]

mod access;
mod findings;
mod holders;
mod ledgers;
mod listeners;
mod node;
mod person;
mod remedy;
mod rule;
mod rules;
mod surroundings;
mod survey;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

pub use findings::{Finding, State};
pub use holders::{Holder, Holders, holders_of};
pub use ledgers::{Ledger, Noted};
pub use listeners::{Listener, listener_at, user_of_connection};
pub use node::{Entry, Grant, Named, Node};
pub use person::Person;
pub use rule::Rule;
pub use rules::{Effect, Place, Rules, RulesFile, Variant};
pub use surroundings::{Sandbox, Seat, Surroundings, Wsl};
pub use survey::{Group, Seen, Survey};

/// The most that is read of one file, in bytes. The largest that matter, rules of a distribution, have some 20 KiB.
const FILE_LIMIT: u64 = 1 << 20;

/// The variables of the environment that tell something of the machine.
const VARIABLES: [&str; 5] = ["KUBERNETES_SERVICE_HOST", "SNAP", "SNAP_NAME", "SSH_CONNECTION", "SSH_TTY"];

/// A machine: the tree of files that describes it, and the variables of this process that do.
#[derive(Clone, Debug)]
pub struct Host {
    root: PathBuf,
    variables: BTreeMap<String, String>,
}

impl Host {
    /// The machine whose files lie below `root`: `/`, or a tree that was made to look like one.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            variables: BTreeMap::new(),
        }
    }

    /// This machine, with the variables of this process.
    pub fn this() -> Self {
        Self::new("/").with_variables(std::env::vars_os())
    }

    /// The same with variables of the environment. Those that tell nothing of the machine are not kept.
    #[must_use]
    pub fn with_variables(mut self, variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        for (name, value) in variables {
            if let Some(name) = VARIABLES.iter().find(|known| **known == name) {
                self.variables
                    .insert((*name).to_owned(), value.to_string_lossy().into_owned());
            }
        }
        self
    }

    /// A variable that is set, and not to nothing.
    fn variable(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// Where a path of that machine lies. It stays below the root whatever the path is.
    fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        let parts = path.as_ref().components();
        let names = parts.filter(|part| matches!(part, Component::Normal(_)));
        self.root.join(names.collect::<PathBuf>())
    }

    /// The text of a file; what is not UTF-8 is replaced. Nothing if it is no plain file or cannot be read: a pipe would
    /// be waited for.
    fn text(&self, path: impl AsRef<Path>) -> Option<String> {
        let bytes = self.bytes(path)?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn bytes(&self, path: impl AsRef<Path>) -> Option<Vec<u8>> {
        let path = self.path(path);
        if !std::fs::metadata(&path).is_ok_and(|found| found.is_file()) {
            return None;
        }
        let mut bytes = Vec::new();
        let file = File::open(path).ok()?;
        file.take(FILE_LIMIT).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// The names in a folder, sorted; none if it cannot be read.
    fn names(&self, path: impl AsRef<Path>) -> Vec<OsString> {
        let entries = std::fs::read_dir(self.path(path)).into_iter().flatten();
        let mut names: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
        names.sort();
        names
    }
}
