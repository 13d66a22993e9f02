//! Every envelope, profile and key file that was recorded from NumerBay's own clients is read as they read it, or
//! refused for its recorded reason; what we write is what the web app writes, byte for byte.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used, clippy::panic)]

mod support;

use saltbridge::encryption::{
    Document, Envelope, EnvelopeError, FormatError, Kdf, KeyFile, KeyFileError, KeyPair, Mechanism, Message, Nonce,
    PrivateKey, Profile, ProfileError, PublicKey, StorageKey,
};
use saltbridge::ethereum::{Signature, VForm};
use saltbridge::fault::Fault as _;
use saltbridge::unlock::{Expected, SaltPolicy, SignatureMadeElsewhere, UnlockError, Unlocked, unlock};
use serde_json::Value;
use support::{Vectors, text, unbase64, unhex};

type Failure = UnlockError<std::convert::Infallible>;

fn open(envelope: &Envelope, signature: &str, expected: &Expected, policy: SaltPolicy) -> Result<Unlocked, Failure> {
    let mut wallet = SignatureMadeElsewhere::new(Signature::from_hex(signature).unwrap());
    unlock(envelope, &mut wallet, expected, policy)
}

fn private_key(unlocked: &Unlocked) -> String {
    unlocked.key_pair.private_key().to_base64().to_string()
}

#[test]
fn recorded_envelopes_open_with_their_own_and_with_the_other_v_form() {
    let vectors = Vectors::numerbay();
    vectors.for_each("envelopes", |entry| {
        let envelope = Envelope::parse(text(entry, "envelope")).unwrap();
        assert_eq!(envelope.kdf(), Kdf::Keccak256);
        assert_eq!(envelope.data_length(), unbase64(text(entry, "data")).len());
        assert_eq!(envelope.message().to_string(), text(entry, "salt_message"));
        let message = envelope.message_to_sign().unwrap();
        assert_eq!(message.hash(), unhex(text(entry, "eip191_hash")));

        let expected = Expected {
            address: Some(text(vectors.wallet(entry), "address").parse().unwrap()),
            public_key: Some(text(entry, "public_key").parse().unwrap()),
        };
        let made_with = match entry["signature_v"].as_u64() {
            Some(27 | 28) => VForm::Offset27,
            _ => VForm::Bare,
        };
        let own = Signature::from_hex(text(entry, "signature")).unwrap();
        assert_eq!(own.v_form(), made_with);
        for form in [VForm::Offset27, VForm::Bare] {
            let signature = support::hex(own.in_v_form(form).expose_bytes());
            let unlocked = open(&envelope, &signature, &expected, SaltPolicy::KnownForms).unwrap();
            assert_eq!(unlocked.v_form, made_with);
            assert_eq!(private_key(&unlocked), text(entry, "private_key"));
            assert_eq!(*unlocked.key_pair.to_key_file_text(), text(entry, "key_file"));
        }

        let other = own.in_v_form(if made_with == VForm::Bare {
            VForm::Offset27
        } else {
            VForm::Bare
        });
        assert_eq!(
            envelope.open(&StorageKey::keccak256(&other)).is_ok(),
            entry["opened_with_other_v_form"].as_bool().unwrap(),
            "the other form alone is another key"
        );
    });
}

#[test]
fn recorded_envelopes_are_made_again_byte_for_byte() {
    Vectors::numerbay().for_each("envelopes", |entry| {
        let signature = Signature::from_hex(text(entry, "signature")).unwrap();
        let private_key = PrivateKey::from_bytes(&unbase64(text(entry, "private_key")).try_into().unwrap());
        let envelope = Envelope::seal(
            &private_key,
            &StorageKey::keccak256(&signature),
            Nonce::from_bytes(unhex(text(entry, "nonce_hex"))),
            Message::parse(text(entry, "salt_message")),
        );
        assert_eq!(envelope.to_text(), text(entry, "envelope"));

        let parsed = Envelope::parse(text(entry, "envelope")).unwrap();
        assert_eq!(parsed.to_text(), text(entry, "envelope"));
    });
}

