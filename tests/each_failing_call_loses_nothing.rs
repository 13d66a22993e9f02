//! Each system call that the program makes once it has looked at its files fails in turn, in each way that is plausible,
//! and the program is killed before each. It ends with the right result or an error from `docs/errors.md`, never with a
//! panic, and never hangs; under every target's name there is what stood there before or the whole right result.
//!
//! strace makes the calls fail: they are not made, and the program is told of an error.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/disk.rs"]
mod disk;
#[path = "support/strace.rs"]
mod strace;
mod support;
#[path = "support/work.rs"]
mod work;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;

use disk::Disk;
use serde_json::Value;
use strace::{Call, Strace, Traced};
use support::{Run, names_in, skip};
use work::{Before, Found, Random, Task, Work, makes_unnamed_files};

/// What each call may answer when it fails.
fn errors_of(call: &str) -> &'static [&'static str] {
    match call {
        "open" | "openat" => &["EIO", "ENOSPC", "EINTR", "ENOMEM", "EMFILE", "EACCES", "EOPNOTSUPP"],
        "read" => &["EIO", "EINTR", "ENOMEM"],
        "write" | "pwrite64" => &["EIO", "ENOSPC", "EINTR", "EDQUOT", "EFBIG"],
        "fsync" => &["EIO", "ENOSPC", "EINTR", "EDQUOT"],
        "linkat" => &["EIO", "ENOSPC", "EINTR", "EEXIST", "EMLINK", "EPERM"],
        "renameat" | "renameat2" => &["EIO", "ENOSPC", "EINTR", "EINVAL", "EPERM"],
        "flock" => &["ENOLCK", "EINTR", "EAGAIN"],
        "clone" | "clone3" => &["EAGAIN", "ENOMEM"],
        _ => &["EIO", "EINTR"],
    }
}

