//! Answers: their bodies, and what every one of them carries.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty, Full};
use serde::Serialize;
use zeroize::Zeroizing;

/// A body: whole, or as it comes.
pub(super) type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// An answer.
pub(super) type Answer = Response<Body>;

/// A body of these bytes.
pub(super) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// No body.
pub(super) fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Empty::new().map_err(|never| match never {}).boxed_unsync());
    *answer.status_mut() = status;
    answer
}

/// A JSON object.
pub(super) fn json(value: &impl Serialize) -> Answer {
    // The objects of this interface have text keys alone: it cannot fail.
    let bytes = serde_json::to_vec(value).unwrap_or_default();
    of_type("application/json", full(bytes))
}

/// A JSON object that is secret. What is handed to the connection is wiped when it was sent.
pub(super) fn secret_json(text: Zeroizing<String>) -> Answer {
    of_type("application/json", full(Bytes::from_owner(WipedBytes(text))))
}

struct WipedBytes(Zeroizing<String>);

impl AsRef<[u8]> for WipedBytes {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// A body of this media type.
pub(super) fn of_type(media_type: &'static str, body: Body) -> Answer {
    let mut answer = Response::new(body);
    answer
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    answer
}

/// Whether the body is JSON, whose digest is signed.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let media_type = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    media_type == Some(b"application/json") || media_type == Some(super::problem::PROBLEM_JSON.as_bytes())
}

/// What every answer carries: it is kept nowhere, framed nowhere, and taken for nothing that it is not.
///
/// A refusal carries no Cross-Origin-Resource-Policy: its answer, which no page can read, is how a page tells a bridge
/// that refuses it from none at all.
pub(super) fn guard_headers(status: StatusCode, headers: &mut HeaderMap) {
    let mut set = |name: HeaderName, value: &'static str| headers.insert(name, HeaderValue::from_static(value));
    set(header::CACHE_CONTROL, "no-store");
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::VARY, "origin");
    if status != StatusCode::FORBIDDEN {
        set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    }
    // The bridge's own pages have a policy of their own.
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
}
