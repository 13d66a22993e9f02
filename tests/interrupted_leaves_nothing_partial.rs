//! Ctrl-C, a kill at any moment, a terminal that goes away: under the target's name there is the whole result or what
//! stood there before, and no temporary name stays behind.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::io::Write as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use support::{Desk, Run};

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Waits until the program has opened its unnamed or temporary file, that is, until it is in the midst of its work.
fn wait_until_writing(child: &Child, desk: &Desk) {
    let fds = format!("/proc/{}/fd", child.id());
    let folder = desk.folder.path().to_string_lossy().into_owned();
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let links = std::fs::read_dir(&fds)
            .unwrap()
            .filter_map(|fd| std::fs::read_link(fd.unwrap().path()).ok());
        let mut targets = links.map(|link| link.to_string_lossy().into_owned());
        if targets
            .any(|target| target.starts_with(&folder) && (target.contains("deleted") || target.contains(".partial")))
        {
            return;
        }
        assert!(Instant::now() < deadline, "it never began to write");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A decryption that waits for the rest of its input.
fn started(desk: &Desk, options: &[&str]) -> (Child, std::process::ChildStdin) {
    let args = [&["decrypt", "-", "--key-file", "numerbay.json", "-o", "f"], options].concat();
    let mut command = desk.command(&args);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&desk.read("report.csv.sealed")[..500]).unwrap();
    wait_until_writing(&child, desk);
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
    wait_until_writing(&child, &desk);
    send(&child, Signal::HUP);
    stdin.write_all(&sealed[500..]).unwrap();
    drop(stdin);
    Run::of(child.wait_with_output().unwrap()).succeeded();
    assert_eq!(desk.read("f").len(), 1000);
}

#[test]
fn killed_at_any_moment_it_leaves_the_whole_result_or_nothing() {
    let desk = Desk::new();
    let plaintext = vec![42; 4 << 20];
    desk.put("big", &plaintext);
    let public_key = "j9X3FWlUV2tgymJykO0JwfiuYr5yfJMiGLQdCkvA5Us=";
    desk.run(&["encrypt", "big", "--to", public_key]).succeeded();
    let args = ["decrypt", "big.sealed", "--key-file", "numerbay.json", "-o", "f", "--force"];

    let begin = Instant::now();
    desk.run(&args).succeeded();
    let whole = begin.elapsed().max(Duration::from_millis(5));
    let mut killed = 0;
    for moment in 0..60 {
        let old = moment % 2 == 0;
        match old {
            true => desk.put("f", "old"),
            false => std::fs::remove_file(desk.path("f")).unwrap_or_default(),
        }
        let mut child = desk.command(&args).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(whole * moment / 50);
        child.kill().unwrap();
        killed += usize::from(child.wait().unwrap().signal().is_some());

        let names = desk.names();
        let expected =
            ["big", "big.sealed", "envelope.json", "f", "numerbay.json", "report.csv.sealed", "signature.txt"];
        // Between two system calls of --force the whole file has a temporary name; the next run removes it.
        let visible: Vec<_> = names.iter().filter(|name| !name.ends_with(".partial")).collect();
        match desk.path("f").exists() {
            true => {
                assert_eq!(visible, expected.iter().collect::<Vec<_>>());
                let content = desk.read("f");
                assert!(content == plaintext || (old && content == b"old"), "{} bytes", content.len());
            }
            false => assert!(!old && visible.len() == expected.len() - 1),
        }
    }
    assert!(killed > 10, "only {killed} of 60 runs were killed before their end");
    desk.run(&args).succeeded();
    assert!(!desk.names().iter().any(|name| name.ends_with(".partial")), "leftovers are removed");
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
