//! Whatever a file, a pipe or an argument holds, the answer is a clear error, quickly.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::io::Write as _;
use std::process::{Command, Stdio};

use support::{Desk, Run};

const FIXTURES: [&str; 4] = ["envelope.json", "numerbay.json", "report.csv.sealed", "signature.txt"];

fn inspect(desk: &Desk, content: impl AsRef<[u8]>) -> Run {
    desk.put("x", content);
    desk.run(&["inspect", "x"])
}

#[test]
fn texts_that_are_no_envelope_are_refused_each_for_its_reason() {
    let desk = Desk::new();
    let envelope = String::from_utf8(desk.read("envelope.json")).unwrap();
    let nested = |open: &str, close: &str, depth| format!("{}{}", open.repeat(depth), close.repeat(depth));
    let rows: [(Vec<u8>, &str); 15] = [
        (b"".to_vec(), "empty"),
        (b"\0".to_vec(), "not-json"),
        (b"\xef\xbb\xbf{}".to_vec(), "not-json"),
        (b"{\"data\":\"\xff\xfe\"}".to_vec(), "not-utf8"),
        (b"{}".to_vec(), "unknown-document"),
        (b"[]".to_vec(), "wrong-type"),
        (nested("[", "]", 30_000).into(), "wrong-type"),
        (nested("{\"data\":", "}", 6000).into(), "not-json"),
        (envelope[..envelope.len() - 1].into(), "not-json"),
        (format!("{envelope}{envelope}").into(), "not-json"),
        (format!("{},\"data\":\"AAAA\"}}", &envelope[..envelope.len() - 1]).into(), "duplicate-field"),
        (format!("{{\"salt\":\"x\",\"data\":\"{}\"}}", "A".repeat(60_001)).into(), "bad-base64"),
        (format!("{{\"salt\":\"x\",\"data\":\"{}\"}}", "A".repeat(70_000)).into(), "text-too-long"),
        (format!("{envelope}{}", " ".repeat(65_537)).into(), "text-too-long"),
        (br#"{"salt":"\ud800","data":"AAAA"}"#.to_vec(), "not-json"),
    ];
    for (content, code) in rows {
        inspect(&desk, &content).failed_with(6, code);
        let export = ["export", "--envelope", "x", "--signature-file", "signature.txt", "-o", "k"];
        desk.run(&export).failed_with(6, code);
        assert!(!desk.path("k").exists());
    }
    // As long as the limit allows, and still an envelope.
    let padded = format!("{envelope}{}", " ".repeat(65_536 - envelope.len()));
    inspect(&desk, padded).succeeded();
}

#[test]
fn an_envelope_of_ten_gigabytes_is_refused_at_once() {
    let desk = Desk::new();
    let file = std::fs::File::create(desk.path("huge")).unwrap();
    file.set_len(10_000_000_000).unwrap();
    for args in [
        &["inspect", "huge"][..],
        &["export", "--envelope", "huge", "--signature-file", "signature.txt", "-o", "k"],
        &["export", "--envelope", "envelope.json", "--signature-file", "huge", "-o", "k"],
        &["decrypt", "report.csv.sealed", "--key-file", "huge"],
    ] {
        // Reading it all would take many seconds and, before that, all memory.
        let mut limited = Command::new("prlimit");
        limited
            .args(["--as=300000000", "--cpu=20", env!("CARGO_BIN_EXE_saltbridge")])
            .args(args);
        let run = Run::of(limited.current_dir(desk.folder.path()).output().unwrap());
        run.failed_with(6, "text-too-long");
    }
    let endless = std::fs::File::open("/dev/zero").unwrap();
    let run = Run::of(desk.command(&["inspect", "-"]).stdin(endless).output().unwrap());
    run.failed_with(6, "text-too-long");
}

#[test]
fn directories_named_pipes_devices_and_sockets_are_not_read_and_never_waited_for() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("folder")).unwrap();
    let pipe = desk.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(desk.path("socket")).unwrap();
    std::os::unix::fs::symlink("pipe", desk.path("link-to-pipe")).unwrap();
    for name in ["folder", "pipe", "link-to-pipe", "socket", "/dev/zero", "/dev/null"] {
        for args in [
            &["inspect", name][..],
            &["decrypt", name, "--key-file", "numerbay.json", "-o", "f"],
            &["decrypt", "report.csv.sealed", "--key-file", name, "-o", "f"],
            &["export", "--envelope", "envelope.json", "--signature-file", name, "-o", "f"],
            &["encrypt", name, "--to", "j9X3FWlUV2tgymJykO0JwfiuYr5yfJMiGLQdCkvA5Us=", "-o", "f"],
        ] {
            desk.run(args).failed_with(7, "not-a-file");
            assert!(!desk.path("f").exists());
        }
    }
    desk.run(&["inspect", "envelope.json/x"]).failed_with(7, "not-found");
}

