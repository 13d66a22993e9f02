//! What is there is found in its state, each device asked once and nobody waited for, also while another conversation
//! has the device.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/scripted.rs"]
mod scripted;
#[path = "support/stage.rs"]
mod stage;

use saltbridge::emulator::{Device, Start};
use saltbridge::fault::Fault as _;
use saltbridge::ledger::{
    Account, AppInfo, Asker, DeviceFault, DeviceState, Endpoint, Leave, Patience, SeenDevice, Wanted, survey,
};
use scripted::{Reply, ScriptedServer};
use stage::{Stage, Told, in_background};

/// An asker who would wait, and say that the device is idle.
fn eager() -> (Told, Asker) {
    let told = Told::default();
    let asker = told.asker(Patience::Wait);
    (told, asker)
}

/// The one device that is found.
fn seen(endpoint: &Endpoint) -> SeenDevice {
    let (told, asker) = eager();
    let found = survey(endpoint, &asker).unwrap();
    assert_eq!(told.events(), [], "nobody is told to wait");
    let [seen] = <[SeenDevice; 1]>::try_from(found).unwrap();
    assert_eq!((&seen.endpoint, &seen.device), (endpoint, &None));
    seen
}

fn app(name: &str, version: &str) -> AppInfo {
    AppInfo {
        name: name.to_owned(),
        version: version.to_owned(),
    }
}

#[test]
fn each_state_has_its_code_and_takes_one_command() {
    for (answer, code, open) in [
        ("0108457468657265756d06312e32322e3001009000", "ready", Some(app("Ethereum", "1.22.0"))),
        ("0107426974636f696e05322e342e329000", "other-app", Some(app("Bitcoin", "2.4.2"))),
        ("0105424f4c4f5305312e352e309000", "app-not-open", None),
        ("5515", "device-locked", None),
        ("6e00", "app-not-open", None),
        ("6d07", "device-not-set-up", None),
    ] {
        let server = ScriptedServer::start(move |_| Reply::hex(answer));
        let seen = seen(&server.endpoint());
        assert_eq!((seen.state.code(), seen.state.app()), (code, open.as_ref()), "{answer}");
        assert_eq!(server.heard(), ["b001000000"]);
    }
}

#[test]
fn what_cannot_be_asked_is_the_fault_itself() {
    for (answer, code) in [("6f00", "device-fault"), ("9000", "unexpected-answer"), ("6985", "refused")] {
        let server = ScriptedServer::start(move |_| Reply::hex(answer));
        let fault = survey(&server.endpoint(), &eager().1).unwrap_err();
        assert_eq!(fault.explain().code, code);
    }
    let nobody = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (told, asker) = eager();
    let fault = survey(&Endpoint::Speculos(nobody), &asker).unwrap_err();
    assert!(matches!(fault, DeviceFault::NoDevice { .. }), "{fault}");
    stage::forget_lock(&Endpoint::Speculos(nobody));
    let port = "usb:99-99".parse().unwrap();
    let fault = survey(&port, &asker).unwrap_err();
    assert_eq!(
        fault,
        DeviceFault::NotPluggedIn {
            port: port.port().cloned()
        }
    );
    assert_eq!(told.events(), []);
}

/// Also by the process that has the conversation: a second asker sends nothing into a review.
#[test]
fn a_device_that_asks_is_left_in_peace() {
    let stage = Stage::new(Start::App);
    let shown = in_background(&stage.session, Told::default().asker_named("the first", Patience::Wait), |device| {
        let Account { path, address } = device.find(&Wanted::default())?;
        device.confirm_address(&Account { path, address })
    });
    stage.wait_for_question();
    let heard = stage.heard();
    let holder = format!("the first (process {})", std::process::id());
    let state = seen(stage.endpoint()).state;
    assert_eq!((state.code(), &state), ("device-busy", &DeviceState::Passing(DeviceFault::Busy { holder })));
    assert_eq!(stage.heard(), heard);
    assert!(stage.emulator.look(Device::is_asking));
    stage.emulator.decide(true);
    assert_eq!(shown.wait(), Ok(()));
    assert_eq!(seen(stage.endpoint()).state.code(), "ready");
}

/// Nobody has looked at the screen for this, whatever the asker would say.
#[test]
fn a_question_left_behind_is_told_and_stays_noted() {
    let stage = Stage::new(Start::App);
    assert_eq!(seen(stage.endpoint()).state.code(), "ready");
    let heard = stage.heard();
    let note = r#"{"pid":4000000,"who":"gone","asking":true}"#;
    std::fs::write(stage::lock_of(stage.endpoint()), note).unwrap();
    for _ in 0..2 {
        assert_eq!(seen(stage.endpoint()).state.code(), "prompt-pending");
    }
    assert_eq!(stage.heard(), heard);
}

#[test]
fn who_has_left_gets_no_survey() {
    let stage = Stage::new(Start::App);
    let asker = Asker {
        leave: Leave::when(|| true),
        ..eager().1
    };
    assert_eq!(survey(stage.endpoint(), &asker), Err(DeviceFault::AskerLeft));
    assert_eq!(stage.heard(), []);
}
