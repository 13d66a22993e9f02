//! No text whatever makes a parser panic, and no error that says so repaints a terminal.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used, clippy::panic)]

mod support;

use std::ffi::OsStr;
use std::ops::Range;
use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use saltbridge::encryption::{Document, Envelope, KeyFile, Message, OpenError, Profile, PublicKey, StorageKey};
use saltbridge::ethereum::{Address, DerivationPath, Signature};
use saltbridge::fault::Fault;
use saltbridge::text::printable_name;
use support::{Vectors, text};

static RECORDED: LazyLock<Vectors> = LazyLock::new(Vectors::numerbay);

/// Every envelope, profile and key file of the recorded data, good and bad.
static RECORDED_TEXTS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let fields = [
        ("envelopes", "envelope"),
        ("tolerated_envelopes", "encrypted_private_key_v2"),
        ("negative_envelopes", "encrypted_private_key_v2"),
        ("legacy", "envelope"),
        ("key_files", "text"),
    ];
    let texts = fields.into_iter().flat_map(|(section, field)| {
        let entries = RECORDED.section(section).iter();
        entries.map(move |entry| text(entry, field).to_owned())
    });
    let profiles = RECORDED.section("profiles").iter();
    texts
        .chain(profiles.map(|entry| entry["profile"].to_string()))
        .collect()
});

/// Texts with the look of ours: the fields that matter, once, twice or not at all, most with values that fit.
fn json_like() -> impl Strategy<Value = String> {
    let around = prop_oneof![
        12 => Just(("{", "}")),
        1 => select(vec![(" {\n", "}\n "), ("[{", "}]"), ("{", ""), ("{", ",}"), ("\u{feff}{", "}")]),
    ];
    let pair = prop_oneof![12 => fitting_pair(), 1 => odd_pair()];
    (vec(pair, 1..6), around).prop_map(|(pairs, (start, end))| {
        let pairs = pairs.iter().map(|(field, value)| format!("\"{field}\":{value}"));
        format!("{start}{}{end}", pairs.collect::<Vec<_>>().join(","))
    })
}

fn fitting_pair() -> impl Strategy<Value = (&'static str, String)> {
    let key_fields = select(vec!["public_key", "private_key", "public_key_v2", "ephemPublicKey"]);
    let kdfs = select(vec!["keccak256", "hkdf-sha256", "hkdf-sha512"]).prop_map(str::to_owned);
    let column = select(vec!["encrypted_private_key", "encrypted_private_key_v2"]);
    let address = any::<[u8; 20]>().prop_map(|bytes| Address::from_bytes(bytes).to_string());
    let pair = prop_oneof![
        4 => (Just("data"), base64(38..140)),
        4 => (Just("salt"), near_message()),
        2 => (Just("kdf"), kdfs),
        4 => (key_fields, base64(32..33)),
        1 => (column, select(RECORDED_TEXTS.clone())),
        1 => (Just("public_address"), address),
        1 => (Just("nonce"), base64(24..25)),
        1 => (select(vec!["ciphertext", "version"]), base64(0..60)),
    ];
    pair.prop_map(|(field, value)| (field, quoted(&value)))
}

