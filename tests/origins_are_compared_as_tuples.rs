//! An origin is scheme, host and port, each the same or not the same; what only looks like one is none.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::BTreeSet;

use http::HeaderValue;
use proptest::prelude::*;
use saltbridge::bridge::protocol::{Origin, OriginError};
use saltbridge::fault::Fault as _;

const CHROME: &str = "chrome-extension://abcdefghijklmnopabcdefghijklmnop";
const FIREFOX: &str = "moz-extension://4ed7f644-c3b5-4bf1-983f-2c8718f52222";
const SAFARI: &str = "safari-web-extension://4ED7F644-C3B5-4BF1-983F-2C8718F52222";

/// As browsers send them. All different.
const ORIGINS: [&str; 27] = [
    "https://numerbay.ai",
    "https://numerbay.ai:8443",
    "https://numerbay.ai:80",
    "https://www.numerbay.ai",
    "https://xnumerbay.ai",
    "https://numerbay.aix",
    "https://numerbay.ai.evil.test",
    "https://numerbay-ai.test",
    "https://evil-numerbay.ai",
    "https://xn--numrbay-cya.ai",
    "https://numer_bay.ai",
    "https://ai",
    "https://localhost",
    "https://localhost:8443",
    "https://127.0.0.1",
    "https://192.0.2.1:8443",
    "https://[2001:db8::1]",
    "https://[::ffff:c000:201]",
    "https://1.0xg",
    "http://localhost",
    "http://localhost:443",
    "http://localhost:3000",
    "http://127.0.0.1:3000",
    "http://[::1]:3000",
    CHROME,
    FIREFOX,
    SAFARI,
];

fn header(text: &str) -> Result<Origin, OriginError> {
    Origin::from_header(&HeaderValue::from_bytes(text.as_bytes()).unwrap())
}

#[test]
fn what_browsers_send_is_accepted_and_shown_as_it_is() {
    for origin in ORIGINS {
        let read = header(origin).unwrap_or_else(|error| panic!("{origin}: {error}"));
        assert_eq!(read.to_string(), origin);
        assert_eq!(origin.parse::<Origin>(), Ok(read));
    }
}

#[test]
fn no_two_of_them_are_the_same() {
    let all: BTreeSet<Origin> = ORIGINS.iter().map(|origin| header(origin).unwrap()).collect();
    assert_eq!(all.len(), ORIGINS.len());
}

#[test]
fn what_a_person_types_may_differ_where_it_means_the_same() {
    for (typed, meant) in [
        ("https://numerbay.ai/", "https://numerbay.ai"),
        ("https://numerbay.ai:443", "https://numerbay.ai"),
        ("https://numerbay.ai:443/", "https://numerbay.ai"),
        ("HTTPS://NumerBay.AI", "https://numerbay.ai"),
        ("https://NUMERBAY.ai:8443/", "https://numerbay.ai:8443"),
        ("http://localhost:80", "http://localhost"),
        ("http://LOCALHOST:3000/", "http://localhost:3000"),
        ("http://[::1]:80/", "http://[::1]"),
        ("http://[0:0:0:0:0:0:0:1]", "http://[::1]"),
        ("https://[2001:DB8:0:0:0:0:0:1]:443", "https://[2001:db8::1]"),
        ("https://[::ffff:192.0.2.1]", "https://[::ffff:c000:201]"),
        ("https://[1:0:0:2:0:0:0:3]", "https://[1:0:0:2::3]"),
        ("https://[1:0:0:2:3:0:0:4]", "https://[1::2:3:0:0:4]"),
        ("https://[::102:304]", "https://[::102:304]"),
        ("https://[1:0:2:3:4:5:6:7]", "https://[1:0:2:3:4:5:6:7]"),
        ("chrome-extension://ABCDEFGHIJKLMNOPABCDEFGHIJKLMNOP/", CHROME),
        ("Moz-Extension://4ED7F644-C3B5-4BF1-983F-2C8718F52222", FIREFOX),
        ("Safari-Web-Extension://4ED7F644-C3B5-4BF1-983F-2C8718F52222/", SAFARI),
    ] {
        let read: Origin = typed.parse().unwrap_or_else(|error| panic!("{typed}: {error}"));
        assert_eq!(read.to_string(), meant, "{typed}");
        assert_eq!(header(meant), Ok(read));
        if typed != meant {
            let canonical = meant.to_owned();
            assert_eq!(header(typed), Err(OriginError::Spelling { canonical }), "{typed}");
        }
    }
}

