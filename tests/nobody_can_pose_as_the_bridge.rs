//! A program that took the bridge's port is found out at its first answer, and what was said to the bridge before is
//! worth nothing to anybody.
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
use std::net::TcpListener;
use std::thread::JoinHandle;

use page::{Body, Page, SignedRequest};
use saltbridge::bridge::protocol::{Identity, body_digest};
use serde_json::json;
use served::{Answer, NUMERBAY, Served};
use stage::approving;
use story::{opens, post, questions, status, unlock};
use support::base64;

/// The head of a request without a body, as far as it came.
fn head_of(mut stream: &std::net::TcpStream) -> Vec<u8> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).is_ok() {
        head.extend(byte);
    }
    head
}

/// Takes the port of a bridge that has ended, and answers one request.
fn squat(authority: &str, answer: impl FnOnce(&[u8]) -> Vec<u8> + Send + 'static) -> JoinHandle<()> {
    let listener = TcpListener::bind(authority).unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let answer = answer(&head_of(&stream));
        stream.write_all(&answer).unwrap();
    })
}

fn verify(page: &Page, request: &SignedRequest, answer: &Answer) -> Result<String, String> {
    page.verify(request, answer.status, &answer.headers, &answer.body)
}

/// An answer as text, with these headers more.
fn written(status: &str, body: &str, headers: &[(String, String)]) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    (text + "\r\n" + body).into_bytes()
}

/// The signature of a request, of which an answer must tell.
fn signature_of(head: &[u8]) -> [u8; 64] {
    let head = String::from_utf8(head.to_vec()).unwrap();
    let value = head
        .lines()
        .find_map(|line| line.strip_prefix("Signature: saltbridge=:"))
        .unwrap();
    support::unbase64(value.trim_end_matches(':')).try_into().unwrap()
}

/// What a bridge with a key of its own signs such an answer with.
fn signed_anew(head: &[u8], body: &str) -> Vec<(String, String)> {
    let digest = body_digest(body.as_bytes());
    let signed = Identity::generate()
        .unwrap()
        .sign_answer(200, &signature_of(head), Some(digest), page::now());
    let text = |value: &http::HeaderValue| value.to_str().unwrap().to_owned();
    vec![
        ("Content-Digest".to_owned(), page::content_digest(body.as_bytes())),
        ("Signature-Input".to_owned(), text(&signed.signature_input)),
        ("Signature".to_owned(), text(&signed.signature)),
    ]
}

#[test]
fn who_only_has_the_port_is_found_out() {
    let mut served = Served::new();
    let page = served.paired(NUMERBAY, None);
    let request = page.request("GET", "/v1/status", Body::None);
    // What it may have overheard: a true answer to an earlier request of the same kind.
    let earlier = served.ask(&page, &request);
    assert!(served.stop().success());

    let body = String::from_utf8(earlier.body.clone()).unwrap();
    let names = ["signature", "signature-input", "content-digest"];
    let replayed: Vec<_> = earlier
        .headers
        .iter()
        .filter(|(name, _)| names.contains(&name.as_str()))
        .cloned()
        .collect();
    assert_eq!(replayed.len(), 3);
    type Squatter = Box<dyn FnOnce(&[u8]) -> Vec<u8> + Send>;
    let of = |body: &str| body.to_owned();
    let (one, two, three, four) = (of(&body), of(&body), of(&body), of(&body));
    let pinned = page.bridge_key.unwrap();
    let rows: [(&str, Squatter, &str); 4] = [
        ("no signature", Box::new(move |_| written("200 OK", &one, &[])), "no Content-Digest"),
        ("one that it heard", Box::new(move |_| written("200 OK", &two, &replayed)), "does not verify"),
        (
            "a key of its own",
            Box::new(move |head| written("200 OK", &three, &signed_anew(head, &three))),
            "other parameters",
        ),
        (
            "a key of its own under the bridge's name",
            Box::new(move |head| {
                let mut headers = signed_anew(head, &four);
                let own = headers[1]
                    .1
                    .split("keyid=\"")
                    .nth(1)
                    .unwrap()
                    .split('"')
                    .next()
                    .unwrap()
                    .to_owned();
                headers[1].1 = headers[1].1.replace(&own, &page::key_id(&pinned));
                written("200 OK", &four, &headers)
            }),
            "does not verify",
        ),
    ];
    for (who, squatter, found) in rows {
        let squatter = squat(&served.authority, squatter);
        let request = page.request("GET", "/v1/status", Body::None);
        let answer = served.send(&request);
        squatter.join().unwrap();
        assert_eq!(answer.body, earlier.body, "{who}: word for word what the bridge says");
        let error = verify(&page, &request, &answer).unwrap_err();
        assert!(error.contains(found), "{who}: {error}");
    }
    // The true one is known again.
    story::restart(&mut served);
    served.past_the_first_second(&page);
    assert_eq!(status(&served, &page)["keys"], 0);
}

