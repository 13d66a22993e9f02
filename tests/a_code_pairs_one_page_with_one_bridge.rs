//! A one-time code proves what it was given out for, to whom it was given, and nothing else.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/page.rs"]
mod page;

use std::collections::HashSet;

use page::{Page, hmac, read_code};
use saltbridge::bridge::protocol::{
    Code, CodeError, Identity, KeyError, KeyId, Origin, PageKey, Pairing, PairingAnswer, PairingRequest, Proof, Scope,
    ScopeError, Scopes,
};
use saltbridge::fault::Fault as _;
use serde_json::json;

const AUTHORITY: &str = "127.0.0.1:21730";
const CODE: &str = "0123-4567-89AB-CDEF";

fn code(text: &str) -> Code {
    text.parse().unwrap()
}

fn scopes(text: &str) -> Scopes {
    text.parse().unwrap()
}

struct Meeting {
    page: Page,
    origin: Origin,
    page_key: PageKey,
    bridge_key: PageKey,
}

impl Meeting {
    fn new() -> Self {
        let page = Page::new("https://numerbay.ai", AUTHORITY);
        Self {
            origin: page.origin.parse().unwrap(),
            page_key: PageKey::from_bytes(&page.public_key()).unwrap(),
            bridge_key: Identity::generate().unwrap().key(),
            page,
        }
    }

    fn pairing(&self) -> Pairing<'_> {
        Pairing {
            origin: &self.origin,
            authority: AUTHORITY,
            page_key: &self.page_key,
        }
    }
}

#[test]
fn page_and_bridge_agree_on_their_proofs() {
    let meeting = Meeting::new();
    let (pairing, page) = (meeting.pairing(), &meeting.page);
    let code = Code::generate().unwrap();
    let text = code.show();
    assert_eq!(pairing.page_proof(&code).as_bytes(), &page.page_proof(&text));
    for granted in ["decrypt", "export,create", "encrypt,decrypt,create", "create,decrypt,encrypt,export"] {
        let granted = scopes(granted);
        let names = granted.to_string();
        let names: Vec<_> = names.split(',').collect();
        assert!(names.is_sorted());
        let proof = pairing.bridge_proof(&code, &meeting.bridge_key, &granted);
        assert_eq!(proof.as_bytes(), &page.bridge_proof(&text, meeting.bridge_key.as_bytes(), &names));
    }
}

#[test]
fn a_proof_is_for_one_code_origin_authority_and_key() {
    let meeting = Meeting::new();
    let good = meeting.pairing().page_proof(&code(CODE));
    let again = Meeting::new();
    for (what, other) in [
        ("another code", meeting.pairing().page_proof(&code("0123-4567-89AB-CDEG"))),
        (
            "another key",
            Pairing {
                page_key: &again.page_key,
                ..meeting.pairing()
            }
            .page_proof(&code(CODE)),
        ),
        (
            "another port",
            Pairing {
                authority: "127.0.0.1:21731",
                ..meeting.pairing()
            }
            .page_proof(&code(CODE)),
        ),
        (
            "another name of the same place",
            Pairing {
                authority: "localhost:21730",
                ..meeting.pairing()
            }
            .page_proof(&code(CODE)),
        ),
        (
            "the bridge's proof",
            meeting
                .pairing()
                .bridge_proof(&code(CODE), &meeting.page_key, &Scopes::default()),
        ),
    ] {
        assert!(good != other, "{what}");
    }
    for origin in
        ["https://numerbay.ai:8443", "https://www.numerbay.ai", "https://numerbay.aix", "https://xn--numrbay-cya.ai"]
    {
        let origin = origin.parse().unwrap();
        let pairing = Pairing {
            origin: &origin,
            ..meeting.pairing()
        };
        assert!(good != pairing.page_proof(&code(CODE)), "{origin}");
    }
    assert!(good == meeting.pairing().page_proof(&code("o123 4567 89ab cdef")));
}

#[test]
fn the_bridges_proof_is_for_its_key_and_the_scopes_that_it_grants() {
    let meeting = Meeting::new();
    let proof = |scopes: &Scopes| meeting.pairing().bridge_proof(&code(CODE), &meeting.bridge_key, scopes);
    let good = proof(&scopes("create,decrypt"));
    assert!(good == proof(&scopes("decrypt,create")));
    for other in ["create", "decrypt", "create,decrypt,encrypt", "create,encrypt", "create,decrypt,export"] {
        assert!(good != proof(&scopes(other)), "{other}");
    }
    let other_key = Identity::generate().unwrap().key();
    assert!(
        good != meeting
            .pairing()
            .bridge_proof(&code(CODE), &other_key, &scopes("create,decrypt"))
    );
    // Only sorted names prove anything: the set has one proof.
    let unsorted = meeting
        .page
        .bridge_proof(CODE, meeting.bridge_key.as_bytes(), &["decrypt", "create"]);
    assert_ne!(good.as_bytes(), &unsorted);
    // Fields do not run into each other.
    let joined = meeting
        .page
        .bridge_proof(CODE, meeting.bridge_key.as_bytes(), &["createdecrypt"]);
    assert_ne!(good.as_bytes(), &joined);
}

