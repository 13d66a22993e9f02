//! A signature is good for one request to one bridge, for one body, by one key; and a high s is as good as a low one.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/page.rs"]
mod page;
#[path = "support/signing.rs"]
mod signing;

use page::content_digest;
use saltbridge::bridge::protocol::{RequestSignature, SignatureError};
use signing::{AUTHORITY, base64_of, draft, judge, key, page, parts};

/// Half of the order of P-256, rounded down, and the order (SP 800-186, section 3.2.1.3).
const HALF: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0x80, 0, 0, 0, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xde, 0x73, 0x7d, 0x56,
    0xd3, 0x8b, 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8,
];
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7,
    0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

#[test]
fn a_signature_is_for_one_request_to_one_bridge() {
    let page = page();
    let target = "/v1/unwrap?device=usb";
    for (method, authority, signed) in [
        ("GET", AUTHORITY, target),
        ("post", AUTHORITY, target),
        ("POST", "127.0.0.1", target),
        ("POST", "127.0.0.1:21731", target),
        ("POST", "localhost:21730", target),
        ("POST", "[::1]:21730", target),
        ("POST", AUTHORITY, "/v1/unwrap"),
        ("POST", AUTHORITY, "/v1/unwrap?"),
        ("POST", AUTHORITY, "/v1/unwrap?device=usb&"),
        ("POST", AUTHORITY, "/v1/unwrap?device=us%62"),
        ("POST", AUTHORITY, "/v1/unwrap/?device=usb"),
        ("POST", AUTHORITY, "/v1/Unwrap?device=usb"),
        ("POST", AUTHORITY, "/v1/keys?device=usb"),
        ("POST", AUTHORITY, "/v1/%75nwrap?device=usb"),
    ] {
        let request = draft(&page).signing(method, authority, signed).sign();
        assert_eq!(judge(&request, &key(&page)), Err(SignatureError::Invalid), "{method} {authority} {signed}");
    }
    let good = draft(&page).sign();
    let signature = RequestSignature::parse(&parts(&good), true).unwrap();
    assert_eq!(signature.verify("127.0.0.1:21731", &key(&page)), Err(SignatureError::Invalid));
    assert_eq!(signature.verify("", &key(&page)), Err(SignatureError::Invalid));
}

#[test]
fn a_signature_is_for_one_body() {
    let page = page();
    let mut request = draft(&page).sign();
    request.body.push(b' ');
    assert_eq!(judge(&request, &key(&page)), Err(SignatureError::OtherBody));
    request.body.clear();
    assert_eq!(judge(&request, &key(&page)), Err(SignatureError::OtherBody));
    // The digest goes with the body, but not with the signature.
    let request = draft(&page).header("Content-Digest", &content_digest(b"{}")).sign();
    assert_eq!(judge(&request, &key(&page)), Err(SignatureError::Invalid));
}

#[test]
fn a_signature_is_of_one_key() {
    let page = page();
    let other = page.in_another_browser();
    let good = draft(&page).sign();
    assert_eq!(judge(&good, &key(&other)), Err(SignatureError::OtherKey));
    // It says the other's name, but the other has not signed.
    let named = format!("\"{}\"", other.key_id());
    let request = draft(&page).parameter("keyid", &named).sign();
    assert_eq!(judge(&request, &key(&other)), Err(SignatureError::Invalid));
    assert_eq!(judge(&request, &key(&page)), Err(SignatureError::OtherKey));
}

#[test]
fn no_bit_of_a_signature_may_change() {
    let page = page();
    let good = draft(&page).sign();
    for bit in (0..512).step_by(7) {
        let mut changed = good.signature;
        changed[bit / 8] ^= 1 << (bit % 8);
        let header = format!("saltbridge=:{}:", base64_of(&changed));
        let mut request = good.clone();
        request.headers.retain(|(name, _)| name != "Signature");
        request.headers.push(("Signature".to_owned(), header));
        assert_eq!(judge(&request, &key(&page)), Err(SignatureError::Invalid), "bit {bit}");
    }
    for bytes in [[0; 64], [0xff; 64]] {
        let request = draft(&page)
            .header("Signature", &format!("saltbridge=:{}:", base64_of(&bytes)))
            .sign();
        assert_eq!(judge(&request, &key(&page)), Err(SignatureError::Invalid));
    }
}

/// WebCrypto makes as many high s as low ones.
#[test]
fn a_high_s_is_as_good_as_a_low_one() {
    let page = page();
    let (mut high, mut low) = (0, 0);
    for number in 0..32_u8 {
        let mut request = draft(&page).nonce(&[number; 16]).sign();
        let s: [u8; 32] = request.signature[32..].try_into().unwrap();
        *(if s > HALF { &mut high } else { &mut low }) += 1;
        assert_eq!(judge(&request, &key(&page)), Ok(()));
        request.signature[32..].copy_from_slice(&minus(&ORDER, &s));
        let header = format!("saltbridge=:{}:", base64_of(&request.signature));
        request.headers.retain(|(name, _)| name != "Signature");
        request.headers.push(("Signature".to_owned(), header));
        assert_eq!(judge(&request, &key(&page)), Ok(()));
    }
    assert!(high > 0 && low > 0, "{high} {low}");
}

fn minus(from: &[u8; 32], what: &[u8; 32]) -> [u8; 32] {
    let mut difference = [0; 32];
    let mut borrow = false;
    for index in (0..32).rev() {
        let (byte, first) = from[index].overflowing_sub(what[index]);
        let (byte, second) = byte.overflowing_sub(borrow.into());
        difference[index] = byte;
        borrow = first || second;
    }
    difference
}