/// What happens at a call.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// It fails.
    Once(&'static str),
    /// It fails, and so does every later one of its name.
    FromNowOn(&'static str),
    /// A read finds the end of the file.
    End,
    /// The program is killed before it.
    Kill,
}

impl Fault {
    /// What may happen at a call of this name, but for a kill.
    fn of(call: &str, task: Task) -> impl Iterator<Item = Self> {
        let errors = errors_of(call);
        let end = match (call, task) {
            ("read", Task::Open) => Some(Self::End),
            // Nobody can tell that a file to be sealed was longer.
            _ => None,
        };
        let once = errors.iter().map(|error| Self::Once(error));
        once.chain(errors.first().map(|error| Self::FromNowOn(error)))
            .chain(end)
    }

    /// As strace is told.
    fn at(self, Call { name, number }: &Call) -> String {
        match self {
            Self::Once(error) => format!("inject={name}:error={error}:when={number}"),
            Self::FromNowOn(error) => format!("inject={name}:error={error}:when={number}+"),
            Self::End => format!("inject={name}:retval=0:when={number}"),
            Self::Kill => format!("inject={name}:signal=KILL:when={number}"),
        }
    }
}

/// Calls that are made again where a signal interrupted them.
const GOES_ON: [&str; 4] = ["read", "write", "pwrite64", "fadvise64"];

/// Calls that are never made in vain: the program does not end with success if one fails for another reason.
const MUST_SUCCEED: [&str; 3] = ["write", "pwrite64", "fsync"];

/// Code and exit status of every documented error.
fn documented() -> BTreeMap<String, i64> {
    let path = format!("{}/docs/errors.md", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let row = |line: &str| {
        let mut cells = line.strip_prefix("| ")?.split(" | ");
        Some((cells.next()?.to_owned(), cells.next()?.parse().ok()?))
    };
    text.lines().filter_map(row).collect()
}

/// A way to do some work, of which every call is made to fail.
struct Story {
    work: Work,
    strace: Strace,
    args: Vec<OsString>,
    calls: BTreeSet<Call>,
    documented: BTreeMap<String, i64>,
    hits: usize,
    misses: usize,
}

impl Story {
    /// If it can be told on this machine. These calls must be among its own, or it is not the story it should be.
    fn new(work: Work, strace: Result<Strace, String>, expected: &[&str]) -> Option<Self> {
        let args = work.args();
        let story = Self::with_args(work, args, strace, expected)?;
        assert_eq!(story.work.survey().count(Found::New), story.work.files());
        Some(story)
    }

    fn with_args(work: Work, args: Vec<OsString>, strace: Result<Strace, String>, expected: &[&str]) -> Option<Self> {
        let strace = match strace {
            Ok(strace) => strace,
            Err(reason) => {
                skip("failing system calls", &reason);
                return None;
            }
        };
        work.reset();
        let calls = strace.calls(&work, &args);
        let names: BTreeSet<_> = calls.iter().map(|call| call.name.as_str()).collect();
        // Where nothing can be made without a name, none is given by a link.
        let is_possible = |name: &&str| *name != "linkat" || makes_unnamed_files(&work.folder);
        let missing = expected
            .iter()
            .copied()
            .filter(|name| !names.contains(name) && is_possible(name));
        let missing: Vec<_> = missing.collect();
        assert!(missing.is_empty(), "no {missing:?} among {names:?}");
        Some(Self {
            work,
            strace,
            args,
            calls,
            documented: documented(),
            hits: 0,
            misses: 0,
        })
    }

    /// All calls; of those of which there are many, the first, the last, and some at random between them.
    fn sample(&self, most: usize) -> Vec<Call> {
        let mut random = Random::of_this_run();
        let mut by_name: BTreeMap<&str, Vec<&Call>> = BTreeMap::new();
        self.calls
            .iter()
            .for_each(|call| by_name.entry(&call.name).or_default().push(call));
        let mut sample = Vec::new();
        for mut calls in by_name.into_values() {
            while calls.len() > most {
                let between = 1 + random.below(calls.len() as u64 - 2);
                calls.remove(usize::try_from(between).unwrap());
            }
            sample.extend(calls.into_iter().cloned());
        }
        sample
    }

    fn run(&mut self, call: &Call, fault: Fault) -> Traced {
        println!("{} number {}: {fault:?}", call.name, call.number);
        self.work.reset();
        let options = ["-e", &format!("trace={}", call.name), "-e", &fault.at(call)].map(str::to_owned);
        let traced = self.strace.run(&self.work, &self.args, &options);
        match traced.was_hit() {
            true => self.hits += 1,
            false => self.misses += 1,
        }
        traced
    }

    /// Each call fails, of those of one name this many.
    fn fail_each(&mut self, most: usize) {
        for call in self.sample(most) {
            for fault in Fault::of(&call.name, self.work.task) {
                let traced = self.run(&call, fault);
                self.judge(&call, fault, &traced);
            }
        }
    }

    fn judge(&self, call: &Call, fault: Fault, traced: &Traced) {
        let (run, files) = (&traced.run, self.work.files());
        let is_lasting = matches!(fault, Fault::FromNowOn(_));
        assert!(!run.stderr.contains("panicked"), "{run:?}");
        let survey = self.work.survey();
        // A name that the system does not remove stays until the next run.
        assert!(survey.temporary == 0 || call.name == "unlinkat", "{} temporary names: {run:?}", survey.temporary);
        let is_interrupted = matches!(fault, Fault::Once("EINTR"));
        let goes_on = is_interrupted && GOES_ON.contains(&call.name.as_str());
        let must_fail = traced.was_hit() && !is_interrupted && MUST_SUCCEED.contains(&call.name.as_str());
        assert!(!must_fail || run.status != Some(0), "the failure is not told: {run:?}");
        if run.status == Some(0) || goes_on {
            assert_eq!((run.status, survey.count(Found::New)), (Some(0), files), "{run:?}");
            return;
        }
        let Ok(json) = serde_json::from_slice::<Value>(&run.stdout) else {
            // It was the object itself that could not be written, and perhaps something else in another thread.
            assert_eq!((run.status, call.name.as_str()), (Some(7), "write"), "{run:?}");
            assert!(traced.hits() > 1 || survey.count(Found::New) == files, "{run:?}");
            return;
        };
        let code = json["error"]["code"].as_str().unwrap();
        let status = i64::from(run.status.unwrap());
        assert_eq!(
            (self.documented.get(code), &json["error"]["exit_code"]),
            (Some(&status), &status.into()),
            "{run:?}"
        );

        // Without an entry it was not begun.
        let failed = |file: usize| json["files"][file].is_null() || !json["files"][file]["error"].is_null();
        let failures = (0..files).filter(|file| failed(*file)).count();
        assert!(is_lasting || failures == 1 || failures == files, "a failure concerns other files: {run:?}");
        for (file, found) in survey.targets.iter().enumerate() {
            match (failed(file), found) {
                (false, found) => assert_eq!(*found, Found::New, "file {file}: {run:?}"),
                // It has its name, but who knows whether the disk knows it.
                (true, Found::New) => assert!(self.is_sync_of_names(call, is_lasting), "file {file}: {run:?}"),
                (true, _) => {}
            }
        }
    }

    /// The last sync is that of the folder.
    fn is_sync_of_names(&self, call: &Call, is_lasting: bool) -> bool {
        let last = self.calls.iter().rfind(|call| call.name == "fsync");
        call.name == "fsync" && (Some(call) == last || is_lasting && self.work.files() > 1)
    }

    fn kill_before_each(&mut self, most: usize) {
        for call in self.sample(most) {
            self.run(&call, Fault::Kill);
            let temporary = self.work.survey().temporary;
            let is_unnamed = self.calls.iter().any(|call| call.name == "linkat");
            let most = match (is_unnamed, self.work.before) {
                (true, Before::OldToReplace) => 1,
                (true, _) => 0,
                (false, _) => self.work.files(),
            };
            assert!(temporary <= most, "{temporary} temporary names");
            if temporary > 0 {
                self.work.reset();
                let next = self
                    .strace
                    .run(&self.work, &self.args, &["-e".into(), "trace=none".into()]);
                let left = self.work.survey().temporary;
                assert_eq!((next.run.status, left), (Some(0), 0), "{:?}", next.run);
            }
        }
    }

    fn end(self) {
        println!("{} faults, {} that were not reached", self.hits, self.misses);
        assert!(self.hits >= 50 && self.misses <= self.hits / 4, "{} hits, {} misses", self.hits, self.misses);
    }
}

fn small(count: usize) -> Vec<usize> {
    (0..count).map(|number| 10_000 + number).collect()
}

#[test]
fn a_file_that_is_opened_and_replaces_another_is_whole_or_the_old_one_stays() {
    let work = Work::new(Task::Open, Before::OldToReplace, &[2_500_000]);
    let expected = ["read", "write", "fsync", "linkat", "renameat", "flock"];
    let Some(mut story) = Story::new(work, Strace::new(), &expected) else {
        return;
    };
    story.fail_each(8);
    story.kill_before_each(20);
    story.end();
}

#[test]
fn a_file_that_is_sealed_by_several_threads_is_whole_or_not_there() {
    let work = Work::new(Task::Seal, Before::Nothing, &[10_000_000]);
    let expected = ["read", "write", "pwrite64", "fsync", "linkat", "clone3"];
    let Some(mut story) = Story::new(work, Strace::with_threads(), &expected) else {
        return;
    };
    story.fail_each(4);
    story.kill_before_each(6);
    story.end();
}

#[test]
fn a_file_with_a_temporary_name_is_whole_or_the_old_one_stays() {
    let work = Work::new(Task::Open, Before::OldToReplace, &[1_500_000]);
    let expected = ["read", "write", "fsync", "renameat", "flock", "getdents64"];
    let Some(mut story) = Story::new(work, Strace::with_names(), &expected) else {
        return;
    };
    story.fail_each(6);
    story.kill_before_each(12);
    story.end();
}

#[test]
fn of_many_files_with_temporary_names_each_is_whole_or_not_there() {
    let work = Work::new(Task::Seal, Before::Nothing, &small(12));
    let expected = ["read", "write", "pwrite64", "fsync", "renameat2", "flock", "getdents64"];
    let Some(mut story) = Story::new(work, Strace::with_names(), &expected) else {
        return;
    };
    story.fail_each(4);
    story.kill_before_each(6);
    story.end();
}

/// Work on many files on a disk that is synced as a whole.
fn many_on_a_disk(files: usize) -> Option<(Disk, Story)> {
    let disk = match Disk::mount("size=8m") {
        Ok(disk) => disk,
        Err(reason) => {
            skip("failing system calls on a disk that is synced as a whole", &reason);
            return None;
        }
    };
    let work = Work::new(Task::Open, Before::OldToReplace, &small(files)).into_folder(disk.root());
    let story = Story::new(work, Strace::new(), &["read", "write", "syncfs", "fsync", "linkat", "renameat"])?;
    Some((disk, story))
}

#[test]
fn of_many_files_that_are_synced_together_each_is_whole_or_the_old_one_stays() {
    let Some((_disk, mut story)) = many_on_a_disk(12) else {
        return;
    };
    story.fail_each(4);
    story.kill_before_each(6);
    story.end();
}

#[test]
fn where_the_disk_as_a_whole_is_not_synced_each_file_is_and_says_for_itself_if_it_is_not() {
    let Some((_disk, story)) = many_on_a_disk(12) else {
        return;
    };
    let files = story.work.files();
    let run = |fault: &str| {
        story.work.reset();
        let mut options = ["-e", "trace=fsync,syncfs", "-e", "inject=syncfs:error=EIO"]
            .map(str::to_owned)
            .to_vec();
        options.extend(["-e".to_owned(), format!("inject=fsync:{fault}")]);
        story.strace.run(&story.work, &story.args, &options)
    };
    // An injection that is never reached.
    let traced = run("error=EIO:when=1000");
    assert_eq!(traced.run.status, Some(0), "{:?}", traced.run);
    assert_eq!(traced.succeeded("fsync"), files + 1, "each file, and the folder: {}", traced.log);

    for unsynced in [1, 2, files] {
        let traced = run(&format!("error=EIO:when={unsynced}"));
        let survey = story.work.survey();
        assert_eq!(traced.run.status, Some(7), "{:?}", traced.run);
        for (number, found) in survey.targets.iter().enumerate() {
            assert_eq!(*found != Found::New, number + 1 == unsynced, "file {number}: {:?}", traced.run);
        }
    }
}

/// The kernel tells of an error once, and what failed may be of files that were not whole yet.
#[test]
fn a_disk_that_failed_to_sync_as_a_whole_once_is_not_believed_again() {
    // So many that they are published in several parts.
    let Some((_disk, story)) = many_on_a_disk(300) else {
        return;
    };
    story.work.reset();
    let options = ["-e", "trace=fsync,syncfs", "-e", "inject=syncfs:error=EIO:when=1"].map(str::to_owned);
    let traced = story.strace.run(&story.work, &story.args, &options);
    assert_eq!(traced.run.status, Some(0), "{:?}", traced.run);
    assert_eq!((traced.hits(), traced.succeeded("syncfs")), (1, 0), "{}", traced.log);
    assert!(traced.succeeded("fsync") > 300 + 1, "each file, and the folder for each part: {}", traced.log);
}

#[test]
fn ciphertext_that_waits_leaves_for_standard_output_whole_or_the_error_is_told() {
    let work = Work::new(Task::Open, Before::Nothing, &[2_500_000]);
    let args = work.args_to_stdout();
    let expected = ["read", "write", "lseek"];
    let Some(mut story) = Story::with_args(work, args, Strace::new(), &expected) else {
        return;
    };
    for call in story.sample(6) {
        for fault in Fault::of(&call.name, Task::Open).chain([Fault::Kill]) {
            let Run { status, stdout, stderr } = story.run(&call, fault).run;
            assert!(!stderr.contains("panicked"), "{stderr}");
            assert_eq!(names_in(&story.work.folder), [""; 0]);
            if status == Some(0) {
                assert!(story.work.is_first_result(&stdout));
                continue;
            }
            // What has left by then cannot be taken back, but it is right.
            assert!(story.work.first_plaintext().starts_with(&stdout), "{} wrong bytes", stdout.len());
            let code = stderr.split_whitespace().skip_while(|word| *word != "code:").nth(1);
            match (fault, code) {
                (Fault::Kill, _) => {}
                (_, Some(code)) => assert_eq!(story.documented.get(code).copied(), status.map(i64::from), "{stderr}"),
                // Nobody can be told.
                (_, None) => assert_eq!(call.name, "write", "{stderr}"),
            }
        }
    }
    story.end();
}
