//! A request is what its page signed, as the protocol says: everything else is refused, each for its reason. The page is
//! an implementation of its own (tests/support/page.rs). What a signature is good for:
//! tests/a_signature_is_for_one_request.rs.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/page.rs"]
mod page;
#[path = "support/signing.rs"]
mod signing;

use page::{Body, content_digest};
use saltbridge::bridge::protocol::{RequestSignature, SignatureError, body_digest};
use serde_json::json;
use signing::{base64_of, code, draft, judge, key, page, parts};

#[test]
fn what_a_page_signs_is_accepted() {
    let page = page();
    for (method, target, body) in [
        ("GET", "/v1/status", Body::None),
        ("GET", "/v1/status?", Body::None),
        ("GET", "/v1/events?since=4&x=%2B", Body::None),
        ("DELETE", "/v1/keys", Body::None),
        ("POST", "/v1/keys/abc/export", Body::None),
        ("POST", "/v1/encrypt?public_key=a%2Bb%3D", Body::Bytes(vec![0; 100])),
        ("POST", "/v1/unwrap", Body::Json(json!({"envelope": "{\"data\":\"ü\"}"}))),
        ("POST", "/v1/keys", Body::Json(json!({}))),
        ("GET", "/v1/a//b/../c;d?e?f", Body::None),
    ] {
        let request = page.request(method, target, body);
        assert_eq!(judge(&request, &key(&page)), Ok(()), "{method} {target}");
    }
}

#[test]
fn what_was_signed_is_read_as_it_was_meant() {
    let page = page();
    let request = draft(&page).created(1_800_000_000).nonce(&[7; 16]).sign();
    let signature = RequestSignature::parse(&parts(&request), true).unwrap();
    assert_eq!(signature.key_id().to_string(), page.key_id());
    assert_eq!(signature.key_id(), key(&page).key_id());
    assert_eq!(signature.created(), 1_800_000_000);
    assert_eq!(signature.nonce(), [7; 16]);
    assert_eq!(signature.digest(), Some(body_digest(&request.body)));
    assert_eq!(signature.raw(), &request.signature);
    let without = page.request("GET", "/v1/status", Body::None);
    let signature = RequestSignature::parse(&parts(&without), false).unwrap();
    assert_eq!(signature.digest(), None);
    assert_eq!(signature.check_body(b""), Err(SignatureError::OtherBody));
}

#[test]
fn any_order_and_the_one_algorithm_are_accepted() {
    let page = page();
    for request in [
        draft(&page).components(&["\"content-digest\"", "\"@query\"", "\"@authority\"", "\"@path\"", "\"@method\""]),
        draft(&page).parameter("alg", "\"ecdsa-p256-sha256\""),
        draft(&page).without_parameter("created").created(1),
        draft(&page).created(-1),
        draft(&page).created(999_999_999_999_999),
        // Headers that no signature covers may say anything.
        draft(&page).another("X-Anything", "anything"),
    ] {
        assert_eq!(judge(&request.sign(), &key(&page)), Ok(()));
    }
}

#[test]
fn what_is_covered_is_exactly_what_the_protocol_says() {
    let page = page();
    let all = ["\"@method\"", "\"@authority\"", "\"@path\"", "\"@query\"", "\"content-digest\""];
    for missing in 0..all.len() {
        let mut components = all.to_vec();
        let name = components.remove(missing);
        let request = draft(&page).components(&components).sign();
        assert_eq!(judge(&request, &key(&page)), Err(SignatureError::MissingComponent { name }));
        for (at, replacement) in [(missing, name), (all.len() - 1, all[(missing + 1) % all.len()])] {
            let mut twice = all.to_vec();
            twice.insert(at, replacement);
            let error = judge(&draft(&page).components(&twice).sign(), &key(&page)).unwrap_err();
            assert_eq!(code(&error), "unknown-component", "{twice:?}");
        }
        for other in [
            format!("{name};req"),
            format!("{name};sf"),
            format!("{name};bs"),
            format!("{name};tr"),
            format!("{name};key=\"a\""),
            name.to_uppercase(),
            name.replace(['"', '@'], ""),
            name.replace('"', ":"),
        ] {
            let mut components = all.to_vec();
            components[missing] = &other;
            let error = judge(&draft(&page).components(&components).sign(), &key(&page)).unwrap_err();
            assert!(["unknown-component", "bad-signature-input"].contains(&code(&error)), "{other}: {error}");
        }
    }
    for extra in [
        "\"host\"",
        "\"origin\"",
        "\"@scheme\"",
        "\"@target-uri\"",
        "\"@request-target\"",
        "\"@status\"",
        "\"@query-param\";name=\"device\"",
        "\"@signature-params\"",
        "\"\"",
        "1",
        "?1",
        "token",
    ] {
        let mut components = all.to_vec();
        components.push(extra);
        let error = judge(&draft(&page).components(&components).sign(), &key(&page)).unwrap_err();
        assert_eq!(code(&error), "unknown-component", "{extra}");
    }
    assert_eq!(
        judge(&draft(&page).components(&[]).sign(), &key(&page)),
        Err(SignatureError::MissingComponent { name: "\"@method\"" })
    );
}

