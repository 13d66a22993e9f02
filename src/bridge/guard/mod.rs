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
//! Requests of the handoff window and of the own page are judged by other lines three and four (`arrival.rs`), and the
//! bridge's own pages are served by the first two and by how they are opened. A long body is read out, and kept nowhere,
//! where the scope alone is missing: who sends it is to read why.
//!
//! At the socket there is no page: an Origin or Fetch-Metadata there means that somebody passes a page's requests on, and
//! is refused. Who connects was checked by the listener.

mod arrival;
mod head;
mod nonces;

use std::sync::{Mutex, MutexGuard, PoisonError};

use http::Method;
use http::request::Parts;

use super::call::{Audience, BodyRule, Call};
use super::caller::{Caller, Standing};
use super::door::Door;
use super::manner::Manner;
use super::own_page::OwnPage;
use super::pages::{self, Page};
use super::protocol::{Origin, PageKey, RequestSignature, Scopes};
use super::refusal::Refusal;
use super::state::Registry;
use head::{check_body, check_form, check_host};

pub(super) use nonces::AllNonces;

/// What a page may send beside what every request has.
pub(super) const ALLOWED_HEADERS: [&str; 4] = ["content-type", "content-digest", "signature", "signature-input"];

/// What a page may read of an answer beside what it always may.
pub(super) const EXPOSED_HEADERS: &str = "signature, signature-input, content-digest";

/// What the guard found of a request.
pub(super) enum Admitted {
    /// A preflight of a page that is known (Fetch standard, section 4.8).
    Preflight,
    /// A page of the bridge's own, in which nothing of anybody's stands.
    Page(Page),
    /// A call.
    Call(Box<Admission>),
}

impl Admission {
    fn signed(call: Call, caller: Caller, signature: RequestSignature) -> Self {
        Self {
            call,
            caller,
            invited: None,
            signature: Some(signature),
        }
    }
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
    if let Some(page) = pages::find(door, parts.uri.path()) {
        return check_opening(parts, &page).map(|()| Admitted::Page(page));
    }
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
    match door {
        Door::Socket => at_socket(parts).map(Admitted::call),
        Door::Loopback { authority } => at_loopback(parts, authority, registry, now, known),
        Door::OwnPage(page) => at_own_page(parts, page, registry, now, known).map(Admitted::call),
    }
}

/// A page that a person has named, itself or through the handoff window.
fn at_loopback(
    parts: &Parts,
    authority: &str,
    registry: &Mutex<Registry>,
    now: i64,
    known: &mut Known,
) -> Result<Admitted, Refusal> {
    let (origin, is_handed_on) = arrival::page(&parts.headers, authority)?;
    let mut held = lock(registry);
    let (is_paired, is_invited) = (held.pairings.has(&origin), held.is_invited(&origin));
    if !is_paired && !is_invited {
        return Err(Refusal::OriginUnknown);
    }
    if !is_handed_on {
        arrival::check_fetch(&parts.headers)?;
    }
    known.readable_by = Some(origin.clone());
    if parts.method == Method::OPTIONS && !is_handed_on {
        return arrival::check_preflight(&parts.headers).map(|()| Admitted::Preflight);
    }
    let call = find(parts)?;
    match call.audience() {
        Audience::Invited if is_invited => at_first(parts, call, origin).map(Admitted::call),
        Audience::Invited => Err(Refusal::NotInvited),
        Audience::Person | Audience::Socket => Err(Refusal::SocketOnly),
        Audience::Anyone | Audience::Paired(_) => {
            let signature = signature_of(parts, call)?;
            let found = held.pairings.get(&signature.key_id());
            let (pairing, standing) = found.ok_or(Refusal::KeyUnknown)?;
            if pairing.origin != origin {
                return Err(Refusal::OtherOrigin);
            }
            let (key, scopes, standing) = (pairing.key, pairing.scopes.clone(), standing.clone());
            // Verifying takes a while, and needs nobody else to wait.
            drop(held);
            known.signature = Some(signature.clone());
            check_signed(parts, call, &signature, authority, &key)?;
            lock(registry).check_freshness(now, &signature)?;
            check_scope(call, &scopes)?;
            let caller = Caller::Page {
                origin,
                key: signature.key_id(),
                scopes,
                standing,
            };
            Ok(Admitted::call(Admission::signed(call, caller, signature)))
        }
    }
}

