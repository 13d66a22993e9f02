//! Who sends half a request, too much of one, several in one, or something else altogether gets no further than that;
//! and soon nobody waits for him.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/page.rs"]
mod page;
#[path = "guard/scene.rs"]
mod scene;
#[path = "support/served.rs"]
mod served;
#[path = "guard/soup.rs"]
mod soup;
#[path = "support/stage.rs"]
mod stage;
mod support;
#[path = "support/work.rs"]
mod work;

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use scene::{Call, HOSTILE, Scene, plain, with_head};
use served::{Answer, NUMERBAY, read_answer};
use stage::PATIENCE;

fn connect(scene: &Scene) -> TcpStream {
    let stream = TcpStream::connect(&scene.served.authority).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// What comes until the connection ends, and after how long it does.
fn rest(mut stream: TcpStream) -> (String, Duration) {
    let start = Instant::now();
    let mut text = Vec::new();
    // It may be reset, since more was sent than was read.
    let ended = stream.read_to_end(&mut text);
    let ended_by = ended.map_err(|error| error.kind());
    assert!(!matches!(ended_by, Err(std::io::ErrorKind::WouldBlock)), "the connection stays open");
    (String::from_utf8_lossy(&text).into_owned(), start.elapsed())
}

/// What comes to all of these bytes, after which nothing more is sent.
fn all_answers(scene: &Scene, bytes: &[u8]) -> Vec<Answer> {
    let mut stream = connect(scene);
    let _ = stream.write_all(bytes);
    let _ = stream.set_read_timeout(Some(Duration::from_secs(2)));
    let mut answers = Vec::new();
    while let Ok(answer) = read_answer(&mut stream) {
        answers.push(answer);
    }
    answers
}

fn statuses(scene: &Scene, bytes: &[u8]) -> Vec<u16> {
    all_answers(scene, bytes).iter().map(|answer| answer.status).collect()
}

fn still_serves(scene: &Scene) {
    let request = scene.draft(Call::Status).sign();
    assert_eq!(scene.served.ask(&scene.page, &request).status, 200);
}

/// From 15 seconds on, and not much later.
fn is_head_deadline(waited: Duration) -> bool {
    (Duration::from_secs(13)..Duration::from_secs(25)).contains(&waited)
}

#[test]
fn who_is_silent_is_not_waited_for() {
    let scene = Scene::new();
    let good = scene.draft(Call::Status).sign().bytes();
    let encrypt = scene.draft(Call::Encrypt).sign();
    let unwrap = scene.draft(Call::Unwrap).sign();
    let half = |bytes: &[u8]| bytes[..bytes.len() - 5].to_vec();
    thread::scope(|scope| {
        for part in [&b""[..], b"GET", b"GET /v1/status HTTP/1.1\r\nHost: 127", &good[..good.len() - 2]] {
            let mut stream = connect(&scene);
            scope.spawn(move || {
                stream.write_all(part).unwrap();
                let (text, waited) = rest(stream);
                assert!(is_head_deadline(waited), "{}: {waited:?}: {text}", part.len());
                assert!(!text.starts_with("HTTP/1.1 2"), "{text}");
            });
        }
        // One byte a second is not enough either.
        let mut stream = connect(&scene);
        scope.spawn(move || {
            let start = Instant::now();
            let sent = (0..40).take_while(|_| {
                thread::sleep(Duration::from_secs(1));
                stream.write_all(b"a").is_ok()
            });
            sent.for_each(drop);
            assert!(start.elapsed() < Duration::from_secs(25), "a head is waited for byte by byte");
        });
        // Who was served, and asks nothing more.
        let mut stream = connect(&scene);
        let request = scene.draft(Call::Status).sign().bytes();
        scope.spawn(move || {
            stream.write_all(&request).unwrap();
            assert_eq!(read_answer(&mut stream).unwrap().status, 200);
            let (text, waited) = rest(stream);
            assert!(is_head_deadline(waited) && text.is_empty(), "{waited:?}: {text}");
        });
        for (what, bytes, seconds) in [("JSON", half(&unwrap.bytes()), 10), ("bytes", half(&encrypt.bytes()), 30)] {
            let mut stream = connect(&scene);
            scope.spawn(move || {
                let start = Instant::now();
                stream.write_all(&bytes).unwrap();
                let answer = read_answer(&mut stream).unwrap();
                assert_eq!((answer.status, answer.code().as_str()), (408, "body-too-slow"), "{what}");
                let waited = start.elapsed().as_secs();
                assert!((seconds - 1..seconds + 12).contains(&waited), "{what}: {waited} s");
                assert!(rest(stream).0.is_empty(), "{what}: a half body is followed by nothing");
            });
        }
    });
    still_serves(&scene);
}

#[test]
fn what_is_no_request_is_none() {
    let scene = Scene::new();
    let host = &scene.served.authority;
    let line = "X-Filler: 0123456789\r\n";
    let long = format!("X-Long: {}\r\n", "a".repeat(20 * 1024));
    assert_eq!(
        statuses(&scene, &plain("GET", "/openapi.json", host, line)),
        [200],
        "one field more is none too many"
    );
    assert_eq!(statuses(&scene, &plain("GET", "/openapi.json", host, &line.repeat(100))), [431], "100 fields");
    assert_eq!(statuses(&scene, &plain("GET", "/openapi.json", host, &long)), [431], "a head of 20 KiB");
    let target = format!("/openapi.json?{}", "a".repeat(20 * 1024));
    assert!(
        [vec![414], vec![431]].contains(&statuses(&scene, &plain("GET", &target, host, ""))),
        "a long target"
    );

    let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".repeat(20);
    let garbage: [&[u8]; 9] = [
        &hello,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
        b"\0\0\0\0\0\0\0\0\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
        b"EHLO localhost\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /v1/status\r\nHost: a\r\n\r\n",
        b"GET /v1/status HTTP/1.1\r\nHost: a\0b\r\n\r\n",
    ];
    for bytes in garbage {
        let found = statuses(&scene, bytes);
        assert!(found.is_empty() || found == [400], "{}: {found:?}", String::from_utf8_lossy(bytes));
    }
    still_serves(&scene);
}

#[test]
fn a_body_that_is_cut_does_nothing() {
    let scene = Scene::new();
    for call in [Call::Unwrap, Call::Encrypt] {
        let request = scene.draft(call).sign().bytes();
        let mut stream = connect(&scene);
        stream.write_all(&request[..request.len() - 1]).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let (text, _) = rest(stream);
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 400 "), "{text}");
    }
    still_serves(&scene);
}

#[test]
fn each_request_of_a_connection_is_judged_by_itself() {
    let scene = Scene::new();
    let host = &scene.served.authority;
    let good = || scene.draft(Call::Status).sign().bytes();
    let hostile = plain("GET", "/v1/status", host, &format!("Origin: {HOSTILE}\r\n"));
    let unsigned = plain("GET", "/v1/status", host, &format!("Origin: {NUMERBAY}\r\n"));
    let nobody = plain("GET", "/v1/status", host, "");
    let encrypt = || scene.draft(Call::Encrypt).sign().bytes();
    assert_eq!(
        statuses(&scene, &[good(), hostile.clone(), unsigned.clone(), good()].concat()),
        [200, 403, 401, 200]
    );
    assert_eq!(
        statuses(&scene, &[encrypt(), nobody.clone(), encrypt(), unsigned.clone()].concat()),
        [200, 403, 200, 401]
    );
    assert_eq!(statuses(&scene, &[nobody.clone(), good(), good()].concat()), [403, 200, 200]);
    let answers = all_answers(&scene, &[good(), hostile].concat());
    assert_eq!(
        answers[1].header("access-control-allow-origin"),
        None,
        "the first one's reader is not the second one's"
    );
    assert_eq!(answers[1].header("signature"), None);
}

#[test]
fn no_request_hides_in_another_ones_body() {
    let scene = Scene::new();
    let host = &scene.served.authority;
    let hidden = plain("GET", "/v1/status", host, &format!("Origin: {NUMERBAY}\r\n"));
    let length = |head: &str, lines: &str| {
        let there = head.lines().find(|line| line.starts_with("Content-Length")).unwrap();
        head.replace(&format!("{there}\r\n"), lines)
    };
    let framings = [
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding:\r\n chunked\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 6\r\n",
        "Content-Length: 5\r\nX: a\rContent-Length: 99\r\n",
    ];
    for framing in framings {
        for ending in ["0\r\n\r\n", "0\n\n", "00000000000000000\r\n\r\n", "0;a=\n\r\n\r\n", "-0\r\n\r\n", "0x0\r\n\r\n"]
        {
            let mut draft = scene.draft(Call::Encrypt);
            draft.body = Vec::new();
            let head = with_head(&draft.sign(), |head| length(head, framing));
            let answers = all_answers(&scene, &[&head[..], ending.as_bytes(), &hidden].concat());
            // The first may be one; what is behind it is refused, or not even read.
            let found: Vec<_> = answers.iter().map(|answer| answer.status).collect();
            assert!(
                found.len() <= 2 && found.iter().skip(1).all(|status| *status >= 400),
                "{framing}{ending}: {found:?}"
            );
            let seals = answers.iter().filter(|answer| answer.status == 200);
            assert!(seals.clone().all(|answer| answer.body.len() <= 48 + 5), "{framing}{ending}: more was sealed");
        }
    }
    for chunk in [
        "ffffffffffffffff\r\na",
        "10000000000000005\r\nabcde\r\n0\r\n\r\n",
        "5 5\r\nabcde\r\n0\r\n\r\n",
        "5\r\nabcdef\r\n0\r\n\r\n",
        "z\r\n\r\n",
    ] {
        let head = with_head(&scene.draft(Call::Encrypt).sign(), |head| length(head, "Transfer-Encoding: chunked\r\n"));
        let head = String::from_utf8_lossy(&head);
        let head = head.split("\r\n\r\n").next().unwrap();
        let found = statuses(&scene, format!("{head}\r\n\r\n{chunk}").as_bytes());
        assert!(found.iter().all(|status| *status >= 400), "{chunk:?}: {found:?}");
    }
    still_serves(&scene);
}

#[test]
fn no_soup_of_headers_is_a_signature() {
    soup::pour(&Scene::new(), 2_000);
}
