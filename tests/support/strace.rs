//! The program under strace, which makes one system call fail, or ends the program before it.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::disk::MOUNT_NAMESPACES;
use crate::support::Run;
use crate::work::Work;

/// Nothing here takes longer, not even on a loaded machine: what does hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// What is traced to find the calls: those that touch files, and those that start threads; with a question mark, as not
/// every processor has each of them.
const CALLS: &str = "?open,?openat,?openat2,?mkdir,?mkdirat,?read,?pread64,?write,?pwrite64,?writev,?copy_file_range,\
    ?sendfile,?lseek,?fallocate,?ftruncate,?fadvise64,?fsync,?fdatasync,?syncfs,?sync_file_range,?flock,?fcntl,?link,\
    ?linkat,?rename,?renameat,?renameat2,?unlink,?unlinkat,?getdents64,?stat,?lstat,?fstat,?newfstatat,?statx,?statfs,\
    ?fstatfs,?access,?faccessat,?faccessat2,?clone,?clone3";

/// A system call: the nth of its name that a thread makes, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    pub name: String,
    pub number: usize,
}

/// How the program is run.
pub struct Strace {
    /// What comes before strace.
    before: Vec<OsString>,
}

/// A run that was traced.
pub struct Traced {
    pub run: Run,
    pub log: String,
}

impl Traced {
    /// Whether what was to happen has happened.
    pub fn was_hit(&self) -> bool {
        self.log.contains("(INJECTED)") || self.log.contains("killed by SIGKILL")
    }

    /// How many calls were made to fail.
    pub fn hits(&self) -> usize {
        self.log.matches("(INJECTED)").count()
    }

    /// How many calls of this name succeeded.
    pub fn succeeded(&self, name: &str) -> usize {
        let is_wanted = |line: &&str| line.contains(&format!(" {name}(")) || line.contains(&format!("<... {name} "));
        self.log
            .lines()
            .filter(is_wanted)
            .filter(|line| line.ends_with("= 0"))
            .count()
    }
}

impl Strace {
    /// The program as it is, but on one processor: so it does the same in the same order each time.
    pub fn new() -> Result<Self, String> {
        Self::after(vec!["taskset".into(), "--cpu-list".into(), any_processor().into()])
    }

    /// The program on all processors.
    pub fn with_threads() -> Result<Self, String> {
        Self::after(Vec::new())
    }

    /// The program where /proc is not there, without which no file can be made without a name.
    pub fn with_names() -> Result<Self, String> {
        let script = "mount -t tmpfs none /proc && exec \"$@\"";
        let mut reasons = Vec::new();
        for way in MOUNT_NAMESPACES {
            let mut before: Vec<OsString> = ["taskset".into(), "--cpu-list".into(), any_processor(), "unshare".into()]
                .map(OsString::from)
                .into();
            before.extend(way.iter().chain(&["sh", "-c", script, "sh"]).map(OsString::from));
            match Self::after(before) {
                Ok(strace) => return Ok(strace),
                Err(reason) => reasons.push(reason),
            }
        }
        Err(reasons.join("; "))
    }

    /// Tries whether it can be had at all.
    fn after(before: Vec<OsString>) -> Result<Self, String> {
        let strace = Self { before };
        let tried = strace.command().args(["-o", "/dev/null", "true"]).output();
        match tried {
            Ok(tried) if tried.status.success() => Ok(strace),
            Ok(tried) => Err(format!("strace: {}", String::from_utf8_lossy(&tried.stderr).trim())),
            Err(error) => Err(format!("strace: {error}")),
        }
    }

    fn command(&self) -> Command {
        // A time limit for all processes together: of a strace that is killed the program would go on.
        let mut command = Command::new("timeout");
        command.arg("--signal=KILL").arg(PATIENCE.as_secs().to_string());
        command.args(&self.before).args(["strace", "-f"]);
        command
    }

    /// Runs the work with these options of strace.
    pub fn run(&self, work: &Work, args: &[OsString], options: &[String]) -> Traced {
        let desk = &work.desk;
        let like = desk.command(args);
        let mut command = self.command();
        command
            .arg("-o")
            .arg(desk.path("log"))
            .args(options)
            .arg(like.get_program())
            .args(args);
        command
            .current_dir(desk.folder.path())
            .env("XDG_RUNTIME_DIR", desk.locks());
        command.stdin(Stdio::null());
        command.stdout(File::create(desk.path("stdout")).unwrap());
        command.stderr(File::create(desk.path("stderr")).unwrap());
        let begin = Instant::now();
        let status = command.status().unwrap();
        assert!(begin.elapsed() < PATIENCE, "it hangs: {options:?}");
        let run = Run {
            status: status.code(),
            stdout: desk.read("stdout"),
            stderr: String::from_utf8_lossy(&desk.read("stderr")).into_owned(),
        };
        let log = String::from_utf8_lossy(&desk.read("log")).into_owned();
        Traced { run, log }
    }

    /// Runs the work and notes its system calls, from the first that names the folder of the results on.
    pub fn calls(&self, work: &Work, args: &[OsString]) -> BTreeSet<Call> {
        // The program hides its memory, and so the names of files, from everybody but root; here it only thinks so.
        let options = ["-e", &format!("trace=prctl,{CALLS}"), "-e", "inject=prctl:retval=0"].map(str::to_owned);
        let traced = self.run(work, args, &options);
        assert_eq!(traced.run.status, Some(0), "{:?}", traced.run);
        calls_in(&traced.log, &work.folder)
    }
}

/// strace counts each thread's calls by themselves, and has a call fail in every thread that makes so many. What the
/// program does before it looks at its files is not of interest, nor are the threads that it started by then.
fn calls_in(log: &str, folder: &Path) -> BTreeSet<Call> {
    let marker = format!("\"{}\"", folder.display());
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let (mut calls, mut early_threads, mut main) = (BTreeSet::new(), BTreeSet::new(), None);
    let mut early: BTreeMap<String, usize> = BTreeMap::new();
    for line in log.lines() {
        let (thread, rest) = line.split_once(' ').unwrap();
        let call = rest.trim_start().split_once('(');
        let Some((name, arguments)) =
            call.filter(|(name, _)| !name.contains(' ') && !["execve", "prctl"].contains(name))
        else {
            continue;
        };
        let count = counts.entry((thread, name)).or_default();
        *count += 1;
        if main.is_none() && arguments.contains(&marker) {
            main = Some(thread);
        }
        if main.is_none() {
            early_threads.insert(thread);
            early
                .entry(name.to_owned())
                .and_modify(|most| *most = (*most).max(*count))
                .or_insert(*count);
        } else if main == Some(thread) || !early_threads.contains(thread) {
            calls.insert(Call {
                name: name.to_owned(),
                number: *count,
            });
        }
    }
    calls.retain(|call| early.get(&call.name).is_none_or(|early| call.number > *early));
    assert!(main.is_some(), "the folder is never named:\n{log}");
    calls
}

/// The number of a processor on which this process may run (proc(5): Cpus_allowed_list). Not the same one for each test.
fn any_processor() -> String {
    static TURN: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let list = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))
        .unwrap()
        .trim();
    let numbers: Vec<usize> = list
        .split(',')
        .flat_map(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            first.parse().unwrap()..=last.parse().unwrap()
        })
        .collect();
    let turn = TURN.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    numbers[turn % numbers.len()].to_string()
}
