//! The udev rules of the machine, as far as they are about a Ledger's wallet interface (udev(7)).
//!
//! It is read what the rules say, not run: conditions that are not about which device it is count as met. The node itself
//! tells what came of them ([`super::Node`]).

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};

use super::Host;
use super::rule::{Key, Rule, Section};
use crate::text::printable_path;

/// Where rules lie, the folder that counts most first. The last is another name of the one before it almost everywhere.
const FOLDERS: [&str; 5] = [
    "etc/udev/rules.d",
    "run/udev/rules.d",
    "usr/local/lib/udev/rules.d",
    "usr/lib/udev/rules.d",
    "lib/udev/rules.d",
];

/// Where the hardware database lies.
const HWDB_FOLDERS: [&str; 4] =
    ["etc/udev/hwdb.d", "usr/local/lib/udev/hwdb.d", "usr/lib/udev/hwdb.d", "lib/udev/hwdb.d"];

/// The file of systemd in which the tag `uaccess` takes effect. Files that come after it set it in vain.
const SEAT_FILE: &str = "73-seat-late.rules";

/// The rules that saltbridge ships (udev/README.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// For a machine where somebody sits: the user of the active session gets the device.
    Seat,
    /// For a machine without a seat: the members of the group `plugdev` get it.
    Plugdev,
}

impl Variant {
    /// The text of the file.
    pub fn text(self) -> &'static str {
        match self {
            Self::Seat => include_str!("../../udev/70-saltbridge-ledger.rules"),
            Self::Plugdev => include_str!("../../udev/70-saltbridge-ledger-plugdev.rules"),
        }
    }

    /// The name of the file. Both may stand side by side.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Seat => "70-saltbridge-ledger.rules",
            Self::Plugdev => "70-saltbridge-ledger-plugdev.rules",
        }
    }
}

/// The rules that are about Ledgers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// The files that hold any, in the order in which udev reads them.
    pub files: Vec<RulesFile>,
    /// Whether the hardware database says of Ledgers that they are hardware wallets, which systemd's rules then give to
    /// who sits at the machine.
    pub hwdb: bool,
}

/// A file with rules about Ledgers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulesFile {
    /// Where it lies on that machine.
    pub path: PathBuf,
    /// The file of the same name in a folder that counts more, which udev reads instead.
    pub hidden_by: Option<PathBuf>,
    /// Its rules about Ledgers.
    pub rules: Vec<Rule>,
}

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", printable_path(&self.path), self.line)
    }
}

/// What all the rules together do to the node of a Ledger's wallet interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// Where the node is given to who sits at the machine.
    pub uaccess: Option<Place>,
    /// Where that comes too late to have an effect.
    pub too_late: Option<Place>,
    /// The group that it is given to, and where.
    pub group: Option<(String, Place)>,
    /// Its mode, and where that is set.
    pub mode: Option<(u32, Place)>,
}

impl Effect {
    /// Where the node is opened to everybody on the machine.
    pub fn open_to_all(&self) -> Option<&Place> {
        let (mode, place) = self.mode.as_ref()?;
        (mode & 0o006 != 0).then_some(place)
    }

    /// The group whose members may read and write it.
    pub fn group_in_force(&self) -> Option<&str> {
        let (group, _) = self.group.as_ref()?;
        // Without a mode udev gives 0660 to nodes that it gives to a group.
        let allows = self.mode.as_ref().is_none_or(|(mode, _)| mode & 0o060 == 0o060);
        (allows && group != "root").then_some(group)
    }
}

