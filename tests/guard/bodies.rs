//! The type of a body and its length.
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
use crate::scene::{Call, NO_CODE, Row, Scene, row, with_head};

/// Forms, texts, and everything else that needs no preflight or is no type of the interface.
pub fn types(scene: &Scene) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut calls = [(Call::Unwrap, "application/octet-stream"), (Call::Encrypt, "application/json")];
    for (call, other) in &mut calls {
        let types = [
            *other,
            "application/x-www-form-urlencoded",
            "text/plain",
            "text/plain;charset=UTF-8",
            "multipart/form-data; boundary=a",
            "application/json; charset=utf-8",
            "application/json;",
            "Application/JSON",
            "application/octet-stream;a=b",
            "application/problem+json",
            "application/json, application/octet-stream",
            "*/*",
            "",
        ];
        for kind in types {
            let change = |draft: Draft<'_>| -> Vec<u8> { draft.header("Content-Type", kind).sign().bytes() };
            let changed = change(scene.draft(*call));
            rows.push(
                row(format!("Content-Type is {kind:?}"), changed, 415, "content-type")
                    .beside(scene.draft(*call).sign().bytes()),
            );
        }
        rows.extend([
            scene.near("no Content-Type", *call, |draft| draft.without("Content-Type"), 415, "content-type"),
            scene.near(
                "Content-Type twice",
                *call,
                |draft| draft.another("Content-Type", "application/json"),
                415,
                "content-type",
            ),
            scene.near("gzip", *call, |draft| draft.header("Content-Encoding", "gzip"), 415, "content-type"),
            scene.near("identity", *call, |draft| draft.header("Content-Encoding", "identity"), 415, "content-type"),
        ]);
    }
    rows
}

/// Lengths that are missing, contradict each other, or are too long.
pub fn lengths(scene: &Scene) -> Vec<Row> {
    let set = |name: &str, call, length: &str, status, code| {
        scene.near(name, call, |draft| draft.header("Content-Length", length), status, code)
    };
    let head_of = |call, lines: &str| {
        let request = scene.draft(call).sign();
        let length = format!("Content-Length: {}\r\n", request.body.len());
        let changed = with_head(&request, |head| head.replace(&length, lines));
        changed[..changed.len() - request.body.len()].to_vec()
    };
    let exact = scene.draft(Call::Unwrap).sign().body.len();
    let chunk = format!("{exact:x}\r\n").into_bytes();
    let chunked = [&chunk[..], &scene.draft(Call::Unwrap).sign().body, b"\r\n0\r\n\r\n"].concat();
    let with_chunks = |lines: &str| [head_of(Call::Unwrap, lines), chunked.clone()].concat();
    let good = || scene.draft(Call::Unwrap).sign().bytes();
    let mut rows = vec![
        row("JSON without a length", head_of(Call::Unwrap, ""), 411, "body-length").beside(good()),
        row("JSON in chunks", with_chunks("Transfer-Encoding: chunked\r\n"), 411, "body-length").beside(good()),
        row(
            "JSON with a length and chunks",
            with_chunks(&format!("Content-Length: {exact}\r\nTransfer-Encoding: chunked\r\n")),
            411,
            "body-length",
        ),
        row(
            "JSON with chunks and a length",
            with_chunks(&format!("Transfer-Encoding: chunked\r\nContent-Length: {exact}\r\n")),
            411,
            "body-length",
        ),
        row("an encoding that is not chunked", with_chunks("Transfer-Encoding: gzip\r\n"), 400, NO_CODE),
        row("chunked, then gzip", with_chunks("Transfer-Encoding: chunked, gzip\r\n"), 400, NO_CODE),
        row(
            "two lengths",
            head_of(Call::Unwrap, &format!("Content-Length: {exact}\r\nContent-Length: 1\r\n")),
            400,
            NO_CODE,
        ),
        set("two lengths in one line", Call::Unwrap, &format!("{exact}, {exact}"), 400, NO_CODE),
        set("a negative length", Call::Encrypt, "-1", 400, NO_CODE),
        set("a signed length", Call::Encrypt, "+11", 400, NO_CODE),
        set("a hexadecimal length", Call::Encrypt, "0xb", 400, NO_CODE),
        set("no number", Call::Encrypt, "many", 400, NO_CODE),
        set("more than 64 bits", Call::Encrypt, "18446744073709551616", 400, NO_CODE),
        set("JSON that is too long by a byte", Call::Unwrap, "131073", 413, "body-too-long"),
        set("JSON of 4 GiB", Call::Unwrap, "4294967296", 413, "body-too-long"),
        set("bytes that are too long by one", Call::Encrypt, "1099511627777", 413, "body-too-long"),
        set("as long as may be said", Call::Encrypt, "18446744073709551613", 413, "body-too-long"),
        scene.near("a body for a status", Call::Status, with_body, 400, "body-unwanted"),
        scene.near(
            "chunks for a status",
            Call::Status,
            |draft| draft.header("Transfer-Encoding", "chunked"),
            400,
            "body-unwanted",
        ),
    ];
    let delete = scene
        .page
        .draft("DELETE", &format!("/v1/keys/{}", scene.handle), Body::None);
    rows.push(row("a body to forget a key with", with_body(delete).sign().bytes(), 400, "body-unwanted"));
    rows
}

fn with_body(mut draft: Draft<'_>) -> Draft<'_> {
    draft.body = b"{}".to_vec();
    draft.header("Content-Length", "2")
}
