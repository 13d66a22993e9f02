//! What a person mistypes, or a service words a little differently, is refused for the reason that it has.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used, clippy::panic)]

mod support;

use saltbridge::encryption::{Message, PublicKey, PublicKeyError};
use saltbridge::ethereum::{Address, AddressError, DerivationPath, PathError, Signature, SignatureError};
use saltbridge::fault::{Class, Fault as _};

/// The examples of EIP-55.
const CHECKSUMMED: [&str; 8] = [
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x27b1fdb04752bbc536007a920d24acb045561c26",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
];

#[test]
fn an_address_with_one_letter_in_the_wrong_case_is_refused() {
    for correct in CHECKSUMMED {
        assert_eq!(correct.parse::<Address>().unwrap().to_string(), correct);
        for (index, letter) in correct.char_indices().skip(2) {
            let swapped = match letter {
                'a'..='f' => letter.to_ascii_uppercase(),
                'A'..='F' => letter.to_ascii_lowercase(),
                _ => continue,
            };
            let wrong = format!("{}{swapped}{}", &correct[..index], &correct[index + 1..]);
            assert_eq!(wrong.parse::<Address>(), Err(AddressError::Checksum), "{wrong}");
        }
    }
}

#[test]
fn nearly_an_address_is_refused() {
    let digits = "f39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
    let length = |found| AddressError::Length { found };
    let rows = [
        (String::new(), AddressError::Prefix),
        (digits.to_owned(), AddressError::Prefix),
        (format!(" 0x{digits}"), AddressError::Prefix),
        (format!("\n0x{digits}"), AddressError::Prefix),
        (format!("\u{feff}0x{digits}"), AddressError::Prefix),
        (format!("Ox{digits}"), AddressError::Prefix),
        (format!("0\u{445}{digits}"), AddressError::Prefix),
        (format!("x{digits}"), AddressError::Prefix),
        (format!("\"0x{digits}\""), AddressError::Prefix),
        ("0x".to_owned(), length(0)),
        (format!("0x{}", &digits[1..]), length(39)),
        (format!("0x{digits}0"), length(41)),
        (format!("0x{digits} "), length(41)),
        (format!("0x{digits}\n"), length(41)),
        (format!("0x{digits}\0"), length(41)),
        (format!("0x0x{digits}"), length(42)),
        (format!("0x{digits}{digits}"), length(80)),
        // 40 bytes, which are not 40 characters.
        (format!("0x\u{661}{}", &digits[2..]), length(39)),
        // 40 characters, which are not 40 bytes.
        (format!("0x\u{661}{}", &digits[1..]), AddressError::NotHex),
        (format!("0x\u{ff11}{}", &digits[1..]), AddressError::NotHex),
        (format!("0x0x{}", &digits[2..]), AddressError::NotHex),
        (format!("0xg{}", &digits[1..]), AddressError::NotHex),
        (format!("0x {}", &digits[1..]), AddressError::NotHex),
        (format!("0x{} ", &digits[1..]), AddressError::NotHex),
        (format!("0x+{}", &digits[1..]), AddressError::NotHex),
        (format!("0x{}\0", &digits[1..]), AddressError::NotHex),
        (format!("0x{}", digits.replace('f', "e")), AddressError::Checksum),
    ];
    for (text, expected) in rows {
        assert_eq!(text.parse::<Address>(), Err(expected), "{text:?}");
    }
}

#[test]
fn nearly_a_path_is_refused() {
    let element = |shown: &str| PathError::Element { text: shown.to_owned() };
    let rows = [
        ("", PathError::Empty),
        ("m", PathError::Empty),
        ("m/", PathError::Empty),
        ("m/0/1/2/3/4/5/6/7/8/9/10", PathError::TooLong { found: 11 }),
        ("0/1/2/3/4/5/6/7/8/9/10", PathError::TooLong { found: 11 }),
        ("2147483648", element("2147483648")),
        ("m/2147483648'", element("2147483648'")),
        ("m/4294967296", element("4294967296")),
        ("m/99999999999999999999h", element("99999999999999999999h")),
        ("+1", element("+1")),
        ("m/-1", element("-1")),
        ("m/1.0", element("1.0")),
        ("m/0x1", element("0x1")),
        ("m/1_0", element("1_0")),
        ("m//0", element("")),
        ("m/0/", element("")),
        ("/0", element("")),
        ("/", element("")),
        ("//", element("")),
        ("m/44'//0", element("")),
        ("M/0", element("M")),
        ("m/m/0", element("m")),
        ("m0", element("m0")),
        ("m/0''", element("0''")),
        ("m/0'h", element("0'h")),
        ("m/0h'", element("0h'")),
        ("m/0hh", element("0hh")),
        ("m/0H", element("0H")),
        ("m/'", element("'")),
        ("m/h", element("h")),
        ("m/'0", element("'0")),
        ("m/*", element("*")),
        ("m\\0", element("m\\0")),
        (" m/0", element(" m")),
        ("m/ 0", element(" 0")),
        ("m/0 /1", element("0 ")),
        ("m/0\n", element("0\\n")),
        ("m/0\0", element("0\\u{0}")),
        ("m/0\u{2019}", element("0\u{2019}")),
        ("m/0\u{2032}", element("0\u{2032}")),
        ("m/\u{661}", element("\u{661}")),
        ("m/\u{ff11}", element("\u{ff11}")),
        ("m\u{2044}0", element("m\u{2044}0")),
        ("m/0\u{202e}", element("0\\u{202e}")),
    ];
    for (text, expected) in rows {
        assert_eq!(text.parse::<DerivationPath>(), Err(expected), "{text:?}");
    }
    for fine in ["0", "m/2147483647'", "m/0/1/2/3/4/5/6/7/8/9'", "44h/60'/0"] {
        assert!(fine.parse::<DerivationPath>().is_ok(), "{fine}");
    }
}

