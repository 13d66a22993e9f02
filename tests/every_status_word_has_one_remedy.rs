//! Every status word has one cause, every cause one code and one remedy, whatever the device was doing when it said so.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/scripted.rs"]
mod scripted;
#[path = "support/stage.rs"]
mod stage;

use std::collections::{HashMap, HashSet};

use saltbridge::ethereum::DerivationPath;
use saltbridge::fault::{Class, Explanation, Fault as _};
use saltbridge::ledger::{Cause, DeviceFault, Patience, Session, Wanted};
use scripted::{ADDRESS, ADDRESS_TEXT, ETHEREUM, Reply, ScriptedServer};
use stage::{Told, asker};

/// Each cause with its code, its class, and all of its status words.
const CAUSES: [(Cause, &str, Class, &[u16]); 11] = [
    (Cause::Refused, "refused", Class::Declined, &[0x6985, 0x5501]),
    (Cause::Locked, "device-locked", Class::Device, &[0x5515, 0x6b0c, 0x6804, 0x6982]),
    (Cause::AppNotOpen, "app-not-open", Class::Device, &[0x6511, 0x650f, 0x6d00, 0x6d02, 0x6e00, 0x6a83]),
    (Cause::AppNotInstalled, "app-not-installed", Class::Device, &[0x6807]),
    (Cause::PathNotAllowed, "path-not-allowed", Class::DoesNotOpen, &[0x6a15, 0x6a12]),
    (Cause::InvalidCommand, "invalid-command", Class::Device, &[0x6a80, 0x6a87, 0x6b00, 0x6980]),
    (Cause::MessageTooBig, "message-too-big", Class::Device, &[0x6a84]),
    (Cause::AppTooOld, "app-too-old", Class::Device, &[0x6501]),
    (Cause::NotSetUp, "device-not-set-up", Class::Device, &[0x5502, 0x6d07, 0x6611, 0x662f]),
    (Cause::DeviceFault, "device-fault", Class::Device, &[0x6f00, 0x6faa, 0x5223]),
    (
        Cause::Unknown,
        "unknown-status",
        Class::Device,
        // The last ones differ from known words in one place, or have their bytes exchanged.
        &[0x0000, 0xffff, 0x9001, 0x9100, 0x0090, 0x6984, 0x8569, 0x6a81, 0x6a16, 0x5516, 0x61ff, 0x6fab],
    ),
];

/// Signs, after app info and GET ADDRESS.
fn sign(server: &ScriptedServer) -> Result<(), DeviceFault> {
    let session = Session::start(server.endpoint()).unwrap();
    session.converse(asker(), |conversation| {
        conversation.ready(&Wanted::default())?;
        let path: DerivationPath = "m/44'/60'/0'/0/0".parse().unwrap();
        let address = ADDRESS_TEXT.parse().unwrap();
        conversation
            .personal_sign(&stage::account(path.clone(), address), b"a message")
            .map(|_| ())
    })
}

/// As app 1.22.0 was recorded to put the bytes of an earlier answer before the status word.
fn with_stale_bytes(word: u16) -> Reply {
    Reply::hex(&format!("e00216009000{word:04x}"))
}

/// What a word comes to as the answer to GET ADDRESS and to the signature, alone and behind stale bytes.
fn explanations(word: u16) -> Vec<Explanation> {
    let (info, address) = (Reply::hex(ETHEREUM), Reply::hex(ADDRESS));
    let mut found = Vec::new();
    for said in [Reply::status(word), with_stale_bytes(word)] {
        let server = ScriptedServer::of_three(info.clone(), said.clone(), Reply::Silence);
        found.push(sign(&server).unwrap_err());
        assert!(server.heard().iter().all(|command| !command.starts_with("e008")), "{word:04x}: signs all the same");
        let server = ScriptedServer::of_three(info.clone(), address.clone(), said);
        found.push(sign(&server).unwrap_err());
        assert_eq!(server.heard().len(), 3, "{word:04x}: something is sent again");
    }
    for fault in &found {
        assert!(!fault.to_string().is_empty());
    }
    found.iter().map(DeviceFault::explain).collect()
}

