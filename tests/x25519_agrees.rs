//! X25519 gives what RFC 7748 says and what x25519-dalek gives, and refuses the points that it calls not contributory.
#![allow(missing_docs, clippy::unwrap_used)]

mod support;

use proptest::prelude::*;
use saltbridge::sodium::{x25519, x25519_public_key};
use secrecy::ExposeSecret as _;
use support::unhex;

fn ours(private: &[u8; 32], public: &[u8; 32]) -> Option<[u8; 32]> {
    x25519(private, public).map(|shared| *shared.expose_secret())
}

fn oracle(private: &[u8; 32], public: &[u8; 32]) -> Option<[u8; 32]> {
    let shared = x25519_dalek::StaticSecret::from(*private).diffie_hellman(&x25519_dalek::PublicKey::from(*public));
    shared.was_contributory().then(|| shared.to_bytes())
}

fn agree(private: &[u8; 32], public: &[u8; 32]) {
    assert_eq!(ours(private, public), oracle(private, public), "{private:x?} {public:x?}");
}

/// RFC 7748, section 5.2.
#[test]
fn the_examples_of_the_rfc_come_out() {
    let private = unhex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4");
    let public = unhex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c");
    let shared = unhex("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
    assert_eq!(ours(&private, &public), Some(shared));

    let mut private: [u8; 32] = unhex("0900000000000000000000000000000000000000000000000000000000000000");
    let mut public = private;
    for round in 1..=1000 {
        (private, public) = (ours(&private, &public).unwrap(), private);
        if round == 1 {
            assert_eq!(private, unhex("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"));
        }
    }
    assert_eq!(private, unhex("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"));
}

#[test]
fn numbers_around_the_prime_and_of_low_order_are_taken_and_refused_as_by_the_oracle() {
    let mut refused = 0;
    for private in [[0; 32], [1; 32], [0x77; 32], [0xff; 32]] {
        for top in [0x00, 0x7f, 0x80, 0xff] {
            for middle in [0x00, 0xff] {
                for low in 0..=255 {
                    let mut public = [middle; 32];
                    (public[0], public[31]) = (low, top);
                    agree(&private, &public);
                    refused += usize::from(ours(&private, &public).is_none());
                }
            }
        }
    }
    // 0, 1, p - 1, p and p + 1, each with the top bit and without, for each private key.
    assert_eq!(refused, 4 * 10);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn any_keys_agree_on_what_the_oracle_says(private: [u8; 32], public: [u8; 32], other: [u8; 32]) {
        agree(&private, &public);
        let theirs = x25519_public_key(&other);
        prop_assert_eq!(theirs, x25519_dalek::PublicKey::from(&x25519_dalek::StaticSecret::from(other)).to_bytes());
        prop_assert_eq!(ours(&private, &theirs), ours(&other, &x25519_public_key(&private)));
    }
}
