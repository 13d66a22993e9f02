//! A process that is killed while the device asks for it leaves word, and nobody sends the device anything until a person
//! says that the question is gone.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

#[path = "support/stage.rs"]
mod stage;

use std::process::{Child, Command};

use saltbridge::emulator::{Device, Start};
use saltbridge::ethereum::{Signature, personal_message_hash};
use saltbridge::ledger::{Asker, Conversation, DeviceFault, Event, Patience, Session, Waiting, Wanted};
use stage::{Stage, Told, asker, in_background};

/// The whole way to a signature of this message.
fn sign(
    message: &'static [u8],
) -> impl FnOnce(&mut Conversation<'_>) -> Result<Signature, DeviceFault> + Send + 'static {
    move |conversation| {
        conversation.ready(&Wanted::default())?;
        let account = conversation.find(&Wanted::default())?;
        conversation.personal_sign(&account, message)
    }
}

/// A process of its own, killed at the latest when this goes.
struct Doomed(Child);

impl Drop for Doomed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const ENDPOINT: &str = "SALTBRIDGE_TEST_ENDPOINT";

/// Not a test: what the process of the next one does. Without that variable it does nothing.
#[test]
fn the_other_process() {
    let Ok(endpoint) = std::env::var(ENDPOINT) else { return };
    let session = Session::start(endpoint.parse().unwrap()).unwrap();
    let asker = Told::default().asker_named("the other one", Patience::NoWait);
    let signed = session.converse(asker, sign(b"doomed"));
    panic!("was answered: {:?}", signed.map(|_| ()));
}

#[test]
fn a_process_that_is_killed_while_it_asks_leaves_word() {
    let stage = Stage::new(Start::App);
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "the_other_process"])
        .env(ENDPOINT, stage.endpoint().to_string());
    let other = Doomed(command.spawn().unwrap());
    let holder = format!("the other one (process {})", other.0.id());
    stage.wait_for_question();
    let fault = stage.session.converse(asker(), sign(b"2")).map(|_| ()).unwrap_err();
    assert_eq!(fault, DeviceFault::Busy { holder: holder.clone() });
    let told = Told::default();
    let trusting = Asker {
        is_idle: std::sync::Arc::new(|_| false),
        ..told.asker(Patience::Wait)
    };
    let waiting = in_background(&stage.session, trusting, sign(b"waits"));
    let expected = Event::Waiting(Waiting::ForOtherProcess { holder: holder.clone() });
    told.wait_for(|event| *event == expected);
    let at_question = stage.heard();
    drop(other);
    let device = stage.endpoint().to_string();
    assert_eq!(waiting.wait().map(|_| ()), Err(DeviceFault::PromptPending { holder, device }));
    assert_eq!((told.events(), stage.heard()), (vec![expected], at_question));
    // The review is still on the screen; a person rejects it there, and says so.
    assert!(stage.emulator.look(Device::is_asking));
    stage.emulator.decide(false);
    stage.settle();
    let signed = in_background(&stage.session, asker(), sign(b"after"));
    stage.wait_for_question();
    stage.emulator.decide(true);
    let address = "0xDad77910DbDFdE764fC21FCD4E74D71bBACA6D8D".parse().unwrap();
    let signature = signed.wait().unwrap();
    assert_eq!(signature.recover(&personal_message_hash(b"after")), Ok(address));
}
