//! The bridge's own page lets one window of the person's in, with the code that the person's programs were given, and
//! nobody else; it has the person's calls, and is over when that window is closed.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/clocked.rs"]
mod clocked;
#[path = "support/own_page.rs"]
mod own_page;
#[path = "support/page.rs"]
mod page;
#[path = "support/served.rs"]
mod served;
#[path = "support/stage.rs"]
mod stage;
mod support;

use std::time::{Duration, Instant};

use clocked::Clocked;
use own_page::Window;
use page::{Body, Draft, Page};
use saltbridge::bridge::Keeping;
use serde_json::{Value, json};
use served::{Answer, NUMERBAY};
use stage::{PATIENCE, approving};
use support::{Vectors, text};

fn opened(bridge: &Clocked) -> Window {
    Window::of(&bridge.program("POST", "/v1/own-pages", Some(json!({}))))
}

fn inside(bridge: &Clocked) -> Window {
    let mut window = opened(bridge);
    window.come_in();
    window
}

fn refused(answer: &Answer, status: u16, code: &str, name: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (status, code), "{name}");
    assert_eq!(answer.header("access-control-allow-origin"), None, "{name}: no other page reads it");
}

fn envelope() -> String {
    let vectors = Vectors::numerbay();
    text(vectors.entry("envelopes", "env-speculos-44h_60h_0h_0_0-v27"), "envelope").to_owned()
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn own_pages(bridge: &Clocked) -> Vec<Value> {
    let listed = bridge.program("GET", "/v1/own-pages", None).json();
    listed["own_pages"].as_array().unwrap().clone()
}

#[test]
fn its_window_has_what_the_person_has() {
    let bridge = Clocked::new(Keeping::default());
    let mut window = opened(&bridge);
    assert_eq!(own_pages(&bridge), [json!({ "address": window.page.origin, "opened": false })]);
    assert_eq!(window.come_in(), ["create", "decrypt", "encrypt", "export"]);
    assert_eq!(own_pages(&bridge), [json!({ "address": window.page.origin, "opened": true })]);

    let status = window.ask("GET", "/v1/status", Body::None).json();
    assert_eq!(status["scopes"], json!(["create", "decrypt", "encrypt", "export"]));
    assert_eq!(status["endpoint"], bridge.stage.endpoint().to_string());
    let devices = window.ask("GET", "/v1/devices", Body::None).json();
    assert_eq!(devices["devices"][0]["state"], "ready");

    let invited = window.ask("POST", "/v1/pairings/codes", Body::Json(json!({ "origin": NUMERBAY })));
    let code = invited.json()["code"].as_str().unwrap().to_owned();
    let mut site = Page::new(NUMERBAY, &bridge.authority);
    let request = site.pairing_request(&code);
    let answer = bridge.send(&request);
    site.pair(&code, &request, answer.status, &answer.headers, &answer.body)
        .unwrap();
    let listed = window.ask("GET", "/v1/pairings", Body::None).json();
    assert_eq!(listed["pairings"].as_array().unwrap().len(), 1, "it is no site itself: {listed}");
    assert_eq!(listed["pairings"][0]["origin"], NUMERBAY);
    let path = "/v1/pairings/https%3A%2F%2Fnumerbay.ai";
    assert_eq!(window.ask("DELETE", path, Body::None).status, 204);
    assert_eq!(window.ask("GET", "/v1/pairings", Body::None).json()["pairings"], json!([]));
}

#[test]
fn what_it_unlocked_is_its_own() {
    let bridge = Clocked::new(Keeping::default());
    let (window, other) = (inside(&bridge), inside(&bridge));
    let unwrap = Body::Json(json!({ "envelope": envelope() }));
    let answer = approving(&[&bridge.stage], || window.ask("POST", "/v1/unwrap", unwrap));
    assert_eq!(answer.status, 200, "{answer:?}");
    let handle = answer.json()["handle"].as_str().unwrap().to_owned();
    let sealed = Vectors::numerbay();
    let sealed = sealed.entry("sealed", "sealed-web-env-speculos-44h_60h_0h_0_0-v27-1000");
    let bytes = support::unbase64(text(sealed, "ciphertext"));
    let path = format!("/v1/keys/{handle}/decrypt");
    let opened = window.ask("POST", &path, Body::Bytes(bytes.clone()));
    assert_eq!(opened.body, support::plaintext(sealed));
    refused(&other.ask("POST", &path, Body::Bytes(bytes)), 400, "no-such-key", "another window");
    assert_eq!(bridge.program("DELETE", &format!("/v1/keys/{handle}"), None).code(), "no-such-key");
    // What is the socket's alone is not the page's.
    for (method, path, body) in [
        ("POST", format!("/v1/keys/{handle}/box-key"), json!({ "ephemeral": "" })),
        ("POST", "/v1/own-pages".to_owned(), json!({})),
    ] {
        refused(&window.ask_unsigned(method, &path, body), 403, "socket-only", &path);
    }
    refused(
        &window.send(&window.draft("GET", "/v1/own-pages", Body::None).sign()),
        403,
        "socket-only",
        "own pages",
    );
}

impl Window {
    /// A signed request to which the answer may be unsigned.
    fn ask_unsigned(&self, method: &str, path: &str, body: Value) -> Answer {
        self.send(&self.draft(method, path, Body::Json(body)).sign())
    }
}

#[test]
fn a_code_lets_one_window_in() {
    let bridge = Clocked::new(Keeping::default());
    let (mut window, other) = (opened(&bridge), opened(&bridge));
    let pairing = |window: &Window, code: &str| {
        let body = Body::Json(window.page.pairing_body(code));
        window.send(&window.draft("POST", "/v1/pairings", body).sign())
    };
    refused(&pairing(&window, &other.code), 403, "wrong-code", "the code of another window");
    refused(&pairing(&window, "0000-0000-0000-0000"), 403, "wrong-code", "no code");
    window.come_in();
    let second = Window {
        page: window.page.in_another_browser(),
        code: window.code.clone(),
    };
    refused(&pairing(&second, &second.code), 403, "not-invited", "the same code again");
    let status = second.draft("GET", "/v1/status", Body::None).sign();
    refused(&second.send(&status), 401, "key-unknown", "who was not let in");
    assert_eq!(window.ask("GET", "/v1/status", Body::None).status, 200, "the first one stays");
    // A site's code is none for the page, nor is the page's for a site.
    let site = Page::new(NUMERBAY, &bridge.authority);
    bridge.invite(NUMERBAY);
    refused_by_code(&bridge.send(&site.pairing_request(&other.code)), "wrong-code");
}

fn refused_by_code(answer: &Answer, code: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (403, code));
}

