//! One request, from its head to its answer: judged, taken, done, signed.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::answer::{Answer, empty, full, guard_headers, is_json};
use super::call::{BodyRule, JSON_LIMIT};
use super::caller::Caller;
use super::calls::bodies::discard;
use super::calls::{self, BadRequest, Called, Taken};
use super::clock::unix_now;
use super::door::Door;
use super::guard::{ALLOWED_HEADERS, Admission, Admitted, EXPOSED_HEADERS, Known, judge};
use super::notice::Notice;
use super::pages;
use super::problem::Problem;
use super::protocol::{Origin, RequestSignature, Scope, body_digest, content_digest};
use super::refusal::Refusal;
use super::state::Bridge;

/// How long a short body may take.
const SHORT_BODY: Duration = Duration::from_secs(10);

/// Answers a request.
pub(super) async fn answer(bridge: Arc<Bridge>, door: Arc<Door>, request: Request<Incoming>) -> Answer {
    let request_id = new_request_id();
    let (parts, body) = request.into_parts();
    let mut known = Known::default();
    let mut who = None;
    let result = match judge(&parts, &door, &bridge.registry, unix_now(), &mut known) {
        Ok(Admitted::Preflight) => Ok(preflight()),
        Ok(Admitted::Page(page)) => Ok(pages::answer(page)),
        Ok(Admitted::Call(admission)) => {
            who = Some(admission.caller.clone());
            enter(&bridge, &door, &parts, admission, body, &mut known).await
        }
        Err(
            refusal @ Refusal::ScopeMissing {
                scope: Scope::Decrypt | Scope::Encrypt,
            },
        ) => {
            // It is the page's own in all else, and may be a long body: who sends it is to read why.
            let mut body = body;
            discard(&mut body).await;
            Err(refusal.problem())
        }
        Err(refusal) => {
            drain(&parts, body).await;
            Err(refusal.problem())
        }
    };
    tell(&bridge, &parts, who.as_ref(), &known, &request_id, &result);
    let is_page = known.readable_by.is_some();
    let answer = result.unwrap_or_else(|problem| match is_page {
        true => problem.for_pages().into_answer(&request_id),
        false => problem.into_answer(&request_id),
    });
    finish(&bridge, answer, known).await
}

/// Takes the body as the call wants it, and makes the call, unless the pairing ends meanwhile.
async fn enter(
    bridge: &Arc<Bridge>,
    door: &Door,
    parts: &Parts,
    admission: Box<Admission>,
    body: Incoming,
    known: &mut Known,
) -> Result<Answer, Problem> {
    let Admission {
        call,
        caller,
        invited,
        signature,
    } = *admission;
    let body = match call.body() {
        BodyRule::Empty => Taken::Nothing,
        BodyRule::Json(_) => {
            let json = collect(body).await.map_err(|refusal| refusal.problem())?;
            if let Some(signature) = &signature {
                signature
                    .check_body(&json)
                    .map_err(|error| Refusal::from(error).problem())?;
            }
            Taken::Json(json)
        }
        BodyRule::Octets(_) => Taken::Octets(body),
    };
    let standing = caller.standing();
    if let Some(origin) = invited {
        let signature = signature.ok_or_else(|| Refusal::NotInvited.problem())?;
        if parts.uri.query().is_some_and(|query| !query.is_empty()) {
            return Err(BadRequest::Query.into());
        }
        let paired = calls::pairing::pair(bridge, door, origin, &signature, body).await;
        // Only who knows the code is told something that is signed.
        known.signature = paired.is_ok().then_some(signature);
        return paired;
    }
    known.signature = signature;
    let called = Called {
        bridge: Arc::clone(bridge),
        caller,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        length: parts
            .headers
            .get(header::CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse().ok()),
    };
    tokio::select! {
        // What ends both at once is the end.
        biased;
        () = standing.over() => Err(Refusal::Revoked.problem()),
        answer = calls::make(call, called, body) => answer,
    }
}

