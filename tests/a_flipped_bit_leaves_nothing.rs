//! With any bit flipped in a sealed file, or in the data of an envelope, there is no result, and the exit code says
//! that it does not open (5) or is damaged (6).
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use support::{Desk, Vectors, base64, text, unbase64};

/// The bytes with bit `bit` flipped, for every bit.
fn flipped(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..bytes.len() * 8).map(|bit| {
        let mut changed = bytes.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        changed
    })
}

#[test]
fn in_a_sealed_file() {
    let desk = Desk::new();
    let vectors = Vectors::numerbay();
    let entry = vectors.entry("sealed", "sealed-web-env-speculos-44h_60h_0h_0_0-v27-31");
    let sealed = unbase64(text(entry, "ciphertext"));
    for changed in flipped(&sealed) {
        desk.put("c.sealed", changed);
        let run = desk.run(&["decrypt", "c.sealed", "--key-file", "numerbay.json"]);
        assert!(matches!(run.status, Some(5 | 6)), "{run:?}");
        assert_eq!(desk.names(), ["c.sealed", "envelope.json", "numerbay.json", "report.csv.sealed", "signature.txt"]);
    }
    desk.put("c.sealed", sealed);
    desk.run(&["decrypt", "c.sealed", "--key-file", "numerbay.json"])
        .succeeded();
    assert_eq!(desk.read("c"), support::plaintext(entry));
}

#[test]
fn in_an_envelope() {
    let desk = Desk::new();
    let stored: serde_json::Value = serde_json::from_slice(&desk.read("envelope.json")).unwrap();
    for changed in flipped(&unbase64(text(&stored, "data"))) {
        let mut envelope = stored.clone();
        envelope["data"] = base64(&changed).into();
        desk.put("envelope.json", envelope.to_string());
        let run = desk.export(&["-o", "k"]);
        assert!(matches!(run.status, Some(5 | 6)), "{run:?}");
        assert_eq!(desk.names(), ["envelope.json", "numerbay.json", "report.csv.sealed", "signature.txt"]);
    }
    desk.put("envelope.json", stored.to_string());
    desk.export(&["-o", "k"]).succeeded();
    assert_eq!(desk.read("k"), desk.read("numerbay.json"));
}
