//! At a terminal the program says what it waits for, and does not show the signature that is pasted; the terminal is as
//! before when it ends, also after Ctrl-C.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used)]

mod support;

use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use support::Desk;

/// A shell command in a terminal of its own, by script(1), which passes on what is typed and shown.
struct Terminal {
    child: Child,
    keyboard: ChildStdin,
    screen: ChildStdout,
    shown: String,
}

impl Terminal {
    fn run(desk: &Desk, command: &str) -> Self {
        let mut script = Command::new("script");
        script
            .args(["-qec", command, "/dev/null"])
            .current_dir(desk.folder.path());
        let mut child = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        Self {
            keyboard: child.stdin.take().unwrap(),
            screen: child.stdout.take().unwrap(),
            child,
            shown: String::new(),
        }
    }

    fn wait_for(&mut self, text: &str) {
        let mut buffer = [0; 4096];
        while !self.shown.contains(text) {
            let length = self.screen.read(&mut buffer).unwrap();
            assert!(length > 0, "{text:?} never came: {}", self.shown);
            self.shown.push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
    }

    fn type_in(&mut self, keys: &[u8]) {
        self.keyboard.write_all(keys).unwrap();
        self.keyboard.flush().unwrap();
    }
}

fn command(rest: &str) -> String {
    format!("'{}' {rest}; echo \"exit $?\"; stty -a", env!("CARGO_BIN_EXE_saltbridge"))
}

#[test]
fn a_signature_is_asked_for_taken_as_one_line_and_not_shown() {
    let desk = Desk::new();
    let export = "export --envelope envelope.json --signature-file - -o k";
    let mut terminal = Terminal::run(&desk, &command(export));
    terminal.wait_for("Paste the signature and press Enter. It is not shown.");
    let signature = String::from_utf8(desk.read("signature.txt")).unwrap();
    terminal.type_in(format!("{}\n", signature.trim()).as_bytes());
    terminal.wait_for("exit 0");
    terminal.wait_for(" echo ");
    assert!(!terminal.shown.contains(&signature[2..40]), "{}", terminal.shown);
    assert_eq!(desk.read("k"), desk.read("numerbay.json"));
    terminal.child.wait().unwrap();
}

#[test]
fn what_is_pasted_beyond_the_line_does_not_reach_the_shell() {
    let desk = Desk::new();
    let export = "export --envelope envelope.json --signature-file - -o k";
    let mut terminal = Terminal::run(&desk, &format!("{}; cat", command(export)));
    terminal.wait_for("It is not shown.");
    let signature = String::from_utf8(desk.read("signature.txt")).unwrap();
    // A blank line in front, the signature once more behind.
    terminal.type_in(format!("\n{0}\n{0}\n", signature.trim()).as_bytes());
    terminal.wait_for("exit 0");
    terminal.wait_for(" echo ");
    terminal.type_in(b"end of the test\n\x04");
    terminal.wait_for("end of the test");
    terminal.child.wait().unwrap();
    assert!(!terminal.shown.contains(&signature[2..40]), "{}", terminal.shown);
    assert_eq!(desk.read("k"), desk.read("numerbay.json"));
}

#[test]
fn a_key_that_stops_programs_does_not_bring_the_echo_back() {
    let desk = Desk::new();
    let export = "export --envelope envelope.json --signature-file - -o k";
    let mut terminal = Terminal::run(&desk, &command(export));
    terminal.wait_for("It is not shown.");
    // Not a stop, but a character of a line that is no signature.
    terminal.type_in(b"\x1a\n");
    terminal.wait_for("bad-signature");
    terminal.wait_for("susp = ^Z");
    terminal.child.wait().unwrap();
}

#[test]
fn ctrl_c_at_the_question_gives_the_terminal_back() {
    let desk = Desk::new();
    let export = "export --envelope envelope.json --signature-file - -o k";
    let mut terminal = Terminal::run(&desk, &format!("trap : INT; {}", command(export)));
    terminal.wait_for("It is not shown.");
    terminal.type_in(b"\x03");
    terminal.wait_for("exit 130");
    terminal.wait_for(" echo ");
    assert!(!desk.path("k").exists());
    terminal.child.wait().unwrap();
}

#[test]
fn what_is_waited_for_is_said() {
    let desk = Desk::new();
    let mut terminal = Terminal::run(&desk, &command("inspect -"));
    terminal.wait_for("Waiting for the envelope, profile or key file: paste it, then press Enter and Ctrl-D.");
    let envelope = desk.read("envelope.json");
    terminal.type_in(&[&envelope[..], b"\n\x04"].concat());
    terminal.wait_for("Envelope, v2");
    terminal.wait_for("exit 0");
    terminal.child.wait().unwrap();
}

#[test]
fn nobody_is_asked_for_a_signature_in_vain() {
    let desk = Desk::new();
    desk.put("k", "old");
    desk.put(
        "unusual.json",
        r#"{"salt":"I am signing my one-time nonce: 0","data":"%s"}"#.replace("%s", &"A".repeat(80)),
    );
    for (rest, code) in [
        ("export --envelope envelope.json --signature-file - -o k", "would-overwrite"),
        ("export --envelope unusual.json --signature-file - -o new", "unusual-salt"),
        ("export --envelope numerbay.json --signature-file - -o new", "key-file-as-envelope"),
        ("decrypt report.csv.sealed --envelope envelope.json --signature-file - -o k", "would-overwrite"),
        ("decrypt missing.sealed --envelope envelope.json --signature-file -", "not-found"),
        ("decrypt report.csv.sealed --envelope envelope.json --signature-file - -o -", "data-to-terminal"),
        ("export --envelope envelope.json --signature-file - -o -", "data-to-terminal"),
    ] {
        let mut terminal = Terminal::run(&desk, &command(rest));
        terminal.wait_for("exit ");
        assert!(terminal.shown.contains(code), "{}", terminal.shown);
        assert!(!terminal.shown.contains("Paste"), "{}", terminal.shown);
        terminal.child.wait().unwrap();
    }
}