#[test]
fn what_the_web_app_tolerates_is_tolerated() {
    Vectors::numerbay().for_each("tolerated_envelopes", |entry| {
        let envelope = Envelope::parse(text(entry, "encrypted_private_key_v2")).unwrap();
        let expected = Expected {
            address: None,
            public_key: Some(text(entry, "public_key_v2").parse().unwrap()),
        };
        let unlocked = open(&envelope, text(entry, "signature_over_salt"), &expected, SaltPolicy::KnownForms).unwrap();
        assert_eq!(private_key(&unlocked), text(&entry["expect"], "private_key"));
    });
}

/// The way of a profile through the library: the profile, its envelope, the signature. The name of the fault is the one
/// that the recorded data uses.
fn fault_of(entry: &Value) -> Result<Unlocked, &'static str> {
    let profile = serde_json::json!({
        "public_key_v2": entry["public_key_v2"],
        "encrypted_private_key_v2": entry["encrypted_private_key_v2"],
    });
    let public_key = match Profile::parse(&profile.to_string()) {
        Ok(Profile {
            mechanism: Mechanism::V2 { public_key, .. },
            ..
        }) => public_key,
        Ok(_) => return Err("no v2"),
        Err(ProfileError::Format(error)) => return Err(format_fault(&error)),
        Err(ProfileError::Address(_)) => return Err("address"),
    };
    let envelope = match Envelope::parse(text(entry, "encrypted_private_key_v2")) {
        Ok(envelope) => envelope,
        Err(EnvelopeError::Format(error)) => return Err(format_fault(&error)),
        Err(EnvelopeError::TooShort { .. }) => return Err("too_short"),
        Err(EnvelopeError::Legacy) => return Err("legacy_v1"),
        Err(error) => panic!("{error}"),
    };
    let expected = Expected {
        address: None,
        public_key: Some(public_key),
    };
    let signature = entry["signature_over_salt"].as_str();
    let signature = signature.expect("an envelope that can be read has a recorded signature");
    match open(&envelope, signature, &expected, SaltPolicy::KnownForms) {
        Ok(unlocked) => Ok(unlocked),
        Err(UnlockError::UnusualSalt(_)) => Err("unusual_salt"),
        Err(UnlockError::DoesNotOpen { .. }) => Err("auth_failed"),
        Err(UnlockError::PublicKeyMismatch { .. }) => Err("public_key_mismatch"),
        Err(UnlockError::Damaged(error)) => Err(match format_fault(&error) {
            "not_json" => "inner_not_json",
            "missing_field" => "inner_missing_field",
            "wrong_type" => "inner_wrong_type",
            "bad_base64" => "inner_bad_base64",
            other => other,
        }),
        Err(error) => panic!("{error}"),
    }
}

fn format_fault(error: &FormatError) -> &'static str {
    match error {
        FormatError::NotJson { .. } | FormatError::Empty => "not_json",
        FormatError::WrongType { .. } => "wrong_type",
        FormatError::MissingField { .. } => "missing_field",
        FormatError::DuplicateField { .. } => "duplicate",
        FormatError::BadBase64 { .. } => "bad_base64",
        FormatError::WrongLength { .. } => "bad_key_length",
    }
}

#[test]
fn every_bad_envelope_is_refused_for_its_recorded_reason() {
    Vectors::numerbay().for_each("negative_envelopes", |entry| {
        let reasons: Vec<_> = text(&entry["expect"], "reason").split("_or_").collect();
        let fault = fault_of(entry).err().expect("no private key comes out");
        assert!(reasons.contains(&fault), "{fault} instead of {reasons:?}");

        let policy = text(&entry["expect"], "result") == "refuse_to_sign";
        assert!(policy || text(&entry["expect"], "result") == "reject");
        if policy {
            let envelope = Envelope::parse(text(entry, "encrypted_private_key_v2")).unwrap();
            let signature = text(entry, "signature_over_salt");
            let insisted = open(&envelope, signature, &Expected::default(), SaltPolicy::PersonInsists).unwrap();
            assert_eq!(private_key(&insisted), text(&entry["web_plugin"], "private_key"), "it is sound otherwise");
        }
    });
}

