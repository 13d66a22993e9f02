//! A code lets one page of one origin in, once, within two minutes; a wrong one costs the right one nothing.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/clocked.rs"]
mod clocked;
#[path = "support/page.rs"]
mod page;
#[path = "support/served.rs"]
mod served;
#[path = "support/stage.rs"]
mod stage;
mod support;

use std::time::Duration;

use clocked::Clocked;
use page::{Body, Page, SignedRequest};
use saltbridge::bridge::Keeping;
use served::{Answer, NUMERBAY, Served};

fn pair(page: &mut Page, code: &str, request: &SignedRequest, answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{answer:?}");
    page.pair(code, request, answer.status, &answer.headers, &answer.body)
        .unwrap()
}

fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (status, code));
    assert_eq!(answer.header("signature"), None, "whoever does not know the code is told nothing that is signed");
}

#[test]
fn a_code_is_good_once() {
    let served = Served::new();
    let code = served.invite(NUMERBAY, &[]);
    let mut first = Page::new(NUMERBAY, &served.authority);
    served.past_the_first_second(&first);
    let request = first.pairing_request(&code);
    let scopes = pair(&mut first, &code, &request, &served.send(&request));
    assert_eq!(scopes, ["create", "decrypt", "encrypt"], "not export");
    assert_eq!(
        served
            .ask(&first, &first.request("GET", "/v1/status", Body::None))
            .status,
        200
    );

    let second = first.in_another_browser();
    refused(&served.send(&second.pairing_request(&code)), 403, "not-invited");
    refused(&served.send(&first.pairing_request(&code)), 403, "not-invited");
    refused(&served.send(&second.request("GET", "/v1/status", Body::None)), 401, "key-unknown");
    assert_eq!(
        served
            .ask(&first, &first.request("GET", "/v1/status", Body::None))
            .status,
        200,
        "the first one stays"
    );
}

#[test]
fn a_code_is_for_one_origin() {
    let served = Served::new();
    let code = served.invite(NUMERBAY, &[]);
    let stranger = Page::new("https://numerbay.example", &served.authority);
    served.past_the_first_second(&stranger);
    refused(&served.send(&stranger.pairing_request(&code)), 403, "origin-unknown");
    // Invited itself, it has a code of its own.
    served.invite("https://numerbay.example", &[]);
    refused(&served.send(&stranger.pairing_request(&code)), 403, "wrong-code");
    // Origins next to the right one.
    for near in ["http://127.0.0.1:8080", "https://www.numerbay.ai", "https://numerbay.ai:8443", "https://numerbay.ai."]
    {
        let near = Page::new(near, &served.authority);
        refused(&served.send(&near.pairing_request(&code)), 403, "origin-unknown");
    }
    let mut page = Page::new(NUMERBAY, &served.authority);
    let request = page.pairing_request(&code);
    pair(&mut page, &code, &request, &served.send(&request));
}

#[test]
fn a_wrong_code_uses_up_nothing() {
    let served = Served::new();
    let code = served.invite(NUMERBAY, &[]);
    let mut page = Page::new(NUMERBAY, &served.authority);
    served.past_the_first_second(&page);
    let last = if code.ends_with('0') { "1" } else { "0" };
    let near = format!("{}{last}", &code[..code.len() - 1]);
    for wrong in ["0000-0000-0000-0000", &near, "ZZZZ-ZZZZ-ZZZZ-ZZZZ"] {
        refused(&served.send(&page.pairing_request(wrong)), 403, "wrong-code");
    }
    // The right code with another's key in the body, or for another authority.
    let other = page.in_another_browser();
    let stolen = page.request("POST", "/v1/pairings", Body::Json(other.pairing_body(&code)));
    refused(&served.send(&stolen), 401, "other-key");
    let elsewhere = Page::new(NUMERBAY, "127.0.0.1:21730");
    let relayed = elsewhere.draft("POST", "/v1/pairings", Body::Json(elsewhere.pairing_body(&code)));
    let relayed = relayed.header("Host", &served.authority).sign();
    refused(&served.send(&relayed), 401, "signature-invalid");

    let request = page.pairing_request(&code);
    pair(&mut page, &code, &request, &served.send(&request));
}

#[test]
fn a_newer_code_ends_the_older_one() {
    let served = Served::new();
    let (older, newer) = (served.invite(NUMERBAY, &[]), served.invite(NUMERBAY, &["--scope", "decrypt"]));
    assert_ne!(older, newer);
    let mut page = Page::new(NUMERBAY, &served.authority);
    served.past_the_first_second(&page);
    refused(&served.send(&page.pairing_request(&older)), 403, "wrong-code");
    let request = page.pairing_request(&newer);
    assert_eq!(pair(&mut page, &newer, &request, &served.send(&request)), ["decrypt"]);
}

#[test]
fn a_code_is_good_for_two_minutes() {
    let bridge = Clocked::new(Keeping::default());
    let code = bridge.invite(NUMERBAY);
    bridge.clock.pass(Duration::from_millis(119_999));
    let mut page = Page::new(NUMERBAY, &bridge.authority);
    let request = page.pairing_request(&code);
    pair(&mut page, &code, &request, &bridge.send(&request));

    // Whoever is paired may be invited again, for another browser.
    let code = bridge.invite(NUMERBAY);
    bridge.clock.pass(Duration::from_secs(120));
    let other = page.in_another_browser();
    refused(&bridge.send(&other.pairing_request(&code)), 403, "not-invited");

    // A page that nobody else has named is not even told that much, also if the machine slept meanwhile.
    let code = bridge.invite("https://numerbay.example");
    bridge.clock.suspend(Duration::from_secs(120));
    let late = Page::new("https://numerbay.example", &bridge.authority);
    let answer = bridge.send(&late.pairing_request(&code));
    refused(&answer, 403, "origin-unknown");
    assert_eq!(answer.header("access-control-allow-origin"), None);
    assert_eq!(bridge.ask(&page, &page.request("GET", "/v1/status", Body::None)).status, 200);
}

/// A page that has another one's key could act for it.
#[test]
fn a_key_is_of_one_origin() {
    let served = Served::new();
    let (scalar, other) = ([7; 32], "https://signals.example");
    let mut first = Page::with_key(NUMERBAY, &served.authority, &scalar);
    served.past_the_first_second(&first);
    let code = served.invite(NUMERBAY, &[]);
    let request = first.pairing_request(&code);
    pair(&mut first, &code, &request, &served.send(&request));
    let second = Page::with_key(other, &served.authority, &scalar);
    let code = served.invite(other, &[]);
    refused(&served.send(&second.pairing_request(&code)), 403, "key-of-another");
    let status = first.request("GET", "/v1/status", Body::None);
    assert_eq!(served.ask(&first, &status).status, 200, "the first one is what it was");
}
