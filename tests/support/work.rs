//! One run of the program over files, and the judgement of what stands under the targets' names after it, however it
//! ended.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::ffi::OsString;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use crypto_box::SecretKey;
use crypto_box::aead::OsRng;

use crate::support::{Desk, Vectors, names_in, text, unbase64};

const PUBLIC_KEY: &str = "j9X3FWlUV2tgymJykO0JwfiuYr5yfJMiGLQdCkvA5Us=";

/// What the program does with the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    Open,
    Seal,
}

/// What stands under the targets' names before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    Nothing,
    /// Something under the first name and every second one after it, which `--force` replaces.
    OldToReplace,
    /// The same, which stays, because there is no `--force`.
    OldToKeep,
}

/// What stands under a target's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    Nothing,
    Old,
    New,
}

struct Item {
    name: String,
    plaintext: Vec<u8>,
    has_old: bool,
}

/// Files to be opened or sealed in one run.
pub struct Work {
    pub desk: Desk,
    pub folder: PathBuf,
    pub before: Before,
    pub task: Task,
    items: Vec<Item>,
    oracle: SecretKey,
}

/// What stands under all names, each of which was found to be right.
pub struct Survey {
    pub targets: Vec<Found>,
    /// How many temporary names there are.
    pub temporary: usize,
}

impl Survey {
    pub fn count(&self, found: Found) -> usize {
        self.targets.iter().filter(|target| **target == found).count()
    }
}

impl Work {
    /// With files of these sizes. The results go to a folder `out` on the same disk.
    pub fn new(task: Task, before: Before, sizes: &[usize]) -> Self {
        let desk = Desk::new();
        let folder = desk.path("out");
        fs::create_dir(&folder).unwrap();
        fs::create_dir(desk.path("in")).unwrap();
        let vectors = Vectors::numerbay();
        let recipient = vectors.entry("envelopes", "env-speculos-44h_60h_0h_0_0-v27");
        let oracle = SecretKey::from_slice(&unbase64(text(recipient, "private_key"))).unwrap();
        let item = |(number, size): (usize, &usize)| {
            let plaintext: Vec<u8> = Random::new(number as u64).bytes(*size);
            let (name, input) = match task {
                Task::Open => (format!("f{number}"), format!("f{number}.sealed")),
                Task::Seal => (format!("f{number}.sealed"), format!("f{number}")),
            };
            match task {
                Task::Open => {
                    let sealed = oracle.public_key().seal(&mut OsRng, &plaintext).unwrap();
                    desk.put(&format!("in/{input}"), sealed);
                }
                Task::Seal => desk.put(&format!("in/{input}"), &plaintext),
            }
            Item {
                name,
                plaintext,
                has_old: before != Before::Nothing && number % 2 == 0,
            }
        };
        let items = sizes.iter().enumerate().map(item).collect();
        Self {
            desk,
            folder,
            before,
            task,
            items,
            oracle,
        }
    }

    /// The same with the results in another folder.
    pub fn into_folder(mut self, folder: &Path) -> Self {
        self.folder = folder.to_owned();
        self
    }

    pub fn files(&self) -> usize {
        self.items.len()
    }

    /// The size of all results, in bytes.
    pub fn bytes(&self) -> u64 {
        self.items.iter().map(|item| item.plaintext.len() as u64).sum()
    }

    fn inputs(&self) -> impl Iterator<Item = OsString> {
        let path = |item: &Item| match self.task {
            Task::Open => self.desk.path(&format!("in/{}.sealed", item.name)),
            Task::Seal => self.desk.path("in").join(item.name.trim_end_matches(".sealed")),
        };
        self.items.iter().map(move |item| path(item).into())
    }

    fn common(&self) -> Vec<OsString> {
        let (command, option, key) = match self.task {
            Task::Open => ("decrypt", "--key-file", self.desk.path("numerbay.json").into()),
            Task::Seal => ("encrypt", "--to", PUBLIC_KEY.into()),
        };
        let mut args = vec![command.into(), option.into(), key];
        args.extend(self.inputs());
        args
    }

    /// The program's arguments, for results in files.
    pub fn args(&self) -> Vec<OsString> {
        let mut args = self.common();
        args.extend(["--json".into(), "--output-dir".into(), self.folder.clone().into()]);
        if self.before == Before::OldToReplace {
            args.push("--force".into());
        }
        args
    }

