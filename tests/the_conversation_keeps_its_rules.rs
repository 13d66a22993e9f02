//! In whatever state the device is found, the conversation says which, or waits for the person where it was told to.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/scripted.rs"]
mod scripted;
#[path = "support/stage.rs"]
mod stage;

use std::time::{Duration, Instant};

use saltbridge::emulator::{Device, SeedName, Start};
use saltbridge::ethereum::{DerivationPath, Signature, personal_message_hash};
use saltbridge::fault::{Class, Fault as _};
use saltbridge::ledger::{
    Account, AppInfo, Conversation, DeviceFault, Endpoint, Event, Patience, Session, Waiting, Wanted,
};
use scripted::{ADDRESS, ETHEREUM, Reply, ScriptedServer};
use stage::{PATIENCE, Stage, Told, asker, in_background};

const MESSAGE: &[u8] =
    b"Sign this to retrieve your encryption key.\n\nSalt:aRxBI8hQ5TObwLiUTERRio5d2veGKhdzC86wbh2z14Q=";

fn path(text: &str) -> DerivationPath {
    text.parse().unwrap()
}

/// The whole way to a signature of [`MESSAGE`].
fn sign(conversation: &mut Conversation<'_>) -> Result<(Account, Signature), DeviceFault> {
    conversation.ready(&Wanted::default())?;
    let account = conversation.find(&Wanted::default())?;
    let signature = conversation.personal_sign(&account, MESSAGE)?;
    Ok((account, signature))
}

fn assert_signed(signed: Result<(Account, Signature), DeviceFault>) {
    let (account, signature) = signed.unwrap();
    assert_eq!(account.path, path("m/44'/60'/0'/0/0"));
    assert_eq!(signature.recover(&personal_message_hash(MESSAGE)), Ok(account.address));
}

/// What comes of asking a device in this state for a signature, without waiting; and what it was sent.
fn at_once(start: Start) -> (DeviceFault, Stage) {
    let stage = Stage::new(start);
    let told = Told::default();
    let fault = stage
        .session
        .converse(told.asker(Patience::NoWait), sign)
        .map(|_| ())
        .unwrap_err();
    assert_eq!(told.events(), []);
    (fault, stage)
}

fn waits(waiting: &Waiting) -> impl Fn(&Event) -> bool {
    move |event| *event == Event::Waiting(waiting.clone())
}

/// That nothing is told twice in a row, and questions come in pairs.
fn assert_orderly(told: &Told) {
    let events = told.events();
    assert!(events.windows(2).all(|pair| pair[0] != pair[1]), "{events:?}");
    let questions: Vec<_> = events
        .iter()
        .filter(|event| matches!(event, Event::Asking | Event::Answered))
        .collect();
    assert!(
        questions
            .chunks(2)
            .all(|pair| pair == [&Event::Asking, &Event::Answered]),
        "{events:?}"
    );
}

fn ethereum() -> Event {
    Event::Ready(AppInfo {
        name: "Ethereum".to_owned(),
        version: "1.22.0".to_owned(),
    })
}

#[test]
fn a_review_that_is_approved_gives_the_signature_of_the_account() {
    let stage = Stage::new(Start::App);
    let told = Told::default();
    let signed = in_background(&stage.session, told.asker(Patience::NoWait), sign);
    stage.wait_for_question();
    assert_eq!(stage.emulator.decide(true).len(), 4);
    assert_signed(signed.wait());
    assert_eq!(told.events(), [ethereum(), Event::Asking, Event::Answered]);
}

#[test]
fn a_refusal_is_a_refusal() {
    let stage = Stage::new(Start::App);
    let told = Told::default();
    let signed = in_background(&stage.session, told.asker(Patience::Wait), sign);
    stage.wait_for_question();
    stage.emulator.decide(false);
    let fault = signed.wait().map(|_| ()).unwrap_err();
    assert_eq!(
        fault,
        DeviceFault::Refused {
            what: "to sign the message"
        }
    );
    assert_eq!((fault.explain().code, fault.explain().class), ("refused", Class::Declined));
    assert_eq!(told.events(), [ethereum(), Event::Asking, Event::Answered]);
}

