//! Before the device asks, the person and the page are told who asks for what; a page is told of no other one.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/clocked.rs"]
mod clocked;
#[path = "support/page.rs"]
mod page;
#[path = "support/served.rs"]
mod served;
#[path = "support/stage.rs"]
mod stage;
#[path = "support/story.rs"]
mod story;
mod support;

use std::time::Duration;

use clocked::Clocked;
use page::{Body, Page};
use saltbridge::bridge::Keeping;
use serde_json::json;
use served::{NUMERBAY, Served};
use stage::approving;
use story::{Events, InFlight, envelope, post, questions, recorded, recorded_address, status};
use support::text;

const OTHER: &str = "https://signals.example";

/// The events, without how often the device was found ready.
fn of_questions(events: &Events) -> Vec<String> {
    events.names().into_iter().filter(|name| name != "ready").collect()
}

#[test]
fn it_is_told_before_the_device_asks() {
    let served = Served::new();
    let page = served.paired(NUMERBAY, None);
    let events = Events::open(&served, &page);
    let public_key = text(&recorded(), "public_key").to_owned();
    let request = post(&page, "/v1/unwrap", json!({ "envelope": envelope(&served.desk), "public_key": public_key }));
    let call = InFlight::send(&served, &request);
    served.stage.wait_for_question();
    // The device asks by now: everything has been told.
    let message = text(&recorded(), "salt_message").to_owned();
    let log = served.log();
    for line in [
        format!("{NUMERBAY} asks your Ledger for a signature:"),
        format!("  account    {} (m/44'/60'/0'/0/0)", recorded_address()),
        format!("  to open    the key {public_key}"),
    ] {
        assert!(log.contains(&line), "{line}: {log}");
    }
    for line in message.lines() {
        assert!(log.contains(format!("  |   {line}").trim_end()), "{line}: {log}");
    }
    events.wait("prompt", 1);
    events.wait("asking", 1);
    assert_eq!(of_questions(&events), ["prompt", "asking"], "in this order");
    let prompt = events
        .all()
        .into_iter()
        .find(|event| event["event"] == "prompt")
        .unwrap();
    let expected = json!({
        "event": "prompt",
        "who": NUMERBAY,
        "purpose": "open",
        "number": 1,
        "of": 1,
        "address": recorded_address(),
        "path": "m/44'/60'/0'/0/0",
        "public_key": public_key,
        "message": message,
    });
    assert_eq!(prompt, expected);
    assert_eq!(status(&served, &page)["device"]["state"], "asking");

    served.stage.emulator.decide(true);
    assert_eq!(call.answer().status, 200);
    events.wait("answered", 1);
    assert_eq!(of_questions(&events), ["prompt", "asking", "answered"]);
    assert_eq!(status(&served, &page)["device"]["state"], "ready");
}

#[test]
fn of_a_new_key_both_questions_are_told() {
    let served = Served::new();
    let page = served.paired(NUMERBAY, None);
    let events = Events::open(&served, &page);
    let answer = approving(&[&served.stage], || served.ask(&page, &post(&page, "/v1/keys", json!({})))).json();
    events.wait("prompt", 2);
    let all = events.all();
    let prompts: Vec<_> = all.iter().filter(|event| event["event"] == "prompt").collect();
    assert_eq!(prompts.len(), 2);
    for (prompt, number) in prompts.iter().zip(1..) {
        assert_eq!((&prompt["number"], &prompt["of"]), (&json!(number), &json!(2)));
        assert_eq!(prompt["purpose"], "seal");
        assert_eq!(prompt["public_key"], answer["public_key"]);
        assert_eq!(prompt["message"], prompts[0]["message"], "the same one twice");
    }
    let log = served.log();
    let asked = format!("{NUMERBAY} asks your Ledger for a signature, request 1 of 2:");
    assert!(log.contains(&asked) && log.contains("Request 2 of 2: the same message again"), "{log}");
    assert!(log.contains(&format!("  to seal    the key {}", text(&answer, "public_key"))), "{log}");
}

