//! With a Ledger that has the recorded wallet's seed, the program opens every recorded envelope, whatever the form of its
//! v byte, and asks for no signature where it must not.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/stage.rs"]
mod stage;
mod support;

use std::collections::HashMap;
use std::net::TcpListener;

use saltbridge::emulator::{SeedName, Start};
use serde_json::Value;
use stage::{Stage, approving};
use support::{Desk, Vectors, text};

/// The device with a wallet's seed, if it is one of the four.
fn seed_of(wallet: &Value) -> Option<SeedName> {
    SeedName::ALL
        .into_iter()
        .find(|seed| seed.mnemonic() == text(wallet, "mnemonic"))
}

#[test]
fn export_gives_the_recorded_key_file_for_every_envelope() {
    let vectors = Vectors::numerbay();
    let desk = Desk::empty();
    let stages: HashMap<_, _> = SeedName::ALL
        .into_iter()
        .map(|seed| (seed, Stage::with_seed(seed, Start::App)))
        .collect();
    let (mut opened, mut other_seeds) = (0, Vec::new());
    approving(&stages.values().collect::<Vec<_>>(), || {
        for entry in vectors.section("envelopes") {
            let wallet = vectors.wallet(entry);
            let Some(seed) = seed_of(wallet) else {
                other_seeds.push(text(entry, "id"));
                continue;
            };
            desk.put("envelope.json", text(entry, "envelope"));
            let device = stages[&seed].endpoint().to_string();
            let run = desk.run(&[
                "export",
                "--envelope",
                "envelope.json",
                "--public-key",
                text(entry, "public_key"),
                "--address",
                text(wallet, "address"),
                "--device",
                &device,
                "-o",
                "-",
            ]);
            run.succeeded();
            assert_eq!(String::from_utf8(run.stdout).unwrap(), text(entry, "key_file"), "{}", text(entry, "id"));
            let form = if entry["signature_v"].as_u64().unwrap() < 27 {
                "00/01"
            } else {
                "1b/1c"
            };
            assert_eq!(run.stderr.contains("v byte 00/01"), form == "00/01", "{}", run.stderr);
            println!("{}: opened, v {form}", text(entry, "id"));
            opened += 1;
        }
    });
    println!("{opened} envelopes opened; of wallets with other seeds: {other_seeds:?}");
    assert!(opened >= 20, "{opened}");
}

#[test]
fn an_unusual_message_never_reaches_the_device() {
    let vectors = Vectors::numerbay();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    nobody.set_nonblocking(true).unwrap();
    let device = format!("speculos://{}", nobody.local_addr().unwrap());
    let desk = Desk::empty();
    let mut refused = 0;
    for entry in vectors.section("negative_envelopes") {
        if entry["expect"]["result"] != "refuse_to_sign" {
            continue;
        }
        desk.put("envelope.json", text(entry, "encrypted_private_key_v2"));
        let run = desk.run(&["export", "--envelope", "envelope.json", "--device", &device, "-o", "key.json"]);
        run.failed_with(8, "unusual-salt");
        let error = nobody.accept().unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock, "somebody called: {}", text(entry, "id"));
        println!("{}: refused before the device is called", text(entry, "id"));
        refused += 1;
    }
    assert!(refused > 0);
    assert_eq!(desk.names(), ["envelope.json"]);
}

/// The same through to the device: when a person insists, it is asked, and only then.
#[test]
fn who_insists_has_the_unusual_message_signed() {
    let vectors = Vectors::numerbay();
    let stage = Stage::new(Start::App);
    let desk = Desk::empty();
    let entry = vectors
        .section("negative_envelopes")
        .iter()
        .find(|entry| entry["expect"]["result"] == "refuse_to_sign" && text(entry, "wallet").starts_with("speculos"))
        .unwrap();
    desk.put("envelope.json", text(entry, "encrypted_private_key_v2"));
    let device = stage.endpoint().to_string();
    let arguments = ["export", "--envelope", "envelope.json", "--device", &device, "-o", "-"];
    let address = text(vectors.wallet(entry), "address");
    let run =
        approving(&[&stage], || desk.run(&[&arguments[..], &["--address", address, "--sign-unusual-salt"]].concat()));
    assert!(run.stderr.contains("going on, as you insist"), "{}", run.stderr);
    assert!(stage.commands().contains("e008"));
    run.succeeded();
}

