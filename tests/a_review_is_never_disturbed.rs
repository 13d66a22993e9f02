//! While the device asks the person, nobody sends it anything; and whatever happens meanwhile (the asker leaves, the link
//! breaks), the next conversation gets its own answer or is told why there is none.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/stage.rs"]
mod stage;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use saltbridge::emulator::{Device, Start};
use saltbridge::ethereum::{DerivationPath, Signature, personal_message_hash};
use saltbridge::fault::{Class, Fault as _};
use saltbridge::ledger::{Asker, Conversation, DeviceFault, Endpoint, Event, Patience, Waiting, Wanted};
use stage::{Frame, PATIENCE, Stage, Told, asker, in_background, lock_of};

/// How long is listened where nothing must be sent: more than twice as long as a client waits before it looks again.
const LISTENING: Duration = Duration::from_millis(600);

/// Longer than any deadline on an answer that needs no person.
const THINKING: Duration = Duration::from_secs(11);

type Signed = Result<Signature, DeviceFault>;

/// The whole way to a signature of this message.
fn sign(message: &'static [u8]) -> impl FnOnce(&mut Conversation<'_>) -> Signed + Send + 'static {
    move |conversation| {
        conversation.ready(&Wanted::default())?;
        let account = conversation.find(&Wanted::default())?;
        conversation.personal_sign(&account, message)
    }
}

/// That this is the signature of that message, and of no other.
fn assert_signed(signed: Signed, message: &[u8]) {
    let address = "0xDad77910DbDFdE764fC21FCD4E74D71bBACA6D8D".parse().unwrap();
    assert_eq!(signed.unwrap().recover(&personal_message_hash(message)), Ok(address));
}

fn approve(stage: &Stage) {
    stage.wait_for_question();
    stage.emulator.decide(true);
}

fn is_waiting_for_another(event: &Event) -> bool {
    matches!(event, Event::Waiting(Waiting::ForOtherProcess { .. }))
}

/// The note beside the lock: whether the device is asking for somebody.
fn note_says_asking(endpoint: &Endpoint) -> bool {
    let note: serde_json::Value = serde_json::from_slice(&std::fs::read(lock_of(endpoint)).unwrap()).unwrap();
    note["asking"].as_bool().unwrap()
}

fn leave_note(endpoint: &Endpoint, who: &str) {
    let note = serde_json::json!({ "pid": 4_000_000, "who": who, "asking": true });
    std::fs::write(lock_of(endpoint), note.to_string()).unwrap();
}

#[test]
fn every_command_waits_for_the_answer_before_and_none_is_sent_during_a_review() {
    let long: &'static [u8] = &[b'x'; 600];
    let stage = Stage::new(Start::App);
    let first = in_background(&stage.session, Told::default().asker_named("the first", Patience::Wait), sign(long));
    stage.wait_for_question();
    let at_question = stage.heard();
    let told = Told::default();
    let second = in_background(&stage.other_session(), told.asker(Patience::Wait), sign(b"second"));
    let third = in_background(&stage.session, Told::default().asker(Patience::Wait), sign(b"third"));
    told.wait_for(is_waiting_for_another);
    std::thread::sleep(LISTENING);
    assert_eq!(stage.heard(), at_question, "something is sent during the review");
    assert!(second.is_open() && third.is_open());
    stage.emulator.decide(true);
    assert_signed(first.wait(), long);
    approve(&stage);
    approve(&stage);
    assert_signed(second.wait(), b"second");
    assert_signed(third.wait(), b"third");
    let holder = format!("the first (process {})", std::process::id());
    assert_eq!(told.events()[0], Event::Waiting(Waiting::ForOtherProcess { holder }));
    let frames = stage.heard();
    for pair in frames.chunks(2) {
        assert!(matches!(pair, [Frame::Command(_), Frame::Answer(_)]), "{pair:?}");
    }
    let mut begun = 0;
    let commands: Vec<_> = frames.chunks(2).map(|pair| pair.to_vec()).collect();
    for pair in commands.windows(2) {
        let [[Frame::Command(before), Frame::Answer(answer)], [Frame::Command(sign), _]] = [&pair[0][..], &pair[1][..]]
        else {
            unreachable!()
        };
        if let Some(rest) = sign.strip_prefix("e0080000") {
            let path = &rest[2..2 + 2 * 21];
            assert_eq!(*before, format!("e002000015{path}"), "no GET ADDRESS before");
            assert!(answer.ends_with("9000"));
            begun += 1;
        }
    }
    assert_eq!(begun, 3);
}