#[test]
fn every_word_has_the_cause_that_is_written_down() {
    assert_eq!(Cause::of(0x9000), None);
    let mut seen = HashSet::new();
    for (cause, code, _, words) in CAUSES {
        for &word in words {
            assert_eq!(Cause::of(word), Some(cause), "{word:04x}");
            assert!(seen.insert(word), "{word:04x} stands here twice");
        }
        println!("{code}: {words:04x?}");
    }
    // No word has a cause that is not written down here.
    for word in 0..=u16::MAX {
        let expected = if seen.contains(&word) {
            Cause::of(word)
        } else {
            Some(Cause::Unknown)
        };
        assert!(word == 0x9000 || Cause::of(word) == expected, "{word:04x}");
    }
}

#[test]
fn every_word_of_a_cause_gets_the_same_code_and_remedy() {
    let (mut codes, mut remedies) = (HashMap::new(), HashMap::new());
    let mut words_tried = 0;
    for (_, code, class, words) in CAUSES {
        let found: Vec<_> = words.iter().map(|&word| (word, explanations(word))).collect();
        let help = found[0].1[0].help.clone();
        assert!(!help.is_empty(), "{code}");
        for (word, explanations) in found {
            assert_eq!(explanations.len(), 4);
            for explanation in explanations {
                assert_eq!(explanation, Explanation::new(code, class, help.clone()), "{word:04x}");
            }
            words_tried += 1;
        }
        assert_eq!(codes.insert(code, words), None);
        assert_eq!(remedies.insert(help, code), None, "{code} has the remedy of another cause");
    }
    println!("{words_tried} status words, each in 4 answers; {} causes", codes.len());
    assert_eq!((words_tried, codes.len()), (40, 11));
}

#[test]
fn a_success_with_the_signature_of_something_else_is_unexpected() {
    let signature = [[0x1b; 65].as_slice(), &[0x90, 0x00]].concat();
    let server = ScriptedServer::of_three(Reply::hex(ETHEREUM), Reply::hex(ADDRESS), Reply::Answer(signature));
    let what = "a signature of something else";
    assert_eq!(sign(&server), Err(DeviceFault::UnexpectedAnswer { what }));
}

fn ready(app_info: Reply) -> (DeviceFault, ScriptedServer) {
    let server = ScriptedServer::of_three(app_info, Reply::Silence, Reply::Silence);
    let session = Session::start(server.endpoint()).unwrap();
    let told = Told::default();
    let fault = session
        .converse(told.asker(Patience::NoWait), |conversation| conversation.ready(&Wanted::default()))
        .unwrap_err();
    assert_eq!(told.events(), []);
    (fault, server)
}

#[test]
fn the_first_answer_already_tells_a_locked_device_and_a_missing_app() {
    for (cause, code, _, words) in CAUSES {
        for &word in words {
            // No path has been named yet that could be forbidden.
            let expected = if cause == Cause::PathNotAllowed {
                "invalid-command"
            } else {
                code
            };
            for said in [Reply::status(word), with_stale_bytes(word)] {
                let (fault, server) = ready(said);
                assert_eq!(fault.explain().code, expected, "{word:04x}");
                assert_eq!(server.heard(), ["b001000000"], "{word:04x}");
            }
        }
    }
}

#[test]
fn an_error_is_judged_by_its_last_two_bytes() {
    let (info, address) = (Reply::hex(ETHEREUM), Reply::hex(ADDRESS));
    for answer in ["e002160090006a87", "90006a87", "69856a87", "55156a87"] {
        let server = ScriptedServer::of_three(info.clone(), Reply::hex(answer), Reply::Silence);
        assert_eq!(sign(&server), Err(DeviceFault::InvalidCommand { status: 0x6a87 }), "{answer}");
        let server = ScriptedServer::of_three(info.clone(), address.clone(), Reply::hex(answer));
        assert_eq!(sign(&server), Err(DeviceFault::InvalidCommand { status: 0x6a87 }), "{answer}");
        assert_eq!(ready(Reply::hex(answer)).0, DeviceFault::InvalidCommand { status: 0x6a87 }, "{answer}");
    }
}