#[test]
fn a_digest_is_covered_exactly_where_there_is_a_json_body() {
    let page = page();
    let with = draft(&page).sign();
    let error = RequestSignature::parse(&parts(&with), false).unwrap_err();
    assert_eq!(code(&error), "unknown-component");
    let without = page.request("POST", "/v1/unwrap", Body::Bytes(b"{}".to_vec()));
    let error = RequestSignature::parse(&parts(&without), true).unwrap_err();
    assert_eq!(code(&error), "missing-component");
}

#[test]
fn each_parameter_has_one_form() {
    let page = page();
    let nonce = base64_of(&[7; 16]);
    let unpadded = nonce.trim_end_matches('=');
    let key_id = page.key_id();
    let quoted = |text: &str| format!("\"{text}\"");
    for (name, value) in [
        ("created", "1.5".to_owned()),
        ("created", quoted("1800000000")),
        ("created", "?0".to_owned()),
        ("created", "@1800000000".to_owned()),
        ("created", "a".to_owned()),
        ("nonce", quoted("")),
        ("nonce", quoted(unpadded)),
        ("nonce", quoted(&format!("{unpadded}="))),
        ("nonce", quoted(&format!("{nonce} "))),
        ("nonce", quoted(&base64_of(&[7; 15]))),
        ("nonce", quoted(&base64_of(&[7; 17]))),
        ("nonce", quoted(&base64_of(&[0xff; 16]).replace('/', "_"))),
        // Unused bits that are set.
        ("nonce", quoted(&nonce.replace("w==", "x=="))),
        ("nonce", format!(":{nonce}:")),
        ("nonce", "token".to_owned()),
        ("keyid", quoted("")),
        ("keyid", quoted(&key_id[1..])),
        ("keyid", quoted(&format!("{key_id}="))),
        ("keyid", quoted(&format!("{key_id}A"))),
        ("keyid", "1".to_owned()),
        ("tag", quoted("")),
        ("tag", quoted("saltbridge-answer")),
        ("tag", quoted("saltbridge-request ")),
        ("tag", quoted("Saltbridge-request")),
        ("tag", "saltbridge-request".to_owned()),
        ("alg", quoted("")),
        ("alg", quoted("ecdsa-p384-sha384")),
        ("alg", quoted("hmac-sha256")),
        ("alg", quoted("none")),
        ("alg", quoted("ECDSA-P256-SHA256")),
        ("alg", "ecdsa-p256-sha256".to_owned()),
    ] {
        let error = judge(&draft(&page).parameter(name, &value).sign(), &key(&page)).unwrap_err();
        assert_eq!(code(&error), "bad-parameter", "{name}={value}");
        assert!(error.to_string().contains(name), "{error}");
    }
    for name in ["created", "nonce", "keyid", "tag"] {
        let error = judge(&draft(&page).without_parameter(name).sign(), &key(&page));
        assert_eq!(error, Err(SignatureError::MissingParameter { name }));
    }
    for (name, value) in
        [("expires", "1800000000"), ("a", "?0"), ("*", "1"), ("created-", "1"), ("keyid2", "\"a\""), ("req", "\"\"")]
    {
        let error = judge(&draft(&page).parameter(name, value).sign(), &key(&page)).unwrap_err();
        assert_eq!(code(&error), "unknown-parameter", "{name}={value}");
    }
}