#[test]
fn a_pipe_that_somebody_writes_into_is_read() {
    let desk = Desk::new();
    let program = env!("CARGO_BIN_EXE_saltbridge");
    let script = format!(
        "'{program}' decrypt <(cat report.csv.sealed) --envelope <(cat envelope.json) --signature-file <(cat signature.txt) -o f"
    );
    let shell = Command::new("bash")
        .args(["-c", &script])
        .current_dir(desk.folder.path())
        .output()
        .unwrap();
    Run::of(shell).succeeded();
    assert_eq!(desk.read("f").len(), 1000);

    let mut child = desk
        .command(&["decrypt", "-", "--key-file", "numerbay.json", "-o", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(&desk.read("report.csv.sealed"))
        .unwrap();
    assert_eq!(child.wait_with_output().unwrap().stdout, desk.read("f"));
}

#[test]
fn arguments_that_are_no_keys_addresses_or_files_are_refused() {
    let desk = Desk::new();
    let export = ["export", "--envelope", "envelope.json", "--signature-file", "signature.txt", "-o", "k"];
    for (option, value, code) in [
        ("--address", "0x", "bad-address"),
        ("--address", "0xdad77910DbDFdE764fC21FCD4E74D71bBACA6D8D", "bad-address-checksum"),
        ("--public-key", "AAAA", "bad-public-key"),
        ("--public-key", "", "bad-public-key"),
    ] {
        desk.run(&[&export[..], &[option, value]].concat()).failed_with(2, code);
    }
    for name in ["", ".", "..", "/", "new/", "new/."] {
        let run = desk.decrypt(&["-o", name]);
        assert!(matches!(run.status, Some(2 | 7)), "{name:?}: {run:?}");
    }
    let long = "x".repeat(300);
    let run = desk.decrypt(&["-o", &long]);
    run.failed_with(2, "bad-name");
    assert_eq!(desk.names(), FIXTURES);
}

#[test]
fn what_looks_like_an_escape_sequence_is_never_printed_raw() {
    let desk = Desk::new();
    let name = "\u{1b}[31m\u{202e}red";
    for args in [
        &["inspect", name][..],
        &["decrypt", &format!("--{name}")],
        &["decrypt", name, "--key-file", name],
        &["encrypt", "numerbay.json", "--to", name],
        &["inspect", "x", "--json"],
    ] {
        desk.put("x", format!(r#"{{"salt":"{}","data":"{}"}}"#, "\u{9b}31m\u{202e}", "A".repeat(80)));
        let run = desk.run(args);
        let printed = format!("{}{}", String::from_utf8_lossy(&run.stdout), run.stderr);
        assert!(!printed.contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{printed:?}");
    }
}

#[test]
fn a_signature_copied_with_quotes_is_read() {
    let desk = Desk::new();
    let signature = String::from_utf8(desk.read("signature.txt")).unwrap();
    for quoted in [format!("'{}'\n", signature.trim()), format!("\"{}\"", signature.trim())] {
        desk.put("signature.txt", quoted);
        desk.export(&["-o", "k", "--force"]).succeeded();
    }
}
