//! What a device is asked for, it does, and what it must not do is refused: the emulator as every model here, and with
//! `make test-speculos` a real app under Ledger's own Speculos.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/rig.rs"]
mod rig;
mod support;

use std::process::{Child, Stdio};
use std::sync::Arc;

use rig::{Question, Rig};
use saltbridge::ethereum::{Address, DerivationPath, personal_message_hash};
use saltbridge::fault::Fault as _;
use saltbridge::ledger::{Account, Asker, DeviceFault, Leave, Patience, Session, Wanted};
use support::{Desk, Run, Vectors, text, unhex};

/// One who waits: while another test here starts a program, its lock is for a moment that of the child, too.
fn asker() -> Asker {
    Asker {
        who: "a test".to_owned(),
        patience: Patience::Wait,
        is_idle: Arc::new(|_| true),
        tell: Arc::new(|_| {}),
        leave: Leave::never(),
    }
}

/// The recordings of the seed and app that the devices here have.
fn recordings(vectors: &Vectors, category: &str) -> Vec<serde_json::Value> {
    let of_this_seed = vectors.section("recordings").iter().filter(|recording| {
        text(recording, "seed") == "speculos-default"
            && text(recording, "app_version") == "1.22.0"
            && text(recording, "category") == category
    });
    let found: Vec<_> = of_this_seed.cloned().collect();
    assert!(!found.is_empty(), "{category}");
    found
}

fn account(path: DerivationPath, address: Address) -> Account {
    Account { path, address }
}

fn path_of(recording: &serde_json::Value) -> DerivationPath {
    text(recording, "path").parse().unwrap()
}

#[test]
fn it_has_the_recorded_addresses() {
    let vectors = Vectors::ledger();
    for rig in Rig::all() {
        let session = Session::start(rig.endpoint.clone()).unwrap();
        for recording in recordings(&vectors, "get-address") {
            let path = path_of(&recording);
            let address = session.converse(asker(), move |device| {
                device.ready(&Wanted::default())?;
                device.address(&path)
            });
            assert_eq!(address.unwrap().to_string(), text(&recording, "address"));
        }
        // Each of them is found without its path, too.
        for recording in recordings(&vectors, "get-address") {
            let wanted = Wanted {
                address: Some(text(&recording, "address").parse().unwrap()),
                path: None,
            };
            let found = session.converse(asker(), move |device| device.find(&wanted));
            // m/44'/60'/0' itself is no usual path of an account.
            match text(&recording, "path") {
                "m/44'/60'/0'" => assert!(matches!(found, Err(DeviceFault::AccountNotFound { .. }))),
                path => assert_eq!(found.unwrap().path.to_string(), path),
            }
        }
    }
}

#[test]
fn it_gives_the_recorded_signatures() {
    let vectors = Vectors::ledger();
    for rig in Rig::all() {
        let session = Session::start(rig.endpoint.clone()).unwrap();
        for category in ["personal-sign-salt", "personal-sign-numerbay-vector", "personal-sign-multi-chunk"] {
            for recording in recordings(&vectors, category) {
                let message = support::unhex_any(text(&recording["message"], "hex"));
                let (path, address) = (path_of(&recording), text(&recording, "address").parse().unwrap());
                // 2000 bytes are 35 pages on a Nano.
                let signature = std::thread::scope(|scope| {
                    let (session, message) = (&session, message.clone());
                    let talk = move |device: &mut saltbridge::ledger::Conversation<'_>| {
                        device.personal_sign(&account(path.clone(), address), &message)
                    };
                    let signing = scope.spawn(move || session.converse(asker(), talk));
                    rig.decide(true, &Question::Message(&support::unhex_any(text(&recording["message"], "hex"))));
                    signing.join().unwrap()
                });
                let signature = signature.unwrap();
                assert_eq!(signature.expose_bytes(), &unhex::<65>(text(&recording, "expected_signature_65")));
                assert_eq!(signature.recover(&personal_message_hash(&message)).unwrap(), address);
            }
        }
    }
}

#[test]
fn a_person_can_refuse_a_message_and_an_address() {
    let path: DerivationPath = "m/44'/60'/0'/0/0".parse().unwrap();
    let address = "0xDad77910DbDFdE764fC21FCD4E74D71bBACA6D8D".parse().unwrap();
    for rig in Rig::all() {
        let session = Session::start(rig.endpoint.clone()).unwrap();
        for approve in [false, true] {
            let confirmed = std::thread::scope(|scope| {
                let asked = path.clone();
                let asking = scope.spawn(|| {
                    session.converse(asker(), move |device| device.confirm_address(&account(asked, address)))
                });
                rig.decide(approve, &Question::Address(&path));
                asking.join().unwrap()
            });
            assert_eq!(confirmed.is_ok(), approve, "{confirmed:?}");
            let signed = std::thread::scope(|scope| {
                let asked = path.clone();
                let asking = scope.spawn(|| {
                    session.converse(asker(), move |device| {
                        device.personal_sign(&account(asked.clone(), address), b"Hello, world!")
                    })
                });
                rig.decide(approve, &Question::Message(b"Hello, world!"));
                asking.join().unwrap()
            });
            match signed {
                Ok(_) => assert!(approve),
                Err(fault) => {
                    assert!(!approve && matches!(fault, DeviceFault::Refused { .. }), "{fault:?}");
                    assert_eq!(fault.explain().code, "refused");
                }
            }
        }
    }
}

#[test]
fn a_path_that_the_app_may_not_use_is_refused_before_anything_is_shown() {
    for rig in Rig::all() {
        let session = Session::start(rig.endpoint.clone()).unwrap();
        for path in ["m/44'/0'/0'/0/0", "m/44'/1'/0'/0/0", "m/49'/60'/0'/0/0", "m/44/60/0/0/0", "m/44'"] {
            let path: DerivationPath = path.parse().unwrap();
            let address = "0xDad77910DbDFdE764fC21FCD4E74D71bBACA6D8D".parse().unwrap();
            let result =
                session.converse(asker(), move |device| device.personal_sign(&account(path.clone(), address), b"x"));
            assert!(matches!(result, Err(DeviceFault::PathNotAllowed { .. })));
        }
        // The app is still there.
        assert!(
            session
                .converse(asker(), |device| device.ready(&Wanted::default()))
                .unwrap()
                .is_ethereum()
        );
    }
}

#[test]
fn the_program_opens_an_envelope_with_it() {
    let vectors = Vectors::numerbay();
    let entry = vectors.entry("envelopes", "env-speculos-44h_60h_0h_0_0-v27");
    for rig in Rig::all() {
        let desk = Desk::new();
        let device = rig.endpoint.to_string();
        let start = |arguments: &[&str]| -> Child {
            let mut command = desk.command(&[arguments, &["--device", &device]].concat());
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let export = ["export", "--envelope", "envelope.json", "-o", "-"];
        let exporting = start(&export);
        rig.decide(true, &Question::Message(text(entry, "salt_message").as_bytes()));
        let run = Run::of(exporting.wait_with_output().unwrap());
        run.succeeded();
        assert_eq!(String::from_utf8(run.stdout).unwrap(), text(entry, "key_file"));

        let exporting = start(&export);
        rig.decide(false, &Question::Message(text(entry, "salt_message").as_bytes()));
        Run::of(exporting.wait_with_output().unwrap()).failed_with(4, "refused");
    }
}
