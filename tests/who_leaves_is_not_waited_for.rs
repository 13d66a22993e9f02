//! An asker who leaves ends his conversation, whatever it waits for, and nothing is sent for him any more; but what the
//! device asks the person for him is brought to its end, and the next one gets its own answer.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/scripted.rs"]
mod scripted;
#[path = "support/stage.rs"]
mod stage;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use saltbridge::emulator::{Device, Start};
use saltbridge::ethereum::{Signature, personal_message_hash};
use saltbridge::fault::{Class, Fault as _};
use saltbridge::ledger::{
    Asker, Conversation, DeviceFault, Endpoint, Event, Leave, Patience, Session, Waiting, Wanted,
};
use scripted::{ADDRESS, ADDRESS_TEXT, ETHEREUM, Reply, ScriptedServer};
use stage::{Frame, Stage, Told, account, asker, in_background, lock_of};

/// How long is listened where nothing must be sent: more than twice as long as a client waits before it looks again.
const LISTENING: Duration = Duration::from_millis(600);

/// How soon a conversation ends whose asker has left. It takes a quarter of a second; the rest is for loaded machines.
const SOON: Duration = Duration::from_secs(5);

/// App info of the dashboard.
const DASHBOARD: &str = "0105424f4c4f5305312e352e309000";

/// A client that can be made to leave.
#[derive(Clone, Default)]
struct Client {
    told: Told,
    gone: Arc<AtomicBool>,
}

impl Client {
    fn asker(&self, patience: Patience) -> Asker {
        let gone = Arc::clone(&self.gone);
        Asker {
            leave: Leave::when(move || gone.load(Ordering::SeqCst)),
            ..self.told.asker(patience)
        }
    }

    fn leave(&self) {
        self.gone.store(true, Ordering::SeqCst);
    }

    fn waits(&self, what: impl Fn(&Waiting) -> bool) {
        self.told
            .wait_for(|event| matches!(event, Event::Waiting(waiting) if what(waiting)));
    }
}

fn ready(conversation: &mut Conversation<'_>) -> Result<(), DeviceFault> {
    conversation.ready(&Wanted::default()).map(|_| ())
}

/// The whole way to a signature of this message.
fn sign(
    message: &'static [u8],
) -> impl FnOnce(&mut Conversation<'_>) -> Result<Signature, DeviceFault> + Clone + Send + 'static {
    move |conversation| {
        conversation.ready(&Wanted::default())?;
        let account = conversation.find(&Wanted::default())?;
        conversation.personal_sign(&account, message)
    }
}

fn assert_signed(signed: Result<Signature, DeviceFault>, message: &[u8]) {
    let address = ADDRESS_TEXT.parse().unwrap();
    assert_eq!(signed.unwrap().recover(&personal_message_hash(message)), Ok(address));
}

/// That a client who waits for `what` is let go when he leaves.
fn lets_go(session: &Session, what: impl Fn(&Waiting) -> bool) {
    let client = Client::default();
    let waiting = in_background(session, client.asker(Patience::Wait), ready);
    client.waits(what);
    client.leave();
    let left = Instant::now();
    assert_eq!(waiting.wait(), Err(DeviceFault::AskerLeft));
    assert!(left.elapsed() < SOON, "{:?}", left.elapsed());
}

#[test]
fn it_has_a_code_of_its_own() {
    let explanation = DeviceFault::AskerLeft.explain();
    assert_eq!((explanation.code, explanation.class), ("asker-left", Class::Device));
}

#[test]
fn while_no_device_is_there() {
    // Nobody listens at a port that was just given up.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    for endpoint in [Endpoint::Speculos(port), "usb:99-99".parse().unwrap()] {
        let session = Session::start(endpoint.clone()).unwrap();
        lets_go(&session, |waiting| matches!(waiting, Waiting::ForDevice { .. }));
        let client = Client::default();
        let asker = client.asker(Patience::Wait);
        let waiting = std::thread::spawn(move || session.converse_through(&asker, ready));
        client.waits(|waiting| matches!(waiting, Waiting::ForDevice { .. }));
        client.leave();
        assert_eq!(waiting.join().unwrap(), Err(DeviceFault::AskerLeft));
        stage::forget_lock(&endpoint);
    }
}

#[test]
fn while_it_is_locked() {
    let stage = Stage::new(Start::Locked);
    lets_go(&stage.session, |waiting| *waiting == Waiting::ForUnlocking);
    let heard = stage.heard();
    std::thread::sleep(LISTENING);
    assert_eq!(stage.heard(), heard, "it is looked at for somebody who has left");
    stage.hand(Device::unlock);
    assert_eq!(stage.session.converse(asker(), ready), Ok(()));
}

