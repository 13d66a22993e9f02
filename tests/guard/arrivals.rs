//! Requests as browsers send them (measured with Chromium), and those that got into other services.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use saltbridge::bridge::Call as Route;

use crate::scene::{Call, HOSTILE, Row, Scene, plain, row, with_head};
use crate::served::NUMERBAY;

/// Header lines, each with its line end.
fn lines(fields: &[(&str, &str)]) -> String {
    fields
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect()
}

fn fetched(site: &str, mode: &str, dest: &str) -> String {
    lines(&[("Sec-Fetch-Site", site), ("Sec-Fetch-Mode", mode), ("Sec-Fetch-Dest", dest)])
}

/// What a page that nobody named makes a browser send.
pub fn hostile(scene: &Scene) -> Vec<Row> {
    let host = &scene.served.authority;
    let port = host.rsplit(':').next().unwrap();
    let get = |more: &str| plain("GET", "/v1/status", host, more);
    let post = |more: &str| {
        let more = format!("{more}Content-Type: text/plain;charset=UTF-8\r\nContent-Length: 2\r\n");
        [plain("POST", "/v1/unwrap", host, &more), b"{}".to_vec()].concat()
    };
    let origin = |origin: &str| lines(&[("Origin", origin)]);
    let own = origin(HOSTILE);
    let socket = lines(&[
        ("Origin", HOSTILE),
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ]);
    let rebound = format!("evil.test:{port}");
    let rebound_origin = origin(&format!("http://{rebound}"));
    let local = origin("http://localhost:8080");
    let cors = fetched("cross-site", "cors", "empty");
    let no_cors = fetched("cross-site", "no-cors", "empty");
    let navigate = fetched("cross-site", "navigate", "document");
    let frame = fetched("cross-site", "navigate", "iframe");
    let mut rows = vec![
        row("fetch", get(&(own.clone() + &cors)), 403, "origin-unknown"),
        row("fetch that posts", post(&(own.clone() + &cors)), 403, "origin-unknown"),
        row("beacon, no-cors POST", post(&(own.clone() + &no_cors)), 403, "origin-unknown"),
        row("no-cors GET", get(&no_cors), 403, "no-origin"),
        row("form, from an https page", post(&(origin("null") + &navigate)), 403, "origin-unknown"),
        row("form, from an http page", post(&(origin("http://evil.example") + &navigate)), 403, "origin-unknown"),
        row("navigation, window.open", get(&navigate), 403, "no-origin"),
        row("navigation by the person", get(&fetched("none", "navigate", "document")), 403, "no-origin"),
        row("iframe", get(&frame), 403, "no-origin"),
        row("iframe without an origin of its own", get(&(origin("null") + &frame)), 403, "origin-unknown"),
        row("sandboxed frame that fetches", get(&(origin("null") + &cors)), 403, "origin-unknown"),
        row("WebSocket", plain("GET", "/v1/events", host, &socket), 403, "no-upgrade"),
        row("DNS rebinding, GET", plain("GET", "/v1/status", &rebound, ""), 421, "other-host"),
        row("DNS rebinding, POST", plain("POST", "/v1/unwrap", &rebound, &rebound_origin), 421, "other-host"),
        row("DNS rebinding, the contract", plain("GET", "/openapi.json", &rebound, ""), 421, "other-host"),
        row("page on another local port", get(&(local.clone() + &cors)), 403, "origin-unknown"),
        row(
            "page of the bridge's own address",
            get(&(origin(&format!("http://{host}")) + &cors)),
            403,
            "origin-unknown",
        ),
        row("page of the file system", get(&(origin("file://") + &cors)), 403, "origin-unknown"),
    ];
    for dest in ["image", "script", "style", "font", "audio", "video", "object", "embed", "track", "worker"] {
        rows.push(row(dest, get(&fetched("cross-site", "no-cors", dest)), 403, "no-origin"));
    }
    rows
}

/// Every route, with everything that its path takes.
fn routes(handle: &str) -> impl Iterator<Item = (String, String)> {
    let handle = handle.to_owned();
    Route::ALL.into_iter().map(move |call| {
        let (method, path) = call.route();
        let path = path
            .replace("{handle}", &handle)
            .replace("{origin}", "https%3A%2F%2Fnumerbay.ai");
        (method.to_string(), path)
    })
}

/// The same at every route: no check is one of some routes alone.
pub fn everywhere(scene: &Scene) -> Vec<Row> {
    let host = &scene.served.authority;
    let mut rows = Vec::new();
    for (method, path) in routes(&scene.handle) {
        for method in [method.as_str(), "OPTIONS"] {
            let rebound = plain(method, &path, "evil.test", &lines(&[("Origin", NUMERBAY)]));
            rows.push(row(format!("{method} {path} under another Host"), rebound, 421, "other-host"));
            if path == "/openapi.json" && method == "GET" {
                continue;
            }
            let hostile = plain(method, &path, host, &lines(&[("Origin", HOSTILE)]));
            rows.push(row(format!("{method} {path} of a hostile page"), hostile, 403, "origin-unknown"));
            rows.push(row(format!("{method} {path} of no page"), plain(method, &path, host, ""), 403, "no-origin"));
        }
    }
    rows
}

