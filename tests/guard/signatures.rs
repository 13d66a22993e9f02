//! Signatures: of nothing, of something else, of somebody else, and those that were seen before.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use crate::page::{Body, Page, SignedRequest, content_digest, now};
use crate::scene::{Call, Row, Scene, row, with_head};
use crate::served::NUMERBAY;
use crate::support::{base64, unhex};

/// The order of P-256 (SP 800-186, section 3.2.1.3).
const ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";

/// Signatures that do not say what they must.
pub fn forms(scene: &Scene) -> Vec<Row> {
    let status = Call::Status;
    let covered = ["\"@method\"", "\"@authority\"", "\"@path\"", "\"@query\""];
    let mut rows = vec![
        scene.near("none", status, |draft| draft.without("Signature").without("Signature-Input"), 401, "no-signature"),
        scene.near("Signature alone", status, |draft| draft.without("Signature-Input"), 401, "no-signature"),
        scene.near("Signature-Input alone", status, |draft| draft.without("Signature"), 401, "no-signature"),
        scene.near("another label", status, |draft| draft.label("sig1"), 401, "bad-signature-input"),
        scene.near(
            "64 zeros",
            status,
            |draft| draft.header("Signature", &format!("saltbridge=:{}:", base64(&[0; 64]))),
            401,
            "signature-invalid",
        ),
        scene.near("no bytes", status, |draft| draft.header("Signature", "saltbridge=::"), 401, "bad-signature-header"),
        scene.near(
            "Signature twice",
            status,
            |draft| draft.another("Signature", "saltbridge=:AA==:"),
            401,
            "repeated-header",
        ),
        scene.near(
            "a component more",
            status,
            |draft| {
                let more: Vec<_> = covered.into_iter().chain(["\"origin\""]).collect();
                draft.components(&more)
            },
            401,
            "unknown-component",
        ),
        scene.near("no components", status, |draft| draft.components(&[]), 401, "missing-component"),
        scene.near(
            "another tag",
            status,
            |draft| draft.parameter("tag", "\"saltbridge-answer\""),
            401,
            "bad-parameter",
        ),
        scene.near("another algorithm", status, |draft| draft.parameter("alg", "\"none\""), 401, "bad-parameter"),
        scene.near("expires", status, |draft| draft.parameter("expires", "99999999999"), 401, "unknown-parameter"),
    ];
    for missing in covered {
        let less: Vec<_> = covered.into_iter().filter(|name| *name != missing).collect();
        let name = format!("without {missing}");
        rows.push(scene.near(name, status, |draft| draft.components(&less), 401, "missing-component"));
    }
    for missing in ["created", "nonce", "keyid", "tag"] {
        let name = format!("without {missing}");
        rows.push(scene.near(name, status, |draft| draft.without_parameter(missing), 401, "missing-parameter"));
    }
    rows.push(scene.near(
        "JSON whose digest is not covered",
        Call::Unwrap,
        |draft| draft.components(&covered),
        401,
        "missing-component",
    ));
    rows
}