#[test]
fn an_address_is_confirmed_or_refused_on_the_device() {
    let stage = Stage::new(Start::App);
    let silent = stage
        .session
        .converse(asker(), |conversation| conversation.address(&path("m/44'/60'/0'/0/0")));
    let account = stage::account(path("m/44'/60'/0'/0/0"), silent.clone().unwrap());
    for approved in [true, false] {
        let told = Told::default();
        let account = account.clone();
        let show = move |conversation: &mut Conversation<'_>| conversation.confirm_address(&account);
        let shown = in_background(&stage.session, told.asker(Patience::NoWait), show);
        stage.wait_for_question();
        let screens = stage.emulator.decide(approved);
        let text = screens
            .iter()
            .flat_map(|screen| &screen.lines)
            .cloned()
            .collect::<String>();
        assert!(text.contains(&silent.clone().unwrap().to_string()), "{text}");
        let expected = if approved {
            Ok(())
        } else {
            Err(DeviceFault::Refused {
                what: "to confirm the address",
            })
        };
        assert_eq!(shown.wait(), expected);
        assert_eq!(told.events(), [Event::Asking, Event::Answered]);
    }
}

#[test]
fn a_locked_device_is_said_to_be_locked() {
    let (fault, stage) = at_once(Start::Locked);
    assert_eq!(fault.explain().code, "device-locked");
    assert_eq!(stage.commands(), "b001");
}

#[test]
fn a_locked_device_is_waited_for_and_told_of_once() {
    let stage = Stage::new(Start::Locked);
    let told = Told::default();
    let signed = in_background(&stage.session, told.asker(Patience::Wait), sign);
    told.wait_for(waits(&Waiting::ForUnlocking));
    stage.wait_for_commands(3);
    stage.hand(Device::unlock);
    stage.wait_for_question();
    stage.emulator.decide(true);
    assert_signed(signed.wait());
    let expected = [Event::Waiting(Waiting::ForUnlocking), ethereum(), Event::Asking, Event::Answered];
    assert_eq!(told.events(), expected);
}

#[test]
fn the_dashboard_is_said_to_be_open_and_nothing_is_opened() {
    let (fault, stage) = at_once(Start::Dashboard);
    assert_eq!(fault.explain().code, "app-not-open");
    assert_eq!(stage.commands(), "b001");
    assert_eq!(stage.emulator.look(|device| (device.app(), device.is_asking())), ("BOLOS", false));
}

/// The rest of the way, from the question whether to open Ethereum.
fn opens_and_signs(stage: &Stage, told: &Told, signed: stage::Outcome<(Account, Signature)>) {
    stage.wait_for_question();
    assert_eq!(stage.emulator.look(Device::app), "BOLOS");
    told.wait_for(waits(&Waiting::ForOpening));
    stage.emulator.decide(true);
    let is_review = |device: &Device| device.app() == "Ethereum" && device.is_asking();
    assert!(stage.emulator.wait_until(PATIENCE, is_review));
    stage.emulator.decide(true);
    assert_signed(signed.wait());
    assert_eq!(told.events().iter().filter(|event| **event == ethereum()).count(), 1);
    assert_orderly(told);
}

#[test]
fn from_the_dashboard_the_app_is_opened_with_the_persons_consent() {
    let stage = Stage::new(Start::Dashboard);
    let told = Told::default();
    let signed = in_background(&stage.session, told.asker(Patience::Wait), sign);
    opens_and_signs(&stage, &told, signed);
    assert!(stage.commands().starts_with("b001 e0d8 b001"), "{}", stage.commands());
}

#[test]
fn opening_that_is_refused_is_a_refusal() {
    let stage = Stage::new(Start::Dashboard);
    let told = Told::default();
    let signed = in_background(&stage.session, told.asker(Patience::Wait), sign);
    stage.wait_for_question();
    stage.emulator.decide(false);
    let fault = signed.wait().map(|_| ()).unwrap_err();
    assert_eq!((fault.explain().code, fault.explain().class), ("refused", Class::Declined));
    assert_eq!(fault.to_string(), "the request to open the Ethereum app was refused on the device");
    assert_eq!(stage.commands(), "b001 e0d8");
    assert_orderly(&told);
}

#[test]
fn another_app_is_named_and_left_open() {
    let (fault, stage) = at_once(Start::OtherApp);
    assert_eq!(
        fault,
        DeviceFault::OtherApp {
            name: "Bitcoin".to_owned()
        }
    );
    assert_eq!(fault.explain().code, "other-app");
    assert_eq!(stage.commands(), "b001");
    assert_eq!(stage.emulator.look(Device::app), "Bitcoin");
}

