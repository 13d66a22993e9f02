//! `create` and `wrap` make an envelope that opens again with the account that it is for, or none at all.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/stage.rs"]
mod stage;
mod support;

use std::process::Stdio;

use saltbridge::emulator::{Device, Start};
use serde_json::{Value, json};
use stage::{PATIENCE, Stage, approving};
use support::{Desk, Run, Vectors, text};

/// m/44'/60'/3'/0/0 of the seed, in Ledger Live's custom.
const FOURTH: &str = "m/44'/60'/3'/0/0";

fn address_at(stage: &Stage, desk: &Desk, path: &str) -> String {
    let device = stage.endpoint().to_string();
    let run = desk.run(&["address", "--path", path, "--device", &device]);
    run.succeeded();
    String::from_utf8(run.stdout).unwrap().trim().to_owned()
}

#[test]
fn an_envelope_is_wrapped_for_the_account_that_opens_it() {
    let stage = Stage::new(Start::App);
    let desk = Desk::empty();
    let device = stage.endpoint().to_string();
    let address = address_at(&stage, &desk, FOURTH);
    let made = approving(&[&stage], || {
        desk.run(&["create", "--envelope-out", "e.json", "--path", FOURTH, "--json", "--device", &device])
    });
    let made: Value = serde_json::from_slice(&made.succeeded().stdout).unwrap();
    assert_eq!((text(&made, "address"), text(&made, "path")), (address.as_str(), FOURTH));

    // The profile names the account; nothing on the command line does.
    let profile = |envelope: &str| {
        json!({
            "public_address": address,
            "public_key_v2": made["public_key"],
            "encrypted_private_key_v2": envelope,
        })
        .to_string()
    };
    desk.put("profile.json", profile(text(&made, "envelope")));
    let wrapped = approving(&[&stage], || {
        desk.run(&["wrap", "--envelope", "profile.json", "--envelope-out", "new.json", "--json", "--device", &device])
    });
    assert!(
        wrapped.stderr.contains("request 1 of 3") && wrapped.stderr.contains("Request 3 of 3"),
        "{wrapped:?}"
    );
    let wrapped: Value = serde_json::from_slice(&wrapped.succeeded().stdout).unwrap();
    assert_eq!((text(&wrapped, "address"), text(&wrapped, "path")), (address.as_str(), FOURTH));

    desk.put("profile.json", profile(text(&wrapped, "envelope")));
    let export = ["export", "--envelope", "profile.json", "-o", "-", "--device", &device];
    approving(&[&stage], || desk.run(&export)).succeeded();
}

#[test]
fn a_key_that_is_not_the_expected_one_is_not_wrapped() {
    let stage = Stage::new(Start::App);
    let desk = Desk::new();
    let device = stage.endpoint().to_string();
    let key_file: Value = serde_json::from_slice(&desk.read("numerbay.json")).unwrap();
    desk.put("unnamed.json", json!({ "private_key": key_file["private_key"] }).to_string());
    let other = "EAsYlOUTaqLsEPDZWdzqVvQVAOVS9M2Fq5JqhHBdMBk=";
    for key_file in ["numerbay.json", "unnamed.json"] {
        for json in [&[][..], &["--json"]] {
            let wrap =
                ["wrap", "--key-file", key_file, "--public-key", other, "--envelope-out", "e", "--device", &device];
            let run = desk.run(&[&wrap, json].concat());
            assert_eq!(run.status, Some(5), "{run:?}");
            let said = format!("{}{}", run.stderr, String::from_utf8_lossy(&run.stdout));
            assert!(said.contains("public-key-mismatch"), "{said}");
        }
    }
    assert_eq!(stage.commands(), "", "the device is not called");
    assert!(!desk.path("e").exists());
}

#[test]
fn whoever_refuses_one_of_the_requests_has_no_envelope() {
    let vectors = Vectors::numerbay();
    let old = vectors.entry("envelopes", "env-speculos-44h_60h_0h_0_0-v27");
    for approvals in 0..3 {
        let desk = Desk::new();
        desk.put("old.json", text(old, "envelope"));
        for command in [&["create"][..], &["wrap", "--key-file", "numerbay.json"], &["wrap", "--envelope", "old.json"]]
        {
            let asked = if command.contains(&"--envelope") { 3 } else { 2 };
            if approvals >= asked {
                continue;
            }
            let stage = Stage::new(Start::App);
            let device = stage.endpoint().to_string();
            let arguments = [command, &["--envelope-out", "e.json", "--device", &device]].concat();
            let child = desk
                .command(&arguments)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            for number in 0..=approvals {
                assert!(stage.emulator.wait_until(PATIENCE, Device::is_asking));
                stage.emulator.decide(number < approvals);
            }
            Run::of(child.wait_with_output().unwrap()).failed_with(4, "refused");
            assert!(!desk.path("e.json").exists());
        }
    }
}

/// What stands there is seen before anybody is asked.
#[test]
fn an_envelope_that_is_there_already_is_not_replaced() {
    let stage = Stage::new(Start::App);
    let desk = Desk::new();
    let device = stage.endpoint().to_string();
    let create = ["create", "--envelope-out", "envelope.json", "--device", &device];
    let before = desk.read("envelope.json");
    desk.run(&create).failed_with(8, "would-overwrite");
    let wrap =
        ["wrap", "--envelope", "envelope.json", "--envelope-out", "envelope.json", "--force", "--device", &device];
    desk.run(&wrap).failed_with(2, "target-is-input");
    assert_eq!(desk.read("envelope.json"), before);
    assert_eq!(stage.commands(), "");
}
