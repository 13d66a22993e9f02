//! Every process that has a device's node open is found, and no other one.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::fs::{File, create_dir_all, write};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use saltbridge::host::{Holder, Host, holders_of};

/// Generous: machines are loaded.
const PATIENCE: Duration = Duration::from_secs(60);

fn process(root: &Path, pid: u32, uid: u32, comm: &str, exe: &str, files: &[&str]) {
    let folder = root.join(format!("proc/{pid}"));
    create_dir_all(folder.join("fd")).unwrap();
    write(folder.join("comm"), format!("{comm}\n")).unwrap();
    write(folder.join("status"), format!("Name:\t{comm}\nPid:\t{pid}\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\n")).unwrap();
    symlink(exe, folder.join("exe")).unwrap();
    for (number, file) in files.iter().enumerate() {
        symlink(file, folder.join("fd").join(number.to_string())).unwrap();
    }
}

fn machine() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    process(root.path(), 40, 1000, "saltbridge", "/usr/bin/saltbridge", &["/dev/hidraw3"]);
    symlink("40", root.path().join("proc/self")).unwrap();
    root
}

#[test]
fn those_that_hold_it_are_told_with_their_names() {
    let root = machine();
    let node = "/dev/hidraw3";
    process(root.path(), 7, 0, "fwupd", "/usr/libexec/fwupd", &["/dev/null", "socket:[5]", node]);
    process(root.path(), 300, 1000, "ledger-live-des", "/tmp/.mount_x/ledger-live-desktop", &[node, node]);
    process(root.path(), 51, 1000, "a-name-that-is-", "/usr/bin/python3", &[node]);
    process(root.path(), 52, 1000, "x\u{1b}[2J", "/usr/bin/python3", &[node]);
    // Near misses: another node, a longer and a shorter name, one that was unplugged, a file of that name elsewhere.
    for (pid, file) in [
        (60, "/dev/hidraw4"),
        (61, "/dev/hidraw33"),
        (62, "/dev/hidraw"),
        (63, "/dev/hidraw3 (deleted)"),
        (64, "/home/me/hidraw3"),
        (65, "/dev/pts/../hidraw3"),
    ] {
        process(root.path(), pid, 1000, "near", "/usr/bin/near", &[file]);
    }
    let holders = Host::new(root.path()).holders_of(Path::new(node));
    let holder = |pid, name: &str, same_user| Holder {
        pid,
        name: name.to_owned(),
        same_user,
    };
    let expected = [
        holder(7, "fwupd", false),
        holder(51, "a-name-that-is-", true),
        holder(52, "x\\u{1b}[2J", true),
        holder(300, "ledger-live-desktop", true),
    ];
    assert_eq!(holders.seen, expected);
    assert_eq!(holders.unseen, 0);
}

#[test]
fn strange_processes_are_passed_over() {
    let root = machine();
    for folder in ["proc/12", "proc/13/fd", "proc/99999999999999/fd", "proc/-3/fd", "proc/14/fd/0", "proc/sys/fd"] {
        create_dir_all(root.path().join(folder)).unwrap();
    }
    write(root.path().join("proc/15"), "no folder").unwrap();
    symlink("16", root.path().join("proc/16")).unwrap();
    let host = Host::new(root.path());
    assert_eq!(host.holders_of(Path::new("/dev/hidraw3")).seen, []);
    let nowhere = tempfile::tempdir().unwrap();
    assert_eq!(Host::new(nowhere.path()).holders_of(Path::new("/dev/hidraw3")).seen, []);
}

/// A device that every machine has stands in for the Ledger: a character device, too. The path is another one than the
/// process used.
#[test]
fn a_real_process_is_found_by_the_number_of_the_device_whatever_it_calls_it() {
    let node = Path::new("/dev/full");
    let folder = tempfile::tempdir().unwrap();
    let other_name = folder.path().join("ledger");
    symlink(node, &other_name).unwrap();
    let own = File::open(node).unwrap();
    let number_of = |pid| move |holder: &&Holder| holder.pid == pid;
    let itself = holders_of(node);
    assert_eq!(itself.seen.iter().find(number_of(std::process::id())), None, "this process is none of the others");

    let mut child = Command::new("sleep")
        .arg("600")
        .stdin(Stdio::from(own))
        .spawn()
        .unwrap();
    let started = Instant::now();
    // Until the child is another program, it is a copy of this one.
    let found = loop {
        let holders = holders_of(&other_name);
        match holders.seen.iter().find(number_of(child.id())) {
            Some(holder) if holder.name == "sleep" => break holder.clone(),
            _ => assert!(started.elapsed() < PATIENCE, "{holders:?}"),
        }
    };
    assert!(found.same_user);
    assert_eq!(holders_of(node).seen.iter().find(number_of(child.id())), Some(&found));
    assert_eq!(
        holders_of(Path::new("/dev/zero"))
            .seen
            .iter()
            .find(number_of(child.id())),
        None
    );
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(holders_of(node).seen.iter().find(number_of(child.id())), None);
}
