//! An envelope that is nearly right is refused for the reason that it has; what does not matter in it does not matter.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used, clippy::panic)]

#[path = "support/format_errors.rs"]
mod format_errors;
mod support;

use std::borrow::Cow;

use format_errors::{bad_base64, duplicate, missing, wrong_type};
use saltbridge::encryption::{Envelope, EnvelopeError, FormatError, OpenError, StorageKey, TEXT_LIMIT};
use saltbridge::ethereum::Signature;
use support::{Vectors, base64, text};

/// NumerBay's message as JSON writes it, which is also how it is shown.
const NUMERBAY: &str =
    "Sign this to retrieve your encryption key.\\n\\nSalt:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

#[test]
fn nearly_an_envelope_is_refused() {
    let data = base64(&[1; 95]);
    let (start, end) = data.split_at(20);
    let fields = |more: &str| format!(r#"{{"data":"{data}","salt":"{NUMERBAY}"{more}}}"#);
    let with_data = |data: &str| format!(r#"{{"data":{data},"salt":"{NUMERBAY}"}}"#);
    let unknown = |name: &str| EnvelopeError::UnknownKdf { name: name.to_owned() };
    let not_for_kdf = |shown: &str| EnvelopeError::MessageNamesNoKey {
        shown: shown.to_owned(),
    };
    let rows = [
        (fields(&format!(r#","data":"{data}""#)), duplicate("data").into()),
        (fields(r#","salt":"""#), duplicate("salt").into()),
        (fields(r#","sal\u0074":null"#), duplicate("salt").into()),
        (fields(r#","kdf":"keccak256","kdf":"keccak256""#), duplicate("kdf").into()),
        (fields(r#","kdf":null"#), wrong_type("kdf", "null").into()),
        (fields(r#","kdf":256"#), wrong_type("kdf", "a number").into()),
        (fields(r#","kdf":false"#), wrong_type("kdf", "a boolean").into()),
        (fields(r#","kdf":["keccak256"]"#), wrong_type("kdf", "an array").into()),
        (fields(r#","kdf":"""#), unknown("")),
        (fields(r#","kdf":"KECCAK256""#), unknown("KECCAK256")),
        (fields(r#","kdf":"keccak256 ""#), unknown("keccak256 ")),
        (fields(r#","kdf":"keccak""#), unknown("keccak")),
        (fields(r#","kdf":"sha3-256""#), unknown("sha3-256")),
        (fields(r#","kdf":"hkdf-sha512""#), unknown("hkdf-sha512")),
        (fields(r#","kdf":"hkdf_sha256""#), unknown("hkdf_sha256")),
        (fields(r#","kdf":"keccak256\u001b[2J""#), unknown("keccak256\\u{1b}[2J")),
        (fields(r#","kdf":"hkdf-sha256""#), not_for_kdf(NUMERBAY)),
        (fields(r#","kdf":"hkdf-sha256""#).replace(NUMERBAY, "hello"), not_for_kdf("hello")),
        (with_data("null"), wrong_type("data", "null").into()),
        (with_data(r#"{"data":""}"#), wrong_type("data", "an object").into()),
        (with_data("1e5"), wrong_type("data", "a number").into()),
        (with_data(&format!("{}{}", "[".repeat(200), "]".repeat(200))), wrong_type("data", "an array").into()),
        (with_data(r#""""#), EnvelopeError::TooShort { found: 0 }),
        (with_data(&format!(r#""{}""#, base64(&[1; 39]))), EnvelopeError::TooShort { found: 39 }),
        (with_data(&format!(r#""{start}\n{end}""#)), bad_base64("data").into()),
        (with_data(&format!(r#""{start} {end}""#)), bad_base64("data").into()),
        (with_data(&format!(r#""{start}={end}""#)), bad_base64("data").into()),
        (with_data(&format!(r#""{data}=""#)), bad_base64("data").into()),
        (with_data(&format!(r#""{}""#, data.trim_end_matches('='))), bad_base64("data").into()),
        (with_data(&format!(r#""{start}-{}""#, &end[1..])), bad_base64("data").into()),
        (with_data(&format!(r#""{start}é{}""#, &end[1..])), bad_base64("data").into()),
        (format!(r#"{{"salt":"{NUMERBAY}"}}"#), missing("data").into()),
        (format!(r#"{{"data":"{data}"}}"#), missing("salt").into()),
        (format!(r#"{{"Data":"{data}","salt":""}}"#), missing("data").into()),
        (String::new(), FormatError::Empty.into()),
        (" \r\n\t".to_owned(), FormatError::Empty.into()),
        ("{}".to_owned(), missing("data").into()),
        (format!(r#"{{"data":"{data}","salt":null}}"#), wrong_type("salt", "null").into()),
        (r#"{"version":null}"#.to_owned(), EnvelopeError::Legacy),
        (format!(r#"{{"data":"{data}","ciphertext":""}}"#), EnvelopeError::Legacy),
    ];
    for (envelope, expected) in rows {
        assert_eq!(Envelope::parse(&envelope), Err(expected), "{envelope}");
    }
    let tops =
        [("[]", "an array"), (r#""{}""#, "a string"), ("0", "a number"), ("null", "null"), ("true", "a boolean")];
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
    let fine = format!(r#"{{"data":"{}","salt":"{NUMERBAY}"}}"#, base64(&[1; 95]));
    assert!(Envelope::parse(&fine).is_ok());
    let odd = [
        "\u{a0}".to_owned(),
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
        fine.replace(r#""data""#, "data"),
        fine.replace('}', ",}"),
        fine.replace(':', "="),
        fine.replace("\\n", "\n"),
        fine.replace("\\n", "\\x0a"),
        fine.replace("Salt", "\0"),
        fine.replace("Salt", "\\ud800"),
        fine.replace("Salt", "\\udc00\\ud800"),
        fine.replace("Salt", "\\u12"),
        fine.replace('}', r#","x":NaN}"#),
        fine.replace('}', r#","x":01}"#),
        fine.replace('}', r#","x":[}"#),
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
        r#""x":1,"x":2"#,
        r#""":null"#,
        r#""Data":5,"KDF":7,"salt ":[]"#,
        r#""kdf":"keccak256""#,
        r#""public_key":1,"public_key":2"#,
        r#""version":"x25519-xsalsa20-poly1305","nonce":0,"ephemPublicKey":null"#,
    ];
    all.extend(more.map(|more| plain.replacen('{', &format!("{{{more},"), 1)));
    let deep = TEXT_LIMIT / 2 - plain.len();
    for depth in [100, 200, deep] {
        let nested = format!(r#"{{"x":{}{},"#, "[".repeat(depth), "]".repeat(depth));
        all.push(plain.replacen('{', &nested, 1));
    }
    let key = StorageKey::keccak256(&Signature::from_hex(text(entry, "signature")).unwrap());
    for envelope in all {
        let read = Envelope::parse(&envelope).unwrap_or_else(|error| panic!("{envelope}: {error}"));
        assert_eq!(read.to_text(), plain);
        assert_eq!(*read.open(&key).unwrap().to_base64(), text(entry, "private_key"));
    }
    let shortest = format!(r#"{{"data":"{}","salt":""}}"#, base64(&[1; 40]));
    let shortest = Envelope::parse(&shortest).unwrap();
    assert_eq!(shortest.data_length(), 40);
    assert_eq!(shortest.open(&key).err(), Some(OpenError::DoesNotOpen));
}