#[test]
fn what_is_nearly_an_origin_is_refused_from_anybody() {
    let host = |shown: &str| OriginError::Host {
        shown: shown.to_owned(),
    };
    let scheme = |shown: &str| OriginError::Scheme {
        shown: shown.to_owned(),
    };
    for (text, expected) in [
        ("null", OriginError::Opaque),
        ("NULL", OriginError::Opaque),
        ("", OriginError::NoScheme),
        ("*", OriginError::NoScheme),
        ("numerbay.ai", OriginError::NoScheme),
        ("//numerbay.ai", OriginError::NoScheme),
        ("https:numerbay.ai", OriginError::NoScheme),
        ("https:/numerbay.ai", OriginError::NoScheme),
        ("https:\\\\numerbay.ai", OriginError::NoScheme),
        ("://numerbay.ai", scheme("")),
        (" https://numerbay.ai", scheme(" https")),
        ("httpsx://numerbay.ai", scheme("httpsx")),
        ("xhttps://numerbay.ai", scheme("xhttps")),
        ("wss://numerbay.ai", scheme("wss")),
        ("ftp://numerbay.ai", scheme("ftp")),
        ("file:///home", scheme("file")),
        ("data://numerbay.ai", scheme("data")),
        ("blob:https://numerbay.ai", scheme("blob:https")),
        ("extension://abcdefghijklmnopabcdefghijklmnop", scheme("extension")),
        ("https://numerbay.ai//", OriginError::Path),
        ("https://numerbay.ai/x", OriginError::Path),
        ("https://numerbay.ai?", OriginError::Path),
        ("https://numerbay.ai#", OriginError::Path),
        ("https://numerbay.ai\\", OriginError::Path),
        ("https:///numerbay.ai", OriginError::Path),
        ("https://numerbay.ai/@evil.test", OriginError::Path),
        ("https://numerbay.ai@evil.test", OriginError::User),
        ("https://@numerbay.ai", OriginError::User),
        ("https://user:pass@numerbay.ai", OriginError::User),
        ("https://numerbay.ai:443@evil.test", OriginError::User),
        ("https://numerbáy.ai", OriginError::NotAscii),
        ("https://nuｍerbay.ai", OriginError::NotAscii),
        ("https://numerbay。ai", OriginError::NotAscii),
        ("https://numerbay.ai.", OriginError::Dot),
        ("https://numerbay.ai.:443", OriginError::Dot),
        ("https://localhost.", OriginError::Dot),
        ("http://localhost.", OriginError::Dot),
        ("http://127.0.0.1.", OriginError::Dot),
        ("https://", host("")),
        ("https:///", host("")),
        ("https://:443", host("")),
        ("https://.numerbay.ai", host(".numerbay.ai")),
        ("https://numerbay..ai", host("numerbay..ai")),
        ("https://*.numerbay.ai", host("*.numerbay.ai")),
        ("https://numer bay.ai", host("numer bay.ai")),
        ("https://numerbay.ai ", host("numerbay.ai ")),
        ("https://numerbay.ai,https", host("numerbay.ai,https")),
        ("https://numerbay%2eai", host("numerbay%2eai")),
        ("https://numerbay.ai%00", host("numerbay.ai%00")),
        ("https://[::1", OriginError::Port),
        ("https://::1", OriginError::Port),
        ("https://[::1]x", host("[::1]x")),
        ("https://x[::1]", host("x[::1]")),
        ("https://[::1%25lo]", host("[::1%25lo]")),
        ("https://[fe80::1%1]", host("[fe80::1%1]")),
        ("https://[127.0.0.1]", host("[127.0.0.1]")),
        ("https://[]", host("[]")),
        ("https://127.1", host("127.1")),
        ("https://127.0.0.01", host("127.0.0.01")),
        ("https://127.0.0.256", host("127.0.0.256")),
        ("https://127.0.0.0x1", host("127.0.0.0x1")),
        ("https://0x7f000001", host("0x7f000001")),
        ("https://2130706433", host("2130706433")),
        ("https://1.2.3.4.5", host("1.2.3.4.5")),
        ("https://numerbay.1", host("numerbay.1")),
        ("https://numerbay.0x", host("numerbay.0x")),
        ("https://numerbay.ai:", OriginError::Port),
        ("https://numerbay.ai:0", OriginError::Port),
        ("https://numerbay.ai:0443", OriginError::Port),
        ("https://numerbay.ai:+443", OriginError::Port),
        ("https://numerbay.ai:-1", OriginError::Port),
        ("https://numerbay.ai:65536", OriginError::Port),
        ("https://numerbay.ai:https", OriginError::Port),
        ("https://numerbay.ai:443:443", OriginError::Port),
        ("https://numerbay.ai: 443", OriginError::Port),
        ("https://[::1]:", OriginError::Port),
        ("http://numerbay.ai", OriginError::Insecure),
        ("http://numerbay.ai:443", OriginError::Insecure),
        ("http://localhost.evil.test", OriginError::Insecure),
        ("http://xlocalhost", OriginError::Insecure),
        ("http://app.localhost", OriginError::Insecure),
        ("http://127.0.0.2", OriginError::Insecure),
        ("http://0.0.0.0", OriginError::Insecure),
        ("http://192.168.1.2:3000", OriginError::Insecure),
        ("http://127.0.0.1.evil.test", OriginError::Insecure),
        ("http://[::ffff:127.0.0.1]", OriginError::Insecure),
        ("http://[::]", OriginError::Insecure),
        ("http://[::2]", OriginError::Insecure),
        ("chrome-extension://", OriginError::Extension),
        ("chrome-extension://abcdefghijklmnopabcdefghijklmno", OriginError::Extension),
        ("chrome-extension://abcdefghijklmnopabcdefghijklmnopa", OriginError::Extension),
        ("chrome-extension://abcdefghijklmnopabcdefghijklmnoq", OriginError::Extension),
        ("chrome-extension://abcdefghijklmnopabcdefghijklmno1", OriginError::Extension),
        ("chrome-extension://abcdefghijklmnopabcdefghijklmnop:443", OriginError::Extension),
        ("chrome-extension://4ed7f644-c3b5-4bf1-983f-2c8718f52222", OriginError::Extension),
        ("moz-extension://4ed7f644c3b54bf1983f2c8718f52222", OriginError::Extension),
        ("moz-extension://4ed7f644-c3b5-4bf1-983f-2c8718f5222", OriginError::Extension),
        ("moz-extension://4ed7f644-c3b5-4bf1-983f-2c8718f5222g", OriginError::Extension),
        ("moz-extension://4ed7f644-c3b5-4bf1-983f2-c8718f52222", OriginError::Extension),
        ("moz-extension://{4ed7f644-c3b5-4bf1-983f-2c8718f52222}", OriginError::Extension),
        ("moz-extension://abcdefghijklmnopabcdefghijklmnop", OriginError::Extension),
        ("safari-web-extension://4ED7F644-C3B5-4BF1-983F-2C8718F5222", OriginError::Extension),
        ("safari-web-extension://4Ed7f644-c3b5-4bf1-983f-2c8718f52222", OriginError::Extension),
    ] {
        assert_eq!(text.parse::<Origin>(), Err(expected.clone()), "{text}");
        if text.is_ascii() {
            assert_eq!(header(text), Err(expected.clone()), "{text}");
        } else {
            assert_eq!(header(text), Err(OriginError::NotAscii), "{text}");
        }
        let explanation = expected.explain();
        assert!(["bad-origin", "insecure-origin", "origin-not-ascii"].contains(&explanation.code));
        assert!(!explanation.help.is_empty());
    }
}

