//! The head of a request by itself, whoever sends it: its form, its Host, the type and length of its body.

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version, header};

use super::super::call::BodyRule;
use super::super::door::Door;
use super::super::refusal::Refusal;

/// HTTP/1.1, one plain path (origin-form, RFC 9112, section 3.2.1), no other protocol.
pub(super) fn check_form(parts: &Parts) -> Result<(), Refusal> {
    let is_plain = parts.uri.scheme().is_none() && parts.uri.authority().is_none() && parts.uri.path().starts_with('/');
    let asks_for_upgrade = parts.headers.contains_key(header::UPGRADE)
        || values(&parts.headers, &header::CONNECTION).any(|value| has_token(value, "upgrade"));
    match () {
        () if parts.version != Version::HTTP_11 => Err(Refusal::HttpVersion),
        () if parts.method == Method::CONNECT || !is_plain => Err(Refusal::TargetForm),
        () if asks_for_upgrade => Err(Refusal::Upgrade),
        () if parts.headers.contains_key(header::EXPECT) => Err(Refusal::Expectation),
        () => Ok(()),
    }
}

pub(super) fn check_host(headers: &HeaderMap, door: &Door) -> Result<(), Refusal> {
    match only(headers, &header::HOST) {
        Ok(host) if host.as_bytes() == door.authority().as_bytes() => Ok(()),
        _ => Err(Refusal::OtherHost),
    }
}

/// The type of the body and its length, as they are announced.
pub(super) fn check_body(headers: &HeaderMap, rule: BodyRule) -> Result<(), Refusal> {
    let lengths: Vec<_> = headers.get_all(header::CONTENT_LENGTH).iter().collect();
    let is_chunked = headers.contains_key(header::TRANSFER_ENCODING);
    let length = match lengths.as_slice() {
        [] => None,
        [one] => Some(
            one.to_str()
                .ok()
                .and_then(|text| text.parse::<u64>().ok())
                .ok_or(Refusal::BodyLength)?,
        ),
        _ => return Err(Refusal::BodyLength),
    };
    let is_plainly_chunked =
        !is_chunked || only(headers, &header::TRANSFER_ENCODING).is_ok_and(|found| found == "chunked");
    if (length.is_some() && is_chunked) || !is_plainly_chunked {
        return Err(Refusal::BodyLength);
    }
    let is_of = |media_type: &str| only(headers, &header::CONTENT_TYPE).is_ok_and(|found| found == media_type);
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(Refusal::ContentType);
    }
    match rule {
        BodyRule::Empty if is_chunked || length.unwrap_or(0) > 0 => Err(Refusal::BodyUnwanted),
        BodyRule::Empty => Ok(()),
        BodyRule::Json(_) if !is_of("application/json") => Err(Refusal::ContentType),
        BodyRule::Octets(_) if !is_of("application/octet-stream") => Err(Refusal::ContentType),
        // What is short has no reason to come in pieces of unknown number.
        BodyRule::Json(limit) => match length {
            Some(length) if length <= limit => Ok(()),
            Some(_) => Err(Refusal::BodyTooLong { limit }),
            None => Err(Refusal::BodyLength),
        },
        BodyRule::Octets(limit) => match length {
            Some(length) if length > limit => Err(Refusal::BodyTooLong { limit }),
            _ => Ok(()),
        },
    }
}

/// The value of a header that stands there exactly once.
pub(super) fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<&'a HeaderValue, ()> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(value),
        _ => Err(()),
    }
}

pub(super) fn values<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
}

fn has_token(value: &str, token: &str) -> bool {
    value.split(',').any(|part| part.trim().eq_ignore_ascii_case(token))
}
