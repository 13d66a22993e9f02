//! A conversation that fails in an unforeseen way ends alone: the session, and the note of what the device asks, stay
//! sound.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/scripted.rs"]
mod scripted;
#[path = "support/stage.rs"]
mod stage;

use std::sync::Arc;

use saltbridge::fault::Fault as _;
use saltbridge::ledger::{AppInfo, Asker, DeviceFault, Event, Session, Wanted};
use scripted::{ADDRESS, ETHEREUM, Reply, ScriptedServer};
use stage::{asker, lock_of};

fn ready(session: &Session) -> Result<AppInfo, DeviceFault> {
    let trusting = Asker {
        is_idle: Arc::new(|_| false),
        ..asker()
    };
    session.converse(trusting, |conversation| conversation.ready(&Wanted::default()))
}

fn ethereum() -> (ScriptedServer, Session) {
    let server = ScriptedServer::of_three(Reply::hex(ETHEREUM), Reply::hex(ADDRESS), Reply::status(0x6985));
    let session = Session::start(server.endpoint()).unwrap();
    session
        .converse(asker(), |conversation| conversation.ready(&Wanted::default()))
        .unwrap();
    (server, session)
}

#[test]
fn a_conversation_that_panics_ends_alone() {
    let (_server, session) = ethereum();
    let result: Result<(), _> = session.converse(asker(), |_| panic!("on purpose"));
    assert_eq!(result.unwrap_err().explain().code, "session-ended");
    assert!(ready(&session).is_ok_and(|info| info.is_ethereum()));
    // The same where it is the listener that panics.
    let listener = Asker {
        tell: Arc::new(|_| panic!("on purpose")),
        ..asker()
    };
    assert!(
        session
            .converse(listener, |conversation| conversation.ready(&Wanted::default()))
            .is_err()
    );
    assert!(ready(&session).is_ok_and(|info| info.is_ethereum()));
}

#[test]
fn a_note_that_was_being_written_when_its_process_died_still_counts() {
    let (server, session) = ethereum();
    // The longer note of before shows behind the new one that was not yet cut.
    let asking = r#"{"pid":4000000,"who":"gone","asking":true}"#;
    for note in [asking.to_owned(), format!("{asking}}}"), asking[..20].to_owned()] {
        std::fs::write(lock_of(&server.endpoint()), &note).unwrap();
        let fault = ready(&session).map(|_| ()).unwrap_err();
        assert_eq!(fault.explain().code, "prompt-pending", "{note}");
    }
    std::fs::write(lock_of(&server.endpoint()), "").unwrap();
    assert!(ready(&session).is_ok());
}

#[test]
fn a_long_name_does_not_hide_that_the_device_was_asking() {
    let (server, session) = ethereum();
    // Stops where the device is about to be asked, as a process would that is killed there.
    let long = Asker {
        who: "x".repeat(5000),
        tell: Arc::new(|event| assert_ne!(*event, Event::Asking, "on purpose")),
        ..asker()
    };
    let asked = session.converse(long, |conversation| {
        conversation.confirm_address(&stage::account(
            "m/44'/60'/0'/0/0".parse().unwrap(),
            "0x0000000000000000000000000000000000000001".parse().unwrap(),
        ))
    });
    assert_eq!(asked, Err(DeviceFault::SessionEnded));
    let session = Session::start(server.endpoint()).unwrap();
    let fault = ready(&session).map(|_| ()).unwrap_err();
    assert_eq!(fault.explain().code, "prompt-pending");
    assert!(fault.to_string().starts_with("xxx"), "{fault}");
}
