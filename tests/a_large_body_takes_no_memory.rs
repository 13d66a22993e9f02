//! A body of any length is opened and sealed in the memory of a short one; who goes away half-way leaves nothing behind.
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

use std::fs::File;
use std::io::{Read, Seek as _, Write as _};
use std::net::{Shutdown, TcpStream};

use page::{Body, Page};
use served::{NUMERBAY, Served, read_answer};
use sha2::{Digest as _, Sha256};
use stage::PATIENCE;
use story::{eventually, spools, unlock};

const ENCRYPT: &str = "/v1/encrypt?public_key=j9X3FWlUV2tgymJykO0JwfiuYr5yfJMiGLQdCkvA5Us%3D";
const MEBIBYTE: usize = 1 << 20;

/// The most that was ever resident of the bridge, in KiB.
fn peak(served: &Served) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", served.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn threads(served: &Served) -> usize {
    std::fs::read_dir(format!("/proc/{}/task", served.child.id()))
        .unwrap()
        .count()
}

/// A connection on which the head of a request was sent whose body has so many bytes.
fn begin(served: &Served, page: &Page, target: &str, length: u64) -> (TcpStream, page::SignedRequest) {
    let request = page.draft("POST", target, Body::Bytes(Vec::new()));
    let request = request.header("Content-Length", &length.to_string()).sign();
    let mut stream = TcpStream::connect(&served.authority).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(&request.head).unwrap();
    (stream, request)
}

/// Sends a body and takes the answer's, piece by piece; how long that is.
fn through(
    served: &Served,
    page: &Page,
    target: &str,
    length: u64,
    mut body: impl Read,
    mut take: impl FnMut(&[u8]),
) -> u64 {
    let (mut stream, request) = begin(served, page, target, length);
    assert_eq!(std::io::copy(&mut body, &mut stream).unwrap(), length);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    let head = String::from_utf8(head).unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    let headers = head.lines().filter_map(|line| line.split_once(": "));
    let headers: Vec<_> = headers
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    page.verify(&request, 200, &headers, b"").unwrap();
    let announced: u64 = page::header(&headers, "content-length").unwrap().parse().unwrap();
    let mut rest = stream.take(announced);
    let (mut piece, mut total) = (vec![0; MEBIBYTE], 0);
    loop {
        let length = rest.read(&mut piece).unwrap();
        if length == 0 {
            break;
        }
        take(&piece[..length]);
        total += length as u64;
    }
    assert_eq!(total, announced);
    total
}

/// Seals so many mebibytes, opens them again, and finds them unchanged.
fn there_and_back(served: &Served, page: &Page, handle: &str, mebibytes: u64) {
    let length = mebibytes << 20;
    let content = || std::io::repeat(7).take(length);
    let path = served.desk.path("sealed");
    let mut sealed = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)
        .unwrap();
    let total = through(served, page, ENCRYPT, length, content(), |piece| sealed.write_all(piece).unwrap());
    assert_eq!(total, length + 48);
    sealed.rewind().unwrap();
    let mut found = Sha256::new();
    let total =
        through(served, page, &format!("/v1/keys/{handle}/decrypt"), total, sealed, |piece| found.update(piece));
    assert_eq!(total, length);
    let mut expected = Sha256::new();
    let piece = vec![7; MEBIBYTE];
    (0..mebibytes).for_each(|_| expected.update(&piece));
    assert_eq!(found.finalize(), expected.finalize());
}

#[test]
fn a_long_body_takes_the_memory_of_a_short_one() {
    let served = Served::new();
    let page = served.paired(NUMERBAY, None);
    let handle = unlock(&served, &page);
    there_and_back(&served, &page, &handle, 12);
    let short = peak(&served);
    let start = std::time::Instant::now();
    there_and_back(&served, &page, &handle, LONG);
    let long = peak(&served);
    println!("{short} KiB, then {long} KiB, in {:?}", start.elapsed());
    assert!(long <= short + 8 * 1024, "{short} KiB, then {long} KiB");
    assert!(long <= 64 * 1024, "{long} KiB");
}

/// One GiB.
const LONG: u64 = 1024;

/// Nothing waits on the disk, and there are no more threads than before.
fn nothing_is_left(served: &Served, before: usize, after: &str) {
    eventually(&format!("{after}: no thread works any more"), || threads(served) <= before);
    if let Some(left) = spools(served) {
        assert!(left.is_empty(), "{after}: {left:?}");
    }
}

#[test]
fn who_goes_away_half_way_leaves_nothing() {
    let served = Served::new();
    let page = served.paired(NUMERBAY, None);
    let handle = unlock(&served, &page);
    let before = threads(&served);
    let decrypt = format!("/v1/keys/{handle}/decrypt");
    let sealed = served
        .ask(&page, &page.request("POST", ENCRYPT, Body::Bytes(vec![7; 64 * MEBIBYTE])))
        .body;

    // While it sends: more often than there are bodies at once.
    for round in 0..20 {
        let target = if round % 2 == 0 { ENCRYPT } else { &decrypt };
        let (mut stream, _) = begin(&served, &page, target, sealed.len() as u64);
        stream.write_all(&sealed[..4 * MEBIBYTE]).unwrap();
        stream.shutdown(Shutdown::Both).unwrap();
    }
    nothing_is_left(&served, before, "sending");

    // While it receives: the bridge has the whole result by then.
    for target in [ENCRYPT, &decrypt, ENCRYPT, &decrypt] {
        let request = page.request("POST", target, Body::Bytes(sealed.clone()));
        let mut stream = TcpStream::connect(&served.authority).unwrap();
        stream.write_all(&request.bytes()).unwrap();
        let mut some = vec![0; MEBIBYTE];
        stream.read_exact(&mut some).unwrap();
        assert!(some.starts_with(b"HTTP/1.1 200 OK"));
        if let Some(open) = spools(&served) {
            assert_eq!(open.len(), 1, "the result waits on the disk");
        }
        stream.shutdown(Shutdown::Both).unwrap();
    }
    nothing_is_left(&served, before, "receiving");

    // And who came to its end leaves nothing either.
    let (mut stream, request) = begin(&served, &page, &decrypt, sealed.len() as u64);
    stream.write_all(&sealed).unwrap();
    let answer = read_answer(&mut stream).unwrap();
    page.verify(&request, answer.status, &answer.headers, &answer.body)
        .unwrap();
    assert!(answer.body == vec![7; 64 * MEBIBYTE]);
    nothing_is_left(&served, before, "after all");
}