#[test]
fn who_will_not_wait_is_told_who_has_the_device() {
    let stage = Stage::new(Start::App);
    let first =
        in_background(&stage.session, Told::default().asker_named("the\x1b[2J first", Patience::Wait), sign(b"1"));
    stage.wait_for_question();
    let before = stage.heard();
    let told = Told::default();
    let fault = stage
        .other_session()
        .converse(told.asker(Patience::NoWait), sign(b"2"))
        .map(|_| ())
        .unwrap_err();
    assert_eq!((fault.explain().code, fault.explain().class), ("device-busy", Class::Device));
    let holder = format!("the\\u{{1b}}[2J first (process {})", std::process::id());
    assert_eq!(fault.to_string(), format!("the device is used by {holder}"));
    assert_eq!((told.events(), stage.heard()), (vec![], before));
    stage.emulator.decide(true);
    assert_signed(first.wait(), b"1");
}

#[test]
fn a_person_may_think_longer_than_any_deadline() {
    let stage = Stage::new(Start::App);
    let signed = in_background(&stage.session, asker(), sign(b"think"));
    stage.wait_for_question();
    std::thread::sleep(THINKING);
    assert!(signed.is_open());
    stage.emulator.decide(true);
    assert_signed(signed.wait(), b"think");
}

#[test]
fn the_question_is_noted_before_it_is_put_and_unnoted_before_it_is_told_to_be_over() {
    let stage = Stage::new(Start::App);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (noted, endpoint, emulator) = (Arc::clone(&seen), stage.endpoint().clone(), stage.emulator.clone());
    let asker = Asker {
        tell: Arc::new(move |event| {
            let asks = emulator.look(Device::is_asking);
            noted
                .lock()
                .unwrap()
                .push((event.clone(), note_says_asking(&endpoint), asks));
        }),
        ..asker()
    };
    let signed = in_background(&stage.session, asker, sign(b"noted"));
    stage.wait_for_question();
    assert!(note_says_asking(stage.endpoint()));
    stage.emulator.decide(false);
    assert_eq!(
        signed.wait().map(|_| ()),
        Err(DeviceFault::Refused {
            what: "to sign the message"
        })
    );
    let seen = seen.lock().unwrap();
    assert!(matches!(seen[0], (Event::Ready(_), false, false)), "{seen:?}");
    assert_eq!(seen[1..], [(Event::Asking, true, false), (Event::Answered, false, false)]);
}

#[test]
fn what_an_asker_who_left_has_asked_is_ended_and_the_next_gets_its_own_answer() {
    let stage = Stage::new(Start::App);
    let told = Told::default();
    let left = in_background(&stage.session, told.asker(Patience::NoWait), sign(b"left"));
    stage.wait_for_question();
    drop(left);
    let next = in_background(&stage.session, Told::default().asker(Patience::NoWait), sign(b"next"));
    let last = in_background(&stage.session, Told::default().asker(Patience::NoWait), |conversation| {
        conversation.address(&"m/44'/60'/0'/0/5".parse::<DerivationPath>().unwrap())
    });
    let at_question = stage.heard();
    std::thread::sleep(LISTENING);
    assert_eq!(stage.heard(), at_question);
    stage.emulator.decide(true);
    told.wait_for(|event| *event == Event::Answered);
    approve(&stage);
    assert_signed(next.wait(), b"next");
    let address = last.wait().unwrap().to_string();
    assert_ne!(address, "0xDad77910DbDFdE764fC21FCD4E74D71bBACA6D8D");
}

