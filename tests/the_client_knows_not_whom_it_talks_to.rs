//! The client works with a device that knows nothing but the recordings of Ledger's own app 1.22.0, byte for byte, and
//! it sends that device not one byte that is not recorded.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/scripted.rs"]
mod scripted;
#[path = "support/stage.rs"]
mod stage;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use k256::ecdsa::{RecoveryId, Signature as Scalars, VerifyingKey};
use saltbridge::ethereum::{Address, DerivationPath, personal_message_hash};
use saltbridge::ledger::{Account, Event, Patience, Session, Wanted};
use scripted::{Reply, ScriptedServer};
use serde_json::Value;
use stage::Told;
use support::{Vectors, hex, text, unhex, unhex_any};

const CATEGORIES: [&str; 4] = ["app-info", "get-address", "personal-sign-salt", "personal-sign-numerbay-vector"];

/// What the device knows: a command and its answer.
type Table = BTreeMap<String, String>;

/// The recordings of one device with one seed.
fn recordings(device: &str, seed: &str) -> Vec<Value> {
    let vectors = Vectors::ledger();
    let all = vectors.section("recordings").iter();
    let wanted = all.filter(|recording| {
        text(recording, "app_version") == "1.22.0"
            && text(recording, "device") == device
            && text(recording, "seed") == seed
            && CATEGORIES.contains(&text(recording, "category"))
    });
    wanted.cloned().collect()
}

fn table(recordings: &[Value]) -> Table {
    let mut table = Table::new();
    for exchange in recordings
        .iter()
        .flat_map(|recording| recording["exchanges"].as_array().unwrap())
    {
        let (command, answer) = (text(exchange, "command"), text(exchange, "response"));
        let known = table.insert(command.to_owned(), answer.to_owned());
        assert!(known.is_none_or(|known| known == answer), "{command} was answered in two ways");
    }
    table
}

/// For the paths at which only signatures were recorded, GET ADDRESS is put together from the recorded bytes: the path
/// as the signature's command holds it, the public key that its answer recovers to, and the address noted beside it.
fn complete(table: &mut Table, recordings: &[Value]) -> BTreeSet<String> {
    let mut composed = BTreeSet::new();
    for recording in recordings.iter().filter(|recording| !recording["message"].is_null()) {
        let exchange = &recording["exchanges"][0];
        let command = unhex_any(text(exchange, "command"));
        let path = &command[5..6 + 4 * usize::from(command[5])];
        let get_address = hex(&[&[0xe0, 0x02, 0x00, 0x00, u8::try_from(path.len()).unwrap()], path].concat());
        if table.contains_key(&get_address) {
            continue;
        }
        let signature: [u8; 65] = unhex(text(&recording["signature"], "as_returned_v_r_s"));
        let key = VerifyingKey::recover_from_prehash(
            &personal_message_hash(&message(recording)),
            &Scalars::from_slice(&signature[1..]).unwrap(),
            RecoveryId::new(signature[0] == 28, false),
        );
        let public_key = key.unwrap().to_sec1_point(false);
        let digits = text(recording, "address").strip_prefix("0x").unwrap();
        let answer = format!("41{}28{}9000", hex(public_key.as_bytes()), hex(digits.as_bytes()));
        table.insert(get_address.clone(), answer);
        composed.insert(get_address);
    }
    composed
}

fn message(recording: &Value) -> Vec<u8> {
    unhex_any(text(&recording["message"], "hex"))
}

fn path(recording: &Value) -> DerivationPath {
    text(recording, "path").parse().unwrap()
}

fn address(recording: &Value) -> Address {
    text(recording, "address").parse().unwrap()
}

/// A device that knows the table, and notes what is not in it.
fn device(table: &Table) -> (ScriptedServer, Arc<Mutex<Vec<String>>>) {
    let strangers = Arc::new(Mutex::new(Vec::new()));
    let (known, noted) = (table.clone(), Arc::clone(&strangers));
    let server = ScriptedServer::start(move |command| {
        let command = hex(command);
        match known.get(&command) {
            Some(answer) => Reply::hex(answer),
            None => {
                noted.lock().unwrap().push(command);
                Reply::hang_up()
            }
        }
    });
    (server, strangers)
}