/// What got into other services like this one.
pub fn incidents(scene: &Scene) -> Vec<Row> {
    let host = &scene.served.authority;
    let get = |target: &str, more: &str| plain("GET", target, host, more);
    let from = |origin: &str| lines(&[("Origin", origin)]);
    let unsigned = |method: &str, target: &str, kind: &str| {
        let more = from(NUMERBAY) + &lines(&[("Content-Type", kind), ("Content-Length", "2")]);
        [plain(method, target, host, &more), b"{}".to_vec()].concat()
    };
    vec![
        row(
            "trezord-go 16: DNS rebinding",
            plain("POST", "/v1/unwrap", "evil.test:21325", ""),
            421,
            "other-host",
        ),
        row(
            "trezor-suite: the end of an origin",
            get("/v1/status", &from("https://fakenumerbay.ai")),
            403,
            "origin-unknown",
        ),
        row(
            "CVE-2018-6353: a local program without a proof",
            unsigned("POST", "/v1/unwrap", "application/json"),
            401,
            "no-signature",
        )
        .beside(scene.draft(Call::Unwrap).sign().bytes()),
        scene.near(
            "walletd 172: a form's text/plain",
            Call::Unwrap,
            |draft| draft.header("Content-Type", "text/plain"),
            415,
            "content-type",
        ),
        row(
            "CVE-2019-13450: GET that does something",
            get(&format!("/v1/keys/{}/export", scene.handle), &from(NUMERBAY)),
            405,
            "other-method",
        ),
        row(
            "CVE-2024-28224: another Host",
            plain("GET", "/v1/status", "localhost", &from(NUMERBAY)),
            421,
            "other-host",
        ),
        row("CVE-2025-64443: neither Host nor Origin", b"POST /v1/unwrap HTTP/1.1\r\n\r\n", 421, "other-host"),
        row(
            "BitBoxBridge: the host's name alone, by http",
            get("/v1/status", &from("http://numerbay.ai")),
            403,
            "origin-unknown",
        ),
        row(
            "BitBoxBridge: the host's name alone, another port",
            get("/v1/status", &from("https://numerbay.ai:8443")),
            403,
            "origin-unknown",
        ),
        row(
            "BitBoxBridge: any extension",
            get("/v1/status", &from("chrome-extension://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")),
            403,
            "origin-unknown",
        ),
        scene.near(
            "Ledger Live: an origin that is checked only if provided",
            Call::Status,
            |draft| draft.without("Origin"),
            403,
            "no-origin",
        ),
        row("trezord-go 68: a program that sends no origin", get("/v1/pairings", ""), 403, "no-origin"),
        scene.near(
            "trezord-go 68: a program that sends a page's origin",
            Call::Status,
            |draft| draft.without("Signature").without("Signature-Input"),
            401,
            "no-signature",
        ),
        scene.near_head(
            "a relay under another name",
            Call::Status,
            |head| head.replace(host, "[::1]:21730"),
            421,
            "other-host",
        ),
    ]
}

/// Beside all of that: what is let in.
pub fn what_is_let_in(scene: &Scene) {
    let cors = [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "cors"), ("Sec-Fetch-Dest", "empty")];
    let request = cors
        .into_iter()
        .fold(scene.draft(Call::Status), |draft, (name, value)| draft.header(name, value))
        .sign();
    let answer = scene.served.ask(&scene.page, &request);
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, Some(NUMERBAY)));

    let preflight = lines(&[
        ("Origin", NUMERBAY),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "content-digest,content-type,signature,signature-input"),
        ("Sec-Fetch-Mode", "cors"),
    ]);
    let answer = scene
        .send(&plain("OPTIONS", "/v1/unwrap", &scene.served.authority, &preflight))
        .unwrap();
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, Some(NUMERBAY)));

    // What tells nothing of the person's is anyone's; no page reads it.
    let contract = plain("GET", "/openapi.json", &scene.served.authority, &lines(&[("Origin", HOSTILE)]));
    let answer = scene.send(&contract).unwrap();
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, None));

    // White space around a value is none of it (RFC 9110, section 5.5), and names of fields have no case.
    let spelled = with_head(&scene.draft(Call::Status).sign(), |head| {
        let head = head
            .replacen("Host: ", "hOsT: \t ", 1)
            .replacen("Origin: ", "ORIGIN:", 1);
        head.replacen(".ai\r\n", ".ai \t\r\n", 1)
    });
    assert_eq!(scene.send(&spelled).unwrap().status, 200);

    let answer = scene
        .served
        .send_to_socket(&plain("GET", "/v1/status", "localhost", ""))
        .unwrap();
    assert_eq!(answer.status, 200, "programs of the user have the socket");
}