#[test]
fn an_unused_code_ends_after_two_minutes() {
    let bridge = Clocked::new(Keeping::default());
    let window = opened(&bridge);
    bridge.clock.pass(Duration::from_secs(119));
    std::thread::sleep(Duration::from_millis(1500));
    assert!(!window.is_over());
    bridge.clock.pass(Duration::from_secs(1));
    wait_until("it ends", || window.is_over());
    assert_eq!(own_pages(&bridge), [] as [Value; 0]);
}

#[test]
fn it_is_over_when_its_window_is_closed() {
    let bridge = Clocked::new(Keeping::default());
    let window = inside(&bridge);
    let stream = window.listen();
    let unwrap = Body::Json(json!({ "envelope": envelope() }));
    approving(&[&bridge.stage], || assert_eq!(window.ask("POST", "/v1/unwrap", unwrap).status, 200));
    bridge.clock.pass(Duration::from_secs(60));
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(window.ask("GET", "/v1/status", Body::None).json()["keys"], 1, "its stream is open");
    drop(stream);
    // Noticed when the next sign of life cannot be sent.
    wait_until("it ends", || {
        bridge.clock.pass(Duration::from_secs(1));
        window.is_over()
    });
    assert_eq!(own_pages(&bridge), [] as [Value; 0]);
}

#[test]
fn it_is_over_when_nobody_uses_it() {
    let bridge = Clocked::new(Keeping::default());
    let window = inside(&bridge);
    let _stream = window.listen();
    bridge.clock.pass(Duration::from_secs(50 * 60));
    // That the page looks around is no use of it.
    assert_eq!(window.ask("GET", "/v1/status", Body::None).status, 200);
    let forget = window.ask("DELETE", "/v1/keys", Body::None);
    assert_eq!(forget.status, 204);
    bridge.clock.pass(Duration::from_secs(50 * 60));
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(window.ask("GET", "/v1/status", Body::None).status, 200, "it was used fifty minutes ago");
    bridge.clock.pass(Duration::from_secs(11 * 60));
    wait_until("it ends", || window.is_over());
}

#[test]
fn there_are_four_at_most() {
    let bridge = Clocked::new(Keeping::default());
    let _windows: Vec<_> = (0..4).map(|_| opened(&bridge)).collect();
    let fifth = bridge.program("POST", "/v1/own-pages", Some(json!({})));
    assert_eq!((fifth.status, fifth.code().as_str()), (403, "too-many-own-pages"));
}

