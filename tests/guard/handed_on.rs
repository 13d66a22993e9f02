//! The handoff window: how it is opened, and what is taken for a request that it passes on.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use crate::page::{Body, Draft};
use crate::scene::{Call, HOSTILE, INVITED, NO_CODE, OTHER, Row, Scene, plain, row};
use crate::served::NUMERBAY;

/// A page's request as the window passes it on; browsers send no Origin with GET.
fn handed_on<'a>(draft: Draft<'a>, opener: &str) -> Draft<'a> {
    let told = [("Site", "same-origin"), ("Mode", "same-origin"), ("Dest", "empty")];
    let draft = told
        .into_iter()
        .fold(draft.without("Origin"), |draft, (name, value)| draft.header(&format!("Sec-Fetch-{name}"), value));
    draft.header("Saltbridge-Opener", opener)
}

/// Everything that nearly is such a request.
pub fn near_misses(scene: &Scene) -> Vec<Row> {
    let own = format!("http://{}", scene.served.authority);
    let good = |call: Call| handed_on(scene.draft(call), NUMERBAY).sign().bytes();
    let draft = || handed_on(scene.draft(Call::Status), NUMERBAY);
    let near = |name: String, changed: Draft<'_>, status, code| {
        row(name, changed.sign().bytes(), status, code).beside(good(Call::Status))
    };
    let mut rows = Vec::new();
    let told = [
        ("Sec-Fetch-Site", &["cross-site", "same-site", "none", "Same-Origin", ""][..]),
        ("Sec-Fetch-Mode", &["navigate", "no-cors", "websocket", ""]),
        ("Sec-Fetch-Dest", &["document", "iframe", "script", "worker", ""]),
        ("Sec-Fetch-User", &["?1", "?0"]),
        (
            "Origin",
            &[NUMERBAY, HOSTILE, "null", "http://127.0.0.1", "http://localhost:21730", "https://127.0.0.1:21730", ""],
        ),
    ];
    for (name, values) in told {
        for value in values {
            rows.push(near(format!("{name}: {value}"), draft().header(name, value), 403, "not-handed-on"));
        }
    }
    for (name, value) in [("Sec-Fetch-Site", "same-origin"), ("Origin", &own), ("Saltbridge-Opener", NUMERBAY)] {
        let twice = draft().header(name, value).another(name, value);
        rows.push(near(format!("{name} twice"), twice, 403, "not-handed-on"));
    }
    let silent = draft().without("Sec-Fetch-Site");
    rows.push(near("no Sec-Fetch-Site".to_owned(), silent, 403, "not-handed-on"));
    let by_itself = draft()
        .header("Origin", NUMERBAY)
        .header("Sec-Fetch-Site", "cross-site");
    let by_itself = by_itself.header("Sec-Fetch-Mode", "cors");
    rows.push(near("a page that names itself".to_owned(), by_itself, 403, "not-handed-on"));
    for opener in [
        HOSTILE,
        &own,
        "null",
        "",
        "https://numerbay.ai/",
        "https://NumerBay.ai",
        "https://numerbay.ai:443",
        "https://numerbay.ai, https://numerbay.ai",
        "http://numerbay.ai",
        "*",
    ] {
        let opened = draft().header("Saltbridge-Opener", opener);
        rows.push(near(format!("opened by {opener:?}"), opened, 403, "origin-unknown"));
    }
    for opener in [OTHER, INVITED] {
        let opened = draft().header("Saltbridge-Opener", opener);
        rows.push(near(format!("opened by {opener}, with this key"), opened, 403, "other-origin"));
    }
    // It is the page's signature that counts, whoever passes it on.
    let unsigned = handed_on(scene.draft(Call::Unwrap), NUMERBAY)
        .without("Signature")
        .sign();
    rows.push(row("unsigned", unsigned.bytes(), 401, "no-signature").beside(good(Call::Unwrap)));
    let stranger = handed_on(scene.hostile.draft("GET", "/v1/status", Body::None), NUMERBAY).sign();
    rows.push(row("signed by a stranger", stranger.bytes(), 401, "key-unknown"));
    let of_the_person = [
        ("GET", "/v1/devices", Body::None),
        ("GET", "/v1/address", Body::None),
        ("GET", "/v1/pairings", Body::None),
        ("GET", "/v1/own-pages", Body::None),
        ("DELETE", "/v1/pairings/https%3A%2F%2Fother.example", Body::None),
        ("POST", "/v1/pairings/codes", Body::Json(serde_json::json!({ "origin": HOSTILE }))),
        ("POST", "/v1/own-pages", Body::Json(serde_json::json!({}))),
    ];
    for (method, path, body) in of_the_person {
        let request = handed_on(scene.page.draft(method, path, body), NUMERBAY).sign();
        rows.push(row(format!("{method} {path}"), request.bytes(), 403, "socket-only"));
    }
    let options = handed_on(scene.page.draft("OPTIONS", "/v1/status", Body::None), NUMERBAY).sign();
    rows.push(row("OPTIONS", options.bytes(), 405, "other-method"));
    rows
}

