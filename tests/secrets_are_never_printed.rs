//! No private key, storage key or signature appears in anything that is printed, at the most verbose level, over all
//! recorded data and every command.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/secrets.rs"]
mod secrets;
#[path = "support/stage.rs"]
mod stage;
mod support;

use saltbridge::emulator::{SeedName, Start};
use secrets::secrets;
use serde_json::Value;
use stage::{Stage, approving};
use support::{Desk, Run, Vectors, base64, text, unbase64, unhex_any};

fn check(run: &Run, secrets: &[String]) {
    let printed = format!("{}{}", String::from_utf8_lossy(&run.stdout), run.stderr);
    assert!(!printed.is_empty());
    for secret in secrets {
        assert!(!printed.contains(secret.as_str()), "a secret was printed by {:?}", run.status);
    }
}

/// Runs all that can be done with an envelope, a signature and a public key.
fn run_all(desk: &Desk, entry: &Value, secrets: &[String]) -> usize {
    let mut opened = 0;
    for json in [&["-vvv"][..], &["-vvv", "--json"][..]] {
        for insist in [&[][..], &["--sign-unusual-salt"][..]] {
            let export =
                ["export", "--envelope", "envelope.json", "--signature-file", "signature.txt", "-o", "k", "--force"];
            let run = desk.run(&[&export, json, insist].concat());
            opened += usize::from(run.status == Some(0));
            check(&run, secrets);
            let decrypt =
                ["decrypt", "report.csv.sealed", "--envelope", "envelope.json", "--signature-file", "signature.txt"];
            check(&desk.run(&[&decrypt, json, insist, &["-o", "f", "--force"]].concat()), secrets);
        }
        for file in ["envelope.json", "numerbay.json"] {
            check(&desk.run(&[&["inspect", file], json].concat()), secrets);
        }
        // The wrong file in the wrong place must not be quoted either.
        for args in [
            ["decrypt", "report.csv.sealed", "--key-file", "numerbay.json", "-o", "f", "--force"],
            ["decrypt", "report.csv.sealed", "--key-file", "envelope.json", "-o", "f", "--force"],
            ["decrypt", "report.csv.sealed", "--key-file", "signature.txt", "-o", "f", "--force"],
            ["export", "--envelope", "numerbay.json", "--signature-file", "signature.txt", "-o", "no"],
            ["export", "--envelope", "signature.txt", "--signature-file", "numerbay.json", "-o", "no"],
            ["encrypt", "numerbay.json", "--to", "numerbay.json", "-o", "f", "--force"],
        ] {
            check(&desk.run(&[&args, json].concat()), secrets);
        }
    }
    let signature = entry["signature"].as_str().or(entry["signature_over_salt"].as_str());
    if let Some(signature) = signature {
        for args in [
            &["export", "--envelope", "envelope.json", "--signature-file", signature, "-o", "no"][..],
            &["export", signature],
            &["export", &format!("--signature={signature}")],
        ] {
            check(&desk.run(args), secrets);
        }
    }
    // The private key given where the public one belongs: the one line of a key file for the other.
    if let Some(private_key) = entry["private_key"].as_str() {
        desk.put("key-only.json", format!(r#"{{"private_key":"{private_key}"}}"#));
        for json in [&["-vvv"][..], &["-vvv", "--json"]] {
            let export = ["export", "--envelope", "envelope.json", "--signature-file", "signature.txt", "-o", "no"];
            check(&desk.run(&[&export, json, &["--public-key", private_key]].concat()), secrets);
            for key_file in ["numerbay.json", "key-only.json"] {
                let decrypt = ["decrypt", "report.csv.sealed", "--key-file", key_file, "-o", "f", "--force"];
                check(&desk.run(&[&decrypt, json, &["--public-key", private_key]].concat()), secrets);
            }
        }
    }
    opened
}

#[test]
fn over_all_recorded_data_nothing_secret_is_printed() {
    let vectors = Vectors::numerbay();
    let mut opened = 0;
    for (section, envelope_field) in [
        ("envelopes", "envelope"),
        ("tolerated_envelopes", "encrypted_private_key_v2"),
        ("negative_envelopes", "encrypted_private_key_v2"),
        ("legacy", "envelope"),
    ] {
        for entry in vectors.section(section) {
            let desk = Desk::new();
            desk.put("envelope.json", text(entry, envelope_field));
            let signature = entry["signature"].as_str().or(entry["signature_over_salt"].as_str());
            desk.put("signature.txt", signature.unwrap_or("no signature"));
            if let Some(key_file) = entry["key_file"].as_str() {
                desk.put("numerbay.json", key_file);
            }
            opened += run_all(&desk, entry, &secrets(entry));
        }
    }
    for entry in vectors.section("key_files") {
        let desk = Desk::new();
        desk.put("numerbay.json", text(entry, "text"));
        run_all(&desk, entry, &secrets(entry));
    }
    assert!(opened >= 4 * 35, "the test must have opened envelopes: {opened}");
}

/// The signatures come from a device here, and no logging variable makes a difference.
#[test]
fn through_a_device_nothing_secret_is_printed() {
    let vectors = Vectors::numerbay();
    let mut opened = 0;
    for entry in vectors.section("envelopes") {
        let mnemonic = text(vectors.wallet(entry), "mnemonic");
        let seed = SeedName::ALL
            .into_iter()
            .find(|seed| seed.mnemonic() == mnemonic)
            .unwrap();
        let stage = Stage::with_seed(seed, Start::App);
        let desk = Desk::new();
        desk.put("envelope.json", text(entry, "envelope"));
        let device = stage.endpoint().to_string();
        let address = text(vectors.wallet(entry), "address");
        let key = &["--envelope", "envelope.json", "--device", &device, "--address", address][..];
        for json in [&["-vvv"][..], &["-vvv", "--json"]] {
            for command in [
                &["export", "-o", "k", "--force"][..],
                &["decrypt", "report.csv.sealed", "-o", "f", "--force"],
                &["wrap", "--envelope-out", "w", "--force"],
                &["devices", "--device", &device],
                &["address", "--device", &device],
            ] {
                let more = if command.contains(&"--device") { &[][..] } else { key };
                let run = approving(&[&stage], || {
                    let mut command = desk.command(&[command, more, json].concat());
                    command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
                    Run::of(command.output().unwrap())
                });
                opened += usize::from(run.status == Some(0));
                check(&run, &secrets(entry));
            }
        }
        for lock in std::fs::read_dir(desk.locks().join("saltbridge")).unwrap() {
            let note = std::fs::read_to_string(lock.unwrap().path()).unwrap();
            assert!(secrets(entry).iter().all(|secret| !note.contains(secret.as_str())), "{note}");
        }
    }
    assert!(opened > 8 * 35, "the test must have opened envelopes: {opened}");
}

#[test]
fn the_test_itself_would_see_a_secret() {
    let vectors = Vectors::numerbay();
    let entry = vectors.entry("envelopes", "env-speculos-44h_60h_0h_0_0-v27");
    let secrets = secrets(entry);
    for shown in [
        text(entry, "private_key").to_owned(),
        text(entry, "signature").to_owned(),
        text(entry, "storage_key_hex").to_uppercase(),
        base64(&unhex_any(text(entry, "signature"))),
        format!("{:?}", unbase64(text(entry, "private_key"))),
    ] {
        assert!(secrets.iter().any(|secret| shown.contains(secret.as_str())), "{shown}");
    }
}
