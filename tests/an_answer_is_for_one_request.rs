//! An answer is what the bridge signed for one request: everything else is refused, by the page of the tests
//! (tests/support/page.rs) and by the library alike.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/page.rs"]
mod page;

use http::HeaderValue;
use page::{Body, Draft, Page, SignedRequest, content_digest};
use saltbridge::bridge::protocol::{
    Identity, PageKey, SignatureError, body_digest, content_digest as digest_header, verify_answer,
};
use saltbridge::fault::Fault as _;
use serde_json::json;

fn page() -> Page {
    Page::new("https://numerbay.ai", "127.0.0.1:21730")
}

fn draft(page: &Page) -> Draft<'_> {
    page.draft("POST", "/v1/unwrap", Body::Json(json!({"envelope": "{}"})))
}

fn code(error: &SignatureError) -> &'static str {
    error.explain().code
}

/// An answer's headers and body.
type Answer = (Vec<(String, String)>, Vec<u8>);

fn answer(identity: &Identity, status: u16, request: &[u8; 64], body: Option<&str>) -> Answer {
    let digest = body.map(|body| body_digest(body.as_bytes()));
    let signature = identity.sign_answer(status, request, digest, 1_800_000_000);
    let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
    let mut headers = vec![
        ("signature-input".to_owned(), text(&signature.signature_input)),
        ("signature".to_owned(), text(&signature.signature)),
    ];
    if let Some(digest) = digest {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
        headers.push(("content-digest".to_owned(), text(&digest_header(&digest))));
    }
    (headers, body.unwrap_or_default().as_bytes().to_vec())
}

/// The same judged by the library's own client.
fn verified(request: &[u8; 64], key: &[u8; 65], status: u16, (headers, body): &Answer) -> Result<(), SignatureError> {
    let mut response = http::Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    let json = headers.iter().any(|(name, _)| name == "content-type");
    let key = PageKey::from_bytes(key).unwrap();
    let parts = response.body(()).unwrap().into_parts().0;
    verify_answer(&parts, request, &key, json.then(|| body_digest(body)))
}

#[test]
fn an_answer_is_for_one_request_with_one_status_and_one_body() {
    let identity = Identity::generate().unwrap();
    let mut page = page();
    page.bridge_key = Some(identity.public_key());
    let request = draft(&page).sign();
    let other = draft(&page).sign();
    for (status, body) in [(200, Some("{\"handle\":1}")), (403, Some("{}")), (204, None), (200, None)] {
        let answer = answer(&identity, status, &request.signature, body);
        let judge = |request: &SignedRequest, page: &Page, status, answer: &Answer| {
            let own = page.verify(request, status, &answer.0, &answer.1);
            let library = verified(&request.signature, &page.bridge_key.unwrap(), status, answer);
            assert_eq!(own.is_ok(), library.is_ok(), "{own:?} {library:?}");
            library
        };
        assert_eq!(judge(&request, &page, status, &answer), Ok(()));
        assert_eq!(judge(&other, &page, status, &answer), Err(SignatureError::Invalid));
        assert_eq!(judge(&request, &page, status + 1, &answer), Err(SignatureError::Invalid));
        let mut impostor = page.in_another_browser();
        impostor.bridge_key = Some(Identity::generate().unwrap().public_key());
        assert_eq!(judge(&request, &impostor, status, &answer), Err(SignatureError::OtherKey));

        let (mut headers, mut changed) = answer.clone();
        changed.push(b' ');
        if body.is_some() {
            assert_eq!(judge(&request, &page, status, &(headers.clone(), changed)), Err(SignatureError::OtherBody));
            // Without its type, nothing says that the body is covered.
            headers.retain(|(name, _)| name != "content-type");
            let error = judge(&request, &page, status, &(headers, answer.1.clone())).unwrap_err();
            assert_eq!(code(&error), "unknown-component");
        } else {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
            headers.push(("content-digest".to_owned(), content_digest(b"{}")));
            let error = judge(&request, &page, status, &(headers, b"{}".to_vec())).unwrap_err();
            assert_eq!(code(&error), "missing-component");
        }
        for header in ["signature", "signature-input"] {
            let mut without = answer.clone();
            without.0.retain(|(name, _)| name != header);
            assert_eq!(code(&judge(&request, &page, status, &without).unwrap_err()), "no-signature");
            let mut twice = answer.clone();
            let again = twice.0.iter().find(|(name, _)| name == header).unwrap().clone();
            twice.0.push(again);
            assert_eq!(code(&judge(&request, &page, status, &twice).unwrap_err()), "repeated-header");
        }
    }
}

#[test]
fn an_answer_covers_what_it_must() {
    let identity = Identity::generate().unwrap();
    let key = identity.public_key();
    let request = [5; 64];
    let good = answer(&identity, 200, &request, Some("{}"));
    for (from, to, expected) in [
        ("\"@status\" ", "", "missing-component"),
        ("\"signature\";req;key=\"saltbridge\" ", "", "missing-component"),
        (" \"content-digest\"", "", "missing-component"),
        (";req", "", "unknown-component"),
        (";key=\"saltbridge\"", "", "unknown-component"),
        (";req;key=\"saltbridge\"", ";key=\"saltbridge\";req", "unknown-component"),
        ("key=\"saltbridge\"", "key=\"sig1\"", "unknown-component"),
        ("\"@status\"", "\"@method\";req", "unknown-component"),
        ("saltbridge-answer", "saltbridge-request", "bad-parameter"),
        (";tag=", ";nonce=\"a\";tag=", "unknown-parameter"),
        (";tag=", ";expires=1;tag=", "unknown-parameter"),
        (";created=1800000000", "", "missing-parameter"),
        ("created=1800000000", "created=1800000001", "signature-invalid"),
        ("saltbridge=(", "sig1=(", "bad-signature-input"),
    ] {
        let mut changed = good.clone();
        let input = &mut changed.0[0].1;
        assert!(input.contains(from), "{input} {from}");
        *input = input.replacen(from, to, 1);
        assert_eq!(code(&verified(&request, &key, 200, &changed).unwrap_err()), expected, "{from} {to}");
        let mut page = page();
        page.bridge_key = Some(key);
        let mut signed = draft(&page).sign();
        signed.signature = request;
        assert!(page.verify(&signed, 200, &changed.0, &changed.1).is_err());
    }
}

#[test]
fn the_bridges_key_outlives_the_process() {
    let identity = Identity::generate().unwrap();
    let pem = identity.to_pem();
    assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
    let again = Identity::from_pem(&pem).unwrap();
    assert_eq!(again.public_key(), identity.public_key());
    assert_eq!(again.key_id(), identity.key_id());
    assert_eq!(again.sign_answer(200, &[1; 64], None, 1), identity.sign_answer(200, &[1; 64], None, 1));
    assert_ne!(Identity::generate().unwrap().public_key(), identity.public_key());
    for damaged in ["", "-----BEGIN PRIVATE KEY-----", &pem[..pem.len() - 30], &pem.replace("PRIVATE", "PUBLIC")] {
        assert_eq!(Identity::from_pem(damaged).err().unwrap().explain().code, "bad-identity");
    }
}
