//! A page that a person has paired unlocks with one approval, opens and seals files, makes keys, and uses nobody else's.
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

use crypto_box::SecretKey;
use crypto_box::aead::OsRng;
use page::Body;
use serde_json::json;
use served::{NUMERBAY, Served};
use stage::approving;
use story::{decrypt, envelope, opens, post, questions, recorded_public_key, status, unlock, unwrap, with_approvals};
use support::{Run, Vectors, base64, plaintext, text};

#[test]
fn from_the_code_to_the_file() {
    let served = Served::new();
    let page = served.paired(NUMERBAY, None);
    let (answer, approvals) = with_approvals(&served.stage, || served.ask(&page, &unwrap(&page, &served.desk)));
    assert_eq!((answer.status, approvals), (200, 1), "{answer:?}");
    let handle = answer.json()["handle"].as_str().unwrap().to_owned();
    assert_eq!(answer.json()["public_key"], story::recorded()["public_key"]);
    assert_eq!(answer.json()["address"], story::recorded_address());

    let answer = served.ask(&page, &decrypt(&page, &served.desk, &handle));
    let vectors = Vectors::numerbay();
    let entry = vectors.entry("sealed", story::SEALED);
    assert_eq!(answer.status, 200, "{}", text(entry, "id"));
    assert_eq!(answer.body, plaintext(entry));
}

#[test]
fn the_same_page_is_asked_once() {
    let served = Served::new();
    let page = served.paired(NUMERBAY, None);
    let handle = unlock(&served, &page);
    // Nobody is there to approve.
    for more in [
        json!({}),
        json!({ "public_key": story::recorded()["public_key"] }),
        json!({ "address": story::recorded_address() }),
        json!({ "for": "decrypt" }),
    ] {
        let mut body = more.clone();
        body["envelope"] = envelope(&served.desk).into();
        let answer = served.ask(&page, &post(&page, "/v1/unwrap", body));
        assert_eq!(answer.status, 200, "{more}: {answer:?}");
        assert_eq!(answer.json()["handle"], *handle, "{more}");
    }
    assert_eq!(questions(&served.stage), 1);
    assert_eq!(status(&served, &page)["keys"], 1);
}

#[test]
fn another_page_needs_its_own_approval_and_has_no_handle_of_others() {
    let served = Served::new();
    let page = served.paired(NUMERBAY, None);
    let handle = unlock(&served, &page);
    let others = [
        ("another origin", served.paired("https://numerai.example", Some("decrypt,export"))),
        ("another browser", served.paired(NUMERBAY, Some("decrypt,export"))),
    ];
    for (who, other) in others {
        assert_eq!(status(&served, &other)["keys"], 0, "{who}");
        let export = format!("/v1/keys/{handle}/export");
        for request in [
            decrypt(&other, &served.desk, &handle),
            post(&other, &export, json!({})),
            other.request("DELETE", &format!("/v1/keys/{handle}"), Body::None),
        ] {
            let answer = served.ask(&other, &request);
            assert_eq!((answer.status, answer.code()), (400, "no-such-key".to_owned()), "{who}: {}", request.target);
        }
        // All of one's own are no others'.
        assert_eq!(
            served
                .ask(&other, &other.request("DELETE", "/v1/keys", Body::None))
                .status,
            204
        );
        assert_eq!(opens(&served, &page, &handle), Ok(()), "{who} has taken nothing");

        let (own, approvals) = with_approvals(&served.stage, || unlock(&served, &other));
        assert_eq!(approvals, 1, "{who}");
        assert_ne!(own, handle, "{who}");
        assert_eq!(opens(&served, &other, &own), Ok(()));
        assert_eq!(opens(&served, &page, &own), Err("no-such-key".to_owned()), "nor the other way round");
    }
}

#[test]
fn a_handle_is_exact() {
    let served = Served::new();
    let page = served.paired(NUMERBAY, None);
    let handle = unlock(&served, &page);
    let (first, last) = (handle.split_at(1).1, handle.split_at(handle.len() - 1).0);
    let other = if handle.starts_with('A') { "B" } else { "A" };
    for near in
        [first.to_owned(), last.to_owned(), format!("{other}{first}"), format!("{handle}A"), format!("{handle}=")]
    {
        assert_eq!(opens(&served, &page, &near), Err("no-such-key".to_owned()), "{near}");
    }
    assert_eq!(opens(&served, &page, &handle), Ok(()));
}

