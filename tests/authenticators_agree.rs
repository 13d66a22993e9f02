//! The authenticator of files gives the tag that libsodium gives, and that the poly1305 crate gives, for a million random
//! messages in random pieces, and for the messages that are hardest to add up.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use poly1305::Poly1305;
use poly1305::universal_hash::KeyInit as _;
use proptest::prelude::*;
use saltbridge::authenticator::Authenticator;
use saltbridge::sodium;

fn oracle(key: &[u8; 32], message: &[u8]) -> [u8; 16] {
    Poly1305::new(key.into()).compute_unpadded(message).into()
}

fn libsodium(key: &[u8; 32], message: &[u8]) -> [u8; 16] {
    let mut poly1305 = sodium::Poly1305::new(key);
    poly1305.update(message);
    poly1305.finish()
}

fn ours<'a>(key: &[u8; 32], pieces: impl IntoIterator<Item = &'a [u8]>) -> [u8; 16] {
    let mut authenticator = Authenticator::new(key);
    pieces.into_iter().for_each(|piece| authenticator.update(piece));
    authenticator.finish()
}

/// SplitMix64 (Steele, Lea, Flood 2014): enough to choose lengths, and quick.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for piece in bytes.chunks_mut(8) {
            piece.copy_from_slice(&self.next().to_le_bytes()[..piece.len()]);
        }
    }

    fn key(&mut self) -> [u8; 32] {
        let mut key = [0; 32];
        self.fill(&mut key);
        key
    }

    /// Cuts at random places, at the borders of blocks as often as between them.
    fn cut<'a>(&mut self, mut message: &'a [u8]) -> Vec<&'a [u8]> {
        let mut pieces = Vec::new();
        while !message.is_empty() {
            let length = match self.below(4) {
                0 => self.below(20),
                1 => 16 * self.below(9),
                2 => self.below(message.len() + 1),
                _ => message.len(),
            };
            let (piece, rest) = message.split_at(length.min(message.len()));
            pieces.push(piece);
            message = rest;
        }
        pieces
    }
}

/// A million of them, or as many as SALTBRIDGE_MESSAGES says: an emulated processor is slow.
fn how_many() -> usize {
    std::env::var("SALTBRIDGE_MESSAGES").map_or(1_000_000, |number| number.parse().unwrap())
}

/// From 0 to beyond the lengths at which the vector code begins, changes and ends (16 to 2048 bytes at a time).
const LONGEST: usize = 2 * 2048 + 33;

#[test]
fn a_million_random_messages_in_random_pieces_get_libsodiums_tag() {
    tell_of_the_processor();
    let seed = getrandom::u64().unwrap();
    let mut numbers = Numbers(seed);
    let mut material = vec![0; LONGEST];
    for number in 0..how_many() {
        if number % 64 == 0 {
            numbers.fill(&mut material);
        }
        // Every length in turn; each comes more than two hundred times.
        let length = number % (LONGEST + 1);
        let key = numbers.key();
        let message = &material[..length];
        let pieces = numbers.cut(message);
        let lengths: Vec<_> = pieces.iter().map(|piece| piece.len()).collect();
        assert_eq!(ours(&key, pieces), libsodium(&key, message), "seed {seed}, key {key:x?}, pieces {lengths:?}");
    }
}

/// The vector code is chosen when it runs, and this processor chooses one. QEMU plays one with AVX2 and one without; it
/// plays none with AVX-512.
#[test]
#[cfg(target_arch = "x86_64")]
fn so_they_do_on_processors_with_less_than_this_one() {
    const QEMU: &str = "qemu-x86_64";
    if std::process::Command::new(QEMU).arg("--version").output().is_err() {
        return support::skip("other processors", "no qemu-x86_64 (apt-get install qemu-user)");
    }
    for (processor, has_avx2) in [("Haswell", true), ("Nehalem", false)] {
        let child = std::process::Command::new(QEMU)
            .args(["-cpu", processor])
            .arg(std::env::current_exe().unwrap())
            .args(["--nocapture", "libsodiums_tag"])
            .env("SALTBRIDGE_MESSAGES", "40000")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stdout);
        assert!(child.status.success(), "{processor}: {said}{}", String::from_utf8_lossy(&child.stderr));
        assert!(said.contains("test result: ok. 2 passed"), "{processor}: {said}");
        assert!(said.contains(&format!("AVX2: {has_avx2}, AVX-512: false")), "{processor}: {said}");
    }
}

fn tell_of_the_processor() {
    #[cfg(target_arch = "x86_64")]
    println!("AVX2: {}, AVX-512: {}", is_x86_feature_detected!("avx2"), is_x86_feature_detected!("avx512f"));
}

#[test]
fn messages_and_keys_at_the_edge_of_the_arithmetic_get_libsodiums_tag() {
    // The clamped r at its largest, at its smallest, with one limb full; the pad at its largest, which carries longest.
    let mut keys = vec![[0xff; 32], [0; 32]];
    for byte in 0..32 {
        let mut key = [0; 32];
        key[byte] = 0xff;
        keys.extend([key, key.map(|byte| !byte)]);
    }
    // Blocks of the largest number, of numbers around the prime, and of nothing.
    for content in [0xff, 0xfa, 0xfb, 0xfc, 0x00, 0x80] {
        for key in &keys {
            for length in (0..=LONGEST).step_by(61).chain((0..544).step_by(16)) {
                let message = vec![content; length];
                let tag = ours(key, [message.as_slice()]);
                assert_eq!(tag, libsodium(key, &message), "{length} bytes of {content:x}, key {key:x?}");
            }
        }
    }
}

#[test]
fn long_messages_get_the_tag_of_both_oracles() {
    let seed = getrandom::u64().unwrap();
    let mut numbers = Numbers(seed);
    for round in 0..24 {
        let mut message = vec![0; (1 << 20) + numbers.below(1 << 18)];
        numbers.fill(&mut message);
        let key = numbers.key();
        let tag = libsodium(&key, &message);
        assert_eq!(tag, oracle(&key, &message), "seed {seed}, round {round}");
        assert_eq!(tag, ours(&key, numbers.cut(&message)), "seed {seed}, round {round}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn a_tag_is_accepted_and_no_tag_with_one_bit_flipped(
        key: [u8; 32], message in prop::collection::vec(any::<u8>(), 0..1500),
    ) {
        let verify = |tag: &[u8; 16]| {
            let mut authenticator = Authenticator::new(&key);
            authenticator.update(&message);
            authenticator.verify(tag)
        };
        let mut tag = oracle(&key, &message);
        prop_assert!(verify(&tag));
        for bit in 0..128 {
            tag[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!verify(&tag), "bit {} was flipped", bit);
            tag[bit / 8] ^= 1 << (bit % 8);
        }
    }
}
