//! The program itself, run over the recorded data: the key file is the recorded text, the plaintext the recorded one.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::os::unix::fs::PermissionsExt as _;

use support::{Desk, Vectors, text, unbase64};

#[test]
fn export_gives_exactly_the_recorded_key_file_readable_by_the_owner_alone() {
    Vectors::numerbay().for_each("envelopes", |entry| {
        let desk = Desk::empty();
        desk.put("E", text(entry, "envelope"));
        desk.put("S", text(entry, "signature"));
        let public_key = text(entry, "public_key");
        let args = ["export", "--envelope", "E", "--signature-file", "S", "--public-key", public_key, "-o", "K"];
        desk.run(&args).succeeded();
        assert_eq!(desk.read("K"), text(entry, "key_file").as_bytes());
        let mode = std::fs::metadata(desk.path("K")).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
        assert_eq!(desk.names(), ["E", "K", "S"]);
    });
}

#[test]
fn decrypt_gives_the_recorded_plaintext_from_the_key_file_and_from_the_envelope() {
    let vectors = Vectors::numerbay();
    vectors.for_each("sealed", |entry| {
        let recipient = vectors.entry("envelopes", text(entry, "recipient"));
        let desk = Desk::empty();
        desk.put("C", unbase64(text(entry, "ciphertext")));
        desk.put("K", text(recipient, "key_file"));
        desk.put("E", text(recipient, "envelope"));
        desk.put("S", text(recipient, "signature"));
        desk.run(&["decrypt", "C", "--key-file", "K", "-o", "F"]).succeeded();
        desk.run(&["decrypt", "C", "--envelope", "E", "--signature-file", "S", "-o", "G"])
            .succeeded();
        for name in ["F", "G"] {
            assert_eq!(desk.read(name), support::plaintext(entry));
            let mode = std::fs::metadata(desk.path(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o7777, 0o600);
        }
    });
}

#[test]
fn what_encrypt_seals_the_oracle_and_decrypt_open() {
    let vectors = Vectors::numerbay();
    let recipient = vectors.entry("envelopes", "env-speculos-44h_60h_0h_0_0-v27");
    let secret = crypto_box::SecretKey::from_slice(&unbase64(text(recipient, "private_key"))).unwrap();
    let desk = Desk::new();
    for length in [0, 1, 31, 32, 33, 1000, 1_000_000] {
        let plaintext: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
        desk.put("f", &plaintext);
        desk.run(&["encrypt", "f", "--to", text(recipient, "public_key"), "--force"])
            .succeeded();
        let sealed = desk.read("f.sealed");
        assert_eq!(sealed.len(), length + 48);
        assert_eq!(secret.unseal(&sealed).unwrap(), plaintext);
        desk.run(&["decrypt", "f.sealed", "--key-file", "numerbay.json", "-o", "g", "--force"])
            .succeeded();
        assert_eq!(desk.read("g"), plaintext);
    }
}