    /// The program's arguments, for a result on standard output that waits in the folder.
    pub fn args_to_stdout(&self) -> Vec<OsString> {
        let mut args = self.common();
        args.extend(["-o".into(), "-".into(), "--spool-dir".into(), self.folder.clone().into()]);
        args
    }

    pub fn command(&self) -> Command {
        self.desk.command(&self.args())
    }

    /// Everything as before the first run; but temporary names stay.
    pub fn reset(&self) {
        for item in &self.items {
            let path = self.folder.join(&item.name);
            match item.has_old {
                true => fs::write(path, old(&item.name)).unwrap(),
                false => remove(&path),
            }
        }
    }

    /// Removes everything that was ever put under the targets' names.
    pub fn clear(&self) {
        self.items.iter().for_each(|item| remove(&self.folder.join(&item.name)));
    }

    /// What stands in the folder. Fails if anything was lost, or is neither what stood there nor the whole right result.
    pub fn survey(&self) -> Survey {
        let names = names_in(&self.folder);
        let is_temporary = |name: &&String| name.starts_with(".saltbridge-") && name.ends_with(".partial");
        let known = |name: &&String| self.items.iter().any(|item| item.name == **name);
        let temporary = names.iter().filter(is_temporary).count();
        let strange: Vec<_> = names
            .iter()
            .filter(|name| !is_temporary(name) && !known(name))
            .collect();
        assert!(strange.is_empty(), "these names were never asked for: {strange:?}");
        Survey {
            targets: self.items.iter().map(|item| self.look_at(item)).collect(),
            temporary,
        }
    }

    fn look_at(&self, item: &Item) -> Found {
        let name = &item.name;
        let content = match fs::read(self.folder.join(name)) {
            Ok(content) => content,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                assert!(!item.has_old, "what stood under the name {name} is lost");
                return Found::Nothing;
            }
            Err(error) => panic!("{name}: {error}"),
        };
        if item.has_old && content == old(name) {
            return Found::Old;
        }
        assert!(!item.has_old || self.before != Before::OldToKeep, "{name} was replaced without --force");
        assert!(self.is_result(item, &content), "{name} is wrong or not whole, {} bytes", content.len());
        Found::New
    }

    fn is_result(&self, item: &Item, content: &[u8]) -> bool {
        match self.task {
            Task::Open => content == item.plaintext,
            Task::Seal => self
                .oracle
                .unseal(content)
                .is_ok_and(|plaintext| plaintext == item.plaintext),
        }
    }

    /// Whether this is the whole result of the first file.
    pub fn is_first_result(&self, content: &[u8]) -> bool {
        self.is_result(&self.items[0], content)
    }

    /// The plaintext of the first file.
    pub fn first_plaintext(&self) -> &[u8] {
        &self.items[0].plaintext
    }

    /// How many new results a run makes that does all that it should.
    pub fn expected(&self) -> usize {
        let kept = self
            .items
            .iter()
            .filter(|item| item.has_old && self.before == Before::OldToKeep);
        self.items.len() - kept.count()
    }
}

/// What stood under this name before the run.
fn old(name: &str) -> Vec<u8> {
    format!("what stood under the name {name} before\n")
        .into_bytes()
        .repeat(100)
}

fn remove(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => panic!("{}: {error}", path.display()),
        _ => {}
    }
}

/// Whether files without a name can be made in this folder.
pub fn makes_unnamed_files(folder: &Path) -> bool {
    use rustix::fs::{Mode, OFlags};
    rustix::fs::open(folder, OFlags::TMPFILE | OFlags::RDWR, Mode::RUSR | Mode::WUSR).is_ok()
}

/// SplitMix64: random enough for tests, and the same again from the same seed.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// From the seed in `SALTBRIDGE_SEED`, otherwise another one each time, which a test that fails shows.
    pub fn of_this_run() -> Self {
        let given = std::env::var("SALTBRIDGE_SEED").ok();
        let seed = given.map_or_else(|| getrandom::u64().unwrap(), |seed| seed.parse().unwrap());
        println!("again with SALTBRIDGE_SEED={seed}");
        Self(seed)
    }

    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Less than `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.number() % end
    }

    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = Vec::with_capacity(length + 8);
        while bytes.len() < length {
            bytes.extend(self.number().to_le_bytes());
        }
        bytes.truncate(length);
        bytes
    }
}
