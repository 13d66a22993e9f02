//! A page that is refused while it still sends a long body can send it to its end, reads why, and goes on with the same
//! connection: a browser whose connection is closed meanwhile tells its page of that, and not of the refusal.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/page.rs"]
mod page;
#[path = "support/served.rs"]
mod served;
#[path = "support/stage.rs"]
mod stage;
mod support;

use std::io::Write as _;
use std::net::TcpStream;

use page::{Body, Page};
use served::{NUMERBAY, Served, read_answer};
use stage::PATIENCE;
use support::base64;

/// Longer than all buffers between the two.
const LENGTH: usize = 32 << 20;

fn sends_all(served: &Served, page: &Page, target: &str, status: u16, code: &str) {
    let long = page.draft("POST", target, Body::Bytes(Vec::new()));
    let long = long.header("Content-Length", &LENGTH.to_string()).sign();
    let mut stream = TcpStream::connect(&served.authority).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(&long.head).unwrap();
    let piece = vec![7; 1 << 20];
    for sent in 0..LENGTH / piece.len() {
        stream
            .write_all(&piece)
            .unwrap_or_else(|error| panic!("{target}: after {sent} MiB: {error}"));
    }
    let answer = read_answer(&mut stream).unwrap();
    assert_eq!((answer.status, answer.code().as_str()), (status, code), "{target}");
    page.verify(&long, answer.status, &answer.headers, &answer.body)
        .unwrap();

    let next = page.request("GET", "/v1/status", Body::None);
    stream.write_all(&next.bytes()).unwrap();
    assert_eq!(read_answer(&mut stream).unwrap().status, 200, "{target}: the connection goes on");
}

#[test]
fn whatever_it_is_refused_for() {
    let served = Served::new();
    let page = served.paired(NUMERBAY, None);
    let other = served.paired("https://other.example", Some("create"));
    let key = base64(&[9; 32]).replace('+', "%2B").replace('=', "%3D");
    let encrypt = format!("/v1/encrypt?public_key={key}");
    sends_all(&served, &page, "/v1/keys/AAAAAAAAAAAAAAAAAAAAAA/decrypt", 400, "no-such-key");
    sends_all(&served, &page, "/v1/keys/no-handle/decrypt", 400, "no-such-key");
    sends_all(&served, &page, "/v1/encrypt", 400, "missing-query-parameter");
    sends_all(&served, &page, "/v1/encrypt?public_key=short", 400, "bad-public-key");
    sends_all(&served, &page, &format!("{encrypt}&more=1"), 400, "bad-query");
    sends_all(&served, &other, &encrypt, 403, "scope-missing");
    sends_all(&served, &other, "/v1/keys/AAAAAAAAAAAAAAAAAAAAAA/decrypt", 403, "scope-missing");
}
