//! Origin, Fetch-Metadata, preflights.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use crate::page::Body;
use crate::scene::{Call, HOSTILE, INVITED, OTHER, Row, Scene, plain, row};
use crate::served::NUMERBAY;

/// Everything that nearly is the origin of a pairing.
pub fn origins(scene: &Scene) -> Vec<Row> {
    let others = [
        "https://numerbay.ai.evil.example",
        "https://fakenumerbay.ai",
        "https://evil.example/https://numerbay.ai",
        "https://www.numerbay.ai",
        "https://numerbay.a",
        "https://numerbay.aii",
        "http://numerbay.ai",
        "ws://numerbay.ai",
        "ftp://numerbay.ai",
        "https://numerbay.ai:443",
        "https://numerbay.ai:8443",
        "https://numerbay.ai:80",
        "https://numerbay.ai:",
        "https://numerbay.ai:0443",
        "https://user@numerbay.ai",
        "https://numerbay.ai@evil.example",
        "https://numerbay.ai:x@evil.example",
        "HTTPS://numerbay.ai",
        "https://NumerBay.ai",
        "https://numerbay.ai.",
        "https://numerbay.ai/",
        "https://numerbay.ai/models",
        "https://numerbay.ai?",
        "https://numerbay.ai#",
        "https:numerbay.ai",
        "https:///numerbay.ai",
        "//numerbay.ai",
        "numerbay.ai",
        "https://numerbay%2eai",
        "https://xn--numerby-bza.ai",
        "https://numerbäy.ai",
        "https://numerbаy.ai",
        "https://numerbay。ai",
        "https://numerbay.ai https://numerbay.ai",
        "https://numerbay.ai, https://numerbay.ai",
        "https://evil.example https://numerbay.ai",
        "\"https://numerbay.ai\"",
        "https://numerbay.ai\u{a0}",
        "null",
        "*",
        "",
        HOSTILE,
    ];
    let named = |value: &&str| {
        let change = |head: &str| head.replace(&format!("Origin: {NUMERBAY}\r\n"), &format!("Origin: {value}\r\n"));
        scene.near_head(format!("Origin is {value:?}"), Call::Status, change, 403, "origin-unknown")
    };
    let mut rows: Vec<_> = others.iter().map(named).collect();
    let near = |name: &str, another: &str| {
        scene.near(name, Call::Status, |draft| draft.another("Origin", another), 403, "no-origin")
    };
    rows.extend([
        scene.near("no Origin", Call::Status, |draft| draft.without("Origin"), 403, "no-origin"),
        scene.near(
            "Referer does not stand in",
            Call::Status,
            |draft| draft.without("Origin").header("Referer", "https://numerbay.ai/"),
            403,
            "no-origin",
        ),
        near("Origin twice", NUMERBAY),
        near("another Origin behind it", HOSTILE),
        near("null behind it", "null"),
        scene.near(
            "the origin of another pairing, with this key",
            Call::Status,
            |draft| draft.header("Origin", OTHER),
            403,
            "other-origin",
        ),
        scene.near(
            "an origin that was named, with this key",
            Call::Status,
            |draft| draft.header("Origin", INVITED),
            403,
            "other-origin",
        ),
        row(
            "the key of another pairing, with this origin",
            scene
                .draft_of(&scene.other, Call::Encrypt)
                .header("Origin", NUMERBAY)
                .sign()
                .bytes(),
            403,
            "other-origin",
        )
        .beside(scene.draft_of(&scene.other, Call::Encrypt).sign().bytes()),
    ]);
    rows
}

/// What browsers tell of requests that `fetch` did not make.
pub fn fetch_metadata(scene: &Scene) -> Vec<Row> {
    let told = [
        (
            "Sec-Fetch-Mode",
            "cors",
            &["navigate", "no-cors", "same-origin", "websocket", "nested-navigate", "CORS", "", "cors, cors"][..],
        ),
        (
            "Sec-Fetch-Dest",
            "empty",
            &["document", "iframe", "frame", "image", "script", "style", "worker", "object", "Empty", ""],
        ),
        ("Sec-Fetch-Site", "cross-site", &["same-origin", "none", "Cross-Site", ""]),
    ];
    let mut rows = Vec::new();
    for (name, good, others) in told {
        let with = |value: &str| scene.draft(Call::Status).header(name, value).sign().bytes();
        for other in others {
            rows.push(row(format!("{name} is {other:?}"), with(other), 403, "not-fetch").beside(with(good)));
        }
        let twice = scene.draft(Call::Status).header(name, good).another(name, good).sign();
        rows.push(row(format!("{name} twice"), twice.bytes(), 403, "not-fetch").beside(with(good)));
    }
    let user = |draft: crate::page::Draft<'_>| draft.header("Sec-Fetch-User", "?1").sign().bytes();
    rows.push(row("Sec-Fetch-User", user(scene.draft(Call::Status)), 403, "not-fetch"));
    rows
}

/// A preflight promises nothing that no call needs, and nothing to whom nobody named.
pub fn preflights(scene: &Scene) -> Vec<Row> {
    let host = &scene.served.authority;
    let preflight =
        |origin: &str, more: &str| plain("OPTIONS", "/v1/unwrap", host, &format!("Origin: {origin}\r\n{more}"));
    let method = "Access-Control-Request-Method: POST\r\n";
    let headers = |names: &str| format!("{method}Access-Control-Request-Headers: {names}\r\n");
    let good = || preflight(NUMERBAY, &headers("content-type,signature"));
    let mut rows = vec![
        row("a hostile page", preflight(HOSTILE, method), 403, "origin-unknown").beside(good()),
        row("no origin of its own", preflight("null", method), 403, "origin-unknown").beside(good()),
        row("no page", plain("OPTIONS", "/v1/unwrap", host, method), 403, "no-origin").beside(good()),
        row("without a method", preflight(NUMERBAY, ""), 403, "bad-preflight").beside(good()),
        row("two methods", preflight(NUMERBAY, &format!("{method}{method}")), 403, "bad-preflight"),
        row(
            "headers twice",
            preflight(NUMERBAY, &(headers("signature") + "Access-Control-Request-Headers: signature\r\n")),
            403,
            "bad-preflight",
        ),
        row(
            "a navigation",
            preflight(NUMERBAY, &format!("{method}Sec-Fetch-Mode: navigate\r\n")),
            403,
            "not-fetch",
        ),
    ];
    for other in ["PUT", "PATCH", "HEAD", "OPTIONS", "TRACE", "post", "*", ""] {
        let line = format!("Access-Control-Request-Method: {other}\r\n");
        rows.push(row(format!("for {other:?}"), preflight(NUMERBAY, &line), 403, "bad-preflight").beside(good()));
    }
    for other in [
        "authorization",
        "cookie",
        "x-requested-with",
        "*",
        "origin",
        "host",
        "saltbridge-command",
        "signature,evil",
        "Signature",
    ] {
        rows.push(
            row(format!("with {other}"), preflight(NUMERBAY, &headers(other)), 403, "bad-preflight").beside(good()),
        );
    }
    // OPTIONS is no call, however well it is signed.
    let signed = scene.page.draft("OPTIONS", "/v1/status", Body::None).sign().bytes();
    rows.push(row("signed, and no preflight", signed, 403, "bad-preflight"));
    rows
}
