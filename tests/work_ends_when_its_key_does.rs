//! What uses an unlocked key ends when the key is forgotten: neither a box that is still being sent nor a file that is still
//! being received outlives `saltbridge lock`.
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

use crypto_box::PublicKey;
use crypto_box::aead::OsRng;
use page::{Body, Page};
use served::{NUMERBAY, Served, read_answer};
use stage::PATIENCE;
use story::{opens, recorded_public_key, unlock};
use support::Run;

fn lock(served: &Served) {
    Run::of(served.command(&["lock"]).output().unwrap()).succeeded();
}

/// Sends what `body` holds of a box of `length` bytes.
fn send(served: &Served, page: &Page, handle: &str, length: usize, body: &[u8]) -> TcpStream {
    let target = format!("/v1/keys/{handle}/decrypt");
    let draft = page.draft("POST", &target, Body::Bytes(Vec::new()));
    let request = draft.header("Content-Length", &length.to_string()).sign();
    let mut stream = TcpStream::connect(&served.authority).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(&request.head).unwrap();
    stream.write_all(body).unwrap();
    stream
}

#[test]
fn a_box_that_is_still_being_sent() {
    let served = Served::new();
    let page = served.paired(NUMERBAY, None);
    let handle = unlock(&served, &page);
    let sealed = served.desk.read("report.csv.sealed");
    let mut sending = send(&served, &page, &handle, sealed.len(), &sealed[..40]);
    // Another call has gone through meanwhile: this one has begun.
    assert_eq!(opens(&served, &page, &handle), Ok(()));
    lock(&served);
    let answer = read_answer(&mut sending).unwrap();
    assert_eq!((answer.status, answer.code()), (400, "no-such-key".to_owned()));
    // The rest brings nothing any more.
    let _ = sending.write_all(&sealed[40..]);
    let mut rest = Vec::new();
    let _ = sending.read_to_end(&mut rest);
    assert!(!rest.windows(15).any(|window| window == b"HTTP/1.1 200 OK"));
}

#[test]
fn a_file_that_is_still_being_received() {
    let served = Served::new();
    let page = served.paired(NUMERBAY, None);
    let handle = unlock(&served, &page);
    // More than the system keeps between the two ends of a connection.
    let content = vec![7; 64 << 20];
    let sealed = PublicKey::from(recorded_public_key())
        .seal(&mut OsRng, &content)
        .unwrap();
    let mut receiving = send(&served, &page, &handle, sealed.len(), &sealed);
    let mut head = [0; 15];
    receiving.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 200 OK");
    lock(&served);
    let mut rest = Vec::new();
    let _ = receiving.read_to_end(&mut rest);
    assert!(rest.len() < content.len(), "{}", rest.len());
}

/// A key for one use ends with that use, and not before its result has left.
#[test]
fn a_key_for_one_use_lasts_for_its_whole_use() {
    let served = Served::with(&["--forget-after", "0"]);
    let page = served.paired(NUMERBAY, None);
    let handle = unlock(&served, &page);
    let content = vec![9; 24 << 20];
    let sealed = PublicKey::from(recorded_public_key())
        .seal(&mut OsRng, &content)
        .unwrap();
    let mut stream = send(&served, &page, &handle, sealed.len(), &sealed);
    let answer = read_answer(&mut stream).unwrap();
    assert_eq!(answer.status, 200);
    assert!(answer.body == content);
    assert_eq!(opens(&served, &page, &handle), Err("no-such-key".to_owned()));
}