#[test]
fn many_files_are_opened_with_one_approval() {
    let desk = Desk::new();
    desk.put("again.csv.sealed", desk.read("report.csv.sealed"));
    desk.put("third.csv.sealed", desk.read("report.csv.sealed"));
    let stage = Stage::new(Start::App);
    let device = stage.endpoint().to_string();
    let files = ["report.csv.sealed", "again.csv.sealed", "third.csv.sealed"];
    let run = approving(&[&stage], || {
        desk.run(&[&["decrypt", "--envelope", "envelope.json", "--device", &device], &files[..]].concat())
    });
    run.succeeded();
    for name in ["report.csv", "again.csv", "third.csv"] {
        assert_eq!(desk.read(name).len(), 1000);
    }
    assert_eq!(stage.commands().matches("e008").count(), 1, "{}", stage.commands());
}

#[test]
fn what_is_asked_is_told_before_the_device_asks() {
    let desk = Desk::new();
    let stage = Stage::new(Start::App);
    let device = stage.endpoint().to_string();
    let vectors = Vectors::numerbay();
    let envelope = vectors.entry("envelopes", "env-speculos-44h_60h_0h_0_0-v27");
    let public_key = text(envelope, "public_key");
    let run = approving(&[&stage], || {
        desk.run(&[
            "decrypt",
            "report.csv.sealed",
            "--envelope",
            "envelope.json",
            "--public-key",
            public_key,
            "--device",
            &device,
        ])
    });
    run.succeeded();
    let (before, _) = run.stderr.split_once("Opened the envelope").unwrap();
    let salt = text(envelope, "salt_message").rsplit('\n').next().unwrap();
    for told in [
        "saltbridge decrypt asks your Ledger",
        "0xDad77910DbDFdE764fC21FCD4E74D71bBACA6D8D (m/44'/60'/0'/0/0)",
        public_key,
        "Sign this to retrieve your encryption key.",
        salt,
    ] {
        assert!(before.contains(told), "{told}: {before}");
    }
}

#[test]
fn create_and_wrap_sign_twice_and_what_they_write_opens() {
    let stage = Stage::new(Start::App);
    let device = stage.endpoint().to_string();
    for kdf in ["keccak256", "hkdf-sha256"] {
        let desk = Desk::new();
        let before = stage.commands().matches("e008").count();
        let run = approving(&[&stage], || {
            desk.run(&["create", "--envelope-out", "made.json", "--kdf", kdf, "--json", "--device", &device])
        });
        run.succeeded();
        assert_eq!(stage.commands().matches("e008").count(), before + 2);
        let made: Value = serde_json::from_slice(&run.stdout).unwrap();
        assert_eq!(format!("{}\n", text(&made, "envelope")).as_bytes(), desk.read("made.json"));
        assert_eq!(text(&made, "kdf"), kdf);

        let export = ["export", "--envelope", "made.json", "-o", "made-key.json", "--device", &device];
        let more = ["--public-key", text(&made, "public_key")];
        approving(&[&stage], || desk.run(&[&export[..], &more].concat())).succeeded();

        // The same key in a new envelope, from the key file and from the envelope.
        for (from, signatures) in [("--key-file", 2), ("--envelope", 3)] {
            let source = if from == "--key-file" {
                "made-key.json"
            } else {
                "made.json"
            };
            let before = stage.commands().matches("e008").count();
            let wrap = ["wrap", from, source, "--envelope-out", "-", "--kdf", kdf, "--device", &device];
            let run = approving(&[&stage], || desk.run(&wrap));
            run.succeeded();
            assert_eq!(stage.commands().matches("e008").count(), before + signatures);
            desk.put("wrapped.json", &run.stdout);
            let export = ["export", "--envelope", "wrapped.json", "-o", "-", "--device", &device];
            let exported = approving(&[&stage], || desk.run(&export));
            assert_eq!(exported.stdout, desk.read("made-key.json"));
        }
    }
}
