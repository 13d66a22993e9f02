//! From where a request comes, by what its browser says of it.
//!
//! | where | Origin | Fetch-Metadata |
//! | --- | --- | --- |
//! | a page itself | one, its own | `cors`, `empty`, not of the same site's own origin; where it is told |
//! | the handoff window, for a page | absent, or the bridge's | `same-origin`, and told; `Saltbridge-Opener` is the page's origin |
//! | the own page | absent with GET, otherwise its own | `same-origin`, and told |
//! | a program at the socket | none | none |
//!
//! Only a browser is believed any of it, and no page can make one say another thing: `Sec-` headers and `Origin` are
//! not a page's to set, and `Saltbridge-Opener` from another origin would need a preflight, which never allows it. For
//! everybody else there is the signature.

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use super::super::call::Call;
use super::super::pages::Kind;
use super::super::protocol::Origin;
use super::super::refusal::Refusal;
use super::ALLOWED_HEADERS;
use super::head::{only, values};

/// The origin of the page for which the handoff window asks.
const OPENER: HeaderName = HeaderName::from_static("saltbridge-opener");

const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
const USER: HeaderName = HeaderName::from_static("sec-fetch-user");

/// The page from which a request comes, and whether the handoff window passed it on.
pub(super) fn page(headers: &HeaderMap, authority: &str) -> Result<(Origin, bool), Refusal> {
    if !headers.contains_key(&OPENER) {
        let origin = only(headers, &header::ORIGIN).map_err(|()| Refusal::NoOrigin)?;
        return Ok((read(origin)?, false));
    }
    let is_own = is_same_origin(headers, authority) && may_be(headers, &USER, &[]);
    let opener = only(headers, &OPENER);
    match opener {
        Ok(opener) if is_own => Ok((read(opener)?, true)),
        _ => Err(Refusal::NotHandedOn),
    }
}

fn read(origin: &HeaderValue) -> Result<Origin, Refusal> {
    Origin::from_header(origin).map_err(|_| Refusal::OriginUnknown)
}

/// That a page's own request was made by `fetch`, where its browser tells.
pub(super) fn check_fetch(headers: &HeaderMap) -> Result<(), Refusal> {
    let was_fetched = may_be(headers, &MODE, &["cors"])
        && may_be(headers, &DEST, &["empty"])
        && may_be(headers, &SITE, &["cross-site", "same-site"])
        && may_be(headers, &USER, &[]);
    was_fetched.then_some(()).ok_or(Refusal::FetchMetadata)
}

/// That a request comes from the page at its own listener.
pub(super) fn own_page(headers: &HeaderMap, authority: &str, method: &Method) -> Result<(), Refusal> {
    let has_origin = headers.contains_key(header::ORIGIN);
    let is_own = !headers.contains_key(&OPENER)
        && (has_origin || *method == Method::GET)
        && is_same_origin(headers, authority)
        && may_be(headers, &USER, &[]);
    is_own.then_some(()).ok_or(Refusal::NotOwnPage)
}

/// That a request comes from a program, not from a page that somebody passes on.
pub(super) fn program(headers: &HeaderMap) -> Result<(), Refusal> {
    if headers.contains_key(header::ORIGIN) || headers.contains_key(&OPENER) {
        return Err(Refusal::OriginAtSocket);
    }
    let tells_nothing = [&SITE, &MODE, &DEST, &USER]
        .iter()
        .all(|name| may_be(headers, name, &[]));
    tells_nothing.then_some(()).ok_or(Refusal::FetchMetadata)
}

/// That a page of the bridge's own is opened in a window or tab, and a part of one by that page.
pub(super) fn check_opening(headers: &HeaderMap, kind: Kind) -> Result<(), Refusal> {
    let is_right = match kind {
        Kind::Document => may_be(headers, &MODE, &["navigate"]) && may_be(headers, &DEST, &["document"]),
        Kind::Part => {
            may_be(headers, &SITE, &["same-origin"])
                && may_be(headers, &DEST, &["script", "style", "image"])
                && may_be(headers, &USER, &[])
        }
    };
    is_right.then_some(()).ok_or(Refusal::NotOpened)
}

/// That a browser says so: `fetch` by a page of this very address.
fn is_same_origin(headers: &HeaderMap, authority: &str) -> bool {
    let own = format!("http://{authority}");
    only(headers, &SITE).is_ok_and(|site| site == "same-origin")
        && may_be(headers, &header::ORIGIN, &[&own])
        && may_be(headers, &MODE, &["cors", "same-origin"])
        && may_be(headers, &DEST, &["empty"])
}

/// Whether a header is absent, or stands there once with one of these values.
fn may_be(headers: &HeaderMap, name: &HeaderName, allowed: &[&str]) -> bool {
    let mut values = headers.get_all(name).iter();
    let is_allowed = |value: &HeaderValue| allowed.iter().any(|allowed| value == *allowed);
    values.next().is_none_or(is_allowed) && values.next().is_none()
}

/// What a page wants to send must be what calls need, so that the answer to a preflight promises nothing else.
pub(super) fn check_preflight(headers: &HeaderMap) -> Result<(), Refusal> {
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
