//! A person is told once what is waited for, and the device asked once, also where its firmware cannot open or close an
//! app; and a device that goes away instead of answering is waited for.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/scripted.rs"]
mod scripted;
#[path = "support/stage.rs"]
mod stage;

use saltbridge::emulator::Start;
use saltbridge::ledger::{DeviceFault, Event, Patience, Session, Waiting, Wanted};
use scripted::{ETHEREUM, Reply, ScriptedServer};
use stage::{Stage, Told, in_background};

/// App info of the dashboard and of another app.
const DASHBOARD: &str = "0105424f4c4f5305312e352e309000";
const BITCOIN: &str = "0107426974636f696e05322e342e329000";

/// A device that goes on as it is until the client has looked at it this often; then the person opens Ethereum on it.
fn opened_at_last(found: &'static str, refusal: u16) -> (Vec<Event>, Vec<String>) {
    let mut looks = 0;
    let server = ScriptedServer::start(move |command| match command {
        [0xb0, 0x01, ..] => {
            looks += 1;
            Reply::hex(if looks <= 4 { found } else { ETHEREUM })
        }
        _ => Reply::status(refusal),
    });
    let session = Session::start(server.endpoint()).unwrap();
    let told = Told::default();
    let ready =
        in_background(&session, told.asker(Patience::Wait), |conversation| conversation.ready(&Wanted::default()));
    assert!(ready.wait().unwrap().is_ethereum());
    (told.events(), server.heard())
}

/// Nothing that is waited for, and no announcement, comes twice.
fn assert_told_once(events: &[Event]) {
    for event in events {
        let count = events.iter().filter(|other| *other == event).count();
        assert_eq!(count, 1, "{event:?} is told {count} times: {events:?}");
    }
}

#[test]
fn a_dashboard_that_cannot_open_apps_is_asked_once_and_the_person_told_once() {
    for refusal in [0x6d00, 0x6e00, 0x5515] {
        let (events, heard) = opened_at_last(DASHBOARD, refusal);
        assert_told_once(&events);
        assert_eq!(heard.iter().filter(|command| command.starts_with("e0d8")).count(), 1, "{heard:?}");
    }
}

#[test]
fn an_app_that_cannot_be_closed_is_told_so_once() {
    for refusal in [0x6d00, 0x6e00] {
        let (events, heard) = opened_at_last(BITCOIN, refusal);
        assert_told_once(&events);
        assert_eq!(heard.iter().filter(|command| command.starts_with("b0a7")).count(), 1, "{heard:?}");
    }
}

#[test]
fn a_device_without_the_app_is_said_to_have_none() {
    let server = ScriptedServer::start(|command| match command {
        [0xb0, 0x01, ..] => Reply::hex(DASHBOARD),
        _ => Reply::status(0x6807),
    });
    let session = Session::start(server.endpoint()).unwrap();
    let told = Told::default();
    let fault = session
        .converse(told.asker(Patience::Wait), |conversation| conversation.ready(&Wanted::default()))
        .unwrap_err();
    assert_eq!(fault, DeviceFault::AppNotInstalled);
    assert_eq!(server.heard(), ["b001000000", "e0d8000008457468657265756d"]);
}

#[test]
fn a_device_that_goes_away_instead_of_answering_is_waited_for() {
    for (found, asked) in [(DASHBOARD, 0xd8), (BITCOIN, 0xa7)] {
        let mut is_open = false;
        let server = ScriptedServer::start(move |command| match command {
            [0xb0, 0x01, ..] => Reply::hex(if is_open { ETHEREUM } else { found }),
            [_, instruction, ..] if *instruction == asked => {
                is_open = true;
                Reply::hang_up()
            }
            _ => Reply::status(0x6d00),
        });
        let session = Session::start(server.endpoint()).unwrap();
        let ready = in_background(&session, Told::default().asker(Patience::Wait), |conversation| {
            conversation.ready(&Wanted::default())
        });
        assert!(ready.wait().is_ok_and(|info| info.is_ethereum()));
    }
}

#[test]
fn after_the_persons_consent_only_the_return_of_the_device_is_waited_for() {
    let stage = Stage::new(Start::Dashboard);
    let told = Told::default();
    let ready = in_background(&stage.session, told.asker(Patience::Wait), |conversation| {
        conversation.ready(&Wanted::default())
    });
    stage.wait_for_question();
    stage.emulator.decide(true);
    assert!(ready.wait().is_ok());
    assert_told_once(&told.events());
    assert_eq!(told.count(|event| *event == Event::Waiting(Waiting::ForApp)), 0, "{:?}", told.events());
}
