//! Addresses, paths, hashes and signatures are those of the wallets and devices that were recorded.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used)]

mod support;

use saltbridge::ethereum::{Address, DerivationPath, Signature, VForm, personal_message_hash};
use support::{Vectors, text, unhex, unhex_any};

#[test]
fn the_recorded_data_has_no_section_that_no_test_knows() {
    let known = [
        "format",
        "version",
        "made_with",
        "salt_message_prefix",
        "plaintext_stream",
        "wallets",
        "envelopes",
        "tolerated_envelopes",
        "negative_envelopes",
        "sealed",
        "sealed_special",
        "negative_sealed",
        "legacy",
        "profiles",
        "key_files",
        "login",
    ];
    let file = include_str!("vectors/numerbay-v2.json");
    let all: serde_json::Map<String, serde_json::Value> = serde_json::from_str(file).unwrap();
    let unknown: Vec<_> = all.keys().filter(|key| !known.contains(&key.as_str())).collect();
    assert_eq!(unknown, [""; 0]);
}

#[test]
fn mnemonic_and_path_give_the_recorded_key_and_address() {
    Vectors::numerbay().for_each("wallets", |wallet| {
        let mut seed = [0; 64];
        pbkdf2::pbkdf2_hmac::<sha2::Sha512>(text(wallet, "mnemonic").as_bytes(), b"mnemonic", 2048, &mut seed);
        let path: DerivationPath = text(wallet, "path").parse().unwrap();
        assert_eq!(path.to_string(), text(wallet, "path"));

        let mut key = bip32::XPrv::new(&seed).unwrap();
        for element in path.elements() {
            key = key.derive_child(bip32::ChildNumber::from(*element)).unwrap();
        }
        assert_eq!(key.to_bytes(), unhex::<32>(text(wallet, "eth_private_key")));

        let address = Address::from_public_key(key.private_key().verifying_key());
        assert_eq!(address.to_string(), text(wallet, "address"));
        for spelling in ["address", "address_lowercase"] {
            assert_eq!(text(wallet, spelling).parse::<Address>().unwrap(), address);
        }
        let upper = text(wallet, "address").to_uppercase();
        assert_eq!(upper.parse::<Address>().unwrap(), address);
    });
}

#[test]
fn login_signatures_of_both_forms_recover_to_their_wallet() {
    let vectors = Vectors::numerbay();
    vectors.for_each("login", |login| {
        let message = format!("I am signing my one-time nonce: {}", text(login, "nonce"));
        assert_eq!(message, text(login, "message"));
        let hash = personal_message_hash(message.as_bytes());
        assert_eq!(hash, unhex(text(login, "eip191_hash")));

        let address: Address = text(login, "public_address").parse().unwrap();
        for (field, form) in [("signature", VForm::Offset27), ("signature_low_v", VForm::Bare)] {
            let signature = Signature::from_hex(text(login, field)).unwrap();
            assert_eq!(signature.v_form(), form);
            assert_eq!(signature.recover(&hash).unwrap(), address);
        }
        let signature = Signature::from_hex(text(login, "signature")).unwrap();
        assert_eq!(signature.in_v_form(VForm::Bare).expose_bytes(), &unhex::<65>(text(login, "signature_low_v")));
    });
}

#[test]
fn what_ledgers_own_app_signed_recovers_to_the_recorded_address() {
    let vectors = Vectors::ledger();
    let mut checked = 0;
    vectors.for_each("recordings", |recording| {
        let signature = &recording["signature"];
        if signature.is_null() {
            return;
        }
        let message = unhex_any(text(&recording["message"], "hex"));
        let hash = personal_message_hash(&message);
        assert_eq!(hash, unhex(text(signature, "eip191_hash")));
        let rsv = Signature::from_bytes(&unhex(text(signature, "rsv_65"))).unwrap();
        assert_eq!(rsv.recover(&hash).unwrap().to_string(), text(recording, "address"));
        assert_eq!(rsv.low_s(VForm::Offset27).expose_bytes(), rsv.expose_bytes());
    });
    for recording in vectors.section("recordings") {
        checked += usize::from(!recording["signature"].is_null());
    }
    println!("{checked} recordings hold a signature, the others have none to check");
    assert!(checked > 50, "{checked}");
}
