//! An envelope, key file or profile that is nearly right is refused for the reason that it has; what does not matter in
//! it does not matter.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic
)]

mod support;

use std::borrow::Cow;

use saltbridge::encryption::{
    Envelope, EnvelopeError, FormatError, KeyFile, KeyFileError, KeyPair, Mechanism, OpenError, PrivateKey, Profile,
    ProfileError, PublicKey, StorageKey, TEXT_LIMIT,
};
use saltbridge::ethereum::{AddressError, Signature};
use support::{Vectors, base64, text};

/// NumerBay's message as JSON writes it, which is also how it is shown.
const NUMERBAY: &str =
    "Sign this to retrieve your encryption key.\\n\\nSalt:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

fn duplicate(field: &'static str) -> FormatError {
    FormatError::DuplicateField { field }
}

fn missing(field: &'static str) -> FormatError {
    FormatError::MissingField { field }
}

fn bad_base64(field: &'static str) -> FormatError {
    FormatError::BadBase64 { field }
}

fn wrong_type(field: &'static str, found: &'static str) -> FormatError {
    FormatError::WrongType {
        what: Cow::Owned(format!("the field \"{field}\"")),
        expected: "a string",
        found,
    }
}

fn wrong_length(field: &'static str, found: usize) -> FormatError {
    FormatError::WrongLength {
        field,
        expected: 32,
        found,
    }
}

#[test]
fn nearly_an_envelope_is_refused() {
    let data = base64(&[1; 95]);
    let (start, end) = data.split_at(20);
    let fields = |more: &str| format!("{{\"data\":\"{data}\",\"salt\":\"{NUMERBAY}\"{more}}}");
    let with_data = |data: &str| format!("{{\"data\":{data},\"salt\":\"{NUMERBAY}\"}}");
    let unknown = |name: &str| EnvelopeError::UnknownKdf { name: name.to_owned() };
    let not_for_kdf = |shown: &str| EnvelopeError::MessageNamesNoKey {
        shown: shown.to_owned(),
    };
    let rows = [
        (fields(&format!(",\"data\":\"{data}\"")), duplicate("data").into()),
        (fields(",\"salt\":\"\""), duplicate("salt").into()),
        (fields(",\"sal\\u0074\":null"), duplicate("salt").into()),
        (
            fields(",\"kdf\":\"keccak256\",\"kdf\":\"keccak256\""),
            duplicate("kdf").into(),
        ),
        (fields(",\"kdf\":null"), wrong_type("kdf", "null").into()),
        (fields(",\"kdf\":256"), wrong_type("kdf", "a number").into()),
        (fields(",\"kdf\":false"), wrong_type("kdf", "a boolean").into()),
        (fields(",\"kdf\":[\"keccak256\"]"), wrong_type("kdf", "an array").into()),
        (fields(",\"kdf\":\"\""), unknown("")),
        (fields(",\"kdf\":\"KECCAK256\""), unknown("KECCAK256")),
        (fields(",\"kdf\":\"keccak256 \""), unknown("keccak256 ")),
        (fields(",\"kdf\":\"keccak\""), unknown("keccak")),
        (fields(",\"kdf\":\"sha3-256\""), unknown("sha3-256")),
        (fields(",\"kdf\":\"hkdf-sha512\""), unknown("hkdf-sha512")),
        (fields(",\"kdf\":\"hkdf_sha256\""), unknown("hkdf_sha256")),
        (
            fields(",\"kdf\":\"keccak256\\u001b[2J\""),
            unknown("keccak256\\u{1b}[2J"),
        ),
        (fields(",\"kdf\":\"hkdf-sha256\""), not_for_kdf(NUMERBAY)),
        (
            fields(",\"kdf\":\"hkdf-sha256\"").replace(NUMERBAY, "hello"),
            not_for_kdf("hello"),
        ),
        (with_data("null"), wrong_type("data", "null").into()),
        (with_data("{\"data\":\"\"}"), wrong_type("data", "an object").into()),
        (with_data("1e5"), wrong_type("data", "a number").into()),
        (
            with_data(&format!("{}{}", "[".repeat(200), "]".repeat(200))),
            wrong_type("data", "an array").into(),
        ),
        (with_data("\"\""), EnvelopeError::TooShort { found: 0 }),
        (
            with_data(&format!("\"{}\"", base64(&[1; 39]))),
            EnvelopeError::TooShort { found: 39 },
        ),
        (with_data(&format!("\"{start}\\n{end}\"")), bad_base64("data").into()),
        (with_data(&format!("\"{start} {end}\"")), bad_base64("data").into()),
        (with_data(&format!("\"{start}={end}\"")), bad_base64("data").into()),
        (with_data(&format!("\"{data}=\"")), bad_base64("data").into()),
        (
            with_data(&format!("\"{}\"", data.trim_end_matches('='))),
            bad_base64("data").into(),
        ),
        (
            with_data(&format!("\"{start}-{}\"", &end[1..])),
            bad_base64("data").into(),
        ),
        (
            with_data(&format!("\"{start}é{}\"", &end[1..])),
            bad_base64("data").into(),
        ),
        (format!("{{\"salt\":\"{NUMERBAY}\"}}"), missing("data").into()),
        (format!("{{\"data\":\"{data}\"}}"), missing("salt").into()),
        (format!("{{\"Data\":\"{data}\",\"salt\":\"\"}}"), missing("data").into()),
        ("{}".to_owned(), missing("data").into()),
        (
            format!("{{\"data\":\"{data}\",\"salt\":null}}"),
            wrong_type("salt", "null").into(),
        ),
        ("{\"version\":null}".to_owned(), EnvelopeError::Legacy),
        (
            format!("{{\"data\":\"{data}\",\"ciphertext\":\"\"}}"),
            EnvelopeError::Legacy,
        ),
    ];
    for (envelope, expected) in rows {
        assert_eq!(Envelope::parse(&envelope), Err(expected), "{envelope}");
    }
    let tops = [
        ("[]", "an array"),
        ("\"{}\"", "a string"),
        ("0", "a number"),
        ("null", "null"),
        ("true", "a boolean"),
    ];
    for (top, found) in tops {
        let expected = FormatError::WrongType {
            what: Cow::Borrowed("the text"),
            expected: "a JSON object",
            found,
        };
        assert_eq!(Envelope::parse(top), Err(expected.into()), "{top}");
    }
}