#[test]
fn while_its_app_is_to_be_opened_by_hand() {
    let server = ScriptedServer::start(|command| match command {
        [0xb0, 0x01, ..] => Reply::hex(DASHBOARD),
        _ => Reply::status(0x6d00),
    });
    let session = Session::start(server.endpoint()).unwrap();
    lets_go(&session, |waiting| *waiting == Waiting::ForApp);
}

#[test]
fn while_another_process_has_it() {
    let stage = Stage::new(Start::App);
    let first = in_background(&stage.other_session(), Told::default().asker(Patience::Wait), sign(b"first"));
    stage.wait_for_question();
    let heard = stage.heard();
    lets_go(&stage.session, |waiting| matches!(waiting, Waiting::ForOtherProcess { .. }));
    assert_eq!(stage.heard(), heard);
    stage.emulator.decide(true);
    assert_signed(first.wait(), b"first");
}

#[test]
fn in_the_queue_nothing_is_ever_sent_for_him() {
    let stage = Stage::new(Start::App);
    let first = in_background(&stage.session, Told::default().asker(Patience::Wait), sign(b"first"));
    stage.wait_for_question();
    let client = Client::default();
    let begun = Arc::new(AtomicBool::new(false));
    let queued = {
        let begun = Arc::clone(&begun);
        in_background(&stage.session, client.asker(Patience::Wait), move |conversation| {
            begun.store(true, Ordering::SeqCst);
            sign(b"queued")(conversation)
        })
    };
    let heard = stage.heard();
    std::thread::sleep(LISTENING);
    assert!(queued.is_open(), "he has not left yet");
    client.leave();
    let left = Instant::now();
    // The review of the first is still on the screen.
    assert_eq!(queued.wait().map(|_| ()), Err(DeviceFault::AskerLeft));
    assert!(left.elapsed() < SOON, "{:?}", left.elapsed());
    assert!(first.is_open());
    assert_eq!(stage.heard(), heard);

    stage.emulator.decide(true);
    assert_signed(first.wait(), b"first");
    let last = stage.session.converse(asker(), |conversation| conversation.app_info());
    assert!(last.unwrap().is_ethereum());
    assert_eq!(stage.commands(), "b001 e002 e002 e008 b001");
    assert!(!begun.load(Ordering::SeqCst));
    assert_eq!(client.told.events(), []);
}

/// He leaves in the moment in which the conversation before his ends, so that it is not he who looks first.
#[test]
fn one_who_has_left_when_his_turn_comes_is_not_begun() {
    let stage = Stage::new(Start::App);
    for patience in [Patience::Wait, Patience::NoWait] {
        let client = Client::default();
        client.leave();
        let result = stage
            .session
            .converse(client.asker(patience), sign(b"late"))
            .map(|_| ());
        assert_eq!(result, Err(DeviceFault::AskerLeft));
        assert_eq!(client.told.events(), []);
    }
    assert_eq!(stage.heard(), []);
    // Not even the device is taken.
    assert!(!lock_of(stage.endpoint()).exists());
}

#[test]
fn a_review_is_brought_to_its_end_and_the_next_gets_its_own_answer() {
    for approve in [true, false] {
        let stage = Stage::new(Start::App);
        let client = Client::default();
        let left = in_background(&stage.session, client.asker(Patience::Wait), sign(b"left"));
        stage.wait_for_question();
        client.leave();
        let next = in_background(&stage.session, Told::default().asker(Patience::Wait), sign(b"next"));
        let heard = stage.heard();
        std::thread::sleep(LISTENING);
        assert_eq!(stage.heard(), heard, "something is sent during the review");
        assert!(left.is_open());
        stage.emulator.decide(approve);
        match (approve, left.wait()) {
            (true, signed) => assert_signed(signed, b"left"),
            (false, refused) => assert_eq!(refused.map(|_| ()).unwrap_err().explain().code, "refused"),
        }
        assert_eq!(client.told.events()[1..], [Event::Asking, Event::Answered]);
        stage.wait_for_question();
        stage.emulator.decide(true);
        assert_signed(next.wait(), b"next");
    }
}

#[test]
fn after_an_answer_nothing_more_is_asked_for_him() {
    let stage = Stage::new(Start::App);
    let client = Client::default();
    let left = in_background(&stage.session, client.asker(Patience::Wait), |conversation| {
        sign(b"first")(conversation)?;
        sign(b"second")(conversation)
    });
    stage.wait_for_question();
    client.leave();
    stage.emulator.decide(true);
    assert_eq!(left.wait().map(|_| ()), Err(DeviceFault::AskerLeft));
    assert_eq!(stage.commands(), "b001 e002 e002 e008");
    assert!(!stage.emulator.look(Device::is_asking));
}