#[test]
fn near_misses_of_its_requests() {
    let bridge = Clocked::new(Keeping::default());
    let window = inside(&bridge);
    let get = || window.draft("GET", "/v1/pairings", Body::None);
    let post = || window.draft("POST", "/v1/pairings/codes", Body::Json(json!({ "origin": NUMERBAY })));
    let check = |name: &str, draft: Draft<'_>, status, code| {
        refused(&window.send(&draft.sign()), status, code, name);
    };
    let port = window.authority().rsplit(':').next().unwrap();
    let origins = [
        NUMERBAY.to_owned(),
        "null".to_owned(),
        String::new(),
        format!("http://{}", bridge.authority),
        format!("http://localhost:{port}"),
        format!("https://127.0.0.1:{port}"),
        format!("http://127.0.0.1:{port}/"),
        "http://127.0.0.1".to_owned(),
    ];
    for origin in &origins {
        check(&format!("GET with Origin {origin:?}"), get().header("Origin", origin), 403, "not-own-page");
        check(&format!("POST with Origin {origin:?}"), post().header("Origin", origin), 403, "not-own-page");
    }
    let own = window.page.origin.clone();
    check("Origin twice", post().another("Origin", &own), 403, "not-own-page");
    check("POST without Origin", post().without("Origin"), 403, "not-own-page");
    check("no Sec-Fetch-Site", get().without("Sec-Fetch-Site"), 403, "not-own-page");
    for (name, values) in [
        ("Sec-Fetch-Site", &["cross-site", "same-site", "none", ""][..]),
        ("Sec-Fetch-Mode", &["navigate", "no-cors", "websocket"]),
        ("Sec-Fetch-Dest", &["document", "iframe", "script"]),
        ("Sec-Fetch-User", &["?1"]),
        ("Saltbridge-Opener", &[NUMERBAY, own.as_str(), ""]),
    ] {
        for value in values {
            check(&format!("{name}: {value}"), get().header(name, value), 403, "not-own-page");
        }
    }
    check("another Host", get().header("Host", &bridge.authority), 421, "other-host");
    check("localhost", get().header("Host", &format!("localhost:{port}")), 421, "other-host");
    check("unsigned", get().without("Signature"), 401, "no-signature");
    let moved = get().signing("GET", &bridge.authority, "/v1/pairings");
    check("signed for the port of pages", moved, 401, "signature-invalid");
    check(
        "signed for another call",
        get().signing("GET", window.authority(), "/v1/status"),
        401,
        "signature-invalid",
    );
    check("OPTIONS", window.draft("OPTIONS", "/v1/pairings", Body::None), 405, "other-method");
    let replayed = get().sign();
    assert_eq!(window.send(&replayed).status, 200);
    refused(&window.send(&replayed), 401, "replayed", "a replay");
    // Its key is none at the port of pages, and nobody's else is one here.
    let elsewhere = Page::new(NUMERBAY, &bridge.authority);
    let at_port = window
        .page
        .draft("GET", "/v1/status", Body::None)
        .header("Host", &bridge.authority);
    let at_port = bridge.send(&at_port.signing("GET", &bridge.authority, "/v1/status").sign());
    assert_eq!((at_port.status, at_port.code().as_str()), (403, "origin-unknown"));
    let stranger = Window {
        page: Page::new(&own, window.authority()),
        code: String::new(),
    };
    let status = stranger.draft("GET", "/v1/status", Body::None).sign();
    refused(&stranger.send(&status), 401, "key-unknown", "a stranger's key");
    drop(elsewhere);
    assert_eq!(bridge.program("GET", "/v1/pairings", None).json()["pairings"], json!([]), "something came of it");
}

#[test]
fn its_files_are_opened_by_its_window_alone() {
    let bridge = Clocked::new(Keeping::default());
    let window = opened(&bridge);
    let get = |path: &str, lines: &str| {
        let host = window.authority();
        window.send_raw(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n").as_bytes())
    };
    // Led there from a file, which is another site to a browser.
    let opened = get("/", "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n");
    assert_eq!(opened.status, 200);
    assert_eq!(opened.header("cross-origin-opener-policy"), Some("same-origin"));
    assert_eq!(opened.header("cache-control"), Some("no-store"));
    let policy = opened.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let html = String::from_utf8(opened.body.clone()).unwrap();
    assert!(!html.contains(&window.code), "nothing of the person's stands in it");

    // Everything that it loads is there, for it alone.
    let names: Vec<_> = html
        .split(['"', '\''])
        .filter(|part| part.starts_with('/') && part.contains('.') && !part.contains(char::is_whitespace))
        .collect();
    assert!(
        names.iter().any(|name| name.ends_with(".js")) && names.iter().any(|name| name.ends_with(".css")),
        "{names:?}"
    );
    for name in names.into_iter().chain(["/client/index.js"]) {
        let own = "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: script\r\n";
        let loaded = get(name, own);
        assert_eq!(loaded.status, 200, "{name}");
        assert_eq!(loaded.header("cross-origin-resource-policy"), Some("same-origin"), "{name}");
        for lines in [
            "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: script\r\n",
            "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n",
            "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n",
        ] {
            refused(&get(name, lines), 403, "not-opened", name);
        }
    }
    let framed = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n";
    refused(&get("/", framed), 403, "not-opened", "a frame");
    for path in ["/handoff", "/index.html", "/page/index.html", "/client/", "/client/../page.js", "/tsconfig.json"] {
        assert_ne!(get(path, "").status, 200, "{path}");
    }
}
