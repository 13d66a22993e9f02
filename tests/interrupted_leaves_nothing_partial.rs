//! Ctrl-C and a terminal that goes away: under the target's name there is the whole result or what stood there before,
//! and no temporary name stays behind.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use support::{Desk, Run};

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Waits until the program has read all that is in the pipe, that is, until it is in the midst of its work.
fn wait_until_working(stdin: &ChildStdin) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while rustix::io::ioctl_fionread(stdin).unwrap() > 0 {
        assert!(Instant::now() < deadline, "it never began to read");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A decryption that waits for the rest of its input.
fn started(desk: &Desk, options: &[&str]) -> (Child, ChildStdin) {
    let args = [&["decrypt", "-", "--key-file", "numerbay.json", "-o", "f"], options].concat();
    let mut command = desk.command(&args);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&desk.read("report.csv.sealed")[..500]).unwrap();
    wait_until_working(&stdin);
    (child, stdin)
}

#[test]
fn signals_end_it_at_once_with_their_exit_code_and_nothing_stays() {
    for (signal, status) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        for old in [None, Some("old")] {
            let desk = Desk::new();
            old.inspect(|content| desk.put("f", content));
            let before = desk.names();
            let (child, _stdin) = started(&desk, &["--force"]);
            send(&child, signal);
            let run = Run::of(child.wait_with_output().unwrap());
            assert_eq!(run.status, Some(status), "{run:?}");
            assert_eq!(run.stderr, "\ninterrupted\n");
            assert_eq!(desk.names(), before);
            if let Some(content) = old {
                assert_eq!(desk.read("f"), content.as_bytes());
            }
        }
    }
}

#[test]
fn with_json_an_interruption_is_the_one_object() {
    let desk = Desk::new();
    let (child, _stdin) = started(&desk, &["--json"]);
    send(&child, Signal::INT);
    let run = Run::of(child.wait_with_output().unwrap());
    assert_eq!(run.status, Some(130));
    let object: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(object["error"]["code"], "interrupted");
    assert_eq!(run.stderr, "");
}

#[test]
fn a_hang_up_that_the_caller_ignores_is_ignored() {
    let desk = Desk::new();
    let mut nohup = std::process::Command::new("nohup");
    nohup
        .arg(env!("CARGO_BIN_EXE_saltbridge"))
        .args(["decrypt", "-", "--key-file", "numerbay.json", "-o", "f"]);
    nohup
        .current_dir(desk.folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = nohup.process_group(0).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let sealed = desk.read("report.csv.sealed");
    stdin.write_all(&sealed[..500]).unwrap();
    wait_until_working(&stdin);
    send(&child, Signal::HUP);
    stdin.write_all(&sealed[500..]).unwrap();
    drop(stdin);
    Run::of(child.wait_with_output().unwrap()).succeeded();
    assert_eq!(desk.read("f").len(), 1000);
}

#[test]
fn a_signal_ends_it_even_if_nobody_reads_what_it_says() {
    let desk = Desk::new();
    // So many errors that standard error, which nobody reads, is full.
    let names: Vec<_> = (0..3000).map(|i| format!("missing-{i}.sealed")).collect();
    let args = [&["decrypt", "--key-file", "numerbay.json"][..], &names.iter().map(String::as_str).collect::<Vec<_>>()];
    let mut child = desk.command(&args.concat()).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(500));
    assert!(child.try_wait().unwrap().is_none(), "it should be waiting for its reader");
    send(&child, Signal::TERM);
    assert_eq!(child.wait().unwrap().code(), Some(143));
}
