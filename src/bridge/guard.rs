//! The guard: it stands in front of every listener, route and method, and decides who may come in.
//!
//! Promises: nothing is done, and no body taken but the short one that a signature covers, before all of this was found
//! right; what is refused is refused here, for a reason of its own. The checks, in this order, and what each keeps out:
//!
//! | check | keeps out |
//! | --- | --- |
//! | form: HTTP/1.1, a plain path, no upgrade | proxies' absolute addresses, WebSocket, tunnels |
//! | Host: exactly one, the address that is bound | DNS rebinding; a relay under another name |
//! | Origin: exactly one, the exact origin of a pairing or an invitation | every page that nobody named; frames and forms without an origin |
//! | Fetch-Metadata: `cors` and `empty`, where it is told | navigations, forms, images, scripts, frames, workers |
//! | the call: path and method | everything that is not in the table of calls |
//! | body: its type and its length, before it is read | forms and `text/plain`, which need no preflight; floods |
//! | signature: by the key of a pairing of this very origin, over method, authority, path, query and digest | local programs that invent an Origin; another site's requests |
//! | time and nonce: made within a minute, after the start, never seen | replays, also of another process |
//! | scope | a paired page that was not allowed this |
//!
//! At the socket there is no page: an Origin or Fetch-Metadata there means that somebody passes a page's requests on, and
//! is refused. Who connects was checked by the listener.

use std::sync::{Mutex, MutexGuard, PoisonError};

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version, header};

use super::call::{Audience, BodyRule, Call};
use super::caller::Caller;
use super::door::Door;
use super::manner::Manner;
use super::protocol::{KeyId, Nonces, Origin, RequestSignature, Scopes};
use super::refusal::Refusal;
use super::state::Registry;

/// What a page may send beside what every request has.
pub(super) const ALLOWED_HEADERS: [&str; 4] = ["content-type", "content-digest", "signature", "signature-input"];

/// What a page may read of an answer beside what it always may.
pub(super) const EXPOSED_HEADERS: &str = "signature, signature-input, content-digest";

/// What the guard found of a request.
pub(super) enum Admitted {
    /// A preflight of a page that is known (Fetch standard, section 4.8).
    Preflight,
    /// A call.
    Call(Box<Admission>),
}

impl Admitted {
    fn call(admission: Admission) -> Self {
        Self::Call(Box::new(admission))
    }
}

/// A call that may be made, once its body was found to be the one that was signed.
pub(super) struct Admission {
    pub(super) call: Call,
    pub(super) caller: Caller,
    /// The origin of a page that wants to pair. Its key comes in the body.
    pub(super) invited: Option<Origin>,
    /// The signature of the request; none at the socket and where anyone may call.
    pub(super) signature: Option<RequestSignature>,
}

/// What is known of a request that was refused: whether, and how, the refusal can be read and signed.
#[derive(Default)]
pub(super) struct Known {
    /// The origin that may read the answer.
    pub(super) readable_by: Option<Origin>,
    /// The signature to which the answer belongs, if it names a key that is paired with that origin.
    pub(super) signature: Option<RequestSignature>,
}

/// Judges the head of a request. `known` is filled as far as it came, also if it is refused.
pub(super) fn judge(
    parts: &Parts,
    door: &Door,
    registry: &Mutex<Registry>,
    now: i64,
    known: &mut Known,
) -> Result<Admitted, Refusal> {
    check_form(parts)?;
    check_host(&parts.headers, door)?;
    if let Ok(call) = Call::find(&parts.method, parts.uri.path())
        && call.audience() == Audience::Anyone
    {
        check_body(&parts.headers, call.body())?;
        return Ok(Admitted::call(Admission {
            call,
            caller: Caller::Anyone,
            invited: None,
            signature: None,
        }));
    }
    let Door::Loopback { authority } = door else {
        return at_socket(parts).map(Admitted::call);
    };
    let origin = origin_of(&parts.headers)?;
    let mut held = lock(registry);
    let (is_paired, is_invited) = (held.pairings.has(&origin), held.is_invited(&origin));
    if !is_paired && !is_invited {
        return Err(Refusal::OriginUnknown);
    }
    check_fetch_metadata(&parts.headers, Some(&["cors"]))?;
    known.readable_by = Some(origin.clone());
    if parts.method == Method::OPTIONS {
        return check_preflight(&parts.headers).map(|()| Admitted::Preflight);
    }
    let call = find(parts)?;
    match call.audience() {
        Audience::Invited if is_invited => {
            check_body(&parts.headers, call.body())?;
            let signature = RequestSignature::parse(parts, true)?;
            Ok(Admitted::call(Admission {
                call,
                caller: Caller::Anyone,
                invited: Some(origin),
                signature: Some(signature),
            }))
        }
        Audience::Invited => Err(Refusal::NotInvited),
        Audience::Socket => Err(Refusal::SocketOnly),
        Audience::Anyone | Audience::Paired(_) => {
            let wants_digest = matches!(call.body(), BodyRule::Json(_));
            let signature = RequestSignature::parse(parts, wants_digest)?;
            let found = held.pairings.get(&signature.key_id());
            let (pairing, standing) = found.ok_or(Refusal::KeyUnknown)?;
            if pairing.origin != origin {
                return Err(Refusal::OtherOrigin);
            }
            let (key, scopes, standing) = (pairing.key, pairing.scopes.clone(), standing.clone());
            // Verifying takes a while, and needs nobody else to wait.
            drop(held);
            known.signature = Some(signature.clone());
            check_body(&parts.headers, call.body())?;
            signature.verify(authority, &key)?;
            lock(registry).check_freshness(now, &signature)?;
            check_scope(call, &scopes)?;
            Ok(Admitted::call(Admission {
                call,
                caller: Caller::Page {
                    origin,
                    key: signature.key_id(),
                    scopes,
                    standing,
                },
                invited: None,
                signature: Some(signature),
            }))
        }
    }
}