#[test]
fn a_page_takes_the_bridges_word_only_with_proof_and_signature() {
    let identity = Identity::generate().unwrap();
    let meeting = Meeting::new();
    let mut page = Meeting::new().page;
    let page_key = PageKey::from_bytes(&page.public_key()).unwrap();
    let request = page.pairing_request(CODE);
    let sent: PairingRequest = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(sent.public_key, page_key);
    let pairing = Pairing {
        page_key: &page_key,
        ..meeting.pairing()
    };
    assert!(sent.proof == pairing.page_proof(&code(CODE)));

    let granted = Scopes::default();
    let answer = |identity: &Identity, proof: Proof| {
        let answer = PairingAnswer {
            public_key: identity.key(),
            scopes: granted.clone(),
            proof,
        };
        let body = serde_json::to_vec(&answer).unwrap();
        let digest = saltbridge::bridge::protocol::body_digest(&body);
        let signature = identity.sign_answer(200, &request.signature, Some(digest), 1);
        let headers = [
            ("Content-Type", "application/json"),
            ("Content-Digest", &page::content_digest(&body)),
            ("Signature-Input", signature.signature_input.to_str().unwrap()),
            ("Signature", signature.signature.to_str().unwrap()),
        ];
        (headers.map(|(name, value)| (name.to_owned(), value.to_owned())), body)
    };
    let good = pairing.bridge_proof(&code(CODE), &identity.key(), &granted);
    let (headers, body) = answer(&identity, good);

    let other = Identity::generate().unwrap();
    let (other_headers, other_body) = answer(&other, good);
    assert!(page.pair(CODE, &request, 200, &other_headers, &other_body).is_err(), "another bridge's key");
    assert!(
        page.pair("0123-4567-89AB-CDEG", &request, 200, &headers, &body)
            .is_err(),
        "another code"
    );
    assert!(page.pair(CODE, &request, 201, &headers, &body).is_err(), "another status");
    assert!(
        page.pair(CODE, &page.pairing_request(CODE), 200, &headers, &body)
            .is_err(),
        "another request"
    );
    assert!(page.bridge_key.is_none());
    assert_eq!(page.pair(CODE, &request, 200, &headers, &body).unwrap(), ["create", "decrypt", "encrypt"]);
    assert_eq!(page.bridge_key, Some(identity.public_key()));
}

#[test]
fn a_code_is_shown_and_read_as_the_same() {
    let mut seen = HashSet::new();
    for _ in 0..200 {
        let shown = Code::generate().unwrap().show();
        let groups: Vec<_> = shown.split('-').map(str::len).collect();
        assert_eq!(groups, [4, 4, 4, 4], "{}", *shown);
        assert_eq!(*code(&shown).show(), *shown);
        // Its ten bytes are those that an independent reader finds: they are the key of the proofs.
        let meeting = Meeting::new();
        assert_eq!(meeting.pairing().page_proof(&code(&shown)).as_bytes(), &meeting.page.page_proof(&shown));
        assert!(seen.insert(shown.to_string()));
    }
    assert_eq!(read_code(CODE), [0x00, 0x44, 0x32, 0x14, 0xc7, 0x42, 0x54, 0xb6, 0x35, 0xcf]);
}

#[test]
fn a_code_may_be_typed_carelessly() {
    for typed in [
        "0123456789ABCDEF",
        "0123-4567-89ab-cdef",
        " 0123 4567 89AB CDEF\n",
        "O123-4567-89AB-CDEF",
        "oi23-4567-89AB-CDEF",
        "0l23-4567-89AB-CDEF",
        "0L23-4567-89AB-CDEF",
        "0I23-4567-89AB-CDEF",
        "0123--4567-89AB-CDEF-",
        "0-1-2-3-4-5-6-7-8-9-A-B-C-D-E-F",
    ] {
        assert_eq!(*code(typed).show(), CODE, "{typed}");
    }
    for (typed, expected) in [
        ("", CodeError::Length),
        ("0123-4567-89AB-CDE", CodeError::Length),
        ("0123-4567-89AB-CDEF-0", CodeError::Length),
        ("0123-4567-89AB-CDEU", CodeError::Character),
        ("0123-4567-89AB-CDEü", CodeError::Character),
        ("0123_4567_89AB_CDEF", CodeError::Character),
        ("0123-4567-89AB-CDE=", CodeError::Character),
        ("https://numerbay.ai", CodeError::Character),
    ] {
        let error = typed.parse::<Code>().err().unwrap();
        assert_eq!(error, expected, "{typed}");
        assert_eq!(error.explain().code, "bad-code");
    }
    assert!("0".repeat(1 << 20).parse::<Code>().is_err());
}

