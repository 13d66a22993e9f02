//! Who has no Ledger starts `saltbridge emulate`: it says what it is, takes no seed but the four, listens on this machine
//! only, and the other commands work with it.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Stdio};

use support::{Desk, Run};

/// An emulator in a process of its own.
struct Emulated {
    child: Child,
    device: String,
    introduction: String,
}

impl Emulated {
    fn start(desk: &Desk, more: &[&str]) -> Self {
        let arguments = [&["emulate", "--listen", "127.0.0.1:0"], more].concat();
        let mut child = desk.command(&arguments).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut introduction = String::new();
        while !introduction.contains("Ctrl-C ends it.") {
            assert!(said.read_line(&mut introduction).unwrap() > 0, "{introduction}");
        }
        let device = introduction
            .split_whitespace()
            .find(|word| word.starts_with("speculos://"));
        let device = device.unwrap().to_owned();
        // What it says later must go somewhere.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Self {
            child,
            device,
            introduction,
        }
    }
}

impl Drop for Emulated {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_says_what_it_is_and_the_commands_work_with_it() {
    for model in ["nanosp", "nanox", "stax", "flex", "apex_p"] {
        let desk = Desk::new();
        let emulated = Emulated::start(&desk, &["--approve", "always", "--model", model]);
        assert!(emulated.introduction.contains("publicly known test seed \"speculos\""));
        assert!(emulated.introduction.contains("use it for nothing of value"));

        let device = ["--device", &emulated.device];
        let address = desk.run(&[&["address", "--verify"], &device[..]].concat());
        address.succeeded();
        assert_eq!(address.stdout, b"0xDad77910DbDFdE764fC21FCD4E74D71bBACA6D8D\n");
        let devices = desk.run(&[&["devices"], &device[..]].concat());
        assert_eq!(
            String::from_utf8(devices.stdout).unwrap(),
            format!("{}  ready  Ethereum 1.22.0\n", emulated.device)
        );

        let decrypt = ["decrypt", "report.csv.sealed", "--envelope", "envelope.json"];
        desk.run(&[&decrypt, &device[..]].concat()).succeeded();
        assert_eq!(desk.read("report.csv").len(), 1000);
    }
}

#[test]
fn it_can_refuse_everything_and_start_in_any_state() {
    let desk = Desk::new();
    let decrypt = ["decrypt", "report.csv.sealed", "--envelope", "envelope.json", "--force", "--device"];
    let never = Emulated::start(&desk, &["--approve", "never"]);
    desk.run(&[&decrypt[..], &[&never.device]].concat())
        .failed_with(4, "refused");
    let verify = desk.run(&["address", "--verify", "--device", &never.device]);
    verify.failed_with(4, "refused");
    assert_eq!(verify.stdout, b"");
    for (state, shown, code) in [
        ("locked", "device-locked", "device-locked"),
        ("dashboard", "app-not-open", "app-not-open"),
        ("other-app", "other-app  Bitcoin 2.4.2", "other-app"),
    ] {
        let emulated = Emulated::start(&desk, &["--approve", "always", "--start", state]);
        let devices = desk.run(&["devices", "--device", &emulated.device]);
        devices.succeeded();
        let line = format!("{}  {shown}\n", emulated.device);
        assert_eq!(String::from_utf8(devices.stdout).unwrap(), line);
        desk.run(&[&decrypt[..], &[&emulated.device, "--no-wait"]].concat())
            .failed_with(3, code);
        if state != "locked" {
            // It approves that the app is opened, too.
            desk.run(&[&decrypt[..], &[&emulated.device]].concat()).succeeded();
        }
    }
}

#[test]
fn no_other_seed_and_no_other_machine() {
    let desk = Desk::empty();
    for seed in ["", "Speculos", "abandon abandon abandon", "legal winner thank year wave sausage worth useful legal"] {
        let run = desk.run(&["emulate", "--approve", "always", "--seed-name", seed]);
        run.failed_with(2, "unknown-seed");
        assert!(seed.is_empty() || !run.stderr.contains(seed), "what was given is not repeated: {run:?}");
    }
    for listen in ["0.0.0.0:0", "192.0.2.1:0", "[::]:0"] {
        desk.run(&["emulate", "--approve", "always", "--listen", listen])
            .failed_with(2, "listen-not-loopback");
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    desk.run(&["emulate", "--approve", "always", "--listen", &listen])
        .failed_with(7, "cannot-listen");
    desk.run(&["emulate", "--approve", "ask"]).failed_with(2, "no-terminal");
}

#[test]
fn at_a_terminal_it_is_drawn_and_its_buttons_are_on_the_keyboard() {
    let desk = Desk::new();
    let program = env!("CARGO_BIN_EXE_saltbridge");
    let line = format!("{program} emulate --listen 127.0.0.1:0");
    // What should be shown and is not would be waited for without an end.
    let mut terminal = std::process::Command::new("timeout")
        .args(["60", "script", "-qec", &line, "/dev/null"])
        .current_dir(desk.folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut keys = terminal.stdin.take().unwrap();
    let mut screen = BufReader::new(terminal.stdout.take().unwrap());
    let mut shown = String::new();
    let mut wait_for = |wanted: &str| {
        let start = shown.len();
        while !shown[start..].contains(wanted) {
            assert!(screen.read_line(&mut shown).unwrap() > 0, "{wanted}: {shown}");
        }
        shown.clone()
    };
    let introduction = wait_for("speculos://");
    let device = introduction
        .split_whitespace()
        .find(|word| word.starts_with("speculos://"));
    let device = device.unwrap().to_owned();
    wait_for("app is ready");
    let decrypt = ["decrypt", "report.csv.sealed", "--envelope", "envelope.json", "--device", &device];
    let child = desk.command(&decrypt).stderr(Stdio::piped()).spawn().unwrap();
    wait_for("Review message");
    for (key, page) in [("\x1b[C", "Message (1/2)"), ("\x1b[C", "Message (2/2)"), ("\x1b[C", "Sign message")] {
        keys.write_all(key.as_bytes()).unwrap();
        wait_for(page);
    }
    keys.write_all(b"\r").unwrap();
    wait_for("Message signed");
    Run::of(child.wait_with_output().unwrap()).succeeded();

    for (key, shows) in [("l", "Enter your PIN"), ("l", "app is ready"), ("o", "Choose an app"), ("o", "app is ready")]
    {
        keys.write_all(key.as_bytes()).unwrap();
        wait_for(shows);
    }
    keys.write_all(b"q").unwrap();
    let mut rest = String::new();
    screen.read_to_string(&mut rest).unwrap();
    assert!(terminal.wait().unwrap().success(), "{rest}");
}