/// Signatures of something else than what is sent.
pub fn of_something_else(scene: &Scene) -> Vec<Row> {
    let authority = scene.served.authority.as_str();
    let signing = |name: &str, method: &str, authority: &str, target: &str| {
        scene.near(name, Call::Status, |draft| draft.signing(method, authority, target), 401, "signature-invalid")
    };
    let body = scene.draft(Call::Unwrap).body;
    let mut rows = vec![
        signing("another method", "DELETE", authority, "/v1/status"),
        signing("another authority", "GET", "127.0.0.1:21731", "/v1/status"),
        signing("no port", "GET", "127.0.0.1", "/v1/status"),
        signing("another route", "GET", authority, "/v1/events"),
        signing("another query", "GET", authority, "/v1/status?a"),
        scene.near_head(
            "a query that is not signed",
            Call::Status,
            |head| head.replacen("/v1/status ", "/v1/status?a=b ", 1),
            401,
            "signature-invalid",
        ),
        scene.near_head(
            "a query's value that is not the signed one",
            Call::Encrypt,
            |head| head.replacen("public_key=CQ", "public_key=DQ", 1),
            401,
            "signature-invalid",
        ),
        scene.near(
            "another body",
            Call::Unwrap,
            |mut draft| {
                // As long as the right one.
                draft.body = [b" ", &body[1..]].concat();
                draft
            },
            401,
            "digest-mismatch",
        ),
        scene.near(
            "another body with its digest",
            Call::Unwrap,
            |mut draft| {
                draft.body = [b" ", &body[1..]].concat();
                let digest = content_digest(&draft.body);
                draft.header("Content-Digest", &digest)
            },
            401,
            "signature-invalid",
        ),
        scene.near(
            "another digest",
            Call::Unwrap,
            |draft| draft.header("Content-Digest", &content_digest(b"another")),
            401,
            "signature-invalid",
        ),
        scene.near("no digest", Call::Unwrap, |draft| draft.without("Content-Digest"), 401, "bad-digest-header"),
        scene.near(
            "another digest's name",
            Call::Unwrap,
            |draft| draft.header("Content-Digest", "sha-512=:AAAA:"),
            401,
            "bad-digest-header",
        ),
    ];
    for (name, created) in [("two minutes old", now() - 120), ("of in two minutes", now() + 120), ("of 1970", 0)] {
        rows.push(scene.near(name, Call::Status, |draft| draft.created(created), 401, "stale"));
    }
    rows
}

/// Signatures of keys that are nobody's here, or another's.
pub fn of_somebody_else(scene: &Scene) -> Vec<Row> {
    let stranger = scene.page.in_another_browser();
    let good = || scene.draft(Call::Status).sign().bytes();
    let mine = format!("\"{}\"", scene.page.key_id());
    let as_me = |page: &Page| {
        let draft = scene.draft_of(page, Call::Status).parameter("keyid", &mine);
        draft.header("Origin", NUMERBAY).sign().bytes()
    };
    vec![
        row("another browser", scene.draft_of(&stranger, Call::Status).sign().bytes(), 401, "key-unknown")
            .beside(good()),
        row("another browser under this key's name", as_me(&stranger), 401, "signature-invalid").beside(good()),
        row("another page under this key's name", as_me(&scene.other), 401, "signature-invalid").beside(good()),
        row(
            "who was named and did not pair",
            scene.draft_of(&scene.invited, Call::Status).sign().bytes(),
            401,
            "key-unknown",
        ),
        row("who is hostile", scene.draft_of(&scene.hostile, Call::Status).sign().bytes(), 403, "origin-unknown"),
        row("who pairs without a code", pairing(&scene.page), 403, "not-invited"),
        row("who pairs and is hostile", pairing(&scene.hostile), 403, "origin-unknown"),
        row("who pairs with another code", pairing(&scene.invited), 403, "wrong-code"),
        row(
            "who pairs with another's key",
            with_head(&scene.invited.pairing_request("0000-0000-0000-0000"), |head| {
                head.replace(&scene.invited.key_id(), &scene.page.key_id())
            }),
            401,
            "other-key",
        ),
    ]
}

fn pairing(page: &Page) -> Vec<u8> {
    page.pairing_request("0000-0000-0000-0000").bytes()
}

/// What was answered once is not answered again, in whatever spelling.
pub fn replays(scene: &Scene) {
    let request = scene.draft(Call::Status).sign();
    let again = high_or_low(&request);
    assert_eq!(scene.served.ask(&scene.page, &request).status, 200);
    let nonce = [7; 16];
    let with_nonce = |call| scene.draft(call).nonce(&nonce).sign().bytes();
    assert_eq!(scene.send(&with_nonce(Call::Status)).unwrap().status, 200);
    let resigned = |call, created: i64| scene.draft(call).nonce(&nonce).created(created).sign().bytes();
    scene.check(vec![
        row("the same again", request.bytes(), 401, "replayed"),
        row("the same once more", request.bytes(), 401, "replayed"),
        row("the other signature (r, n − s)", again, 401, "replayed"),
        row("the same nonce, signed again", resigned(Call::Status, now()), 401, "replayed"),
        row("the same nonce for another call", with_nonce(Call::Encrypt), 401, "replayed"),
        row("the same nonce at another time", resigned(Call::Status, now() + 5), 401, "replayed"),
    ]);
    // The other spelling is as good as the first one, the first time.
    let fresh = high_or_low(&scene.draft(Call::Status).sign());
    assert_eq!(scene.send(&fresh).unwrap().status, 200);
    // Each key has its own nonces.
    let others = scene.draft_of(&scene.other, Call::Status).nonce(&nonce).sign().bytes();
    assert_eq!(scene.send(&others).unwrap().status, 200);
}

