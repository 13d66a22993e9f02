//! At the socket there are the user's programs, and no pages: a page's request that somebody passes on is refused there,
//! whatever else it has.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/page.rs"]
mod page;
#[path = "guard/scene.rs"]
mod scene;
#[path = "support/served.rs"]
mod served;
#[path = "support/stage.rs"]
mod stage;
mod support;

use scene::{Call, HOSTILE, NO_CODE, Row, Scene, plain, row};
use served::NUMERBAY;

const HOST: &str = "localhost";

fn good() -> Vec<u8> {
    plain("GET", "/v1/status", HOST, "")
}

fn with(name: &str, lines: &str, status: u16, code: &'static str) -> Row {
    row(name, plain("GET", "/v1/status", HOST, lines), status, code).beside(good())
}

#[test]
fn what_comes_from_a_page_is_refused() {
    let scene = Scene::new();
    let mut rows = Vec::new();
    for origin in [NUMERBAY, HOSTILE, "null", "http://localhost", "file://", ""] {
        rows.push(with(&format!("Origin {origin:?}"), &format!("Origin: {origin}\r\n"), 403, "origin-at-socket"));
    }
    let told = [
        ("Site", &["cross-site", "same-site", "same-origin", "none", ""][..]),
        ("Mode", &["cors", "no-cors", "navigate", "websocket"]),
        ("Dest", &["empty", "document", "image"]),
        ("User", &["?1"]),
    ];
    for (name, values) in told {
        for value in values {
            let line = format!("Sec-Fetch-{name}: {value}\r\n");
            rows.push(with(line.trim_end(), &line, 403, "not-fetch"));
        }
    }
    for opener in [NUMERBAY, HOSTILE, ""] {
        let line = format!("Saltbridge-Opener: {opener}\r\n");
        rows.push(with(line.trim_end(), &line, 403, "origin-at-socket"));
    }
    // However well it is signed.
    let signed = scene.draft(Call::Status).header("Host", HOST).sign();
    rows.push(row("a signed request", signed.bytes(), 403, "origin-at-socket"));
    let for_socket = scene
        .draft(Call::Unwrap)
        .signing("POST", HOST, "/v1/unwrap")
        .header("Host", HOST)
        .sign();
    rows.push(row("a request that is signed for the socket", for_socket.bytes(), 403, "origin-at-socket"));
    let preflight = format!("Origin: {NUMERBAY}\r\nAccess-Control-Request-Method: POST\r\n");
    rows.push(row("a preflight", plain("OPTIONS", "/v1/unwrap", HOST, &preflight), 403, "origin-at-socket"));
    scene.check_at_socket(rows);
}

#[test]
fn pages_do_not_pair_there() {
    let scene = Scene::new();
    let code = scene.served.invite("https://third.example", &[]);
    let page = page::Page::new("https://third.example", HOST);
    let body = page::Body::Json(page.pairing_body(&code));
    let with_origin = page.draft("POST", "/v1/pairings", body).sign();
    let body = page::Body::Json(page.pairing_body(&code));
    let without = page.draft("POST", "/v1/pairings", body).without("Origin").sign();
    scene.check_at_socket(vec![
        row("with its origin", with_origin.bytes(), 403, "origin-at-socket").beside(good()),
        row("without", without.bytes(), 403, "not-invited").beside(good()),
    ]);
}

#[test]
fn everything_else_is_as_strict_as_at_the_port() {
    let scene = Scene::new();
    let port = scene.served.authority.clone();
    let mut rows = Vec::new();
    for host in [
        port.as_str(),
        "127.0.0.1",
        "localhost:80",
        "localhost.",
        "LOCALHOST",
        "evil.test",
        "[::1]",
        "localhost, localhost",
        "",
    ] {
        let request = plain("GET", "/v1/status", host, "");
        rows.push(row(format!("Host is {host:?}"), request, 421, "other-host").beside(good()));
    }
    let json = |lines: &str| [plain("POST", "/v1/unwrap", HOST, lines), b"{}".to_vec()].concat();
    let handle = &scene.handle;
    rows.extend([
        row("no Host", b"GET /v1/status HTTP/1.1\r\n\r\n", 421, "other-host"),
        with("Host twice", "Host: localhost\r\n", 421, "other-host"),
        row("HTTP/1.0", b"GET /v1/status HTTP/1.0\r\nHost: localhost\r\n\r\n", 505, "http-version"),
        row("an absolute address", plain("GET", "http://localhost/v1/status", HOST, ""), 400, "bad-target"),
        row("CONNECT", plain("CONNECT", "localhost:80", HOST, ""), 400, "bad-target"),
        with("WebSocket", "Connection: Upgrade\r\nUpgrade: websocket\r\n", 403, "no-upgrade"),
        with("an expectation", "Expect: 100-continue\r\n", 417, "no-expectation"),
        row("OPTIONS", plain("OPTIONS", "/v1/status", HOST, ""), 405, "other-method"),
        row("another method", plain("PUT", "/v1/status", HOST, ""), 405, "other-method"),
        row("another path", plain("GET", "/v1/status/", HOST, ""), 404, "no-such-path"),
        row("a form", json("Content-Type: text/plain\r\nContent-Length: 2\r\n"), 415, "content-type"),
        row("no type", json("Content-Length: 2\r\n"), 415, "content-type"),
        row(
            "no length",
            plain("POST", "/v1/unwrap", HOST, "Content-Type: application/json\r\n"),
            411,
            "body-length",
        ),
        row(
            "a body too many",
            [plain("GET", "/v1/status", HOST, "Content-Length: 1\r\n"), b"a".to_vec()].concat(),
            400,
            "body-unwanted",
        ),
        row("garbage", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, NO_CODE),
        // What a page unlocked is that page's.
        row("a page's key", plain("DELETE", &format!("/v1/keys/{handle}"), HOST, ""), 400, "no-such-key"),
    ]);
    scene.check_at_socket(rows);
}