/// The order of the curve (SEC 2, section 2.4.1), less one, and itself.
const LAST: &str = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140";
const ORDER: &str = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

#[test]
fn nearly_a_signature_is_refused() {
    let (r, s) = ("11".repeat(32), "22".repeat(32));
    let (zero, most) = ("00".repeat(32), "ff".repeat(32));
    let whole = format!("{r}{s}1b");
    let length = |found| SignatureError::Length { found };
    let rows = [
        (String::new(), length(0)),
        (" 0x\n".to_owned(), length(0)),
        (whole[1..].to_owned(), length(129)),
        (format!("0x{}", &whole[..129]), length(129)),
        (format!("{whole}0"), length(131)),
        (format!("{r}{s}"), length(128)),
        (format!("{whole}1b"), length(132)),
        (format!("{whole}{whole}"), length(260)),
        (format!("0x0x{}", &whole[2..]), SignatureError::NotHex),
        (format!("0x {whole}"), SignatureError::NotHex),
        (format!("{} {}", &whole[..64], &whole[64..]), SignatureError::NotHex),
        (format!("{}\n{}", &whole[..64], &whole[64..]), SignatureError::NotHex),
        (format!("{}\0", &whole[..129]), SignatureError::NotHex),
        (format!("{whole}\0"), SignatureError::NotHex),
        (format!("\u{a0}{whole}"), SignatureError::NotHex),
        (format!("\u{feff}{whole}"), SignatureError::NotHex),
        (format!("\"{whole}\""), SignatureError::NotHex),
        (format!("g{}", &whole[1..]), SignatureError::NotHex),
        (format!("-{}", &whole[1..]), SignatureError::NotHex),
        (format!("\u{661}{}", &whole[2..]), SignatureError::NotHex),
        // v in front, as the device sends it, makes the last byte of s the v.
        (format!("1b{r}{s}"), SignatureError::V),
        (format!("{r}{s}02"), SignatureError::V),
        (format!("{r}{s}1a"), SignatureError::V),
        (format!("{r}{s}1d"), SignatureError::V),
        (format!("{r}{s}25"), SignatureError::V),
        (format!("{r}{s}26"), SignatureError::V),
        (format!("{r}{s}80"), SignatureError::V),
        (format!("{r}{s}ff"), SignatureError::V),
        (format!("{zero}{s}1b"), SignatureError::Scalar),
        (format!("{r}{zero}1b"), SignatureError::Scalar),
        (format!("{ORDER}{s}1b"), SignatureError::Scalar),
        (format!("{r}{ORDER}1b"), SignatureError::Scalar),
        (format!("{most}{s}00"), SignatureError::Scalar),
        (format!("{r}{most}01"), SignatureError::Scalar),
    ];
    for (text, expected) in rows {
        let error = Signature::from_hex(&text).err();
        assert_eq!(error, Some(expected), "{text:?}");
        let sentence = error.unwrap().to_string();
        assert!(!sentence.contains("1111") && !sentence.contains("2222"), "{sentence}");
    }
    for v in ["00", "01", "1b", "1c", "1B", "1C"] {
        for fine in [format!("{LAST}{s}{v}"), format!("{r}{LAST}{v}"), format!("\n 0X{r}{s}{v}\r\n")] {
            assert!(Signature::from_hex(&fine).is_ok(), "{fine}");
        }
    }
}

#[test]
fn a_signature_that_no_key_can_have_made_recovers_to_no_address() {
    // No point of secp256k1 has the x-coordinate 5: 5³ + 7 is no square.
    let r = format!("{:064x}", 5);
    let signature = Signature::from_hex(&format!("{r}{}1b", "22".repeat(32))).unwrap();
    assert_eq!(signature.recover(&[7; 32]), Err(SignatureError::Unrecoverable));
}