fn odd_pair() -> impl Strategy<Value = (&'static str, String)> {
    let field = select(vec![
        "data",
        "salt",
        "kdf",
        "version",
        "public_key",
        "private_key",
        "public_key_v2",
        "public_address",
        "sal\\u0074",
        "",
    ]);
    let other = select(vec![
        "null",
        "0",
        "-1.5e3",
        "1e999",
        "true",
        "[]",
        "[[{}]]",
        "{\"data\":1}",
        "nul",
        "\"\\ud800\"",
        "\"\"",
    ]);
    let text = prop_oneof![any::<String>(), base64(0..60)].prop_map(|text| quoted(&text));
    (field, prop_oneof![text, other.prop_map(str::to_owned)])
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn base64(lengths: Range<usize>) -> impl Strategy<Value = String> {
    vec(any::<u8>(), lengths).prop_map(|bytes| support::base64(&bytes))
}

/// The two messages, and what nearly is one of them.
fn near_message() -> impl Strategy<Value = String> {
    let base64 = || prop_oneof![8 => base64(32..33), 1 => base64(30..35)];
    let end = select(vec!["", "", "", "\n", " ", "="]);
    prop_oneof![
        (base64(), end.clone())
            .prop_map(|(salt, end)| format!("Sign this to retrieve your encryption key.\n\nSalt:{salt}{end}")),
        (base64(), base64(), end)
            .prop_map(|(key, salt, end)| format!("Unlock the saltbridge key {key}\n\nSalt:{salt}{end}")),
    ]
}

/// Removes, repeats, overwrites or inserts something, a few times.
fn mutated(original: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let pieces = select(vec![
        "\"",
        "\\",
        "{",
        "}",
        "[",
        ",",
        ":",
        "null",
        "\\u0000",
        "\\ud800",
        "\u{0}",
        "\u{1b}[2J",
        "\u{202e}",
        "é",
        "=",
        "+",
        "-",
        "A",
        "0",
        "\"kdf\":\"hkdf-sha256\",",
        "\"data\":\"\",",
        "\"public_key_v2\":\"\",",
        "\"private_key\":null,",
        "\n",
        " ",
    ]);
    let change = (any::<Index>(), any::<Index>(), 0..4_u8, pieces);
    (original, vec(change, 1..4)).prop_map(|(original, changes)| {
        let mut chars: Vec<char> = original.chars().collect();
        for (from, to, kind, piece) in changes {
            let (a, b) = (from.index(chars.len() + 1), to.index(chars.len() + 1));
            let (from, to) = (a.min(b), a.max(b));
            let to_next = (from + 1).min(chars.len());
            match kind {
                0 => drop(chars.drain(from..to.min(from + 9))),
                1 => drop(chars.splice(from..from, piece.chars())),
                2 => drop(chars.splice(from..to_next, piece.chars())),
                _ => {
                    let again = chars[from..to].to_vec();
                    drop(chars.splice(to..to, again));
                }
            }
        }
        chars.into_iter().collect()
    })
}

fn changed_envelope() -> impl Strategy<Value = (usize, String)> {
    (0..RECORDED.section("envelopes").len()).prop_flat_map(|index| {
        let original = text(&RECORDED.section("envelopes")[index], "envelope").to_owned();
        (Just(index), mutated(Just(original)))
    })
}

/// What was read. A refusal has a remedy, and a sentence that a terminal can be shown.
fn read_or_refused<T, E: Fault>(result: Result<T, E>) -> Option<T> {
    result
        .map_err(|error| {
            let sentence = error.to_string();
            assert_eq!(printable_name(OsStr::new(&sentence)), sentence);
            assert!(!error.explain().help.is_empty());
        })
        .ok()
}

/// Runs everything that reads text over `text`. Nothing may panic, and who reads two ways must not read two things.
fn read_in_every_way(text: &str) {
    read_or_refused(text.parse::<Address>());
    read_or_refused(text.parse::<DerivationPath>());
    read_or_refused(text.parse::<PublicKey>());
    read_or_refused(Signature::from_hex(text));
    assert_eq!(Message::parse(text).to_string(), text);
    let envelope = read_or_refused(Envelope::parse(text));
    if let Some(envelope) = &envelope {
        assert_eq!(Envelope::parse(&envelope.to_text()).as_ref(), Ok(envelope));
        read_or_refused(envelope.message_to_sign());
    }
    let profile = read_or_refused(Profile::parse(text));
    let key_file = read_or_refused(KeyFile::parse(text));
    match read_or_refused(Document::parse(text)) {
        Some(Document::Envelope(document)) => assert_eq!(envelope, Some(document)),
        Some(Document::Profile(document)) => assert_eq!(profile, Some(document)),
        Some(Document::KeyFile(document)) => {
            let key_file = key_file.expect("read as a key file");
            assert_eq!(document.key_pair.public_key(), key_file.key_pair.public_key());
            assert_eq!(document.names_public_key, key_file.names_public_key);
        }
        Some(Document::Legacy(_)) => assert_eq!(envelope, None),
        None => {}
    }
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases)
    }
}

proptest! {
    #![proptest_config(config(1024))]

    #[test]
    fn any_text_is_read_or_refused(text: String) {
        read_in_every_way(&text);
    }

    #[test]
    fn short_texts_of_our_own_characters_are_read_or_refused(text in "[m/'h0-9a-fxX+ =\\n\u{661}]{0,24}|0x[0-9a-fA-F]{38,42}") {
        read_in_every_way(&text);
    }

    #[test]
    fn nearly_a_message_is_read_or_refused(text in prop_oneof![near_message(), mutated(near_message())]) {
        read_in_every_way(&text);
    }
}

proptest! {
    #![proptest_config(config(4096))]

    #[test]
    fn texts_with_the_look_of_ours_are_read_or_refused(text in json_like()) {
        read_in_every_way(&text);
    }

    #[test]
    fn changed_recordings_are_read_or_refused(text in mutated(select(RECORDED_TEXTS.clone()))) {
        read_in_every_way(&text);
    }

    #[test]
    fn a_changed_envelope_gives_its_own_private_key_or_none((index, changed) in changed_envelope()) {
        let entry = &RECORDED.section("envelopes")[index];
        if let Ok(envelope) = Envelope::parse(&changed) {
            let key = StorageKey::keccak256(&Signature::from_hex(text(entry, "signature")).unwrap());
            match envelope.open(&key) {
                Ok(private_key) => assert_eq!(&*private_key.to_base64(), text(entry, "private_key")),
                Err(error) => assert_eq!(error, OpenError::DoesNotOpen),
            }
        }
    }
}
