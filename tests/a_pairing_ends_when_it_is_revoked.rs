//! A revoked page is out at once: its keys, its streams, its running work and what it may ask. Others stay.
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

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use page::{Body, Page};
use saltbridge::emulator::Device;
use served::{NUMERBAY, Served, read_answer};
use stage::PATIENCE;
use story::{Events, InFlight, opens, questions, status, unlock, unwrap};
use support::Run;

const OTHER: &str = "https://signals.example";

fn revoke(served: &Served) {
    Run::of(served.command(&["pairings", "revoke", NUMERBAY]).output().unwrap()).succeeded();
}

/// What the page asks is refused, whatever it is.
fn is_out(served: &Served, page: &Page, code: &str) {
    for (method, target) in [("GET", "/v1/status"), ("GET", "/v1/events"), ("DELETE", "/v1/keys")] {
        let answer = served.send(&page.request(method, target, Body::None));
        assert_eq!(answer.code(), code, "{method} {target}");
        assert_eq!(answer.header("signature"), None);
    }
    assert_eq!(served.send(&unwrap(page, &served.desk)).code(), code);
}

#[test]
fn its_keys_and_streams_end_at_once() {
    let served = Served::new();
    let (page, browser) = (served.paired(NUMERBAY, None), served.paired(NUMERBAY, None));
    let other = served.paired(OTHER, None);
    let handle = unlock(&served, &other);
    unlock(&served, &page);
    unlock(&served, &browser);
    let (events, others) = (Events::open(&served, &page), Events::open(&served, &other));
    revoke(&served);
    events.wait_for_end();
    is_out(&served, &page, "origin-unknown");
    is_out(&served, &browser, "origin-unknown");
    assert_eq!(opens(&served, &other, &handle), Ok(()), "others stay");
    assert!(served.log().contains("2 keys were forgotten: the pairing was revoked"), "{}", served.log());
    assert!(served.log().contains(&format!("{NUMERBAY} is not paired any more.")));

    // Who was let in again has to unlock again; the old key stays out.
    let again = served.paired(NUMERBAY, None);
    is_out(&served, &page, "key-unknown");
    assert_eq!(status(&served, &again)["keys"], 0);
    assert!(!others.bytes().is_empty());
}

#[test]
fn a_question_that_is_open_is_answered_for_nobody() {
    let served = Served::new();
    let (page, other) = (served.paired(NUMERBAY, None), served.paired(OTHER, None));
    let call = InFlight::send(&served, &unwrap(&page, &served.desk));
    served.stage.wait_for_question();
    revoke(&served);
    // At once, while the device still asks.
    let answer = call.answer();
    assert_eq!((answer.status, answer.code()), (401, "revoked".to_owned()));
    assert!(served.stage.emulator.look(Device::is_asking));
    served.stage.emulator.decide(true);
    unlock(&served, &other);
    assert_eq!(questions(&served.stage), 2);
    assert!(!served.log().contains(&format!("{NUMERBAY} uses the key")), "nothing is held for it");
}

#[test]
fn a_body_on_its_way_is_cut() {
    let served = Served::new();
    let page = served.paired(NUMERBAY, None);
    unlock(&served, &page);
    let target = "/v1/encrypt?public_key=j9X3FWlUV2tgymJykO0JwfiuYr5yfJMiGLQdCkvA5Us%3D";
    // More than the system keeps between the two ends of a connection.
    let content = vec![7; 64 << 20];

    // One that is still being sent.
    let sent = page
        .draft("POST", target, Body::Bytes(Vec::new()))
        .header("Content-Length", "67108864")
        .sign();
    let mut sending = TcpStream::connect(&served.authority).unwrap();
    sending.set_read_timeout(Some(PATIENCE)).unwrap();
    sending.write_all(&sent.head).unwrap();
    sending.write_all(&content[..1 << 20]).unwrap();
    // And one that is still being received: its head is here, the rest waits.
    let request = page.request("POST", target, Body::Bytes(content));
    let mut receiving = TcpStream::connect(&served.authority).unwrap();
    receiving.set_read_timeout(Some(PATIENCE)).unwrap();
    receiving.write_all(&request.bytes()).unwrap();
    let mut head = [0; 15];
    receiving.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 200 OK");

    revoke(&served);
    let answer = read_answer(&mut sending).unwrap();
    assert_eq!((answer.status, answer.code()), (401, "revoked".to_owned()));
    let mut rest = Vec::new();
    let _ = receiving.read_to_end(&mut rest);
    assert!(rest.len() < 64 << 20, "{}", rest.len());
}
