//! A key pair that stays unlocked is in memory that is locked, guarded, and no part of a core dump; it opens what it opened
//! before; and it does so too where nothing may be locked.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Resource, getrlimit};
use saltbridge::encryption::sealed_box::BoxKey;
use saltbridge::encryption::{KeyPair, PrivateKey};
use saltbridge::sodium::LockedKey;

/// What is locked in this process is counted by one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What `/proc` says of this process under a name.
fn status(name: &str) -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().to_owned()
}

/// Memory that this process has locked, in KiB.
fn locked() -> u64 {
    status("VmLck:").trim_end_matches(" kB").parse().unwrap()
}

/// Whether this process may lock some pages; says loudly if not.
fn may_lock(what: &str) -> bool {
    const CAP_IPC_LOCK: u64 = 1 << 14;
    let capabilities = u64::from_str_radix(&status("CapEff:"), 16).unwrap();
    let limit = getrlimit(Resource::Memlock).current;
    let may = limit.is_none_or(|bytes| bytes >= 1 << 20) || capabilities & CAP_IPC_LOCK != 0;
    if !may {
        support::skip(what, "the limit on locked memory (ulimit -l) is below 1 MiB");
    }
    may
}

fn key_pair() -> KeyPair {
    KeyPair::new(PrivateKey::generate().unwrap())
}

/// The mappings of this process: addresses, permissions, flags.
fn mappings() -> Vec<(String, String, String)> {
    let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let mut mappings = Vec::new();
    let mut head = None;
    for line in smaps.lines() {
        let mut words = line.split_whitespace();
        let (first, second) = (words.next().unwrap(), words.next().unwrap_or_default());
        if let Some(flags) = line.strip_prefix("VmFlags:") {
            let (addresses, permissions) = head.take().unwrap();
            mappings.push((addresses, permissions, format!("{flags} ")));
        } else if !first.ends_with(':') {
            head = Some((first.to_owned(), second.to_owned()));
        }
    }
    mappings
}

#[test]
fn its_page_is_locked_as_long_as_it_lives() {
    let _alone = alone();
    if !may_lock("locked keys") {
        return;
    }
    let before = locked();
    let plain = key_pair();
    assert!(!plain.is_locked_in_memory());
    assert_eq!(locked(), before, "a key pair of a run is not locked");
    let one = plain.lock_in_memory();
    assert!(one.is_locked_in_memory());
    let with_one = locked();
    assert!(with_one > before);
    let others: Vec<_> = (0..9).map(|_| key_pair().lock_in_memory()).collect();
    assert_eq!(locked() - before, 10 * (with_one - before));
    // To lock what is locked moves it, and leaves nothing locked behind.
    let again = one.lock_in_memory();
    assert_eq!(locked() - before, 10 * (with_one - before));
    drop(others);
    assert_eq!(locked(), with_one);
    drop(again);
    assert_eq!(locked(), before);
}

#[test]
fn it_is_read_only_between_guards_and_no_part_of_a_core_dump() {
    let _alone = alone();
    if !may_lock("guarded keys") {
        return;
    }
    let guarded = || {
        let mappings = mappings();
        let is_guard = |(_, permissions, _): &(String, String, String)| permissions == "---p";
        let is_next = |left: &str, right: &str| left.split_once('-').unwrap().1 == right.split_once('-').unwrap().0;
        let is_key = |window: &&[(String, String, String)]| {
            let [before, key, after] = window else { return false };
            let (addresses, permissions, flags) = key;
            let is_between = is_next(&before.0, addresses) && is_next(addresses, &after.0);
            is_between
                && is_guard(before)
                && is_guard(after)
                && permissions == "r--p"
                && [" lo ", " dd "].iter().all(|flag| flags.contains(flag))
        };
        mappings.windows(3).filter(is_key).count()
    };
    assert_eq!(guarded(), 0);
    let locked = key_pair().lock_in_memory();
    assert_eq!(guarded(), 1);
    drop(locked);
    assert_eq!(guarded(), 0);
}

#[test]
fn it_is_the_same_key_pair_for_everybody() {
    let _alone = alone();
    same_key_pair();
}

fn same_key_pair() {
    let bytes = std::array::from_fn(|at| u8::try_from(at).unwrap());
    assert_eq!(LockedKey::new(&bytes).unwrap().expose(), &bytes);

    let plain = KeyPair::new(PrivateKey::from_bytes(&bytes));
    let locked = KeyPair::new(PrivateKey::from_bytes(&bytes)).lock_in_memory();
    assert_eq!(locked.public_key(), plain.public_key());
    assert_eq!(locked.private_key().public_key(), plain.public_key());
    assert_eq!(*locked.to_key_file_text(), *plain.to_key_file_text());
    let (key, ephemeral) = BoxKey::to_seal(&plain.public_key()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..100 {
                    let found = BoxKey::to_open(&locked, &ephemeral).unwrap();
                    assert_eq!(found.expose_key(), key.expose_key());
                    assert_eq!(found.nonce(), key.nonce());
                }
            });
        }
    });
    // Made in one thread, wiped in another.
    std::thread::spawn(move || drop(locked)).join().unwrap();
}

const NOTHING_LOCKED: &str = "SALTBRIDGE_TEST_NOTHING_MAY_BE_LOCKED";

/// Runs by itself in a process that may lock nothing, started by the next test.
#[test]
fn in_a_process_that_may_lock_nothing() {
    if std::env::var_os(NOTHING_LOCKED).is_none() {
        return;
    }
    assert_eq!(getrlimit(Resource::Memlock).current, Some(0));
    let key_pair = key_pair().lock_in_memory();
    assert!(!key_pair.is_locked_in_memory());
    assert_eq!(locked(), 0);
    same_key_pair();
    println!("nothing was locked");
}

#[test]
fn where_nothing_may_be_locked_it_works_and_says_so() {
    // Root may lock whatever the limit is, unless it gives that up for good.
    let root: &[&str] = match rustix::process::geteuid().is_root() {
        true => &["setpriv", "--bounding-set=-ipc_lock", "--inh-caps=-ipc_lock"],
        false => &[],
    };
    let this = std::env::current_exe().unwrap();
    let words = [root, &["prlimit", "--memlock=0:0"]].concat();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).arg(this);
    command.args(["--exact", "in_a_process_that_may_lock_nothing", "--nocapture"]);
    let output = match command.env(NOTHING_LOCKED, "1").output() {
        Ok(output) => output,
        Err(error) => return support::skip("a limit of 0", &format!("{}: {error}", words[0])),
    };
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && stdout.contains("nothing was locked"), "{output:?}");
}
