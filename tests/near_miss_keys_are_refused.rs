//! A key file or profile that is nearly right is refused for the reason that it has, and no refusal shows the key.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used, clippy::panic)]

#[path = "support/format_errors.rs"]
mod format_errors;
mod support;

use format_errors::{bad_base64, duplicate, missing, wrong_length, wrong_type};
use saltbridge::encryption::{KeyFile, KeyFileError, KeyPair, Mechanism, PrivateKey, Profile, ProfileError, PublicKey};
use saltbridge::ethereum::AddressError;
use support::base64;

#[test]
fn nearly_a_key_file_is_refused() {
    let key_pair = KeyPair::new(PrivateKey::from_bytes(&[0xfb; 32]));
    let private = key_pair.private_key().to_base64();
    let public = key_pair.public_key().to_string();
    let other = KeyPair::new(PrivateKey::from_bytes(&[1; 32])).public_key();
    let mut same_point = *key_pair.public_key().as_bytes();
    same_point[31] ^= 0x80;
    let same_point = PublicKey::from_bytes(same_point);
    let with_private = |value: &str| format!(r#"{{"public_key":"{public}","private_key":{value}}}"#);
    let with_public = |value: &str| format!(r#"{{"private_key":"{}","public_key":{value}}}"#, *private);
    let quoted = |text: &str| format!(r#""{text}""#);
    let rows = [
        (with_private("null"), wrong_type("private_key", "null").into()),
        (with_private("7"), wrong_type("private_key", "a number").into()),
        (with_private("[1,2,3]"), wrong_type("private_key", "an array").into()),
        (with_private(r#""""#), wrong_length("private_key", 0).into()),
        (with_private(&quoted(&base64(&[0xfb; 31]))), wrong_length("private_key", 31).into()),
        (with_private(&quoted(&base64(&[0xfb; 33]))), wrong_length("private_key", 33).into()),
        (with_private(&quoted(private.trim_end_matches('='))), bad_base64("private_key").into()),
        (
            with_private(&quoted(&private.replace('+', "-").replace('/', "_"))),
            bad_base64("private_key").into(),
        ),
        (with_private(&quoted(&format!("{}\\n", *private))), bad_base64("private_key").into()),
        (with_private(&format!(r#""{0}","private_key":"{0}""#, *private)), duplicate("private_key").into()),
        (with_public(&format!(r#""{public}","public_key":null"#)), duplicate("public_key").into()),
        (format!(r#"{{"public_key":"{public}"}}"#), missing("private_key").into()),
        ("{}".to_owned(), missing("private_key").into()),
        (with_public("7"), wrong_type("public_key", "a number").into()),
        (with_public(r#""""#), wrong_length("public_key", 0).into()),
        (with_public(&quoted(&base64(&[1; 31]))), wrong_length("public_key", 31).into()),
        (with_public(&quoted(&other.to_string())), KeyFileError::PublicKeyMismatch),
        // X25519 ignores the top bit, but a box's nonce does not.
        (with_public(&quoted(&same_point.to_string())), KeyFileError::PublicKeyMismatch),
        // The keys in each other's place, so that what is named is the secret.
        (
            format!(r#"{{"public_key":"{}","private_key":"{public}"}}"#, *private),
            KeyFileError::PublicKeyMismatch,
        ),
        (with_public(&quoted(&private)), KeyFileError::PublicKeyMismatch),
    ];
    for (file, expected) in rows {
        let error = KeyFile::parse(&file).err();
        assert_eq!(error, Some(expected), "{file}");
        let error = error.unwrap();
        assert!(!format!("{error} {error:?}").contains(&private[..8]), "{file}");
    }
    for (fine, names_public_key) in [
        (with_public("null"), false),
        (format!(r#"{{"private_key":"{}"}}"#, *private), false),
        (with_private(&quoted(&private)), true),
    ] {
        let read = KeyFile::parse(&fine).ok().unwrap();
        assert_eq!(read.names_public_key, names_public_key, "{fine}");
        assert_eq!(read.key_pair.public_key(), key_pair.public_key());
    }
}

#[test]
fn nearly_a_profile_is_refused() {
    let key = base64(&[7; 32]);
    let checksum = "0xF39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
    let rows = [
        (format!(r#"{{"public_address":"{checksum}"}}"#), ProfileError::Address(AddressError::Checksum)),
        (format!(r#"{{"public_address":"{}"}}"#, &checksum[2..]), ProfileError::Address(AddressError::Prefix)),
        (r#"{"public_address":7}"#.to_owned(), wrong_type("public_address", "a number").into()),
        (r#"{"public_key_v2":{}}"#.to_owned(), wrong_type("public_key_v2", "an object").into()),
        (format!(r#"{{"public_key_v2":"{}"}}"#, base64(&[7; 31])), wrong_length("public_key_v2", 31).into()),
        (format!(r#"{{"public_key_v2":" ","public_key":"{key}"}}"#), bad_base64("public_key_v2").into()),
        (
            format!(r#"{{"public_key_v2":"{key}","encrypted_private_key_v2":{{}}}}"#),
            wrong_type("encrypted_private_key_v2", "an object").into(),
        ),
        (format!(r#"{{"public_key_v2":"{key}","public_key_v2":"{key}"}}"#), duplicate("public_key_v2").into()),
        (
            format!(r#"{{"public_key_v2":"{key}","public_key":1,"public_key":2}}"#),
            duplicate("public_key").into(),
        ),
        (format!(r#"{{"public_key_v2":"","public_key":"{key}="}}"#), bad_base64("public_key").into()),
    ];
    for (profile, expected) in rows {
        assert_eq!(Profile::parse(&profile), Err(expected), "{profile}");
    }
}

#[test]
fn empty_columns_of_a_profile_are_as_absent_and_those_that_do_not_count_are_not_looked_at() {
    let public_key = PublicKey::from_bytes([7; 32]);
    let nothing = Profile {
        mechanism: Mechanism::None,
        address: None,
    };
    for empty in ["{}", r#"{"id":1}"#] {
        assert_eq!(Profile::parse(empty).as_ref(), Ok(&nothing));
    }
    for empty in ["null", r#""""#] {
        let column = |name: &str| format!(r#""{name}":{empty}"#);
        let names = ["public_key_v2", "encrypted_private_key_v2", "public_key", "encrypted_private_key"];
        let columns = names.map(column).join(",");
        let profile = format!("{{{columns},{}}}", column("public_address"));
        assert_eq!(Profile::parse(&profile).as_ref(), Ok(&nothing));

        let legacy = format!(r#"{{"public_key":"{public_key}","public_key_v2":{empty},"encrypted_private_key_v2":5}}"#);
        let envelope = None;
        assert_eq!(Profile::parse(&legacy).unwrap().mechanism, Mechanism::Legacy { public_key, envelope });
        let v2 = format!(r#"{{"public_key_v2":"{public_key}",{},"public_key":5}}"#, column("encrypted_private_key_v2"));
        let envelope = None;
        assert_eq!(Profile::parse(&v2).unwrap().mechanism, Mechanism::V2 { public_key, envelope });
    }
}