/// The same request with the signature (r, n − s), which verifies as well.
fn high_or_low(request: &SignedRequest) -> Vec<u8> {
    let order: [u8; 32] = unhex(ORDER);
    let mut other = request.signature;
    let mut borrow = false;
    for place in (0..32).rev() {
        let (less, first) = order[place].overflowing_sub(request.signature[32 + place]);
        let (less, second) = less.overflowing_sub(u8::from(borrow));
        borrow = first || second;
        other[32 + place] = less;
    }
    with_head(request, |head| head.replace(&base64(&request.signature), &base64(&other)))
}

/// A paired page does what it was allowed, and nothing else.
pub fn scopes(scene: &Scene) -> Vec<Row> {
    let good = || scene.draft_of(&scene.other, Call::Encrypt).sign().bytes();
    let of_other = |method: &str, path: &str, body: Body| scene.other.draft(method, path, body).sign().bytes();
    let handle = &scene.handle;
    let empty = || Body::Json(serde_json::json!({}));
    let mut rows = vec![
        row("unwrap", scene.draft_of(&scene.other, Call::Unwrap).sign().bytes(), 403, "scope-missing").beside(good()),
        row("create", of_other("POST", "/v1/keys", empty()), 403, "scope-missing").beside(good()),
        row(
            "decrypt",
            of_other("POST", &format!("/v1/keys/{handle}/decrypt"), Body::Bytes(vec![0; 100])),
            403,
            "scope-missing",
        ),
        row("export", of_other("POST", &format!("/v1/keys/{handle}/export"), empty()), 403, "scope-missing"),
        row(
            "export, though all the rest was granted",
            scene
                .page
                .draft("POST", &format!("/v1/keys/{handle}/export"), empty())
                .sign()
                .bytes(),
            403,
            "scope-missing",
        ),
    ];
    let at_socket = [
        ("GET", "/v1/devices", Body::None),
        ("GET", "/v1/address", Body::None),
        ("GET", "/v1/pairings", Body::None),
        ("DELETE", "/v1/pairings/https%3A%2F%2Fother.example", Body::None),
        ("POST", "/v1/pairings/codes", Body::Json(serde_json::json!({ "origin": "https://evil.example" }))),
        ("GET", "/v1/own-pages", Body::None),
        ("POST", "/v1/own-pages", Body::Json(serde_json::json!({}))),
    ];
    for (method, path, body) in at_socket {
        let signed = scene.page.draft(method, path, body).sign().bytes();
        rows.push(row(format!("{method} {path}"), signed, 403, "socket-only"));
    }
    let box_key = format!("/v1/keys/{handle}/box-key");
    let box_key = scene
        .page
        .draft("POST", &box_key, Body::Json(serde_json::json!({ "box": "" })))
        .sign();
    rows.push(row("the key of a box", box_key.bytes(), 403, "socket-only"));
    rows
}

/// A key that was revoked is nobody's, at once.
pub fn of_a_key_that_was_revoked(scene: &Scene) {
    let page = scene.served.paired("https://third.example", None);
    let answer = |page: &Page| scene.send(&scene.draft_of(page, Call::Status).sign().bytes()).unwrap();
    assert_eq!(answer(&page).status, 200);
    let output = scene
        .served
        .command(&["pairings", "revoke", "https://third.example"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let refused = answer(&page);
    assert_eq!((refused.status, refused.code().as_str()), (403, "origin-unknown"));
    assert_eq!(refused.header("access-control-allow-origin"), None);
    // Where the person names it again, the old key stays nobody's.
    scene.served.invite("https://third.example", &[]);
    let refused = answer(&page);
    assert_eq!((refused.status, refused.code().as_str()), (401, "key-unknown"));
    assert_eq!(answer(&scene.page).status, 200, "the others stay");
}
