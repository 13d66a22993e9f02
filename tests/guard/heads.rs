//! Host, method, path, and other protocols.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use crate::scene::{Call, NO_CODE, Row, Scene, row};

/// Everything that nearly says the address that is bound.
pub fn hosts(scene: &Scene) -> Vec<Row> {
    let host = scene.served.authority.as_str();
    let port: u16 = host.rsplit(':').next().unwrap().parse().unwrap();
    let others = [
        format!("localhost:{port}"),
        format!("LOCALHOST:{port}"),
        format!("127.1:{port}"),
        format!("127.0.0.2:{port}"),
        format!("0.0.0.0:{port}"),
        format!("[::1]:{port}"),
        format!("[::ffff:127.0.0.1]:{port}"),
        format!("2130706433:{port}"),
        format!("0x7f.0.0.1:{port}"),
        format!("127.0.0.01:{port}"),
        "127.0.0.1".to_owned(),
        "127.0.0.1:".to_owned(),
        "127.0.0.1:80".to_owned(),
        format!("127.0.0.1:{}", port - 1),
        format!("127.0.0.1:0{port}"),
        format!("127.0.0.1.:{port}"),
        format!("127.0.0.1:{port}."),
        format!("user@{host}"),
        format!("{host}@evil.test"),
        format!("http://{host}"),
        format!("{host}/"),
        format!("{host}, {host}"),
        format!("evil.test:{port}"),
        format!("{host}.evil.test"),
        format!("127.0.0.1.evil.test:{port}"),
        String::new(),
    ];
    let named = |value: &String| {
        let change = |head: &str| head.replace(&format!("Host: {host}\r\n"), &format!("Host: {value}\r\n"));
        scene.near_head(format!("Host is {value:?}"), Call::Status, change, 421, "other-host")
    };
    let mut rows: Vec<_> = others.iter().map(named).collect();
    let changed = |name: &str, from: &str, to: &str, status, code| {
        scene.near_head(name, Call::Status, |head| head.replacen(from, to, 1), status, code)
    };
    let line = format!("Host: {host}\r\n");
    let twice = format!("{line}{line}");
    let evil = format!("{line}Host: evil.test\r\n");
    let first = format!("Host: evil.test\r\n{line}");
    let absolute = format!("GET http://{host}/v1/status ");
    let mut signed_for_another = scene.draft(Call::Status);
    signed_for_another = signed_for_another.signing("GET", &format!("localhost:{port}"), "/v1/status");
    let signed_for_another = signed_for_another.header("Host", &format!("localhost:{port}")).sign();
    rows.extend([
        changed("no Host", &line, "", 421, "other-host"),
        changed("Host twice", &line, &twice, 421, "other-host"),
        changed("another Host behind it", &line, &evil, 421, "other-host"),
        changed("another Host before it", &line, &first, 421, "other-host"),
        changed("a space before the colon", "Host:", "Host :", 400, NO_CODE),
        changed("a folded line", &format!("Host: {host}"), &format!("Host:\r\n {host}"), 400, NO_CODE),
        changed("X-Forwarded-Host does not stand in", "Host:", "X-Forwarded-Host:", 421, "other-host"),
        changed("an absolute address", "GET /v1/status ", &absolute, 400, "bad-target"),
        changed(
            "an absolute address elsewhere",
            "GET /v1/status ",
            "GET http://evil.test/v1/status ",
            400,
            "bad-target",
        ),
        changed("an https address", "GET /v1/status ", "GET https://127.0.0.1/v1/status ", 400, "bad-target"),
        changed("a target without a slash", "GET /v1/status ", "GET v1/status ", 400, NO_CODE),
        changed("a star", "GET /v1/status ", "OPTIONS * ", 400, "bad-target"),
        changed("HTTP/1.0", "HTTP/1.1", "HTTP/1.0", 505, "http-version"),
        changed("HTTP/0.9", " HTTP/1.1", "", 400, NO_CODE),
        changed("HTTP/1.2", "HTTP/1.1", "HTTP/1.2", 400, NO_CODE),
        changed("HTTP/2.0", "HTTP/1.1", "HTTP/2.0", 400, NO_CODE),
        row("signed and sent under another name", signed_for_another.bytes(), 421, "other-host"),
    ]);
    rows
}

/// Every other method.
pub fn methods(scene: &Scene) -> Vec<Row> {
    let mut rows = Vec::new();
    for method in ["HEAD", "PUT", "PATCH", "TRACE", "POST", "DELETE", "get", "Get", "QUERY", "PROPFIND"] {
        let code = if method == "HEAD" { NO_CODE } else { "other-method" };
        let change = |head: &str| head.replacen("GET ", &format!("{method} "), 1);
        rows.push(scene.near_head(format!("{method} after signing"), Call::Status, change, 405, code));
        let body = crate::page::Body::None;
        let signed = scene.page.draft(method, "/v1/status", body).sign().bytes();
        rows.push(row(format!("{method}, signed"), signed, 405, code));
    }
    let connect = format!("CONNECT {} ", scene.served.authority);
    let connect = |head: &str| head.replacen("GET /v1/status ", &connect, 1);
    rows.push(scene.near_head("CONNECT", Call::Status, connect, 400, "bad-target"));
    let override_method = |head: &str| {
        head.replacen("\r\n", "\r\nX-HTTP-Method-Override: GET\r\n", 1)
            .replacen("GET ", "PUT ", 1)
    };
    rows.push(scene.near_head("an overridden method", Call::Status, override_method, 405, "other-method"));
    rows
}

