//! Ctrl-C, other signals and kills while the device asks: the answer is waited for or word of the question is left, and
//! nothing is sent before a person says that the question is gone.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/room.rs"]
mod room;
#[path = "support/stage.rs"]
mod stage;
mod support;

use std::io::{BufReader, Read as _, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use room::{Room, interrupt, signal, wait_for_line};
use rustix::process::Signal;
use saltbridge::emulator::{Device, Start};

#[test]
fn ctrl_c_once_during_a_review_and_then_an_answer() {
    let room = Room::new(Start::App);
    for approve in [false, true] {
        let mut child = room.start(&[]);
        room.stage.wait_for_question();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        interrupt(&child);
        wait_for_line(&mut said, "Press Ctrl-C again to leave without an answer.");
        assert!(child.try_wait().unwrap().is_none());
        room.stage.emulator.decide(approve);
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert!(!room.desk.path("report.csv").exists());
    }
    room.works();
}

#[test]
fn ctrl_c_twice_during_a_review_and_a_new_run_after_it() {
    let room = Room::new(Start::App);
    let leave = || {
        let mut child = room.start(&[]);
        room.stage.wait_for_question();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        interrupt(&child);
        wait_for_line(&mut said, "Press Ctrl-C again to leave without an answer.");
        interrupt(&child);
        assert_eq!(child.wait().unwrap().code(), Some(130));
    };
    leave();
    let commands = room.stage.commands();
    for more in [&[][..], &["--no-wait"]] {
        let run = room.run(more);
        run.failed_with(3, "prompt-pending");
        assert!(run.stderr.contains("saltbridge decrypt (process "), "{run:?}");
    }
    assert_eq!(room.stage.commands(), commands, "nothing is sent while the question may be on the screen");

    // The person answers, and says so.
    room.reject_what_is_left();
    room.decided(true, &["--device-idle"]).succeeded();
    room.works();
}

/// Consent is to the question that was on the screen when the command was given, not to a later one.
#[test]
fn device_idle_is_said_of_the_question_that_was_there() {
    let room = Room::new(Start::App);
    let first = room.start(&[]);
    room.stage.wait_for_question();
    let mut second = room.start(&["--device-idle"]);
    let mut said = BufReader::new(second.stderr.take().unwrap());
    wait_for_line(&mut said, "to let go of the device.");
    let commands = room.stage.commands();
    signal(&first, Signal::TERM);
    assert_eq!(first.wait_with_output().unwrap().status.code(), Some(128 + 15));
    wait_for_line(&mut said, "code: prompt-pending");
    assert_eq!(second.wait().unwrap().code(), Some(3));
    assert_eq!(room.stage.commands(), commands);
    assert!(room.stage.emulator.look(Device::is_asking));
    room.reject_what_is_left();
    room.decided(true, &["--device-idle"]).succeeded();
    room.works();
}

#[test]
fn other_signals_leave_word_of_the_question() {
    for number in [Signal::TERM, Signal::HUP, Signal::QUIT] {
        let room = Room::new(Start::App);
        let child = room.start(&[]);
        room.stage.wait_for_question();
        signal(&child, number);
        assert_eq!(child.wait_with_output().unwrap().status.code(), Some(128 + number.as_raw()));
        room.run(&[]).failed_with(3, "prompt-pending");
        room.reject_what_is_left();
        room.decided(true, &["--device-idle"]).succeeded();
        room.works();
    }
}

/// Nobody reads what the program says, and its pipe is full: it ends all the same.
#[test]
fn signals_end_a_program_that_nobody_listens_to() {
    let room = Room::new(Start::App);
    let (reader, writer) = std::io::pipe().unwrap();
    let mut child = room.command(&[]).stderr(writer.try_clone().unwrap()).spawn().unwrap();
    room.stage.wait_for_question();
    rustix::fs::fcntl_setfl(&writer, rustix::fs::OFlags::NONBLOCK).unwrap();
    while rustix::io::write(&writer, &[b'x'; 1024]).is_ok() {}
    rustix::fs::fcntl_setfl(&writer, rustix::fs::OFlags::empty()).unwrap();
    // Two that come at once are one.
    let status = loop {
        interrupt(&child);
        std::thread::sleep(Duration::from_millis(100));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
    };
    assert_eq!(status.code(), Some(130));
    drop(reader);
}

#[test]
fn an_enter_that_was_typed_before_the_question_is_no_answer_to_it() {
    let room = Room::new(Start::App);
    let mut child = room.start(&[]);
    room.stage.wait_for_question();
    child.kill().unwrap();
    child.wait().unwrap();
    let commands = room.stage.commands();
    let device = room.stage.endpoint();
    let program = env!("CARGO_BIN_EXE_saltbridge");
    // The Enter is in the terminal's queue before the program reads.
    let line = format!("sleep 1; exec {program} address --device {device}");
    let mut terminal = Command::new("timeout")
        .args(["60", "script", "-qec", &line, "/dev/null"])
        .env("XDG_RUNTIME_DIR", room.desk.locks())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    terminal.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    let mut said = BufReader::new(terminal.stdout.take().unwrap());
    wait_for_line(&mut said, "Then press Enter here.");
    // Ctrl-D: nobody says that the device is idle.
    terminal.stdin.as_mut().unwrap().write_all(&[4]).unwrap();
    wait_for_line(&mut said, "code: prompt-pending");
    assert_eq!(room.stage.commands(), commands);
    assert!(!terminal.wait().unwrap().success());
}

#[test]
fn at_a_terminal_the_person_says_that_the_device_is_idle() {
    let room = Room::new(Start::App);
    let mut child = room.start(&[]);
    room.stage.wait_for_question();
    child.kill().unwrap();
    child.wait().unwrap();

    // A terminal that script(1) makes.
    let device = room.stage.endpoint();
    let program = env!("CARGO_BIN_EXE_saltbridge");
    let line = format!("{program} decrypt report.csv.sealed --envelope envelope.json --device {device}");
    let mut terminal = Command::new("timeout")
        .args(["120", "script", "-qec", &line, "/dev/null"])
        .current_dir(room.desk.folder.path())
        .env("XDG_RUNTIME_DIR", room.desk.locks())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(terminal.stdout.take().unwrap());
    wait_for_line(&mut said, "Then press Enter here.");
    room.reject_what_is_left();
    terminal.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    room.stage.wait_for_question();
    room.stage.emulator.decide(true);
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert!(terminal.wait().unwrap().success(), "{rest}");
    room.works();
}

#[test]
fn ctrl_c_while_waiting_ends_at_once() {
    let room = Room::new(Start::Locked);
    let mut child = room.start(&[]);
    let mut said = BufReader::new(child.stderr.take().unwrap());
    wait_for_line(&mut said, "Waiting for you to enter the PIN");
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    room.stage.hand(Device::unlock);
    room.works();
}