#[test]
fn the_pages_hmac_is_rfc_4231s() {
    let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    assert_eq!(base16ct::lower::encode_string(&hmac(b"Jefe", b"what do ya want for nothing?")), expected);
}

#[test]
fn scopes_are_named_and_sorted() {
    for (text, sorted) in [
        ("decrypt", "decrypt"),
        ("export,encrypt,decrypt,create", "create,decrypt,encrypt,export"),
        (" decrypt , create", "create,decrypt"),
        ("decrypt,decrypt", "decrypt"),
    ] {
        assert_eq!(scopes(text).to_string(), sorted, "{text}");
    }
    assert_eq!(Scopes::default(), scopes("decrypt,create,encrypt"));
    assert!(!Scopes::default().contains(Scope::Export));
    for text in ["", ",", "decrypt,", ",decrypt", "decrypt,,create", " "] {
        assert_eq!(text.parse::<Scopes>(), Err(ScopeError::Empty), "{text:?}");
    }
    for text in ["all", "*", "Decrypt", "decrypt create", "decrypt;create", "decrypts", "decryp", "decrypt\u{1b}"] {
        let error = text.parse::<Scopes>().unwrap_err();
        assert_eq!(
            error,
            ScopeError::Unknown {
                shown: saltbridge::text::printable(text)
            }
        );
        assert_eq!(error.explain().code, "bad-scope");
    }
}

#[test]
fn the_json_of_pairing_is_read_strictly() {
    let meeting = Meeting::new();
    let good = meeting.page.pairing_body(CODE);
    assert!(serde_json::from_value::<PairingRequest>(good.clone()).is_ok());
    for (field, value) in [
        ("public_key", json!("")),
        ("public_key", json!(format!("{}=", good["public_key"].as_str().unwrap()))),
        ("public_key", json!([4])),
        ("public_key", json!(null)),
        ("proof", json!("")),
        ("proof", json!(good["proof"].as_str().unwrap().trim_end_matches('='))),
        ("proof", good["public_key"].clone()),
        ("scopes", json!(["export"])),
    ] {
        let mut changed = good.clone();
        changed[field] = value;
        assert!(serde_json::from_value::<PairingRequest>(changed.clone()).is_err(), "{changed}");
    }
    let twice = format!("{{\"proof\":{0},\"proof\":{0},\"public_key\":{1}}}", good["proof"], good["public_key"]);
    assert!(serde_json::from_str::<PairingRequest>(&twice).is_err());
}

#[test]
fn a_key_is_an_uncompressed_point_of_the_curve() {
    let key = Meeting::new().page_key;
    let bytes = *key.as_bytes();
    assert_eq!(key.to_string().len(), 88);
    assert_eq!(key.to_string().parse(), Ok(key));
    assert_eq!(key.key_id().to_string().len(), 43);
    assert_eq!(key.key_id().to_string(), page::key_id(&bytes));
    assert_eq!(key.key_id().to_string().parse(), Ok(key.key_id()));

    let with_first = |first: u8| {
        let mut changed = bytes;
        changed[0] = first;
        changed
    };
    for first in [0, 2, 3, 5, 6, 7, 0x40, 0xff] {
        assert_eq!(PageKey::from_bytes(&with_first(first)), Err(KeyError::Point), "{first}");
    }
    let compressed = [&[2 + (bytes[64] & 1)][..], &bytes[1..33]].concat();
    for (wrong, found) in
        [(&compressed[..], 33), (&[0], 1), (&[], 0), (&bytes[..64], 64), (&bytes[1..], 64), (&[4; 66], 66)]
    {
        assert_eq!(PageKey::from_bytes(wrong), Err(KeyError::Length { found }));
    }
    let mut beside = bytes;
    beside[64] ^= 1;
    let mut beyond = [0xff; 65];
    beyond[0] = 4;
    let mut zero = [0; 65];
    zero[0] = 4;
    for wrong in [beside, beyond, zero] {
        assert_eq!(PageKey::from_bytes(&wrong), Err(KeyError::Point));
    }
    for text in ["", "=", "BA", &key.to_string()[..87], &format!("{key} "), &key.to_string().replace('B', "-")] {
        assert!(text.parse::<PageKey>().is_err(), "{text}");
    }
    let id = key.key_id().to_string();
    for text in ["", &id[1..], &format!("{id}="), &format!("{id}A"), &id.replace(&id[..1], "+")] {
        assert_eq!(text.parse::<KeyId>(), Err(KeyError::Name), "{text}");
    }
}
