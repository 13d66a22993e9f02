//! Requests that a page signs, and how the bridge's own code judges them.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use http::request::Parts;
use http::{HeaderName, HeaderValue};
use saltbridge::bridge::protocol::{PageKey, RequestSignature, SignatureError};
use saltbridge::fault::{Class, Fault as _};
use serde_json::json;

use crate::page::{Body, Draft, Page, SignedRequest};

pub const AUTHORITY: &str = "127.0.0.1:21730";

pub fn page() -> Page {
    Page::new("https://numerbay.ai", AUTHORITY)
}

pub fn key(page: &Page) -> PageKey {
    PageKey::from_bytes(&page.public_key()).unwrap()
}

pub fn draft(page: &Page) -> Draft<'_> {
    page.draft("POST", "/v1/unwrap?device=usb", Body::Json(json!({"envelope": "{}"})))
}

/// What the bridge sees of a request.
pub fn parts(request: &SignedRequest) -> Parts {
    let mut parts = http::Request::builder()
        .method(request.method.as_str())
        .uri(&request.target)
        .body(())
        .unwrap()
        .into_parts()
        .0;
    for (name, value) in &request.headers {
        let name: HeaderName = name.parse().unwrap();
        parts
            .headers
            .append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    parts
}

pub fn judge(request: &SignedRequest, key: &PageKey) -> Result<(), SignatureError> {
    let has_json = request.headers.iter().any(|header| header.1 == "application/json");
    let signature = RequestSignature::parse(&parts(request), has_json)?;
    signature.verify(AUTHORITY, key)?;
    match has_json {
        true => signature.check_body(&request.body),
        false => Ok(()),
    }
}

pub fn code(error: &SignatureError) -> &'static str {
    let explanation = error.explain();
    assert_eq!(explanation.class, Class::Policy);
    assert!(!explanation.help.is_empty());
    explanation.code
}

pub fn base64_of(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::prelude::BASE64_STANDARD.encode(bytes)
}