#[test]
fn a_flipped_bit_gives_no_byte() {
    let served = Served::new();
    let page = served.paired(NUMERBAY, None);
    let handle = unlock(&served, &page);
    let sealed = served.desk.read("report.csv.sealed");
    let target = format!("/v1/keys/{handle}/decrypt");
    for place in [0, 31, 32, 47, 48, 500, sealed.len() - 1] {
        let mut changed = sealed.clone();
        changed[place] ^= 1;
        let answer = served.ask(&page, &page.request("POST", &target, Body::Bytes(changed)));
        assert_eq!(answer.status, 422, "byte {place}: {answer:?}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert_eq!(answer.code(), "box-does-not-open", "byte {place}");
    }
    for length in [0, 1, 47] {
        let answer = served.ask(&page, &page.request("POST", &target, Body::Bytes(sealed[..length].to_vec())));
        assert_eq!((answer.status, answer.code()), (422, "box-too-short".to_owned()), "{length} bytes");
    }
    assert_eq!(opens(&served, &page, &handle), Ok(()), "the key is there as before");
}

#[test]
fn what_it_seals_opens_elsewhere() {
    let served = Served::new();
    let page = served.paired(NUMERBAY, None);
    let oracle = SecretKey::generate(&mut OsRng);
    let encoded = |key: &[u8]| base64(key).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let target = format!("/v1/encrypt?public_key={}", encoded(oracle.public_key().as_bytes()));
    for length in [0, 1, 1000, 70_000, 3 << 20] {
        let content: Vec<u8> = (0..length).map(|n: u32| n.to_le_bytes()[n as usize % 3]).collect();
        let answer = served.ask(&page, &page.request("POST", &target, Body::Bytes(content.clone())));
        assert_eq!(answer.status, 200, "{length}");
        assert_eq!(oracle.unseal(&answer.body).ok(), Some(content), "{length}");
    }
    // And what was sealed here for a key that is held opens here.
    let handle = unlock(&served, &page);
    let target = format!("/v1/encrypt?public_key={}", encoded(&recorded_public_key()));
    let sealed = served.ask(&page, &page.request("POST", &target, Body::Bytes(b"predictions".to_vec())));
    let back = page.request("POST", &format!("/v1/keys/{handle}/decrypt"), Body::Bytes(sealed.body));
    assert_eq!(served.ask(&page, &back).body, b"predictions");
    assert_eq!(questions(&served.stage), 1);
}

#[test]
fn a_key_that_it_makes_opens_without_it() {
    let served = Served::new();
    let page = served.paired(NUMERBAY, None);
    let create = post(&page, "/v1/keys", json!({}));
    let (answer, approvals) = with_approvals(&served.stage, || served.ask(&page, &create));
    assert_eq!((answer.status, approvals), (200, 2), "{answer:?}");
    let made = answer.json();
    assert_eq!(made["address"], story::recorded_address());
    assert_eq!(made.as_object().unwrap().len(), 3, "what the profile stores, and no more: {made}");

    served.desk.put("made.json", text(&made, "encrypted_private_key"));
    let device = served.stage.endpoint().to_string();
    let args = ["export", "--no-bridge", "--envelope", "made.json", "--device", &device, "-o", "made-key.json"];
    approving(&[&served.stage], || Run::of(served.command(&args).output().unwrap())).succeeded();
    let key_file: serde_json::Value = serde_json::from_slice(&served.desk.read("made-key.json")).unwrap();
    assert_eq!(key_file["public_key"], made["public_key"]);
    let private_key: [u8; 32] = support::unbase64(text(&key_file, "private_key")).try_into().unwrap();
    let public_key = SecretKey::from(private_key).public_key();
    assert_eq!(base64(public_key.as_bytes()), text(&made, "public_key"));
}

#[test]
fn what_is_forgotten_is_asked_for_again() {
    let served = Served::new();
    let page = served.paired(NUMERBAY, None);
    let vectors = Vectors::numerbay();
    let other = vectors
        .section("envelopes")
        .iter()
        .find(|entry| entry["wallet"] == story::recorded()["wallet"] && entry["id"] != story::ENVELOPE);
    let other = post(&page, "/v1/unwrap", json!({ "envelope": text(other.unwrap(), "envelope") }));
    let second = approving(&[&served.stage], || served.ask(&page, &other)).json()["handle"].clone();
    let first = unlock(&served, &page);
    assert_eq!(status(&served, &page)["keys"], 2);

    let forget = |target: &str| {
        let answer = served.ask(&page, &page.request("DELETE", target, Body::None));
        assert_eq!((answer.status, answer.body.len()), (204, 0), "{target}");
    };
    forget(&format!("/v1/keys/{}", second.as_str().unwrap()));
    assert_eq!(opens(&served, &page, second.as_str().unwrap()), Err("no-such-key".to_owned()));
    assert_eq!(opens(&served, &page, &first), Ok(()), "one is one");
    forget("/v1/keys");
    assert_eq!(opens(&served, &page, &first), Err("no-such-key".to_owned()));
    assert_eq!(status(&served, &page)["keys"], 0);

    let (handle, approvals) = with_approvals(&served.stage, || unlock(&served, &page));
    assert_eq!(approvals, 1);
    assert_ne!(handle, first);
}

#[test]
fn a_path_tells_its_methods() {
    let served = Served::new();
    let page = served.paired(NUMERBAY, None);
    let answer = served.send(&page.request("GET", "/v1/keys", Body::None));
    assert_eq!((answer.status, answer.code()), (405, "other-method".to_owned()));
    assert_eq!(answer.header("allow"), Some("POST, DELETE"));
}