#[test]
fn what_only_looks_like_json_is_refused() {
    let fine = format!("{{\"data\":\"{}\",\"salt\":\"{NUMERBAY}\"}}", base64(&[1; 95]));
    assert!(Envelope::parse(&fine).is_ok());
    let odd = [
        String::new(),
        " \n".to_owned(),
        format!("\u{feff}{fine}"),
        format!("{fine}\0"),
        format!("{fine},"),
        format!("{fine}{fine}"),
        format!("{fine}\nx"),
        format!("// {fine}"),
        format!("{fine} //"),
        fine[1..].to_owned(),
        fine[..fine.len() - 1].to_owned(),
        fine[..fine.len() / 2].to_owned(),
        fine.replace('"', "'"),
        fine.replace("\"data\"", "data"),
        fine.replace('}', ",}"),
        fine.replace(':', "="),
        fine.replace("\\n", "\n"),
        fine.replace("\\n", "\\x0a"),
        fine.replace("Salt", "\0"),
        fine.replace("Salt", "\\ud800"),
        fine.replace("Salt", "\\udc00\\ud800"),
        fine.replace("Salt", "\\u12"),
        fine.replace('}', ",\"x\":NaN}"),
        fine.replace('}', ",\"x\":01}"),
        fine.replace('}', ",\"x\":[}"),
        fine.replace(' ', "\u{a0}").replacen('{', "{\u{a0}", 1),
    ];
    for text in odd {
        let error = Envelope::parse(&text).unwrap_err();
        let not_json = matches!(error, EnvelopeError::Format(FormatError::NotJson { .. }));
        assert!(not_json, "{text:?}: {error}");
    }
}

