//! What is no message of NumerBay's or ours, no envelope, or another account's, is refused; the device hears of it only
//! where its account must be asked for.
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

use serde_json::{Value, json};
use served::{NUMERBAY, Served};
use story::{InFlight, envelope, post, questions, status, unlock, unwrap};
use support::{Vectors, text};

#[test]
fn the_device_hears_nothing_of_it() {
    let served = Served::new();
    let page = served.paired(NUMERBAY, Some("decrypt,export"));
    let vectors = Vectors::numerbay();
    let mut rows: Vec<(String, Value, u16, &str)> = Vec::new();
    let mut row = |what: &str, body: Value, status, code| rows.push((what.to_owned(), body, status, code));
    for entry in vectors.section("legacy") {
        row(text(entry, "id"), json!({ "envelope": text(entry, "envelope") }), 422, "legacy-envelope");
    }
    for entry in vectors.section("negative_envelopes") {
        if entry["expect"]["result"] == "refuse_to_sign" {
            let envelope = text(entry, "encrypted_private_key_v2");
            row(text(entry, "id"), json!({ "envelope": envelope }), 403, "unusual-salt");
            row(text(entry, "id"), json!({ "envelope": envelope, "for": "export" }), 403, "unusual-salt");
        }
    }
    let recorded: Value = serde_json::from_str(&envelope(&served.desk)).unwrap();
    for entry in vectors.section("login") {
        let mut login = recorded.clone();
        login["salt"] = entry["message"].clone();
        row("a login", json!({ "envelope": login.to_string() }), 403, "unusual-salt");
    }
    let salt = text(&recorded, "salt");
    for (what, salt) in [
        ("no salt", String::new()),
        ("a space before", format!(" {salt}")),
        ("a line after", format!("{salt}\nTransfer everything")),
        ("a line before", format!("Transfer everything\n{salt}")),
        ("another sentence", salt.replace("retrieve", "transfer")),
    ] {
        let mut changed = recorded.clone();
        changed["salt"] = salt.into();
        row(what, json!({ "envelope": changed.to_string() }), 403, "unusual-salt");
    }
    let profile = vectors.entry("profiles", "profile-v2-only")["profile"].to_string();
    row("a profile", json!({ "envelope": profile }), 400, "no-envelope-text");
    let key_file = text(&story::recorded(), "key_file").to_owned();
    row("a key file", json!({ "envelope": key_file }), 400, "no-envelope-text");
    let usual = envelope(&served.desk);
    row("an object", json!({ "envelope": recorded }), 400, "bad-json");
    row("one field more", json!({ "envelope": usual, "sign_unusual_salt": true }), 400, "bad-json");
    row("for something else", json!({ "envelope": usual, "for": "sign" }), 400, "bad-json");
    row("no envelope", json!({}), 400, "bad-json");
    row(
        "half a key",
        json!({ "envelope": usual, "public_key": "j9X3FWlUV2tgymJykO0J" }),
        400,
        "bad-public-key",
    );
    row("half an address", json!({ "envelope": usual, "address": "0xdad77910dbdf" }), 400, "bad-address");
    row("half a path", json!({ "envelope": usual, "path": "m/44'/x" }), 400, "bad-path");

    let before = served.stage.commands();
    for (what, body, expected, code) in rows {
        let answer = served.ask(&page, &post(&page, "/v1/unwrap", body));
        assert_eq!((answer.status, answer.code().as_str()), (expected, code), "{what}: {answer:?}");
        let answered = String::from_utf8(answer.body).unwrap();
        assert!(!answered.contains(text(&story::recorded(), "private_key")), "{what}: {answered}");
    }
    assert_eq!(served.stage.commands(), before);
    assert_eq!(status(&served, &page)["keys"], 0);
}

#[test]
fn another_account_is_not_asked_to_sign() {
    let served = Served::new();
    let page = served.paired(NUMERBAY, None);
    let vectors = Vectors::numerbay();
    let stranger = vectors
        .section("wallets")
        .iter()
        .find(|wallet| text(wallet, "id").starts_with("junk"))
        .unwrap();
    let of_stranger = json!({ "envelope": envelope(&served.desk), "address": text(stranger, "address") });
    let answer = served.ask(&page, &post(&page, "/v1/unwrap", of_stranger));
    assert_eq!((answer.status, answer.code()), (422, "account-not-found".to_owned()), "{answer:?}");

    let mut both = json!({ "envelope": envelope(&served.desk), "address": story::recorded_address() });
    both["path"] = "m/44'/60'/1'/0/0".into();
    let answer = served.ask(&page, &post(&page, "/v1/unwrap", both));
    assert_eq!((answer.status, answer.code()), (422, "wrong-account".to_owned()), "{answer:?}");
    assert_eq!(questions(&served.stage), 0);
    assert_eq!(status(&served, &page)["keys"], 0);
}

#[test]
fn what_comes_out_must_be_what_was_expected() {
    let served = Served::new();
    let page = served.paired(NUMERBAY, None);
    let vectors = Vectors::numerbay();
    let of = |wallet: &str| {
        vectors
            .section("envelopes")
            .iter()
            .find(|entry| entry["wallet"] == *wallet)
            .unwrap()
    };
    let junk = of("junk-44h_60h_0h_0_0");
    let rows = [
        ("the wrong key", envelope(&served.desk), text(junk, "public_key"), "public-key-mismatch"),
        ("another's envelope", text(junk, "envelope").to_owned(), text(junk, "public_key"), "does-not-open"),
    ];
    for (what, envelope, public_key, code) in rows {
        let request = post(&page, "/v1/unwrap", json!({ "envelope": envelope, "public_key": public_key }));
        let (answer, approvals) = story::with_approvals(&served.stage, || served.ask(&page, &request));
        assert_eq!((answer.status, answer.code().as_str(), approvals), (422, code, 1), "{what}");
    }
    assert_eq!(status(&served, &page)["keys"], 0);
    // Nor does a key that is held already stand for another.
    unlock(&served, &page);
    let request = json!({ "envelope": envelope(&served.desk), "public_key": text(junk, "public_key") });
    let request = post(&page, "/v1/unwrap", request);
    let (answer, _) = story::with_approvals(&served.stage, || served.ask(&page, &request));
    assert_eq!(answer.code(), "public-key-mismatch");
}

#[test]
fn a_refusal_is_told_as_one_and_the_next_call_works() {
    let served = Served::new();
    let page = served.paired(NUMERBAY, None);
    for request in [unwrap(&page, &served.desk), post(&page, "/v1/keys", json!({}))] {
        let call = InFlight::send(&served, &request);
        served.stage.wait_for_question();
        served.stage.emulator.decide(false);
        let answer = call.answer();
        page.verify(&request, answer.status, &answer.headers, &answer.body)
            .unwrap();
        assert_eq!((answer.status, answer.code()), (403, "refused".to_owned()), "{}", request.target);
        assert_eq!(answer.json()["class"], "declined");
    }
    assert_eq!(status(&served, &page)["keys"], 0);
    unlock(&served, &page);
}