impl Rules {
    /// What the rules in force do to the node of a Ledger, of this model where it is known. `is_wallet` where udev has
    /// noted of the device itself that the hardware database knows it.
    pub fn effect(&self, product_id: Option<u16>, is_wallet: bool) -> Effect {
        let mut effect = Effect::default();
        let in_force = self.files.iter().filter(|file| file.hidden_by.is_none());
        for file in in_force {
            let is_late = file.path.file_name().is_some_and(|name| name > SEAT_FILE);
            for rule in &file.rules {
                if !rule.is_for(product_id) || (rule.needs_hwdb && !self.hwdb && !is_wallet) {
                    continue;
                }
                let place = || Place {
                    path: file.path.clone(),
                    line: rule.line,
                };
                match (rule.uaccess, is_late) {
                    (Some(true), false) => effect.uaccess = Some(place()),
                    (Some(true), true) => effect.too_late = Some(place()),
                    (Some(false), false) => effect.uaccess = None,
                    (Some(false), true) | (None, _) => {}
                }
                if let Some(group) = &rule.group {
                    effect.group = Some((group.clone(), place()));
                }
                if let Some(mode) = rule.mode {
                    effect.mode = Some((mode, place()));
                }
            }
        }
        effect
    }
}

impl Host {
    /// The rules about Ledgers.
    pub fn rules(&self) -> Rules {
        let mut files: Vec<RulesFile> = Vec::new();
        let (mut folders, mut names) = (HashSet::new(), Vec::<PathBuf>::new());
        for folder in FOLDERS.map(Path::new) {
            let Ok(place) = self.path(folder).canonicalize() else {
                continue;
            };
            if !folders.insert(place) {
                continue;
            }
            for name in self.names(folder) {
                let path = folder.join(&name);
                if path.extension().is_none_or(|extension| extension != "rules") {
                    continue;
                }
                let hidden_by = names.iter().find(|other| other.file_name() == Some(&name)).cloned();
                names.push(Path::new("/").join(&path));
                let rules = rules_in(&self.text(&path).unwrap_or_default());
                if !rules.is_empty() {
                    files.push(RulesFile {
                        path: Path::new("/").join(path),
                        hidden_by,
                        rules,
                    });
                }
            }
        }
        files.sort_by(|one, other| one.path.file_name().cmp(&other.path.file_name()));
        Rules {
            files,
            hwdb: self.hwdb_knows_ledgers(),
        }
    }

    /// The compiled database is in a format of its own; its sources lie beside it. One file of them is systemd's own.
    fn hwdb_knows_ledgers(&self) -> bool {
        let files = HWDB_FOLDERS.into_iter().flat_map(|folder| {
            let names = self.names(folder).into_iter();
            let about = names.filter(|name| name.to_string_lossy().contains("wallet"));
            about.map(move |name| Path::new(folder).join(name))
        });
        files
            .filter(|path| path.extension().is_some_and(|extension| extension == "hwdb"))
            .any(|path| {
                let text = self.text(path).unwrap_or_default();
                let mut is_about = false;
                let mut was_match = false;
                text.lines().any(|line| {
                    if line.starts_with(' ') {
                        was_match = false;
                        return is_about && line.trim() == "ID_HARDWARE_WALLET=1";
                    }
                    if line.is_empty() || line.starts_with('#') {
                        return false;
                    }
                    // Several matches may stand above what they share.
                    is_about = (was_match && is_about) || line.starts_with("usb:v2C97");
                    was_match = true;
                    false
                })
            })
    }
}

/// The rules about Ledgers in the text of a file.
fn rules_in(text: &str) -> Vec<Rule> {
    let mut rules = Vec::new();
    let mut section = Section::default();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if line.trim_start().starts_with('#') {
            continue;
        }
        // A line that ends with a backslash goes on in the next one. A comment may stand in between (udev(7)).
        let mut whole = line.to_owned();
        while let Some(begun) = whole.strip_suffix('\\').map(str::to_owned) {
            whole = begun;
            match lines.next() {
                Some((_, next)) if next.trim_start().starts_with('#') => whole.push('\\'),
                Some((_, next)) => whole.push_str(next),
                None => break,
            }
        }
        if let Some(keys) = Key::parse_all(&whole) {
            rules.extend(Rule::about_ledgers(number + 1, &keys, &section));
            section.pass(&keys);
        }
    }
    rules
}