#[test]
fn what_does_not_matter_does_not_matter() {
    let entry = Vectors::numerbay();
    let entry = entry.entry("envelopes", text(&entry.section("envelopes")[0], "id"));
    let plain = text(entry, "envelope");
    let data = text(entry, "data");
    // 95 bytes leave two bits of the last character unused, and the web app's decoder does not look at them.
    let (start, last) = (&data[..data.len() - 2], data.as_bytes()[data.len() - 2]);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let index = alphabet.bytes().position(|c| c == last).unwrap();
    assert_eq!(index % 4, 0);
    let unused_bits = alphabet[index + 1..index + 4].chars();
    let mut all: Vec<_> = unused_bits
        .map(|c| plain.replace(data, &format!("{start}{c}=")))
        .collect();
    let more = [
        "\"x\":1,\"x\":2",
        "\"\":null",
        "\"Data\":5,\"KDF\":7,\"salt \":[]",
        "\"kdf\":\"keccak256\"",
        "\"public_key\":1,\"public_key\":2",
        "\"version\":\"x25519-xsalsa20-poly1305\",\"nonce\":0,\"ephemPublicKey\":null",
    ];
    all.extend(more.map(|more| plain.replacen('{', &format!("{{{more},"), 1)));
    let deep = TEXT_LIMIT / 2 - plain.len();
    for depth in [100, 200, deep] {
        let nested = format!("{{\"x\":{}{},", "[".repeat(depth), "]".repeat(depth));
        all.push(plain.replacen('{', &nested, 1));
    }
    let key = StorageKey::keccak256(&Signature::from_hex(text(entry, "signature")).unwrap());
    for envelope in all {
        let read = Envelope::parse(&envelope).unwrap_or_else(|error| panic!("{envelope}: {error}"));
        assert_eq!(read.to_text(), plain);
        assert_eq!(*read.open(&key).unwrap().to_base64(), text(entry, "private_key"));
    }
    let shortest = format!("{{\"data\":\"{}\",\"salt\":\"\"}}", base64(&[1; 40]));
    let shortest = Envelope::parse(&shortest).unwrap();
    assert_eq!(shortest.data_length(), 40);
    assert_eq!(shortest.open(&key).err(), Some(OpenError::DoesNotOpen));
}

