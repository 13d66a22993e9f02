//! Whatever goes wrong, what stood there before stands there still, nothing is half-written, and nothing is written
//! elsewhere than asked for.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use support::{Desk, Run};

const FIXTURES: [&str; 4] = ["envelope.json", "numerbay.json", "report.csv.sealed", "signature.txt"];

#[test]
fn what_stands_under_the_target_name_stays_unless_it_is_a_file_and_force_is_given() {
    let desk = Desk::new();
    let decrypt = ["decrypt", "report.csv.sealed", "--key-file", "numerbay.json", "-o"];
    desk.put("file", "old");
    std::fs::create_dir(desk.path("folder")).unwrap();
    std::os::unix::fs::symlink("file", desk.path("link")).unwrap();
    std::os::unix::fs::symlink("nowhere", desk.path("dangling")).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(desk.path("pipe"))
            .status()
            .unwrap()
            .success()
    );

    for name in ["file", "link", "dangling"] {
        desk.run(&[&decrypt[..], &[name]].concat())
            .failed_with(8, "would-overwrite");
    }
    for name in ["folder", "pipe", "/dev/null", "/dev/full"] {
        for force in [&[][..], &["--force"]] {
            desk.run(&[&decrypt[..], &[name], force].concat())
                .failed_with(7, "target-not-a-file");
        }
    }
    assert_eq!(desk.read("file"), b"old");

    // A link is replaced itself; what it leads to stays.
    for name in ["link", "dangling"] {
        desk.run(&[&decrypt[..], &[name, "--force"]].concat()).succeeded();
        assert!(std::fs::symlink_metadata(desk.path(name)).unwrap().is_file());
    }
    assert_eq!(desk.read("file"), b"old");
    assert!(!desk.path("nowhere").exists());

    // A failure with --force leaves the old file, too.
    desk.put("report.csv.sealed", vec![7; 5000]);
    desk.run(&[&decrypt[..], &["file", "--force"]].concat())
        .failed_with(5, "box-does-not-open");
    assert_eq!(desk.read("file"), b"old");
}

#[test]
fn names_and_links_cannot_lead_out_of_the_output_folder() {
    let desk = Desk::new();
    let sealed = desk.read("report.csv.sealed");
    std::fs::create_dir(desk.path("in")).unwrap();
    std::fs::create_dir(desk.path("out")).unwrap();
    desk.put("outside", "old");
    for name in ["..sealed", "...sealed", ".sealed", "a\\b.sealed", "-x.sealed", "\u{1b}[2J.sealed"] {
        std::fs::write(desk.path("in").join(name), &sealed).unwrap();
    }
    std::fs::write(desk.path("in/link.sealed"), &sealed).unwrap();
    std::os::unix::fs::symlink("../outside", desk.path("out/link")).unwrap();
    let invalid = std::ffi::OsStr::from_bytes(b"in/\xff.sealed");
    std::fs::write(desk.folder.path().join(invalid), &sealed).unwrap();

    let mut args: Vec<std::ffi::OsString> =
        ["decrypt", "--key-file", "numerbay.json", "--output-dir", "out", "--force"]
            .map(Into::into)
            .into();
    let entries = std::fs::read_dir(desk.path("in")).unwrap();
    args.extend(entries.map(|entry| Path::new("in").join(entry.unwrap().file_name()).into()));
    args.push("in/../report.csv.sealed".into());
    let run = desk.run(&args);
    // `..sealed` is `.` and `...sealed` is `..`: these two are no names.
    assert_eq!(run.status, Some(2), "{run:?}");
    assert!(!run.stderr.contains('\u{1b}'), "what could repaint the terminal is escaped");
    assert_eq!(desk.read("outside"), b"old");
    let out = support::names_in(&desk.path("out"));
    assert_eq!(out, ["\u{1b}[2J", "-x", ".sealed", "a\\b", "link", "report.csv", "\u{fffd}"], "{run:?}");
    assert_eq!(
        desk.names(),
        ["envelope.json", "in", "numerbay.json", "out", "outside", "report.csv.sealed", "signature.txt"]
    );
}