/// Each of them means the same as the canonical spelling, or nearly, to a lenient reader.
#[test]
fn signature_input_has_one_spelling() {
    let page = page();
    let good = draft(&page).sign();
    let value = |name: &str| {
        let found = good.headers.iter().find(|(there, _)| there == name).unwrap();
        found.1.clone()
    };
    let (input, signature) = (value("Signature-Input"), value("Signature"));
    let (list, parameters) = input.split_once(')').unwrap();
    for changed in [
        String::new(),
        " ".to_owned(),
        format!("{input} "),
        format!(" {input}"),
        format!("{input},"),
        format!("{input}, other=()"),
        format!("other=(), {input}"),
        format!("{input}, {input}"),
        format!("saltbridge=(), {input}"),
        input.replace("saltbridge=", "sig1="),
        input.replace("saltbridge=", "saltbridge2="),
        input.replace("saltbridge=", "Saltbridge="),
        input.replace("saltbridge=", ""),
        input.replace("saltbridge=", "saltbridge = "),
        "saltbridge".to_owned(),
        "saltbridge=1".to_owned(),
        "saltbridge=\"@method\"".to_owned(),
        format!("saltbridge;{parameters}"),
        input.replace(" ", "  "),
        input.replace(" ", "\t"),
        input.replace(" ", ""),
        input.replace("(", "( "),
        input.replace(")", " )"),
        input.replace(";", "; "),
        input.replace(";", " ;"),
        input.replace("created=", "created=0"),
        input.replace("created=", "created=+"),
        input.replace("created=", "created=1;created="),
        input.replace("tag=\"salt", "tag=\"sal\\t"),
        format!("{input};created=1"),
        format!("{input};tag=\"saltbridge-request\""),
        format!("{input};alg"),
        format!("{list} {parameters}"),
        list.to_owned(),
        input.replace("\"@path\"", "\"@path"),
        input.replace("\"@path\"", "@path"),
        format!("{input}ü"),
    ] {
        let request = draft(&page).header("Signature-Input", &changed).sign();
        let error = judge(&request, &key(&page)).unwrap_err();
        let found = code(&error);
        let expected = if changed.ends_with(";alg") {
            "bad-parameter"
        } else {
            "bad-signature-input"
        };
        assert_eq!(found, expected, "{changed:?}: {error}");
    }
    for changed in [
        String::new(),
        format!("{signature} "),
        format!("{signature};a"),
        format!("{signature}, sig1=:AA==:"),
        format!("sig1=:AA==:, {signature}"),
        format!("{signature}, {signature}"),
        signature.replace("saltbridge=", "sig1="),
        signature.replace(':', ""),
        signature.replace(':', "\""),
        signature.replace("==:", "=:"),
        signature.replace("==:", ":"),
        format!("saltbridge=({})", signature.trim_start_matches("saltbridge=")),
        format!("saltbridge=:{}:", base64_of(&good.signature[..63])),
        format!("saltbridge=:{}:", base64_of(&[&good.signature[..], &[0]].concat())),
        "saltbridge=::".to_owned(),
        "saltbridge".to_owned(),
    ] {
        let request = draft(&page).header("Signature", &changed).sign();
        let error = judge(&request, &key(&page)).unwrap_err();
        assert_eq!(code(&error), "bad-signature-header", "{changed:?}: {error}");
    }
    for digest in [
        String::new(),
        "sha-256".to_owned(),
        "sha-256=::".to_owned(),
        content_digest(&good.body).replace("sha-256", "sha-512"),
        content_digest(&good.body).replace("sha-256", "SHA-256"),
        content_digest(&good.body).replace("=:", "="),
        content_digest(&good.body).replace("=:", ":"),
        format!("{};a=1", content_digest(&good.body)),
        format!("{}, md5=:AA==:", content_digest(&good.body)),
        format!("{0}, {0}", content_digest(&good.body)),
        format!("sha-256=:{}:", base64_of(&[0; 31])),
        format!("sha-256=:{}:", base64_of(&[0; 33])),
        format!("sha-256={}", base64_of(&[0; 32])),
    ] {
        let mut request = draft(&page);
        request
            .headers
            .iter_mut()
            .filter(|(name, _)| name == "Content-Digest")
            .for_each(|(_, value)| value.clone_from(&digest));
        let error = judge(&request.sign(), &key(&page)).unwrap_err();
        assert_eq!(code(&error), "bad-digest-header", "{digest:?}: {error}");
    }
}

#[test]
fn each_header_stands_once() {
    let page = page();
    for (header, missing) in
        [("Signature-Input", "no-signature"), ("Signature", "no-signature"), ("Content-Digest", "bad-digest-header")]
    {
        let error = judge(&draft(&page).without(header).sign(), &key(&page)).unwrap_err();
        assert_eq!(code(&error), missing, "{header}");
        let good = draft(&page).sign();
        let value = &good.headers.iter().find(|(name, _)| name == header).unwrap().1;
        for again in [value.as_str(), "", "sig1=()"] {
            let error = judge(&draft(&page).another(header, again).sign(), &key(&page)).unwrap_err();
            assert_eq!(code(&error), "repeated-header", "{header}");
        }
    }
}