#[test]
fn nearly_a_key_file_is_refused() {
    let key_pair = KeyPair::new(PrivateKey::from_bytes(&[0xfb; 32]));
    let private = key_pair.private_key().to_base64();
    let public = key_pair.public_key().to_string();
    let other = KeyPair::new(PrivateKey::from_bytes(&[1; 32])).public_key();
    let mut same_point = *key_pair.public_key().as_bytes();
    same_point[31] ^= 0x80;
    let same_point = PublicKey::from_bytes(same_point);
    let with_private = |value: &str| format!("{{\"public_key\":\"{public}\",\"private_key\":{value}}}");
    let with_public = |value: &str| format!("{{\"private_key\":\"{}\",\"public_key\":{value}}}", *private);
    let quoted = |text: &str| format!("\"{text}\"");
    let rows = [
        (with_private("null"), wrong_type("private_key", "null").into()),
        (with_private("7"), wrong_type("private_key", "a number").into()),
        (with_private("[1,2,3]"), wrong_type("private_key", "an array").into()),
        (with_private("\"\""), wrong_length("private_key", 0).into()),
        (
            with_private(&quoted(&base64(&[0xfb; 31]))),
            wrong_length("private_key", 31).into(),
        ),
        (
            with_private(&quoted(&base64(&[0xfb; 33]))),
            wrong_length("private_key", 33).into(),
        ),
        (
            with_private(&quoted(private.trim_end_matches('='))),
            bad_base64("private_key").into(),
        ),
        (
            with_private(&quoted(&private.replace('+', "-").replace('/', "_"))),
            bad_base64("private_key").into(),
        ),
        (
            with_private(&quoted(&format!("{}\\n", *private))),
            bad_base64("private_key").into(),
        ),
        (
            with_private(&format!("\"{0}\",\"private_key\":\"{0}\"", *private)),
            duplicate("private_key").into(),
        ),
        (
            with_public(&format!("\"{public}\",\"public_key\":null")),
            duplicate("public_key").into(),
        ),
        (
            format!("{{\"public_key\":\"{public}\"}}"),
            missing("private_key").into(),
        ),
        ("{}".to_owned(), missing("private_key").into()),
        (with_public("7"), wrong_type("public_key", "a number").into()),
        (with_public("\"\""), wrong_length("public_key", 0).into()),
        (
            with_public(&quoted(&base64(&[1; 31]))),
            wrong_length("public_key", 31).into(),
        ),
        (
            with_public(&quoted(&other.to_string())),
            KeyFileError::PublicKeyMismatch { named: other },
        ),
        // X25519 ignores the top bit, but a box's nonce does not.
        (
            with_public(&quoted(&same_point.to_string())),
            KeyFileError::PublicKeyMismatch { named: same_point },
        ),
    ];
    for (file, expected) in rows {
        let error = KeyFile::parse(&file).err();
        assert_eq!(error, Some(expected), "{file}");
        assert!(!error.unwrap().to_string().contains(&private[..8]), "{file}");
    }
    for (fine, names_public_key) in [
        (with_public("null"), false),
        (format!("{{\"private_key\":\"{}\"}}", *private), false),
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
        (
            format!("{{\"public_address\":\"{checksum}\"}}"),
            ProfileError::Address(AddressError::Checksum),
        ),
        (
            format!("{{\"public_address\":\"{}\"}}", &checksum[2..]),
            ProfileError::Address(AddressError::Prefix),
        ),
        (
            "{\"public_address\":7}".to_owned(),
            wrong_type("public_address", "a number").into(),
        ),
        (
            "{\"public_key_v2\":{}}".to_owned(),
            wrong_type("public_key_v2", "an object").into(),
        ),
        (
            format!("{{\"public_key_v2\":\"{}\"}}", base64(&[7; 31])),
            wrong_length("public_key_v2", 31).into(),
        ),
        (
            format!("{{\"public_key_v2\":\" \",\"public_key\":\"{key}\"}}"),
            bad_base64("public_key_v2").into(),
        ),
        (
            format!("{{\"public_key_v2\":\"{key}\",\"encrypted_private_key_v2\":{{}}}}"),
            wrong_type("encrypted_private_key_v2", "an object").into(),
        ),
        (
            format!("{{\"public_key_v2\":\"{key}\",\"public_key_v2\":\"{key}\"}}"),
            duplicate("public_key_v2").into(),
        ),
        (
            format!("{{\"public_key_v2\":\"{key}\",\"public_key\":1,\"public_key\":2}}"),
            duplicate("public_key").into(),
        ),
        (
            format!("{{\"public_key_v2\":\"\",\"public_key\":\"{key}=\"}}"),
            bad_base64("public_key").into(),
        ),
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
    for empty in ["{}", "{\"id\":1}"] {
        assert_eq!(Profile::parse(empty).as_ref(), Ok(&nothing));
    }
    for empty in ["null", "\"\""] {
        let column = |name: &str| format!("\"{name}\":{empty}");
        let names = [
            "public_key_v2",
            "encrypted_private_key_v2",
            "public_key",
            "encrypted_private_key",
        ];
        let columns = names.map(column).join(",");
        let profile = format!("{{{columns},{}}}", column("public_address"));
        assert_eq!(Profile::parse(&profile).as_ref(), Ok(&nothing));

        let legacy =
            format!("{{\"public_key\":\"{public_key}\",\"public_key_v2\":{empty},\"encrypted_private_key_v2\":5}}");
        let envelope = None;
        assert_eq!(
            Profile::parse(&legacy).unwrap().mechanism,
            Mechanism::Legacy { public_key, envelope }
        );
        let v2 = format!(
            "{{\"public_key_v2\":\"{public_key}\",{},\"public_key\":5}}",
            column("encrypted_private_key_v2")
        );
        let envelope = None;
        assert_eq!(
            Profile::parse(&v2).unwrap().mechanism,
            Mechanism::V2 { public_key, envelope }
        );
    }
}