/// The window's page and its parts, asked for in any other way than to open it.
pub fn openings(scene: &Scene) -> Vec<Row> {
    let host = &scene.served.authority;
    let fetched = |path: &str, told: &[(&str, &str)]| {
        let lines: String = told
            .iter()
            .map(|(name, value)| format!("Sec-Fetch-{name}: {value}\r\n"))
            .collect();
        plain("GET", path, host, &lines)
    };
    let opened = || fetched("/handoff", &[("Site", "cross-site"), ("Mode", "navigate"), ("Dest", "document")]);
    let loaded = || fetched("/handoff.js", &[("Site", "same-origin"), ("Mode", "cors"), ("Dest", "script")]);
    let mut rows = Vec::new();
    for dest in ["iframe", "frame", "object", "embed", "script", "image", "empty", "fencedframe", ""] {
        let request = fetched("/handoff", &[("Site", "cross-site"), ("Mode", "navigate"), ("Dest", dest)]);
        rows.push(row(format!("/handoff as {dest}"), request, 403, "not-opened").beside(opened()));
    }
    for mode in ["cors", "no-cors", "same-origin", "websocket"] {
        let request = fetched("/handoff", &[("Site", "cross-site"), ("Mode", mode), ("Dest", "document")]);
        rows.push(row(format!("/handoff by {mode}"), request, 403, "not-opened").beside(opened()));
    }
    for site in ["cross-site", "same-site", "none"] {
        let request = fetched("/handoff.js", &[("Site", site), ("Mode", "no-cors"), ("Dest", "script")]);
        rows.push(row(format!("its script, from {site}"), request, 403, "not-opened").beside(loaded()));
    }
    let document = fetched("/handoff.css", &[("Site", "same-origin"), ("Mode", "navigate"), ("Dest", "document")]);
    rows.push(row("its style as a document", document, 403, "not-opened").beside(loaded()));
    for method in ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"] {
        let code = if method == "HEAD" { NO_CODE } else { "other-method" };
        rows.push(row(format!("{method} /handoff"), plain(method, "/handoff", host, ""), 405, code).beside(opened()));
    }
    let body = [plain("GET", "/handoff", host, "Content-Length: 2\r\n"), b"{}".to_vec()].concat();
    rows.push(row("/handoff with a body", body, 400, "body-unwanted").beside(opened()));
    rows.push(row("/handoff under another Host", plain("GET", "/handoff", "evil.test", ""), 421, "other-host"));
    for path in
        ["/handoff/", "/handoff.html", "/Handoff", "/handoff.md", "/", "/index.html", "/page.js", "/client/index.js"]
    {
        rows.push(row(path, plain("GET", path, host, ""), 403, "no-origin").beside(opened()));
    }
    rows
}

/// Beside all of that: a page that was named pairs, calls and is answered through the window.
pub fn what_is_let_in(scene: &Scene) {
    let status = handed_on(scene.draft(Call::Status), NUMERBAY).sign();
    let answer = scene.served.ask(&scene.page, &status);
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("access-control-allow-origin"),
        Some(NUMERBAY),
        "by this the window knows whose the answer is"
    );
    let own = format!("http://{}", scene.served.authority);
    let unwrap = handed_on(scene.draft(Call::Unwrap), NUMERBAY)
        .header("Origin", &own)
        .sign();
    assert_eq!(
        scene.served.ask(&scene.page, &unwrap).status,
        200,
        "browsers send the window's own Origin with POST"
    );

    let code = scene.served.invite(INVITED, &[]);
    let mut page = crate::page::Page::new(INVITED, &scene.served.authority);
    let body = Body::Json(page.pairing_body(&code));
    let request = handed_on(page.draft("POST", "/v1/pairings", body), INVITED).sign();
    let answer = scene.served.send(&request);
    let scopes = page.pair(&code, &request, answer.status, &answer.headers, &answer.body);
    assert_eq!(scopes.unwrap(), ["create", "decrypt", "encrypt"]);

    let opened = scene
        .send(&plain("GET", "/handoff", &scene.served.authority, ""))
        .unwrap();
    assert_eq!(opened.status, 200);
    let policy = opened.header("content-security-policy").unwrap();
    for rule in ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"] {
        assert!(policy.contains(rule), "{policy}");
    }
    assert_eq!(opened.header("access-control-allow-origin"), None);
    assert_eq!(opened.header("cross-origin-opener-policy"), None, "it talks to who opened it");
    assert_eq!(opened.header("cross-origin-resource-policy"), Some("same-origin"));
}