#[test]
fn another_app_is_closed_and_ethereum_opened_with_the_persons_consent() {
    let stage = Stage::new(Start::OtherApp);
    let told = Told::default();
    let signed = in_background(&stage.session, told.asker(Patience::Wait), sign);
    opens_and_signs(&stage, &told, signed);
    let closing = Event::ClosingApp {
        name: "Bitcoin".to_owned(),
    };
    assert_eq!(told.count(|event| *event == closing), 1);
    assert!(stage.commands().starts_with("b001 b0a7"), "{}", stage.commands());
}

#[test]
fn from_the_cable_to_the_signature_every_step_is_waited_for() {
    let stage = Stage::new(Start::App);
    stage.emulator.touch(Device::unplug);
    let told = Told::default();
    let signed = in_background(&stage.session, told.asker(Patience::Wait), sign);
    let endpoint = stage.endpoint().to_string();
    told.wait_for(waits(&Waiting::ForDevice { endpoint }));
    stage.emulator.touch(Device::plug_in);
    told.wait_for(waits(&Waiting::ForUnlocking));
    stage.hand(Device::unlock);
    opens_and_signs(&stage, &told, signed);
}

#[test]
fn nobody_at_the_endpoint_is_no_device_and_waited_for() {
    let server = ScriptedServer::start(|_| Reply::Silence);
    let endpoint = server.endpoint();
    drop(server);
    let session = Session::start(endpoint.clone()).unwrap();
    let fault = session
        .converse(asker(), |conversation| conversation.ready(&Wanted::default()))
        .unwrap_err();
    assert_eq!(fault.explain().code, "no-device");
    let told = Told::default();
    let ready =
        in_background(&session, told.asker(Patience::Wait), |conversation| conversation.ready(&Wanted::default()));
    told.wait_for(waits(&Waiting::ForDevice {
        endpoint: endpoint.to_string(),
    }));
    let Endpoint::Speculos(address) = endpoint else {
        unreachable!()
    };
    let emulator = saltbridge::emulator::Emulator::new(Device::new(
        saltbridge::emulator::Model::Stax,
        SeedName::Speculos,
        Start::App,
    ));
    let server = saltbridge::emulator::SpeculosServer::start(&emulator, address).unwrap();
    assert!(ready.wait().is_ok());
    stage::forget_lock(&Endpoint::Speculos(server.address()));
    assert_eq!(told.events().len(), 2, "{:?}", told.events());
}

/// How long it takes to say that this server does not answer.
fn silence(
    server: ScriptedServer,
    talk: impl FnOnce(&mut Conversation<'_>) -> Result<(), DeviceFault> + Send + 'static,
) {
    let session = Session::start(server.endpoint()).unwrap();
    let begun = Instant::now();
    let fault = in_background(&session, Told::default().asker(Patience::Wait), talk)
        .wait()
        .unwrap_err();
    let taken = begun.elapsed();
    assert_eq!(fault.explain().code, "no-answer");
    let deadline = Duration::from_secs(10);
    assert!((deadline..2 * deadline).contains(&taken), "{taken:?}");
}

#[test]
fn a_device_that_does_not_answer_is_given_up_after_ten_seconds() {
    let mute = ScriptedServer::start(|_| Reply::Silence);
    let without_address = ScriptedServer::of_three(Reply::hex(ETHEREUM), Reply::Silence, Reply::Silence);
    let stops_half_way = ScriptedServer::start(|command| match command {
        [0xe0, 0x08, 0x80, ..] => Reply::status(0x6f00),
        [0xe0, 0x08, ..] => Reply::Silence,
        [0xe0, 0x02, ..] => Reply::hex(ADDRESS),
        _ => Reply::hex(ETHEREUM),
    });
    let threads = [
        std::thread::spawn(|| silence(mute, |conversation| conversation.ready(&Wanted::default()).map(|_| ()))),
        std::thread::spawn(|| silence(without_address, |conversation| sign(conversation).map(|_| ()))),
        std::thread::spawn(|| {
            silence(stops_half_way, |conversation| {
                let address = scripted::ADDRESS_TEXT.parse().unwrap();
                let long = [b'x'; 600];
                conversation
                    .personal_sign(&stage::account(path("m/44'/60'/0'/0/0"), address), &long)
                    .map(|_| ())
            })
        }),
    ];
    assert!(threads.map(std::thread::JoinHandle::join).iter().all(Result::is_ok));
}
