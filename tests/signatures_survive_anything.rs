//! No header whatever makes the reading of signatures panic, and a request that was changed is not the one that was signed.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/page.rs"]
mod page;

use std::ffi::OsStr;
use std::sync::LazyLock;

use http::{HeaderName, HeaderValue};
use page::{Body, Page, SignedRequest};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use saltbridge::bridge::protocol::{PageKey, RequestSignature, SignatureError, body_digest, verify_answer};
use saltbridge::fault::Fault as _;
use saltbridge::text::printable_name;
use serde_json::json;

const AUTHORITY: &str = "127.0.0.1:21730";
const HEADERS: [&str; 3] = ["signature-input", "signature", "content-digest"];

static PAGE: LazyLock<Page> = LazyLock::new(|| Page::new("https://numerbay.ai", AUTHORITY));
static SIGNED: LazyLock<SignedRequest> =
    LazyLock::new(|| PAGE.request("POST", "/v1/unwrap?a=b", Body::Json(json!({"envelope": "{}"}))));

/// The three headers of the good request.
fn good() -> [Vec<u8>; 3] {
    HEADERS.map(|name| {
        let found = SIGNED
            .headers
            .iter()
            .find(|(there, _)| there.eq_ignore_ascii_case(name));
        found.unwrap().1.clone().into_bytes()
    })
}

fn judge(values: &[(usize, Vec<u8>)], wants_digest: bool) -> Option<Result<(), SignatureError>> {
    let mut request = http::Request::post(&SIGNED.target);
    let mut response = http::Response::builder();
    for (index, value) in values {
        let name: HeaderName = HEADERS[*index].parse().unwrap();
        let value = HeaderValue::from_bytes(value).ok()?;
        request = request.header(&name, &value);
        response = response.header(&name, &value);
    }
    let key = PageKey::from_bytes(&PAGE.public_key()).unwrap();
    let answer = response.body(()).unwrap().into_parts().0;
    for digest in [None, Some(body_digest(&SIGNED.body))] {
        told(&verify_answer(&answer, &SIGNED.signature, &key, digest).unwrap_err());
    }
    let parts = request.body(()).unwrap().into_parts().0;
    let judged = RequestSignature::parse(&parts, wants_digest).and_then(|signature| {
        signature.verify(AUTHORITY, &key)?;
        signature.check_body(&SIGNED.body)
    });
    if let Err(error) = &judged {
        told(error);
    }
    Some(judged)
}

/// It has a remedy, and a sentence that a terminal can be shown.
fn told(error: &SignatureError) {
    let sentence = error.to_string();
    assert_eq!(printable_name(OsStr::new(&sentence)), sentence);
    assert!(!error.explain().help.is_empty());
}

/// Removes, repeats, overwrites or inserts something, a few times.
fn mutated(original: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let pieces = select(vec![
        "\"",
        ";",
        "(",
        ")",
        ",",
        ":",
        "=",
        " ",
        "\t",
        "\\",
        "?1",
        "1",
        "0",
        "-",
        "a",
        "A",
        "@",
        "%",
        "\u{80}",
        ";req",
        ";key=\"saltbridge\"",
        "saltbridge=",
        ", ",
        "\"@method\"",
        " \"content-digest\"",
        ";created=1",
        ";alg=\"a\"",
        "==",
    ]);
    let change = (any::<Index>(), any::<Index>(), 0..4_u8, pieces);
    vec(change, 0..3).prop_map(move |changes| {
        let mut bytes = original.clone();
        for (from, to, kind, piece) in changes {
            let (a, b) = (from.index(bytes.len() + 1), to.index(bytes.len() + 1));
            let (from, to) = (a.min(b), a.max(b));
            let next = (from + 1).min(bytes.len());
            match kind {
                0 => drop(bytes.drain(from..to.min(from + 9))),
                1 => drop(bytes.splice(from..from, piece.bytes())),
                2 => drop(bytes.splice(from..next, piece.bytes())),
                _ => {
                    let again = bytes[from..to].to_vec();
                    drop(bytes.splice(to..to, again));
                }
            }
        }
        bytes
    })
}

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(2048)
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_bytes_are_refused(values in vec((0..3_usize, vec(any::<u8>(), 0..80)), 0..5), wants_digest: bool) {
        if let Some(judged) = judge(&values, wants_digest) {
            prop_assert!(judged.is_err());
        }
    }

    #[test]
    fn dictionaries_of_any_kind_are_refused(
        values in vec(
            (0..3_usize, "saltbridge=(\\(((\"[@a-z-]{0,9}\"|[a-z0-9]{0,3})(;[a-z]{0,5}(=[a-z0-9\"]{0,4})?)? ?){0,5}\\)|:[A-Za-z0-9+/=]{0,90}:)(;[a-z]{0,7}=[a-z0-9\"?:@%.-]{0,9}){0,5}"),
            2..5,
        ),
        wants_digest: bool,
    ) {
        let values: Vec<_> = values.into_iter().map(|(index, text)| (index, text.into_bytes())).collect();
        if let Some(judged) = judge(&values, wants_digest) {
            prop_assert!(judged.is_err());
        }
    }

    #[test]
    fn a_changed_request_is_good_only_if_it_is_the_same(
        [input, signature, digest] in {
            let [input, signature, digest] = good();
            [mutated(input).boxed(), mutated(signature).boxed(), mutated(digest).boxed()]
        },
    ) {
        let same = [&input, &signature, &digest] == good().each_ref();
        let values = [(0, input), (1, signature), (2, digest)];
        match judge(&values, true) {
            Some(judged) => prop_assert_eq!(judged.is_ok(), same, "{:?}", values),
            None => prop_assert!(!same),
        }
    }
}