/// The whole of a short body. Its announced length was found right before.
async fn collect(body: Incoming) -> Result<Bytes, Refusal> {
    match tokio::time::timeout(SHORT_BODY, body.collect()).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(_)) => Err(Refusal::BodyCut),
        Err(_) => Err(Refusal::BodyTooSlow),
    }
}

/// Reads a short body that nobody wants, so that who sent it gets the refusal instead of a closed connection. Who waits
/// for leave to send it is not given any: reading would.
async fn drain(parts: &Parts, body: Incoming) {
    let length = parts
        .headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let waits = parts.headers.contains_key(header::EXPECT);
    if !waits && length.is_some_and(|length| length <= JSON_LIMIT) {
        let _ = tokio::time::timeout(Duration::from_secs(1), body.collect()).await;
    }
}

fn preflight() -> Answer {
    let mut answer = empty(StatusCode::NO_CONTENT);
    let headers = answer.headers_mut();
    let methods = HeaderValue::from_static("GET, POST, DELETE");
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
    if let Ok(names) = HeaderValue::from_str(&ALLOWED_HEADERS.join(", ")) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names);
    }
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    answer
}

/// What every answer carries; the signature of one that belongs to a paired page's request.
async fn finish(bridge: &Bridge, answer: Answer, known: Known) -> Answer {
    let (mut parts, mut body) = answer.into_parts();
    guard_headers(parts.status, &mut parts.headers);
    if let Some(origin) = known.readable_by {
        allow(&mut parts.headers, &origin);
    }
    if let Some(signature) = known.signature {
        let mut digest = None;
        if is_json(&parts.headers) {
            // Whole already: an answer of JSON does not come in pieces.
            let whole = body.collect().await.map(|whole| whole.to_bytes()).unwrap_or_default();
            let sum = body_digest(&whole);
            parts.headers.insert("content-digest", content_digest(&sum));
            digest = Some(sum);
            body = full(whole);
        }
        sign(bridge, &mut parts, &signature, digest);
    }
    Answer::from_parts(parts, body)
}

fn allow(headers: &mut http::HeaderMap, origin: &Origin) {
    // An origin is made of characters that headers allow.
    if let Ok(origin) = HeaderValue::from_str(&origin.to_string()) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED_HEADERS));
    }
}

fn sign(bridge: &Bridge, parts: &mut http::response::Parts, request: &RequestSignature, digest: Option<[u8; 32]>) {
    let signed = bridge
        .identity
        .sign_answer(parts.status.as_u16(), request.raw(), digest, unix_now());
    parts.headers.insert("signature-input", signed.signature_input);
    parts.headers.insert("signature", signed.signature);
}

fn tell(
    bridge: &Bridge,
    parts: &Parts,
    caller: Option<&Caller>,
    known: &Known,
    request_id: &str,
    result: &Result<Answer, Problem>,
) {
    let who = match (caller, &known.readable_by) {
        (Some(caller @ (Caller::Page { .. } | Caller::OwnPage { .. } | Caller::User(_))), _) => caller.name(),
        (_, Some(origin)) => origin.to_string(),
        _ => "somebody".to_owned(),
    };
    let (status, code) = match result {
        Ok(answer) => (answer.status().as_u16(), None),
        Err(problem) => (problem.status().as_u16(), Some(problem.code())),
    };
    (bridge.teller)(&Notice::Called {
        who,
        call: crate::text::printable(&format!("{} {}", parts.method, parts.uri.path())),
        status,
        code,
        failure: match result {
            Err(problem) if problem.status().is_server_error() => Some(problem.sentence().to_owned()),
            _ => None,
        },
        request_id: request_id.to_owned(),
    });
}

/// 8 random bytes in hexadecimal digits. They name a request, and keep nothing secret.
fn new_request_id() -> String {
    let mut bytes = [0; 8];
    let _ = getrandom::fill(&mut bytes);
    base16ct::lower::encode_string(&bytes)
}
