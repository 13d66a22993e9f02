//! A page that leaves has nothing asked for it any more, keeps nobody waiting, and is left nothing.
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
use serde_json::json;
use served::{NUMERBAY, Served};
use stage::Stage;
use story::{Events, InFlight, eventually, post, questions, status, unwrap};
use support::Desk;

const OTHER: &str = "https://signals.example";

#[test]
fn while_it_is_queued() {
    let served = Served::new();
    let (first, second, third) =
        (served.paired(NUMERBAY, None), served.paired(OTHER, None), served.paired(NUMERBAY, None));
    let (events, later) = (Events::open(&served, &second), Events::open(&served, &third));
    let call = InFlight::send(&served, &unwrap(&first, &served.desk));
    served.stage.wait_for_question();
    let leaves = InFlight::send(&served, &post(&second, "/v1/keys", json!({})));
    events.wait("queued", 1);
    let stays = InFlight::send(&served, &unwrap(&third, &served.desk));
    later.wait("queued", 1);
    leaves.leave();
    // It has been noticed before it is answered.
    std::thread::sleep(std::time::Duration::from_millis(300));
    served.stage.emulator.decide(true);
    assert_eq!(call.answer().status, 200);
    // The one behind is next.
    served.stage.wait_for_question();
    later.wait("prompt", 1);
    served.stage.emulator.decide(true);
    assert_eq!(stays.answer().status, 200);
    assert_eq!(questions(&served.stage), 2, "the one who left was never shown");
    assert_eq!(events.names(), ["queued"]);
    assert!(!served.log().contains(&format!("{OTHER} asks")));
}

#[test]
fn while_the_device_is_locked() {
    let served = Served::over(Stage::new(Start::Locked), Desk::new(), &[]);
    let (first, second) = (served.paired(NUMERBAY, None), served.paired(OTHER, None));
    let (own, others) = (Events::open(&served, &first), Events::open(&served, &second));
    let leaves = InFlight::send(&served, &unwrap(&first, &served.desk));
    own.wait("waiting", 1);
    let stays = InFlight::send(&served, &unwrap(&second, &served.desk));
    others.wait("queued", 1);
    leaves.leave();
    // The device is locked as before, and yet free for the next one.
    others.wait("waiting", 1);
    assert_eq!(others.all()[1], json!({ "event": "waiting", "for": "unlocking" }));
    served.stage.hand(Device::unlock);
    if served.stage.emulator.look(|device| device.app() != "Ethereum") {
        served.stage.emulator.touch(Device::open_ethereum);
    }
    served.stage.wait_for_question();
    others.wait("prompt", 1);
    served.stage.emulator.decide(true);
    assert_eq!(stays.answer().status, 200);
    assert_eq!(questions(&served.stage), 1);
    assert!(!own.names().contains(&"prompt".to_owned()), "{:?}", own.names());
}

#[test]
fn while_the_device_asks() {
    let served = Served::new();
    let (first, second) = (served.paired(NUMERBAY, None), served.paired(OTHER, None));
    let others = Events::open(&served, &second);
    let leaves = InFlight::send(&served, &unwrap(&first, &served.desk));
    served.stage.wait_for_question();
    leaves.leave();
    let stays = InFlight::send(&served, &unwrap(&second, &served.desk));
    others.wait("queued", 1);
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert!(served.stage.emulator.look(Device::is_asking), "what it asks is left to the person");
    assert_eq!(questions(&served.stage), 1, "and nothing is sent meanwhile");
    served.stage.emulator.decide(true);
    others.wait("prompt", 1);
    assert_eq!(status(&served, &first)["keys"], 0, "the answer was thrown away");
    served.stage.wait_for_question();
    served.stage.emulator.decide(true);
    assert_eq!(stays.answer().status, 200);
    assert_eq!((&status(&served, &first)["keys"], &status(&served, &second)["keys"]), (&json!(0), &json!(1)));
    // Its next call is asked for anew, and works.
    let (_, approvals) = story::with_approvals(&served.stage, || story::unlock(&served, &first));
    assert_eq!(approvals, 1);
    assert!(served.log().contains(&format!("{NUMERBAY} uses the key")));
    assert_eq!(served.log().matches(&format!("{NUMERBAY} uses the key")).count(), 1);
}

#[test]
fn between_the_two_questions_of_a_new_key() {
    let served = Served::new();
    let page = served.paired(NUMERBAY, None);
    let leaves = InFlight::send(&served, &post(&page, "/v1/keys", json!({})));
    served.stage.wait_for_question();
    leaves.leave();
    std::thread::sleep(std::time::Duration::from_millis(300));
    served.stage.emulator.decide(true);
    eventually("the device is free", || status(&served, &page)["device"]["state"] != "asking");
    let handle = story::unlock(&served, &page);
    assert_eq!(questions(&served.stage), 2, "one of the key that nobody waits for, one of the unlocking");
    assert_eq!(story::opens(&served, &page, &handle), Ok(()));
}
