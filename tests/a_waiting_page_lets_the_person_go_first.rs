//! A page that has the device wait for the person does not keep the person's own programs from it, and is asked after them.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/page.rs"]
mod page;
#[path = "support/served.rs"]
mod served;
#[path = "support/stage.rs"]
mod stage;
#[path = "support/story.rs"]
mod story;
mod support;

use saltbridge::emulator::{Device, Start};
use served::{NUMERBAY, Served};
use stage::Stage;
use story::{Events, InFlight, eventually, questions, recorded_address, unwrap};
use support::{Desk, Run};

#[test]
fn while_the_device_is_locked() {
    let served = Served::over(Stage::new(Start::Locked), Desk::new(), &[]);
    let page = served.paired(NUMERBAY, None);
    let events = Events::open(&served, &page);
    let call = InFlight::send(&served, &unwrap(&page, &served.desk));
    events.wait("waiting", 1);

    let log = served.desk.path("address.log");
    let output = std::fs::File::create(&log).unwrap();
    let address = served
        .command(&["address"])
        .stdout(std::process::Stdio::piped())
        .stderr(output)
        .spawn()
        .unwrap();
    // The page is told that it waits for its turn again, and nothing of whose turn it is.
    events.wait("queued", 1);
    eventually("the command waits for the PIN", || {
        std::fs::read_to_string(&log)
            .unwrap()
            .contains("Waiting for you to enter the PIN")
    });
    assert!(!call.has_answer());
    served.stage.hand(Device::unlock);
    if served.stage.emulator.look(|device| device.app() != "Ethereum") {
        served.stage.emulator.touch(Device::open_ethereum);
    }
    let run = Run::of(address.wait_with_output().unwrap());
    assert_eq!(String::from_utf8_lossy(&run.succeeded().stdout).trim(), recorded_address());

    served.stage.wait_for_question();
    events.wait("prompt", 1);
    served.stage.emulator.decide(true);
    assert_eq!(call.answer().status, 200);
    assert_eq!(questions(&served.stage), 1);
    assert_eq!(events.names().iter().filter(|name| *name == "queued").count(), 1);
}

/// A question on the screen is answered first, whoever waits.
#[test]
fn not_while_the_device_asks() {
    let served = Served::new();
    let page = served.paired(NUMERBAY, None);
    let call = InFlight::send(&served, &unwrap(&page, &served.desk));
    served.stage.wait_for_question();
    let mut address = served.command(&["address"]).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_secs(1));
    assert!(address.try_wait().unwrap().is_none() && !call.has_answer());
    served.stage.emulator.decide(true);
    assert_eq!(call.answer().status, 200);
    assert!(address.wait().unwrap().success());
    assert_eq!(questions(&served.stage), 1);
}