/// It is a bridge in every other respect: another user's, say, or one with a state of its own.
#[test]
fn another_bridge_at_the_same_port_is_another() {
    let mut served = Served::new();
    let page = served.paired(NUMERBAY, None);
    assert!(served.stop().success());
    std::fs::remove_dir_all(served.desk.locks().join("state")).unwrap();
    story::restart(&mut served);
    let other = served.paired(NUMERBAY, None);
    let request = page.request("GET", "/v1/status", Body::None);
    let answer = served.send(&request);
    assert_eq!(answer.code(), "key-unknown");
    verify(&page, &request, &answer).unwrap_err();
    // And what it signs for its own pages means nothing to the other one.
    let request = other.request("GET", "/v1/status", Body::None);
    let answer = served.ask(&other, &request);
    assert!(
        verify(&page, &request, &answer)
            .unwrap_err()
            .contains("other parameters")
    );
}

#[test]
fn what_was_heard_is_refused_the_second_time_and_changes_nothing() {
    let served = Served::new();
    let page = served.paired(NUMERBAY, Some("create,decrypt,encrypt,export"));
    let handle = unlock(&served, &page);
    let export = format!("/v1/keys/{handle}/export");
    let encrypt = format!("/v1/encrypt?public_key={}", base64(&story::recorded_public_key()).replace('=', "%3D"));
    assert!(!encrypt.contains('+'));
    let requests = [
        page.request("GET", "/v1/status", Body::None),
        story::unwrap(&page, &served.desk),
        story::decrypt(&page, &served.desk, &handle),
        page.request("POST", &encrypt, Body::Bytes(b"predictions".to_vec())),
        post(&page, &export, json!({})),
        post(&page, "/v1/keys", json!({})),
        page.request("DELETE", "/v1/keys", Body::None),
    ];
    for request in &requests {
        let answer = approving(&[&served.stage], || served.ask(&page, request));
        assert!(matches!(answer.status, 200 | 204), "{}: {answer:?}", request.target);
    }
    let handle = unlock(&served, &page);
    let asked = questions(&served.stage);
    // The same bytes, and once more.
    for request in &requests {
        for bytes in [request.bytes(), request.bytes()] {
            let answer = served.send_raw(&bytes).unwrap();
            let verified = page.verify(request, answer.status, &answer.headers, &answer.body);
            verified.unwrap_or_else(|error| panic!("{error}: {answer:?}"));
            assert_eq!((answer.status, answer.code()), (401, "replayed".to_owned()), "{}", request.target);
        }
    }
    assert_eq!(questions(&served.stage), asked, "the device hears nothing of it");
    assert_eq!(status(&served, &page)["keys"], 1, "nothing was forgotten");
    assert_eq!(opens(&served, &page, &handle), Ok(()));
}

#[test]
fn of_two_at_once_one_is_answered() {
    let served = Served::new();
    let page = served.paired(NUMERBAY, None);
    for _ in 0..20 {
        let request = page.request("GET", "/v1/status", Body::None);
        let mut answers = std::thread::scope(|scope| {
            let both = [(); 2].map(|()| scope.spawn(|| served.ask(&page, &request).status));
            both.map(|one| one.join().unwrap())
        });
        answers.sort_unstable();
        assert_eq!(answers, [200, 401]);
    }
}