fn lock(registry: &Mutex<Registry>) -> MutexGuard<'_, Registry> {
    registry.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A program of the user, at the socket.
fn at_socket(parts: &Parts) -> Result<Admission, Refusal> {
    if parts.headers.contains_key(header::ORIGIN) {
        return Err(Refusal::OriginAtSocket);
    }
    check_fetch_metadata(&parts.headers, None)?;
    let call = find(parts)?;
    if call.audience() == Audience::Invited {
        return Err(Refusal::NotInvited);
    }
    check_body(&parts.headers, call.body())?;
    Ok(Admission {
        call,
        caller: Caller::User(Manner::read(&parts.headers)),
        invited: None,
        signature: None,
    })
}

/// HTTP/1.1, one plain path (origin-form, RFC 9112, section 3.2.1), no other protocol.
fn check_form(parts: &Parts) -> Result<(), Refusal> {
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

fn check_host(headers: &HeaderMap, door: &Door) -> Result<(), Refusal> {
    match only(headers, &header::HOST) {
        Ok(host) if host.as_bytes() == door.authority().as_bytes() => Ok(()),
        _ => Err(Refusal::OtherHost),
    }
}

fn origin_of(headers: &HeaderMap) -> Result<Origin, Refusal> {
    let value = only(headers, &header::ORIGIN).map_err(|()| Refusal::NoOrigin)?;
    Origin::from_header(value).map_err(|_| Refusal::OriginUnknown)
}

/// What browsers tell of how a request came about (Fetch Metadata Request Headers). Other clients tell nothing. With
/// modes to allow, those and an empty destination; otherwise nothing at all.
fn check_fetch_metadata(headers: &HeaderMap, allowed: Option<&[&str]>) -> Result<(), Refusal> {
    let fields: [(HeaderName, &[&str]); 4] = [
        (HeaderName::from_static("sec-fetch-mode"), allowed.unwrap_or_default()),
        (HeaderName::from_static("sec-fetch-dest"), if allowed.is_some() { &["empty"] } else { &[] }),
        (
            HeaderName::from_static("sec-fetch-site"),
            if allowed.is_some() {
                &["cross-site", "same-site"]
            } else {
                &[]
            },
        ),
        (HeaderName::from_static("sec-fetch-user"), &[]),
    ];
    for (name, wanted) in fields {
        let is_allowed = |value: &HeaderValue| wanted.iter().any(|wanted| value.as_bytes() == wanted.as_bytes());
        if headers.get_all(&name).iter().count() > 1 || !headers.get_all(&name).iter().all(is_allowed) {
            return Err(Refusal::FetchMetadata);
        }
    }
    Ok(())
}

/// What a page wants to send must be what calls need, so that the answer to a preflight promises nothing else.
fn check_preflight(headers: &HeaderMap) -> Result<(), Refusal> {
    let method = only(headers, &header::ACCESS_CONTROL_REQUEST_METHOD).map_err(|()| Refusal::Preflight)?;
    let is_called = Call::ALL
        .iter()
        .any(|call| call.route().0.as_str().as_bytes() == method.as_bytes());
    let wanted: Vec<_> = values(headers, &header::ACCESS_CONTROL_REQUEST_HEADERS).collect();
    let names = wanted.iter().flat_map(|value| value.split(',')).map(str::trim);
    let are_known = names
        .filter(|name| !name.is_empty())
        .all(|name| ALLOWED_HEADERS.contains(&name));
    match is_called && are_known && wanted.len() <= 1 {
        true => Ok(()),
        false => Err(Refusal::Preflight),
    }
}

fn find(parts: &Parts) -> Result<Call, Refusal> {
    Call::find(&parts.method, parts.uri.path()).map_err(|methods| match methods.is_empty() {
        true => Refusal::NoSuchPath,
        false => Refusal::OtherMethod {
            allow: methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", "),
        },
    })
}

/// The type of the body and its length, as they are announced.
fn check_body(headers: &HeaderMap, rule: BodyRule) -> Result<(), Refusal> {
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

fn check_scope(call: Call, scopes: &Scopes) -> Result<(), Refusal> {
    match call.audience() {
        Audience::Paired(Some(scope)) if !scopes.contains(scope) => Err(Refusal::ScopeMissing { scope }),
        _ => Ok(()),
    }
}

/// The value of a header that stands there exactly once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<&'a HeaderValue, ()> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(value),
        _ => Err(()),
    }
}

fn values<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
}

fn has_token(value: &str, token: &str) -> bool {
    value.split(',').any(|part| part.trim().eq_ignore_ascii_case(token))
}

/// The nonces of all keys.
pub(super) struct AllNonces {
    not_before: i64,
    of: std::collections::HashMap<KeyId, Nonces>,
}

impl AllNonces {
    /// `not_before` is the second in which the process began to listen.
    pub(super) fn new(not_before: i64) -> Self {
        Self {
            not_before,
            of: Default::default(),
        }
    }

    pub(super) fn check(&mut self, now: i64, signature: &RequestSignature) -> Result<(), Refusal> {
        let not_before = self.not_before;
        let nonces = self
            .of
            .entry(signature.key_id())
            .or_insert_with(|| Nonces::new(not_before));
        Ok(nonces.check(now, signature.created(), signature.nonce())?)
    }
}