#[test]
fn a_session_that_nobody_holds_any_more_still_ends_its_conversation() {
    let mut stage = Stage::new(Start::App);
    let told = Told::default();
    drop(in_background(&stage.session, told.asker(Patience::NoWait), sign(b"orphan")));
    stage.wait_for_question();
    stage.session = stage.other_session();
    let heard = Told::default();
    let next = in_background(&stage.session, heard.asker(Patience::Wait), sign(b"next"));
    heard.wait_for(is_waiting_for_another);
    stage.emulator.decide(false);
    told.wait_for(|event| *event == Event::Answered);
    approve(&stage);
    assert_signed(next.wait(), b"next");
}

/// A review during which something happens to the device: the link is lost, nothing is signed, and the next
/// conversation works, once the device does.
fn lost_by(happens: impl FnOnce(&Stage)) {
    let stage = Stage::new(Start::App);
    let told = Told::default();
    let signed = in_background(&stage.session, told.asker(Patience::Wait), sign(b"lost"));
    stage.wait_for_question();
    happens(&stage);
    let fault = signed.wait().map(|_| ()).unwrap_err();
    assert_eq!(fault, DeviceFault::LinkLost { asking: true });
    assert_eq!((fault.explain().code, fault.explain().class), ("link-lost", Class::Device));
    assert_eq!(told.events()[1..], [Event::Asking, Event::Answered]);
    // No note is left that would bar the way: who does not say that the device is idle may ask it.
    assert!(!note_says_asking(stage.endpoint()));
    let told = Told::default();
    let trusting = Asker {
        is_idle: Arc::new(|_| false),
        ..told.asker(Patience::Wait)
    };
    let signed = in_background(&stage.session, trusting, sign(b"again"));
    stage.emulator.touch(Device::plug_in);
    stage.hand(Device::unlock);
    if stage.emulator.look(Device::app) != "Ethereum" {
        approve(&stage);
    }
    let is_review = |device: &Device| device.app() == "Ethereum" && device.is_asking();
    assert!(stage.emulator.wait_until(PATIENCE, is_review));
    stage.emulator.decide(true);
    assert_signed(signed.wait(), b"again");
}

#[test]
fn an_app_that_ends_during_a_review_loses_the_link_and_the_next_conversation_works() {
    lost_by(|stage| stage.emulator.touch(Device::close_app));
}

#[test]
fn a_cable_that_is_pulled_during_a_review_loses_the_link_and_the_next_conversation_works() {
    lost_by(|stage| stage.emulator.touch(Device::unplug));
}

#[test]
fn an_app_opened_anew_during_a_review_loses_the_link_and_the_next_conversation_works() {
    lost_by(|stage| stage.emulator.touch(Device::open_ethereum));
}

#[test]
fn a_question_left_behind_bars_the_way_until_a_person_says_it_is_gone() {
    let stage = Stage::new(Start::App);
    let ready = |asker: Asker| {
        stage
            .session
            .converse(asker, |conversation| conversation.ready(&Wanted::default()))
    };
    assert!(ready(asker()).is_ok());
    leave_note(stage.endpoint(), "gone\u{202e}");
    let before = stage.heard();
    for patience in [Patience::NoWait, Patience::Wait] {
        let told = Told::default();
        let trusting = Asker {
            is_idle: Arc::new(|_| false),
            ..told.asker(patience)
        };
        for _ in 0..2 {
            let fault = ready(trusting.clone()).unwrap_err();
            assert_eq!((fault.explain().code, fault.explain().class), ("prompt-pending", Class::Device));
            assert!(
                fault
                    .to_string()
                    .starts_with("gone\\u{202e} (process 4000000) lost the link or ended"),
                "{fault}"
            );
        }
        assert_eq!((told.events(), stage.heard()), (vec![], before.clone()));
    }
    assert!(ready(asker()).is_ok());
    let trusting = Asker {
        is_idle: Arc::new(|_| false),
        ..asker()
    };
    assert!(ready(trusting).is_ok());
}