/// Everything that nearly names a path; signed as it is sent.
pub fn paths(scene: &Scene) -> Vec<Row> {
    let handle = &scene.handle;
    let encoded = format!("%{:02X}{}", handle.as_bytes()[0], &handle[1..]);
    let paths = [
        "//v1/status",
        "/v1//status",
        "/v1/status/",
        "/V1/status",
        "/v1/Status",
        "/v1%2fstatus",
        "/v1/%73tatus",
        "/v1/status%00",
        "/v1/status;a=b",
        "/v1/../v1/status",
        "/v1/./status",
        "/./v1/status",
        "/v1/keys/../status",
        "/v1/%2e%2e/v1/status",
        "/v1/status/..",
        "/v1\\status",
        "/v2/status",
        "/status",
        "/v1",
        "/",
        "/openapi.json/",
        "/openapi%2ejson",
        "/handoff/../v1/status",
    ];
    let good = || scene.draft(Call::Status).sign().bytes();
    let signed = |method: &str, path: &str| scene.page.draft(method, path, crate::page::Body::None).sign().bytes();
    let mut rows: Vec<_> = paths
        .iter()
        .map(|path| row(*path, signed("GET", path), 404, "no-such-path").beside(good()))
        .collect();
    rows.extend([
        row("no handle", signed("DELETE", "/v1/keys/"), 404, "no-such-path"),
        row("no handle in between", signed("POST", "/v1/keys//decrypt"), 404, "no-such-path"),
        row("an encoded handle", signed("DELETE", &format!("/v1/keys/{encoded}")), 400, "no-such-key"),
        row(
            "a handle with a dot segment",
            signed("DELETE", &format!("/v1/keys/./{handle}")),
            404,
            "no-such-path",
        ),
        row(
            "a handle with an encoded slash",
            signed("DELETE", &format!("/v1/keys/{handle}%2Fexport")),
            400,
            "no-such-key",
        ),
        row("a shortened handle", signed("DELETE", &format!("/v1/keys/{}", &handle[..21])), 400, "no-such-key"),
        row("a padded handle", signed("DELETE", &format!("/v1/keys/{handle}==")), 400, "no-such-key"),
        row("a handle that never was", signed("DELETE", "/v1/keys/AAAAAAAAAAAAAAAAAAAAAA"), 400, "no-such-key"),
        row("a space in the path", signed("GET", "/v1/status /"), 400, NO_CODE),
        row("a tab in the path", signed("GET", "/v1/status\t"), 400, NO_CODE),
    ]);
    let others = scene
        .other
        .draft("DELETE", &format!("/v1/keys/{handle}"), crate::page::Body::None)
        .sign();
    rows.push(row("another page's handle", others.bytes(), 400, "no-such-key"));
    rows
}

/// Upgrades, tunnels and expectations.
pub fn other_protocols(scene: &Scene) -> Vec<Row> {
    let with = |name: &str, lines: &str, status, code| {
        let change = |head: &str| head.replacen("\r\n\r\n", &format!("\r\n{lines}\r\n\r\n"), 1);
        scene.near_head(name, Call::Status, change, status, code)
    };
    let mut rows = vec![
        with("WebSocket", "Connection: Upgrade\r\nUpgrade: websocket", 403, "no-upgrade"),
        with("WebSocket among others", "Connection: keep-alive, upgrade\r\nUpgrade: websocket", 403, "no-upgrade"),
        with(
            "h2c",
            "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk",
            403,
            "no-upgrade",
        ),
        with("TLS", "Connection: Upgrade\r\nUpgrade: TLS/1.3", 403, "no-upgrade"),
        with("Upgrade alone", "Upgrade: websocket", 403, "no-upgrade"),
        with("an empty Upgrade", "Upgrade:", 403, "no-upgrade"),
        with("Connection: upgrade alone", "Connection: upgrade", 403, "no-upgrade"),
        with("Connection: UPGRADE", "Connection: close, UPGRADE", 403, "no-upgrade"),
        with("two lines of Connection", "Connection: close\r\nConnection: Upgrade", 403, "no-upgrade"),
    ];
    // Nobody is told to go on, with or without the body.
    for expectation in ["100-continue", "100-Continue", "200-ok"] {
        let request = scene.draft(Call::Encrypt).header("Expect", expectation).sign();
        let good = scene.draft(Call::Encrypt).sign().bytes();
        rows.push(row(format!("Expect: {expectation}"), request.bytes(), 417, "no-expectation").beside(good));
        let json = scene.draft(Call::Unwrap).header("Expect", expectation).sign();
        rows.push(row(format!("Expect: {expectation}, and waiting"), json.head.clone(), 417, "no-expectation"));
    }
    rows
}
