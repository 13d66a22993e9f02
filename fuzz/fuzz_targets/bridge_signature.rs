//! The headers of a signature are read in one spelling alone, and none of them is somebody's signature by chance.
#![no_main]

use http::HeaderValue;
use libfuzzer_sys::fuzz_target;
use saltbridge::bridge::protocol::{PageKey, RequestSignature, content_digest, verify_answer};

/// The generator of P-256: a key that everybody has (its private key is 1).
const KEY: &str = "BGsX0fLhLEJH+Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT+NC4v4af5uO5+tKfA+eFivOM1drMV7Oy7ZAaDe/UfU=";

// One line for each header: Signature-Input, Signature, Content-Digest. A line that is not there is no header.
fuzz_target!(|bytes: &[u8]| {
    let mut request = http::Request::get("/v1/status");
    let mut response = http::Response::builder();
    for (name, line) in ["signature-input", "signature", "content-digest"]
        .into_iter()
        .zip(bytes.split(|byte| *byte == b'\n'))
    {
        let Ok(value) = HeaderValue::from_bytes(line) else {
            return;
        };
        request = request.header(name, &value);
        response = response.header(name, value);
    }
    let key: PageKey = KEY.parse().expect("the generator is a point");
    let parts = request.body(()).expect("a request").into_parts().0;
    let answer = response.body(()).expect("a response").into_parts().0;
    for digest in [None, Some([7; 32])] {
        if let Ok(signature) = RequestSignature::parse(&parts, digest.is_some()) {
            let text = |name: &str| parts.headers[name].to_str().expect("what is read is ASCII").to_owned();
            let base64 = |bytes: &[u8]| base64::Engine::encode(&base64::prelude::BASE64_STANDARD, bytes);
            assert_eq!(text("signature"), format!("saltbridge=:{}:", base64(signature.raw())));
            for parameter in [
                format!(";created={}", signature.created()),
                format!(";keyid=\"{}\"", signature.key_id()),
                format!(";nonce=\"{}\"", base64(&signature.nonce())),
            ] {
                assert_eq!(text("signature-input").matches(&parameter).count(), 1);
            }
            assert_eq!(signature.digest().is_some(), digest.is_some());
            if let Some(digest) = signature.digest() {
                assert_eq!(parts.headers["content-digest"], content_digest(&digest));
            }
            let _ = signature.verify("127.0.0.1:21730", &key);
        }
        let _ = verify_answer(&answer, &[7; 64], &key, digest);
    }
});