#[test]
fn legacy_envelopes_are_named_as_such_and_their_key_files_are_read() {
    let vectors = Vectors::numerbay();
    vectors.for_each("legacy", |entry| {
        let stored = text(entry, "envelope");
        let error = Envelope::parse(stored).unwrap_err();
        assert_eq!(error, EnvelopeError::Legacy);
        assert_eq!(error.explain().code, "legacy-envelope");
        let Document::Legacy(legacy) = Document::parse(stored).unwrap() else {
            panic!("not recognised")
        };
        assert_eq!(legacy.version, "x25519-xsalsa20-poly1305");
        assert_eq!(legacy.ciphertext_length, text(entry, "inner_plaintext").len() + 16);

        // The data itself: it opens with the wallet's private key and holds the private key as decimal numbers.
        let fields: Value = serde_json::from_str(stored).unwrap();
        let wallet_key = unhex::<32>(text(vectors.wallet(entry), "eth_private_key"));
        let salsa_box = crypto_box::SalsaBox::new(
            &crypto_box::PublicKey::from_slice(&unbase64(text(&fields, "ephemPublicKey"))).unwrap(),
            &crypto_box::SecretKey::from(wallet_key),
        );
        let nonce = crypto_box::Nonce::clone_from_slice(&unbase64(text(&fields, "nonce")));
        let inner =
            crypto_box::aead::Aead::decrypt(&salsa_box, &nonce, &*unbase64(text(&fields, "ciphertext"))).unwrap();
        assert_eq!(inner, text(entry, "inner_plaintext").as_bytes());
        let numbers: Vec<u8> = text(entry, "inner_plaintext")
            .split(',')
            .map(|n| n.parse().unwrap())
            .collect();
        assert_eq!(numbers, unbase64(text(entry, "private_key")));

        let key_pair = KeyPair::new(PrivateKey::from_bytes(&numbers.try_into().unwrap()));
        assert_eq!(key_pair.public_key().to_string(), text(entry, "public_key"));
        assert_eq!(*key_pair.to_key_file_text(), text(entry, "key_file"));
        let read = KeyFile::parse(text(entry, "key_file")).unwrap();
        assert_eq!(read.key_pair.public_key(), key_pair.public_key());
    });
}

#[test]
fn profiles_are_decided_as_the_web_app_and_the_service_decide() {
    Vectors::numerbay().for_each("profiles", |entry| {
        let stored = entry["profile"].to_string();
        let profile = Profile::parse(&stored).unwrap();
        let mechanism = match &profile.mechanism {
            Mechanism::V2 { .. } => "v2",
            Mechanism::Legacy { .. } => "legacy",
            Mechanism::None => "none",
        };
        assert_eq!(mechanism, text(&entry["expect"], "mechanism"));
        let order_key = profile.order_public_key().as_ref().map(PublicKey::to_string);
        assert_eq!(order_key.as_deref(), entry["expect"]["order_public_key"].as_str());
        let Document::Profile(recognised) = Document::parse(&stored).unwrap() else {
            panic!("not recognised")
        };
        assert_eq!(recognised, profile);
    });
}

#[test]
fn key_files_are_accepted_or_refused_as_recorded() {
    Vectors::numerbay().for_each("key_files", |entry| match (KeyFile::parse(text(entry, "text")), &entry["expect"]) {
        (Ok(file), expect) => {
            assert_eq!(text(expect, "result"), "accept");
            assert_eq!(*file.key_pair.private_key().to_base64(), text(expect, "private_key"));
            assert_eq!(file.names_public_key, text(entry, "text").contains("\"public_key\""));
        }
        (Err(error), expect) => {
            assert_eq!(text(expect, "result"), "reject");
            let reason = match &error {
                KeyFileError::PublicKeyMismatch | KeyFileError::NotTheExpected { .. } => "public_key_mismatch",
                KeyFileError::Format(error) => format_fault(error),
            };
            assert_eq!(reason, text(expect, "reason"));
        }
    });
}
