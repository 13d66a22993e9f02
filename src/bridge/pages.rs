//! The bridge's own pages: the handoff window, and the page that `saltbridge open` opens.
//!
//! Promises: what is served is part of the program, and the same for everybody; nothing of the person's stands in it. A
//! page runs its own scripts and no others, talks to the address that it came from and to nobody else, and stands in no
//! frame. The handoff window is served at the port of pages alone, and the own page at its own listener alone.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, header};
use rust_embed::RustEmbed;

use super::answer::{Answer, full, of_type};
use super::door::Door;

/// What a page may do (Content Security Policy Level 3).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The handoff window.
#[derive(RustEmbed)]
#[folder = "web/handoff"]
struct Handoff;

/// The own page.
#[derive(RustEmbed)]
#[folder = "web/page"]
struct Own;

/// The client, with which the own page calls as every page does.
#[derive(RustEmbed)]
#[folder = "web/client/src"]
struct Client;

/// How it is come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Opened in a window or tab.
    Document,
    /// A script, style or picture that a document of the same address loads.
    Part,
}

/// Something that is served.
pub(super) struct Page {
    pub(super) kind: Kind,
    media_type: &'static str,
    content: Cow<'static, [u8]>,
    /// Whether the window is cut off from who opened it (HTML, `Cross-Origin-Opener-Policy`).
    is_alone: bool,
}

/// What is served at a path of a listener, if it is a page of the bridge's own.
pub(super) fn find(door: &Door, path: &str) -> Option<Page> {
    match (door, path.strip_prefix('/')?) {
        (Door::Socket, _) => None,
        // It talks to who opened it, and so is not cut off.
        (Door::Loopback { .. }, "handoff") => document::<Handoff>("handoff.html", false),
        (Door::Loopback { .. }, name) => part::<Handoff>(name),
        (Door::OwnPage(_), "") => document::<Own>("index.html", true),
        (Door::OwnPage(_), name) => match name.strip_prefix("client/") {
            Some(name) => part::<Client>(name),
            None => part::<Own>(name),
        },
    }
}

fn document<Files: RustEmbed>(name: &str, is_alone: bool) -> Option<Page> {
    Some(Page {
        kind: Kind::Document,
        media_type: "text/html; charset=utf-8",
        content: Files::get(name)?.data,
        is_alone,
    })
}

/// A part by its file's name. What a document is made of has one of these types; documents have an address of their own.
fn part<Files: RustEmbed>(name: &str) -> Option<Page> {
    let media_type = match name.rsplit_once('.')?.1 {
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => return None,
    };
    Some(Page {
        kind: Kind::Part,
        media_type,
        content: Files::get(name)?.data,
        is_alone: true,
    })
}

/// The answer that it is.
pub(super) fn answer(page: Page) -> Answer {
    let content = match page.content {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => bytes.into(),
    };
    let mut answer = of_type(page.media_type, full(content));
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    if page.is_alone {
        let name = HeaderName::from_static("cross-origin-opener-policy");
        headers.insert(name, HeaderValue::from_static("same-origin"));
    }
    answer
}
