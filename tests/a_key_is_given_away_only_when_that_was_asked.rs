//! A page is given a private key only if the person granted it that, and approved this very time.
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

use serde_json::json;
use served::{NUMERBAY, Served};
use story::{InFlight, envelope, eventually, opens, post, questions, status, unlock, with_approvals};
use support::text;

#[test]
fn not_without_the_scope() {
    let served = Served::new();
    let page = served.paired(NUMERBAY, None);
    let handle = unlock(&served, &page);
    let asked = served.stage.commands();
    for request in [
        post(&page, &format!("/v1/keys/{handle}/export"), json!({})),
        post(&page, "/v1/unwrap", json!({ "envelope": envelope(&served.desk), "for": "export" })),
    ] {
        let answer = served.ask(&page, &request);
        assert_eq!((answer.status, answer.code()), (403, "scope-missing".to_owned()), "{}", request.target);
    }
    assert_eq!(served.stage.commands(), asked, "the device hears nothing of it");
}

#[test]
fn each_time_with_an_approval_of_its_own() {
    let served = Served::new();
    let page = served.paired(NUMERBAY, Some("decrypt,export"));
    let handle = unlock(&served, &page);
    let export = format!("/v1/keys/{handle}/export");
    for time in 1..=2 {
        let request = post(&page, &export, json!({}));
        let (answer, approvals) = with_approvals(&served.stage, || served.ask(&page, &request));
        assert_eq!((answer.status, approvals), (200, 1), "time {time}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(String::from_utf8(answer.body).unwrap(), text(&story::recorded(), "key_file"), "byte for byte");
    }
    let log = served.log();
    assert!(log.contains("  to export  the key j9X3FWlUV2tgymJykO0JwfiuYr5yfJMiGLQdCkvA5Us="), "{log}");
    assert!(
        log.contains(&format!("{NUMERBAY} was given the private key of j9X3FWlUV2tgymJykO0JwfiuYr5yfJMiGLQdCkvA5Us="))
    );
    assert_eq!(opens(&served, &page, &handle), Ok(()), "it is held as before");
}

#[test]
fn not_if_the_person_refuses() {
    let served = Served::new();
    let page = served.paired(NUMERBAY, Some("decrypt,export"));
    let handle = unlock(&served, &page);
    let request = post(&page, &format!("/v1/keys/{handle}/export"), json!({}));
    let call = InFlight::send(&served, &request);
    served.stage.wait_for_question();
    served.stage.emulator.decide(false);
    let answer = call.answer();
    page.verify(&request, answer.status, &answer.headers, &answer.body)
        .unwrap();
    assert_eq!((answer.status, answer.code()), (403, "refused".to_owned()));
    assert!(!served.log().contains("was given the private key"));
}

#[test]
fn unlocked_for_that_it_takes_one_approval_in_all_and_once() {
    let served = Served::new();
    let page = served.paired(NUMERBAY, Some("decrypt,export"));
    // A key that is held for opening is none that may be given away: this is another question.
    let held = unlock(&served, &page);
    let unwrap = post(&page, "/v1/unwrap", json!({ "envelope": envelope(&served.desk), "for": "export" }));
    let (answer, approvals) = with_approvals(&served.stage, || served.ask(&page, &unwrap));
    assert_eq!((answer.status, approvals), (200, 1), "{answer:?}");
    let handle = answer.json()["handle"].as_str().unwrap().to_owned();
    assert_ne!(handle, held);

    let before = questions(&served.stage);
    let export = || post(&page, &format!("/v1/keys/{handle}/export"), json!({}));
    // Nobody is there to approve.
    let answer = served.ask(&page, &export());
    assert_eq!(answer.status, 200);
    assert_eq!(String::from_utf8(answer.body).unwrap(), text(&story::recorded(), "key_file"));
    assert_eq!(questions(&served.stage), before);

    let (answer, approvals) = with_approvals(&served.stage, || served.ask(&page, &export()));
    assert_eq!((answer.status, approvals), (200, 1), "the second time is asked again");
}

#[test]
fn not_to_who_has_left_meanwhile() {
    let served = Served::new();
    let page = served.paired(NUMERBAY, Some("decrypt,export"));
    let handle = unlock(&served, &page);
    let export = || post(&page, &format!("/v1/keys/{handle}/export"), json!({}));
    let call = InFlight::send(&served, &export());
    served.stage.wait_for_question();
    call.leave();
    served.stage.emulator.decide(true);
    eventually("the device is free", || status(&served, &page)["device"]["state"] == "ready");
    let (answer, approvals) = with_approvals(&served.stage, || served.ask(&page, &export()));
    assert_eq!((answer.status, approvals), (200, 1), "an approval that nobody fetched is no approval for later");
    assert_eq!(served.log().matches("was given the private key").count(), 1);
}
