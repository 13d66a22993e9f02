//! `saltbridge doctor` asks a device for the name of its app and for nothing else, and not even that while another
//! program talks to it or a question may be on its screen. What it finds is its exit status.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/stage.rs"]
mod stage;
mod support;

use std::process::Stdio;

use saltbridge::emulator::Start;
use serde_json::Value;
use stage::Stage;
use support::Desk;

#[test]
fn each_state_of_a_device_is_one_finding() {
    for (start, status, expected) in [
        (Start::App, 0, "ok       The Ethereum app 1.22.0 is open.\n"),
        (
            Start::Dashboard,
            0,
            "note     The Ethereum app is not open. saltbridge asks the device to open it when it is needed.\n",
        ),
        (
            Start::Locked,
            3,
            "problem  The device is locked. Unlock the device with its PIN, then run the command again.\n",
        ),
    ] {
        let stage = Stage::new(start);
        let device = stage.endpoint().to_string();
        let run = Desk::empty().run(&["doctor", "--device", &device]);
        assert_eq!(String::from_utf8_lossy(&run.stdout), expected);
        if status == 0 {
            assert_eq!(run.succeeded().stderr, "");
        } else {
            run.failed_with(status, "not-ready");
            assert!(
                run.stderr
                    .starts_with("error: one thing stands between you and your device\n"),
                "{run:?}"
            );
        }
        assert_eq!(stage.commands(), "b001");
    }
    let stage = Stage::new(Start::OtherApp);
    let device = stage.endpoint().to_string();
    let run = Desk::empty().run(&["doctor", "--device", &device]);
    let text = String::from_utf8_lossy(&run.succeeded().stdout).into_owned();
    assert!(
        text.starts_with("note     The ") && text.contains("saltbridge closes it when it needs Ethereum."),
        "{text}"
    );
}

#[test]
fn nothing_is_sent_while_the_device_asks_for_another() {
    let stage = Stage::new(Start::App);
    let device = stage.endpoint().to_string();
    let desk = Desk::empty();
    let mut asking = desk.command(&["address", "--verify", "--device", &device]);
    let mut child = asking.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    stage.wait_for_question();
    let before = stage.commands();
    let run = desk.run(&["doctor", "--device", &device]);
    run.failed_with(3, "not-ready");
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(text.starts_with("problem  The device is used by saltbridge address (process "), "{text}");
    assert_eq!(stage.commands(), before);
    // Its asker is gone, its question is not.
    child.kill().unwrap();
    child.wait().unwrap();
    let run = desk.run(&["doctor", "--device", &device]);
    run.failed_with(3, "not-ready");
    assert!(String::from_utf8_lossy(&run.stdout).contains("ended while the device was asking"), "{run:?}");
    assert_eq!(stage.commands(), before);
}

#[test]
fn the_json_object_has_the_findings_and_the_error() {
    let desk = Desk::empty();
    let run = desk.run(&["doctor", "--json", "--device", "speculos://127.0.0.1:9"]);
    assert_eq!((run.status, run.stderr.as_str()), (Some(3), ""));
    let json: Value = serde_json::from_slice(&run.stdout).unwrap();
    let finding = &json["findings"][0];
    assert_eq!((&finding["check"], &finding["state"]), (&"device".into(), &"problem".into()));
    assert_eq!(finding["commands"], Value::Array(Vec::new()));
    assert_eq!(json["error"]["code"], "not-ready");
    assert_eq!(json["error"]["exit_code"], 3);
}

/// On whatever machine this runs, the program and its exit status say the same, and all of it is in the object.
#[test]
fn on_this_machine_the_exit_status_is_that_of_the_findings() {
    let desk = Desk::empty();
    let run = desk.run(&["doctor", "--json"]);
    let json: Value = serde_json::from_slice(&run.stdout).unwrap();
    let findings = json["findings"].as_array().unwrap();
    assert!(!findings.is_empty());
    let is_problem = |finding: &Value| finding["state"] == "problem";
    let expected = if findings.iter().any(is_problem) { 3 } else { 0 };
    assert_eq!(run.status, Some(expected), "{json}");
    assert_eq!(json.get("error").is_some(), expected == 3);
}
