//! Every sealed box that NumerBay's clients made opens to its plaintext, every bad one is refused for its reason, and
//! what we seal opens with the oracle.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used, clippy::panic)]

mod support;

use saltbridge::encryption::{KeyFile, KeyPair, PrivateKey};
use saltbridge::files::{Folder, Input, Inputs, OpenBoxError, Output, Overwrite, Source, Target, Threads, open_box};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use support::{Vectors, plaintext, text, unbase64};

/// Opens a box from one file into another, as the command line does.
fn open(ciphertext: &[u8], key_pair: &KeyPair) -> Result<Vec<u8>, OpenBoxError> {
    let folder = tempfile::tempdir().unwrap();
    let sealed = folder.path().join("f.sealed");
    std::fs::write(&sealed, ciphertext).unwrap();
    let target = Target::new(&Folder::open(folder.path()).unwrap(), "f".as_ref()).unwrap();
    let inputs = Inputs::default();
    let output = Output::File {
        target: &target,
        overwrite: Overwrite::Refuse,
        inputs: &inputs,
    };
    let mut input = Input::open(&Source::Path(sealed)).unwrap();
    let made = open_box(&mut input, output, key_pair, Threads::all(), &|_| ());
    let result = made.and_then(|made| Ok(made.publish()?));
    let opened = std::fs::read(folder.path().join("f"));
    assert_eq!(result.is_ok(), opened.is_ok(), "there is a file if and only if the box opened");
    result.map(|length| {
        let opened = opened.unwrap();
        assert_eq!(opened.len() as u64, length);
        opened
    })
}

fn key_pair(private_key: &str) -> KeyPair {
    KeyPair::new(PrivateKey::from_bytes(&unbase64(private_key).try_into().unwrap()))
}

#[test]
fn recorded_boxes_open_to_their_plaintext() {
    let vectors = Vectors::numerbay();
    vectors.for_each("sealed", |entry| {
        let recipient = vectors.entry("envelopes", text(entry, "recipient"));
        let ciphertext = unbase64(text(entry, "ciphertext"));
        assert_eq!(support::hex(&Sha256::digest(&ciphertext)), text(entry, "ciphertext_sha256"));
        let opened = open(&ciphertext, &key_pair(text(recipient, "private_key"))).unwrap();
        assert_eq!(opened, plaintext(entry));
        assert_eq!(ciphertext.len(), opened.len() + 48);
    });
}

#[test]
fn a_box_for_a_profile_with_a_wrong_public_key_opens_by_the_private_key_alone() {
    Vectors::numerbay().for_each("sealed_special", |entry| {
        let key_pair = key_pair(text(entry, "private_key"));
        assert_ne!(key_pair.public_key().to_string(), text(entry, "public_key"));
        assert_eq!(open(&unbase64(text(entry, "ciphertext")), &key_pair).unwrap(), plaintext(entry));
    });
}

#[test]
fn every_bad_box_is_refused_for_its_recorded_reason() {
    Vectors::numerbay().for_each("negative_sealed", |entry: &Value| {
        let key_pair = key_pair(text(entry, "private_key"));
        assert_eq!(key_pair.public_key().to_string(), text(entry, "public_key"));
        let fault = match open(&unbase64(text(entry, "ciphertext")), &key_pair) {
            Err(OpenBoxError::TooShort { .. }) => "too_short",
            Err(OpenBoxError::LowOrder { .. }) => "low_order",
            Err(OpenBoxError::DoesNotOpen { .. }) => "auth_failed",
            Err(error) => panic!("{error}"),
            Ok(_) => panic!("it opened"),
        };
        let reason = text(&entry["expect"], "reason");
        assert!(reason.split("_or_").any(|r| r == fault) || reason == fault, "{fault} instead of {reason}");
    });
}

#[test]
fn the_probe_of_a_key_file_opens_if_the_file_is_accepted() {
    Vectors::numerbay().for_each("key_files", |entry| {
        if let Ok(file) = KeyFile::parse(text(entry, "text")) {
            let opened = open(&unbase64(text(entry, "probe_ciphertext")), &file.key_pair).unwrap();
            assert_eq!(support::hex(&opened), text(entry, "probe_plaintext_hex"));
        }
    });
}