#[test]
fn a_host_has_labels_of_63_and_253_characters_in_all() {
    let label = "a".repeat(63);
    assert!(format!("https://{label}.ai").parse::<Origin>().is_ok());
    assert!(format!("https://{label}a.ai").parse::<Origin>().is_err());
    let longest = format!("{label}.{label}.{label}.{}", "a".repeat(61));
    assert_eq!(longest.len(), 253);
    assert!(format!("https://{longest}").parse::<Origin>().is_ok());
    assert!(format!("https://{longest}a").parse::<Origin>().is_err());
}

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(4096)
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_header_is_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(value) = HeaderValue::from_bytes(&bytes)
            && let Ok(origin) = Origin::from_header(&value)
        {
            prop_assert_eq!(origin.to_string().into_bytes(), bytes);
        }
    }

    #[test]
    fn what_is_read_is_shown_as_one_that_is_read_as_the_same(
        text in "(https?|HTTPS|moz-extension|chrome-extension)://[a-zA-Z0-9.:/@\\[\\]_-]{0,40}|https?://\\[[0-9a-f:.]{0,20}\\](:[0-9]{0,6})?|\\PC{0,30}",
    ) {
        if let Ok(origin) = text.parse::<Origin>() {
            let shown = origin.to_string();
            prop_assert_eq!(shown.parse::<Origin>(), Ok(origin.clone()));
            prop_assert_eq!(header(&shown), Ok(origin));
            prop_assert_eq!(header(&text).is_ok(), shown == text);
        }
    }
}
