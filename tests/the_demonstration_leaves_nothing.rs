//! `saltbridge demo` tells its story to the end, and leaves neither files nor processes behind, also when it is ended.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use support::{Desk, Run, names_in};

fn demo(desk: &Desk) -> Command {
    let mut command = desk.command(&["demo"]);
    command
        .env("TMPDIR", desk.folder.path())
        .env("HOME", desk.folder.path());
    command
}

/// Processes that work in this folder or below it.
fn processes_in(folder: &Path) -> usize {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let folders = processes.filter_map(|process| std::fs::read_link(process.path().join("cwd")).ok());
    // A folder that was removed is called so with a remark behind.
    folders
        .filter(|at| at.to_string_lossy().starts_with(&*folder.to_string_lossy()))
        .count()
}

#[test]
fn it_ends_with_success_and_removes_its_folder() {
    let desk = Desk::empty();
    let run = Run::of(demo(&desk).output().unwrap());
    run.succeeded();
    let story = String::from_utf8(run.stdout).unwrap();
    for told in [
        "$ saltbridge create",
        "$ saltbridge encrypt",
        "$ saltbridge decrypt",
        "both buttons: approved",
        "code: box-does-not-open",
        "v byte 00/01",
        "saltbridge wrap --envelope ENVELOPE",
        "both buttons: rejected",
        "code: refused",
        "code: device-locked",
        "Waiting for you to enter the PIN",
    ] {
        assert!(story.contains(told), "{told}: {story}");
    }
    assert_eq!(desk.names(), [""; 0]);
    assert_eq!(names_in(desk.locks()), [""; 0]);
}

#[test]
fn ended_in_the_middle_it_takes_everything_with_it() {
    for (number, line) in [(Signal::TERM, "Request 2 of 2"), (Signal::INT, "$ saltbridge wrap"), (Signal::HUP, "PIN")] {
        let desk = Desk::empty();
        let mut child = demo(&desk)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut story = BufReader::new(child.stdout.take().unwrap());
        let mut told = String::new();
        while !told.contains(line) {
            assert!(story.read_line(&mut told).unwrap() > 0, "{line}: {told}");
        }
        assert!(processes_in(desk.folder.path()) > 0);
        kill_process(Pid::from_child(&child), number).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(128 + number.as_raw()));
        let start = Instant::now();
        while processes_in(desk.folder.path().join("saltbridge-demo-").parent().unwrap()) > 0 {
            assert!(start.elapsed() < Duration::from_secs(60), "a process is left");
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = story.read_to_string(&mut told);
        assert_eq!(desk.names(), [""; 0]);
    }
}
