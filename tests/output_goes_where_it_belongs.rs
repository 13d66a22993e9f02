//! Standard output carries what was asked for, standard error what is said to a person; secrets and binary data come
//! out whole and unchanged.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::process::Command;

use support::{Desk, Run, Vectors, text, unhex_any};

const EXPORT: [&str; 7] = ["export", "--envelope", "envelope.json", "--signature-file", "signature.txt", "-o", "k"];

#[test]
fn data_alone_goes_to_standard_output() {
    let desk = Desk::new();
    let export = desk.export(&["-o", "-"]);
    assert_eq!(export.succeeded().stdout, desk.read("numerbay.json"));
    assert!(export.stderr.contains("Opened the envelope"));

    let decrypt = desk.decrypt(&["-o", "-"]);
    let vectors = Vectors::numerbay();
    let plaintext = support::plaintext(vectors.entry("sealed", "sealed-web-env-speculos-44h_60h_0h_0_0-v27-1000"));
    assert_eq!(decrypt.succeeded().stdout, plaintext);

    let encrypt = ["encrypt", "report.csv.sealed", "--to", "j9X3FWlUV2tgymJykO0JwfiuYr5yfJMiGLQdCkvA5Us=", "-o", "-"];
    desk.put("twice.sealed", &desk.run(&encrypt).succeeded().stdout);
    let back = desk.run(&["decrypt", "twice.sealed", "--key-file", "numerbay.json", "-o", "-"]);
    assert_eq!(back.succeeded().stdout, desk.read("report.csv.sealed"));
}

#[test]
fn not_a_byte_of_a_box_that_does_not_open_reaches_standard_output() {
    let desk = Desk::new();
    let mut sealed = desk.read("report.csv.sealed");
    *sealed.last_mut().unwrap() ^= 1;
    desk.put("report.csv.sealed", sealed);
    let run = desk.decrypt(&["-o", "-"]);
    assert_eq!(run.failed_with(5, "box-does-not-open").stdout, b"");
}

#[test]
fn what_is_said_goes_to_standard_error() {
    let desk = Desk::new();
    let run = desk.run(&EXPORT);
    assert_eq!(run.succeeded().stdout, b"");
    assert_eq!(run.stderr.lines().count(), 3);
    let failed = desk.run(&EXPORT);
    assert_eq!(failed.failed_with(8, "would-overwrite").stdout, b"");
    let quiet = desk.run(&[&EXPORT[..], &["--force", "-q"]].concat());
    assert_eq!((quiet.status, quiet.stdout.as_slice(), quiet.stderr.as_str()), (Some(0), &b""[..], ""));
}

#[test]
fn with_json_there_is_one_object_on_standard_output_and_nothing_else() {
    let desk = Desk::new();
    let rows: [(&[&str], i32); 7] = [
        (&EXPORT, 0),
        (&EXPORT, 8),
        (&["inspect", "envelope.json"], 0),
        (&["inspect", "missing"], 7),
        (&["decrypt", "report.csv.sealed", "missing.sealed", "--key-file", "numerbay.json"], 7),
        (&["decrypt"], 2),
        (&["completions", "bash"], 0),
    ];
    for (args, status) in rows {
        let run = desk.run(&[args, &["--json"]].concat());
        assert_eq!((run.status, run.stderr.as_str()), (Some(status), ""), "{args:?}");
        let object: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
        assert_eq!(object["error"]["exit_code"].as_i64().unwrap_or(0), i64::from(status));
        if status != 0 {
            for field in ["code", "message", "help"] {
                assert!(!text(&object["error"], field).is_empty());
            }
        }
    }
}

#[test]
fn a_key_that_fails_does_not_hide_what_else_failed() {
    let desk = Desk::new();
    let args = ["decrypt", "missing.sealed", "report.csv.sealed", "--key-file", "envelope.json", "--json"];
    let run = desk.run(&args);
    let object: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(run.status, Some(2));
    assert_eq!(object["error"]["code"], "no-key-file");
    assert_eq!(object["files"].as_array().unwrap().len(), 1);
    assert_eq!(object["files"][0]["error"]["code"], "not-found");
    assert!(!desk.path("report.csv").exists());
}

#[test]
fn the_message_to_sign_is_printed_byte_for_byte() {
    let vectors = Vectors::numerbay();
    vectors.for_each("envelopes", |entry| {
        let desk = Desk::empty();
        desk.put("e", text(entry, "envelope"));
        let run = desk.run(&["inspect", "--message", "e"]);
        assert_eq!(run.succeeded().stdout, text(entry, "salt_message").as_bytes());

        let run = desk.run(&["inspect", "--json", "e"]);
        let object: serde_json::Value = serde_json::from_slice(&run.succeeded().stdout).unwrap();
        assert_eq!(unhex_any(text(&object, "message_hex")), text(entry, "salt_message").as_bytes());
        assert_eq!(text(&object, "message_hash"), text(entry, "eip191_hash"));
        let words = String::from_utf8(desk.run(&["inspect", "e"]).stdout).unwrap();
        assert!(words.contains(&format!("{:?}", text(entry, "salt_message"))), "{words}");
    });
}

#[test]
fn every_completion_script_names_every_command() {
    let desk = Desk::empty();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = String::from_utf8(desk.run(&["completions", shell]).succeeded().stdout.clone()).unwrap();
        for command in ["decrypt", "encrypt", "export", "inspect", "completions"] {
            assert!(script.contains(command), "{shell} {command}");
        }
    }
    desk.put("script", desk.run(&["completions", "bash"]).stdout);
    let check = Command::new("bash")
        .args(["-n", "script"])
        .current_dir(desk.folder.path())
        .output()
        .unwrap();
    Run::of(check).succeeded();
}

#[test]
fn a_reader_that_goes_away_is_an_error_and_no_panic() {
    let desk = Desk::new();
    let program = env!("CARGO_BIN_EXE_saltbridge");
    let script = format!("'{program}' completions zsh | true; echo ${{PIPESTATUS[0]}}");
    let run = Run::of(
        Command::new("bash")
            .args(["-c", &script])
            .current_dir(desk.folder.path())
            .output()
            .unwrap(),
    );
    assert!(!run.stderr.contains("panicked"), "{run:?}");
    assert!(matches!(run.stdout.as_slice(), b"0\n" | b"7\n"), "{run:?}");
}

#[test]
fn binary_data_is_not_sent_to_a_terminal() {
    let desk = Desk::new();
    let program = env!("CARGO_BIN_EXE_saltbridge");
    let inner = format!("'{program}' decrypt report.csv.sealed --key-file numerbay.json -o -");
    let script = Command::new("script")
        .args(["-qec", &inner, "/dev/null"])
        .current_dir(desk.folder.path())
        .output();
    let run = Run::of(script.unwrap());
    assert_eq!(run.status, Some(2), "{run:?}");
    assert!(String::from_utf8_lossy(&run.stdout).contains("data-to-terminal"), "{run:?}");
}