#[test]
fn a_page_learns_of_no_other_one() {
    let served = Served::new();
    let first = served.paired(NUMERBAY, None);
    let second = served.paired(OTHER, None);
    let (own, others) = (Events::open(&served, &first), Events::open(&served, &second));
    let call = InFlight::send(&served, &story::unwrap(&first, &served.desk));
    served.stage.wait_for_question();
    let waiting = InFlight::send(&served, &post(&second, "/v1/keys", json!({})));
    others.wait("queued", 1);
    assert!(!waiting.has_answer());
    assert_eq!(others.names(), ["queued"]);
    let seen = served.ask(&second, &second.request("GET", "/v1/status", Body::None));
    assert!(served.log().contains(NUMERBAY), "the person is told");
    served.stage.emulator.decide(true);
    let unlocked = call.answer().json();
    let made = approving(&[&served.stage], || waiting.answer());
    assert_eq!(made.status, 200, "its turn came");
    others.wait("answered", 2);

    // Nothing of the first in anything that the second received.
    let received = [others.bytes(), seen.body.clone(), format!("{:?}{:?}", seen.headers, made.headers).into_bytes()];
    let received = String::from_utf8(received.concat()).unwrap().to_lowercase();
    let recorded = recorded();
    let public_key = text(&recorded, "public_key");
    let salt = text(&recorded, "salt_message").rsplit_once(':').unwrap().1;
    let key_id = first.key_id();
    for of_the_first in [NUMERBAY, "numerbay", public_key, salt, text(&unlocked, "handle"), &key_id] {
        assert!(!received.contains(&of_the_first.to_lowercase()), "{of_the_first}: {received}");
    }
    // The address is the same device's: it is told in the second's own question alone, which came after.
    let address = recorded_address().to_lowercase();
    let before_its_turn = received.split("\"event\":\"ready\"").next().unwrap();
    assert!(!before_its_turn.contains(&address), "{received}");
    // The test would see it: the first was told of itself.
    let told = String::from_utf8(own.bytes()).unwrap().to_lowercase();
    assert!(told.contains(NUMERBAY) && told.contains(&address), "{told}");
    assert!(!told.contains("signals") && !told.contains(text(&made.json(), "public_key")), "{told}");
    assert_eq!(of_questions(&own), ["prompt", "asking", "answered"], "nothing of the second's");
}

#[test]
fn another_browser_of_the_same_origin_is_another_page() {
    let served = Served::new();
    let (first, second) = (served.paired(NUMERBAY, None), served.paired(NUMERBAY, None));
    let others = Events::open(&served, &second);
    story::unlock(&served, &first);
    story::unlock(&served, &second);
    others.wait("answered", 1);
    assert_eq!(of_questions(&others), ["prompt", "asking", "answered"], "its own alone");
}

#[test]
fn ten_questions_a_minute_and_no_more() {
    let bridge = Clocked::new(Keeping::default());
    let (page, other) = (bridge.paired(NUMERBAY), bridge.paired(OTHER));
    let create = |page: &Page| approving(&[&bridge.stage], || bridge.ask(page, &post(page, "/v1/keys", json!({}))));
    for _ in 0..5 {
        assert_eq!(create(&page).status, 200);
    }
    assert_eq!(questions(&bridge.stage), 10);
    let before = bridge.stage.commands();
    let unwrap = post(&page, "/v1/unwrap", json!({ "envelope": text(&recorded(), "envelope") }));
    for request in [unwrap, post(&page, "/v1/keys", json!({}))] {
        let answer = bridge.ask(&page, &request);
        assert_eq!((answer.status, answer.code()), (403, "too-many-prompts".to_owned()));
    }
    assert_eq!(bridge.stage.commands(), before, "the device hears nothing of it");
    assert_eq!(create(&other).status, 200, "another page pays nothing for it");
    bridge.clock.pass(Duration::from_millis(59_999));
    assert_eq!(create(&page).status, 403);
    bridge.clock.pass(Duration::from_millis(1));
    assert_eq!(create(&page).status, 200);
}