#[test]
fn nearly_a_public_key_is_refused() {
    let key = support::base64(&[0xfb; 32]);
    assert!(key.contains('+') && key.contains('/'));
    assert_eq!(key.parse(), Ok(PublicKey::from_bytes([0xfb; 32])));
    let lengths = [0, 31, 33, 64].map(|length| support::base64(&vec![0xfb; length]));
    let spellings = [
        key.trim_end_matches('=').to_owned(),
        format!("{key}="),
        format!("{key}\n"),
        format!(" {key}"),
        key.replace('+', "-").replace('/', "_"),
        key.replacen('v', " ", 1),
        key.replacen('v', "\u{e9}", 1),
        format!("0x{}", support::hex(&[0xfb; 32])),
        format!("\"{key}\""),
    ];
    for text in lengths.into_iter().chain(spellings) {
        let error: PublicKeyError = text.parse::<PublicKey>().expect_err(&text);
        assert_eq!(error.explain().class, Class::Usage);
    }
}

/// `text` in wordings that a person would hardly tell from it.
fn reworded(text: &str) -> Vec<String> {
    let mut all = vec![
        text.replace("\n\n", "\n"),
        text.replace("\n\n", "\n\n\n"),
        text.replace("\n\n", "\r\n\r\n"),
        text.replace("\n\n", "\n \n"),
        text.replace("\n\n", "\\n\\n"),
        text.replace("\n\n", "  "),
        text.replace("Salt:", "Salt: "),
        text.replace("Salt:", "salt:"),
        text.replace("Salt:", "Salt\u{ff1a}"),
        text.replace("Salt:", "S\u{430}lt:"),
        text.replace("Salt:", "\u{200b}Salt:"),
        text.replace("Salt:", "Salt:\0"),
        text.replacen(' ', "\u{a0}", 1),
        text.replacen(' ', "  ", 1),
        text.replace(' ', ""),
        text.to_lowercase(),
        text.to_uppercase(),
        text.replace("Salt:", "Salt:\n\nSalt:"),
        format!("{text}{text}"),
        format!("{text}\n\n{text}"),
        text[1..].to_owned(),
        text[..text.len() - 1].to_owned(),
    ];
    for odd in ["\n", "\r\n", " ", "\0", "=", "A", "\u{feff}", "\u{200b}", "\t"] {
        all.push(format!("{text}{odd}"));
        all.push(format!("{odd}{text}"));
    }
    all
}

/// `text` with the base64 of 32 bytes that stands in it spelled in ways that some decoder would take, or replaced by
/// something as long.
fn respelled(text: &str, base64: &str) -> Vec<String> {
    let bare = base64.trim_end_matches('=');
    let (start, last) = bare.split_at(bare.len() - 1);
    assert_eq!(last, "s", "the bits of the last character that count are 101100");
    let other = [
        bare.to_owned(),
        format!("{bare}=="),
        format!("{bare}A"),
        format!("{bare}A="),
        format!("{start}t="),
        format!("{start}u="),
        format!("{start}v="),
        format!("{start}=="),
        format!("{start}="),
        format!("={base64}"),
        format!("{} {}", &base64[..20], &base64[20..]),
        format!("{}\n{}", &base64[..20], &base64[20..]),
        base64.replace('+', "-").replace('/', "_"),
        base64.replace('+', "-"),
        base64.replace('/', "_"),
        base64.replace('+', " "),
        support::base64(&[0xfb; 31]),
        support::base64(&[0xfb; 33]),
        String::new(),
        support::hex(&[0xfb; 32]),
        support::hex(&[0xfb; 22]),
    ];
    other.map(|other| text.replace(base64, &other)).into()
}

#[test]
fn nearly_a_known_message_is_unusual() {
    // Two different values, so that each is replaced in its own place only; both with + and / in their base64.
    let (salt, key) = ([0xfb; 32], [vec![0xef; 31], vec![0xfb]].concat());
    let (salt64, key64) = (support::base64(&salt), support::base64(&key));
    let public_key = PublicKey::from_bytes(key.try_into().unwrap());
    let numerbay = format!("Sign this to retrieve your encryption key.\n\nSalt:{salt64}");
    let saltbridge = format!("Unlock the saltbridge key {key64}\n\nSalt:{salt64}");
    assert_eq!(Message::parse(&numerbay), Message::NumerBay { salt });
    assert_eq!(Message::parse(&saltbridge), Message::Saltbridge { public_key, salt });

    let mut near = [reworded(&numerbay), reworded(&saltbridge)].concat();
    near.extend(respelled(&numerbay, &salt64));
    near.extend(respelled(&saltbridge, &salt64));
    near.extend(respelled(&saltbridge, &key64));
    near.push(numerbay.replace("key.", "key"));
    near.push(saltbridge.replace("key ", "key: "));
    near.push(numerbay.replace(&salt64, &format!("{key64}\n\nSalt:{salt64}")));
    near.push(saltbridge.replace("\n\nSalt:", ""));
    for text in near {
        assert!(text != numerbay && text != saltbridge, "{text:?} was not changed");
        let message = Message::parse(&text);
        assert_eq!(message, Message::Unusual(text.clone()), "{text:?}");
        assert_eq!(message.known().unwrap_err().explain().class, Class::Policy);
    }
}