/// Asks for the recorded address, and signs the recorded message if there is one.
fn repeat(session: &Session, recording: &Value) {
    let wanted = Wanted {
        address: Some(address(recording)),
        path: Some(path(recording)),
    };
    let expected = Account {
        path: path(recording),
        address: address(recording),
    };
    let told = Told::default();
    let asker = told.asker(Patience::NoWait);
    if recording["message"].is_null() {
        let found = session.converse(asker, move |conversation| {
            conversation.ready(&Wanted::default())?;
            conversation.find(&wanted)
        });
        assert_eq!(found, Ok(expected));
        return;
    }
    let message = message(recording);
    let hash = personal_message_hash(&message);
    let signed = session.converse(asker, move |conversation| {
        conversation.ready(&Wanted::default())?;
        let account = conversation.find(&wanted)?;
        conversation.personal_sign(&account, &message)
    });
    let signature = signed.unwrap();
    assert_eq!(hex(signature.expose_bytes()), text(recording, "expected_signature_65").trim_start_matches("0x"));
    assert_eq!(signature.recover(&hash), Ok(expected.address));
    assert_eq!(told.events()[1..], [Event::Asking, Event::Answered]);
}

/// All recordings of one device with one seed; how many there were.
fn all_of(name: &str, seed: &str) -> usize {
    let recordings = recordings(name, seed);
    let mut table = table(&recordings);
    let recorded = table.len();
    let composed = complete(&mut table, &recordings);
    let (server, strangers) = device(&table);
    let session = Session::start(server.endpoint()).unwrap();
    let info = session
        .converse(Told::default().asker(Patience::NoWait), |conversation| conversation.ready(&Wanted::default()))
        .unwrap();
    assert_eq!((info.name.as_str(), info.version.as_str()), ("Ethereum", "1.22.0"));
    let mut count = 0;
    for recording in recordings
        .iter()
        .filter(|recording| text(recording, "category") != "app-info")
    {
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| repeat(&session, recording)));
        let (id, strangers) = (text(recording, "id"), strangers.lock().unwrap());
        assert!(strangers.is_empty(), "{id}: sent what no recording has: {strangers:?}");
        assert!(result.is_ok(), "{id} does not hold");
        count += 1;
    }
    let heard = server.heard();
    let sent: BTreeSet<_> = heard.iter().cloned().collect();
    assert!(sent.iter().all(|command| table.contains_key(command)));
    // Not said: app info without its length byte, and addresses with the chain code, which nobody needs.
    let unsaid: Vec<_> = table.keys().filter(|command| !sent.contains(*command)).collect();
    let is_needless = |command: &&&String| command.as_str() == "b0010000" || command.starts_with("e0020001");
    assert_eq!(unsaid.iter().filter(|command| !is_needless(command)).count(), 0, "{unsaid:?}");
    println!(
        "{name}, {seed}: {count} recordings repeated in {} exchanges: {} different commands, {} of them recorded; {} \
         recorded ones not needed",
        heard.len(),
        sent.len(),
        sent.difference(&composed).count(),
        unsaid.len(),
    );
    assert_eq!(sent.len() + unsaid.len(), recorded + composed.len());
    count
}

#[test]
fn every_recording_of_the_nano_is_repeated() {
    assert_eq!(all_of("nanosp", "speculos-default"), 25);
}

#[test]
fn every_recording_of_the_touch_models_is_repeated() {
    assert_eq!(all_of("stax", "junk-12"), 15);
    assert_eq!(all_of("apex_p", "legal-12"), 10);
}

#[test]
fn a_command_that_is_not_recorded_is_noticed() {
    let recordings = recordings("nanosp", "speculos-default");
    let (server, strangers) = device(&table(&recordings));
    let session = Session::start(server.endpoint()).unwrap();
    let found = session.converse(Told::default().asker(Patience::NoWait), |conversation| {
        conversation.address(&"m/44'/60'/0'/0/6".parse().unwrap())
    });
    assert_eq!(found, Err(saltbridge::ledger::DeviceFault::LinkLost { asking: false }));
    assert_eq!(*strangers.lock().unwrap(), ["e002000015058000002c8000003c800000000000000000000006"]);
}