/// The bridge's own page, at the listener that was made for it alone.
fn at_own_page(
    parts: &Parts,
    page: &std::sync::Arc<OwnPage>,
    registry: &Mutex<Registry>,
    now: i64,
    known: &mut Known,
) -> Result<Admission, Refusal> {
    arrival::own_page(&parts.headers, page.authority(), &parts.method)?;
    let call = find(parts)?;
    match call.audience() {
        Audience::Invited if page.is_invited() => at_first(parts, call, page.origin().clone()),
        Audience::Invited => Err(Refusal::NotInvited),
        Audience::Socket => Err(Refusal::SocketOnly),
        Audience::Anyone | Audience::Paired(_) | Audience::Person => {
            let signature = signature_of(parts, call)?;
            let (key, standing): (PageKey, Standing) = page.pairing(&signature.key_id()).ok_or(Refusal::KeyUnknown)?;
            known.signature = Some(signature.clone());
            check_signed(parts, call, &signature, page.authority(), &key)?;
            lock(registry).check_freshness(now, &signature)?;
            let caller = Caller::OwnPage {
                key: signature.key_id(),
                standing,
                _in_use: (parts.method != Method::GET).then(|| page.begin_use()),
            };
            Ok(Admission::signed(call, caller, signature))
        }
    }
}

/// A page that wants to pair. Its key comes in the body.
fn at_first(parts: &Parts, call: Call, origin: Origin) -> Result<Admission, Refusal> {
    check_body(&parts.headers, call.body())?;
    Ok(Admission {
        call,
        caller: Caller::Anyone,
        invited: Some(origin),
        signature: Some(RequestSignature::parse(parts, true)?),
    })
}

fn signature_of(parts: &Parts, call: Call) -> Result<RequestSignature, Refusal> {
    let wants_digest = matches!(call.body(), BodyRule::Json(_));
    Ok(RequestSignature::parse(parts, wants_digest)?)
}

fn check_signed(
    parts: &Parts,
    call: Call,
    signature: &RequestSignature,
    authority: &str,
    key: &PageKey,
) -> Result<(), Refusal> {
    check_body(&parts.headers, call.body())?;
    Ok(signature.verify(authority, key)?)
}

/// A page of the bridge's own, or a part of one, is opened as what it is, and by nobody else's page.
fn check_opening(parts: &Parts, page: &Page) -> Result<(), Refusal> {
    if parts.method != Method::GET {
        let allow = Method::GET.to_string();
        return Err(Refusal::OtherMethod { allow });
    }
    check_body(&parts.headers, BodyRule::Empty)?;
    arrival::check_opening(&parts.headers, page.kind)
}

fn lock(registry: &Mutex<Registry>) -> MutexGuard<'_, Registry> {
    registry.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A program of the user, at the socket.
fn at_socket(parts: &Parts) -> Result<Admission, Refusal> {
    arrival::program(&parts.headers)?;
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

fn find(parts: &Parts) -> Result<Call, Refusal> {
    Call::find(&parts.method, parts.uri.path()).map_err(|methods| match methods.is_empty() {
        true => Refusal::NoSuchPath,
        false => Refusal::OtherMethod {
            allow: methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", "),
        },
    })
}

fn check_scope(call: Call, scopes: &Scopes) -> Result<(), Refusal> {
    match call.audience() {
        Audience::Paired(Some(scope)) if !scopes.contains(scope) => Err(Refusal::ScopeMissing { scope }),
        _ => Ok(()),
    }
}