#[test]
fn an_unreadable_file_and_an_unwritable_folder_are_told_as_such() {
    let desk = Desk::new();
    let is_root = rustix::process::geteuid().is_root();
    // Somebody else runs the program in a folder that he may read but not write; one file in it is private.
    desk.put("private", "x");
    let mode = |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    mode(&desk.path("private"), if is_root { 0o600 } else { 0 });
    let program = desk.path("program");
    std::fs::copy(env!("CARGO_BIN_EXE_saltbridge"), &program).unwrap();
    mode(&program, 0o755);
    mode(desk.folder.path(), 0o555);
    let run = |args: &[&str]| {
        let mut command = if is_root {
            Command::new("setpriv")
        } else {
            Command::new(&program)
        };
        if is_root {
            command
                .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
                .arg(&program);
        }
        Run::of(
            command
                .args(args)
                .current_dir(desk.folder.path())
                .stdin(Stdio::null())
                .output()
                .unwrap(),
        )
    };
    for args in [
        &["inspect", "private"][..],
        &["decrypt", "private", "--key-file", "numerbay.json", "-o", "/tmp/never-written"],
        &["decrypt", "report.csv.sealed", "--key-file", "private", "-o", "-"],
    ] {
        run(args).failed_with(7, "not-readable");
    }
    run(&["decrypt", "report.csv.sealed", "--key-file", "numerbay.json"]).failed_with(7, "not-writable");
    run(&["decrypt", "report.csv.sealed", "--key-file", "numerbay.json", "--output-dir", "new"])
        .failed_with(7, "not-writable");

    // Where he may write, everything works, without any capability.
    let own = desk.path("own");
    mode(desk.folder.path(), 0o755);
    std::fs::create_dir(&own).unwrap();
    mode(&own, 0o777);
    for force in [&[][..], &["--force"]] {
        let decrypt = ["decrypt", "report.csv.sealed", "--key-file", "numerbay.json", "--output-dir", "own"];
        run(&[&decrypt[..], force].concat()).succeeded();
        assert_eq!(support::names_in(&own), ["report.csv"]);
    }
}

#[test]
fn standard_output_that_is_full_is_told_as_such() {
    let desk = Desk::new();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let to_full = desk
        .command(&["decrypt", "report.csv.sealed", "--key-file", "numerbay.json", "-o", "-"])
        .stdout(full)
        .output();
    Run::of(to_full.unwrap()).failed_with(7, "no-space");
    assert_eq!(desk.names(), FIXTURES);
}

#[test]
fn nothing_that_a_run_reads_is_replaced_not_even_with_force() {
    let desk = Desk::new();
    let sealed = desk.read("report.csv.sealed");
    let public_key = "j9X3FWlUV2tgymJykO0JwfiuYr5yfJMiGLQdCkvA5Us=";
    desk.put("a.sealed.sealed", &sealed);
    desk.put("a.sealed", &sealed);
    std::fs::hard_link(desk.path("numerbay.json"), desk.path("same-key")).unwrap();
    std::os::unix::fs::symlink("report.csv.sealed", desk.path("link")).unwrap();
    let before: Vec<_> = desk.names().iter().map(|name| desk.read(name)).collect();
    for args in [
        &["decrypt", "report.csv.sealed", "--key-file", "numerbay.json", "-o", "numerbay.json"][..],
        &["decrypt", "report.csv.sealed", "--key-file", "numerbay.json", "-o", "same-key"],
        &["decrypt", "report.csv.sealed", "--key-file", "numerbay.json", "-o", "./report.csv.sealed"],
        &["decrypt", "a.sealed.sealed", "--key-file", "numerbay.json"],
        &["decrypt", "link", "--key-file", "numerbay.json", "-o", "link"],
        &["decrypt", "report.csv.sealed", "--key-file", "numerbay.json", "-o", "link"],
        &["encrypt", "a.sealed", "a.sealed.sealed", "--to", public_key],
        &["export", "--envelope", "envelope.json", "--signature-file", "signature.txt", "-o", "envelope.json"],
        &["export", "--envelope", "envelope.json", "--signature-file", "signature.txt", "-o", "signature.txt"],
    ] {
        let needed_by_the_run = match args {
            ["decrypt", "a.sealed.sealed", rest @ ..] => [&["decrypt", "a.sealed.sealed", "a.sealed"], rest].concat(),
            other => other.to_vec(),
        };
        let run = desk.run(&[&needed_by_the_run[..], &["--force"]].concat());
        run.failed_with(2, "target-is-input");
        let _ = std::fs::remove_file(desk.path("a"));
        let _ = std::fs::remove_file(desk.path("a.sealed.sealed.sealed"));
        let after: Vec<_> = desk.names().iter().map(|name| desk.read(name)).collect();
        assert!(before == after, "{args:?}: {:?}", desk.names());
    }
}

#[test]
fn a_limit_on_file_sizes_or_open_files_is_no_crash() {
    let desk = Desk::new();
    let public_key = "j9X3FWlUV2tgymJykO0JwfiuYr5yfJMiGLQdCkvA5Us=";
    desk.put("big", vec![0; 100_000]);
    let limited = |limit: &str, args: &[&str]| {
        let mut command = Command::new("prlimit");
        command.arg(limit).arg(env!("CARGO_BIN_EXE_saltbridge")).args(args);
        Run::of(command.current_dir(desk.folder.path()).output().unwrap())
    };
    limited("--fsize=50000", &["encrypt", "big", "--to", public_key]).failed_with(7, "no-space");
    assert!(!desk.path("big.sealed").exists());

    let names: Vec<_> = (0..100).map(|i| format!("f{i}")).collect();
    names.iter().for_each(|name| desk.put(name, "x"));
    let args: Vec<_> = ["encrypt", "--to", public_key]
        .into_iter()
        .chain(names.iter().map(String::as_str))
        .collect();
    limited("--nofile=40:40", &args).succeeded();
    assert!(
        names
            .iter()
            .all(|name| desk.read(&format!("{name}.sealed")).len() == 49)
    );
}