#[test]
fn whether_to_open_the_app_is_answered_too() {
    let stage = Stage::new(Start::Dashboard);
    let client = Client::default();
    let left = in_background(&stage.session, client.asker(Patience::Wait), ready);
    stage.wait_for_question();
    client.leave();
    std::thread::sleep(LISTENING);
    assert!(left.is_open());
    stage.emulator.decide(true);
    assert_eq!(left.wait(), Err(DeviceFault::AskerLeft));
    let next = in_background(&stage.session, Told::default().asker(Patience::Wait), ready);
    assert_eq!(next.wait(), Ok(()));
}

/// A server that knows how often it was asked, and a client who leaves after so many commands.
fn leaves_after(
    count: usize,
    talk: impl FnOnce(&mut Conversation<'_>) -> Result<(), DeviceFault> + Send + 'static,
) -> (Result<(), DeviceFault>, Vec<String>, Vec<Event>) {
    let server = Arc::new(ScriptedServer::of_three(Reply::hex(ETHEREUM), Reply::hex(ADDRESS), Reply::status(0x9000)));
    let session = Session::start(server.endpoint()).unwrap();
    let told = Told::default();
    let line = Arc::clone(&server);
    let asker = Asker {
        leave: Leave::when(move || line.heard().len() >= count),
        ..told.asker(Patience::Wait)
    };
    let result = session.converse(asker, talk);
    let note = std::fs::read_to_string(lock_of(&server.endpoint())).unwrap_or_default();
    assert!(!note.contains("\"asking\":true"), "{note}");
    (result, server.heard(), told.events())
}

/// After each of the commands before the question: nothing more is sent, and the device never asks.
#[test]
fn between_two_commands_nothing_more_is_sent() {
    let message: &'static [u8] = &[b'x'; 600];
    for count in 0..=5 {
        let (result, heard, events) = leaves_after(count, move |conversation| {
            conversation.ready(&Wanted::default())?;
            let account = conversation.find(&Wanted::default())?;
            conversation.personal_sign(&account, message).map(|_| ())
        });
        assert_eq!(result, Err(DeviceFault::AskerLeft), "{heard:?}");
        assert_eq!(heard.len(), count, "{heard:?}");
        assert!(!events.contains(&Event::Asking), "{events:?}");
    }
}

#[test]
fn a_search_is_not_gone_on_with() {
    let unknown = "0x0000000000000000000000000000000000000001".parse().unwrap();
    let wanted = Wanted {
        address: Some(unknown),
        path: None,
    };
    // It has 59 commands.
    for count in [1, 2, 30, 58] {
        let wanted = wanted.clone();
        let (result, heard, _) = leaves_after(count, move |conversation| conversation.find(&wanted).map(|_| ()));
        assert_eq!(result, Err(DeviceFault::AskerLeft));
        assert_eq!(heard.len(), count);
    }
    let (result, heard, _) = leaves_after(60, move |conversation| conversation.find(&wanted).map(|_| ()));
    assert_eq!(result, Err(DeviceFault::AccountNotFound { expected: unknown }));
    assert_eq!(heard.len(), 59);
}

#[test]
fn an_address_is_not_shown_to_nobody() {
    let (result, heard, events) = leaves_after(1, |conversation| {
        let path = "m/44'/60'/0'/0/0".parse().unwrap();
        conversation.ready(&Wanted::default())?;
        conversation.confirm_address(&account(path, ADDRESS_TEXT.parse().unwrap()))
    });
    assert_eq!((result, heard.len()), (Err(DeviceFault::AskerLeft), 1));
    assert!(!events.contains(&Event::Asking), "{events:?}");
}

/// Who could leave and stays gets what he asked for, after as long as it takes.
#[test]
fn who_stays_is_served() {
    let stage = Stage::new(Start::Locked);
    let client = Client::default();
    let signed = in_background(&stage.session, client.asker(Patience::Wait), sign(b"stays"));
    client.waits(|waiting| *waiting == Waiting::ForUnlocking);
    std::thread::sleep(LISTENING);
    stage.hand(Device::unlock);
    stage.wait_for_question();
    std::thread::sleep(LISTENING);
    stage.emulator.decide(true);
    assert_signed(signed.wait(), b"stays");
    assert!(matches!(stage.heard().last(), Some(Frame::Answer(_))));
}
