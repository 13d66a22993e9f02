//! What our engine seals crypto_box opens, and the other way round, at every size and every chunk border; libsodium's
//! cipher and authenticator agree with the RustCrypto crates; nothing that was changed opens.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used, clippy::panic)]

use std::path::Path;

use crypto_box::SecretKey;
use crypto_box::aead::OsRng;
use poly1305::Poly1305;
use poly1305::universal_hash::KeyInit as _;
use proptest::collection::vec;
use proptest::prelude::*;
use salsa20::XSalsa20;
use salsa20::cipher::{KeyIvInit as _, StreamCipher as _, StreamCipherSeek as _};
use saltbridge::encryption::sealed_box::{BoxKey, HEADER_BYTES, Header, LowOrder, SealError};
use saltbridge::encryption::{KeyPair, PrivateKey, PublicKey};
use saltbridge::files::{
    CHUNK_BYTES, Folder, Input, Inputs, OpenBoxError, Opener, Output, Overwrite, Sealer, Source, Target, open_box,
    seal_box,
};
use saltbridge::sodium::{Authenticator, StreamCipher};

/// One key pair, for us and for the oracle.
struct Recipient {
    ours: KeyPair,
    oracle: SecretKey,
}

impl Recipient {
    fn new() -> Self {
        let bytes: [u8; 32] = random(32).try_into().unwrap();
        let ours = KeyPair::new(PrivateKey::from_bytes(&bytes));
        let oracle = SecretKey::from(bytes);
        assert_eq!(ours.public_key().as_bytes(), oracle.public_key().as_bytes());
        Self { ours, oracle }
    }

    fn seal_with_oracle(&self, plaintext: &[u8]) -> Vec<u8> {
        self.oracle.public_key().seal(&mut OsRng, plaintext).unwrap()
    }

    fn seal_with_engine(&self, plaintext: &[u8]) -> Vec<u8> {
        let (key, ephemeral) = BoxKey::to_seal(&self.ours.public_key()).unwrap();
        let mut ciphertext = plaintext.to_vec();
        let mut sealer = Sealer::new(&key);
        sealer.encrypt(&mut ciphertext);
        let tag = sealer.finish();
        let mut sealed = Header { ephemeral, tag }.to_bytes().to_vec();
        sealed.append(&mut ciphertext);
        sealed
    }

    fn open_with_engine(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let (header, ciphertext) = sealed.split_first_chunk::<HEADER_BYTES>()?;
        let header = Header::from_bytes(header);
        let key = BoxKey::to_open(&self.ours, &header.ephemeral).ok()?;
        let mut opener = Opener::new(&key);
        let mut plaintext = ciphertext.to_vec();
        opener.authenticate(ciphertext);
        opener.decrypt(&mut plaintext);
        opener.verify(&header.tag).map(|_| plaintext)
    }

    fn open_file(&self, folder: &Path, sealed: &[u8]) -> Result<Vec<u8>, OpenBoxError> {
        through_files(folder, sealed, |input, output| open_box(input, output, &self.ours, &|_| ()))
    }

    fn seal_file(&self, folder: &Path, plaintext: &[u8]) -> Vec<u8> {
        let result =
            through_files(folder, plaintext, |input, output| seal_box(input, output, &self.ours.public_key(), &|_| ()));
        result.unwrap()
    }
}

/// Writes `bytes` into one file, runs `work` from there into another, and reads that.
fn through_files<E>(
    folder: &Path,
    bytes: &[u8],
    work: impl FnOnce(&mut Input, Output<'_>) -> Result<u64, E>,
) -> Result<Vec<u8>, E> {
    let from = folder.join("from");
    std::fs::write(&from, bytes).unwrap();
    let target = Target::new(&Folder::open(folder).unwrap(), "to".as_ref()).unwrap();
    let output = Output::File {
        target: &target,
        overwrite: Overwrite::Replace,
        inputs: &Inputs::default(),
    };
    let length = work(&mut Input::open(&Source::Path(from)).unwrap(), output)?;
    let result = std::fs::read(folder.join("to")).unwrap();
    assert_eq!(result.len() as u64, length);
    Ok(result)
}

fn random(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

/// The sizes at which a chunk ends just before, at, or just after the end of a block of the cipher, a block of the
/// authenticator, or the part of a block that the authenticator's key takes away.
fn sizes_around_chunk_borders() -> impl Iterator<Item = usize> {
    [CHUNK_BYTES, 2 * CHUNK_BYTES].into_iter().flat_map(|border| {
        let around = move |distance: usize| [border - distance, border + distance];
        let near = [64, 32, 16].into_iter().flat_map(around);
        near.chain([border]).flat_map(|size| size - 1..=size + 1)
    })
}

#[test]
fn every_size_up_to_4096_opens_on_the_other_side() {
    let recipient = Recipient::new();
    let plaintext = random(4096);
    for size in 0..=plaintext.len() {
        let plaintext = &plaintext[..size];
        let ours = recipient.seal_with_engine(plaintext);
        assert_eq!(ours.len(), size + HEADER_BYTES);
        assert_eq!(recipient.oracle.unseal(&ours).unwrap(), plaintext, "{size} bytes");
        let theirs = recipient.seal_with_oracle(plaintext);
        assert_eq!(recipient.open_with_engine(&theirs).unwrap(), plaintext, "{size} bytes");
    }
}

#[test]
fn every_size_around_a_chunk_border_opens_on_the_other_side_also_as_a_file() {
    let recipient = Recipient::new();
    let folder = tempfile::tempdir().unwrap();
    let plaintext = random(2 * CHUNK_BYTES + 65);
    let mut sizes = 0;
    for size in sizes_around_chunk_borders() {
        let plaintext = &plaintext[..size];
        for ours in [recipient.seal_with_engine(plaintext), recipient.seal_file(folder.path(), plaintext)] {
            assert_eq!(ours.len(), size + HEADER_BYTES);
            assert!(recipient.oracle.unseal(&ours).unwrap() == plaintext, "{size} bytes");
        }
        let theirs = recipient.seal_with_oracle(plaintext);
        assert!(recipient.open_with_engine(&theirs).unwrap() == plaintext, "{size} bytes");
        let opened = recipient.open_file(folder.path(), &theirs).unwrap();
        assert!(opened == plaintext, "{size} bytes");
        sizes += 1;
    }
    assert_eq!(sizes, 2 * 21);
}

#[test]
fn one_flipped_bit_anywhere_in_a_box_keeps_it_shut() {
    let recipient = Recipient::new();
    let mut sealed = recipient.seal_with_oracle(&random(70));
    for byte in 0..sealed.len() {
        for bit in 0..8 {
            sealed[byte] ^= 1 << bit;
            assert_eq!(recipient.open_with_engine(&sealed), None, "bit {bit} of byte {byte} was flipped");
            sealed[byte] ^= 1 << bit;
        }
    }
    assert!(recipient.open_with_engine(&sealed).is_some());
}

#[test]
fn a_box_that_was_cut_anywhere_or_has_a_byte_too_many_stays_shut() {
    let recipient = Recipient::new();
    let folder = tempfile::tempdir().unwrap();
    let sealed = recipient.seal_with_oracle(&random(2 * CHUNK_BYTES + 70));
    let around_borders = sizes_around_chunk_borders().map(|size| size + HEADER_BYTES);
    for length in (0..=HEADER_BYTES + 130).chain(around_borders) {
        match recipient.open_file(folder.path(), &sealed[..length]) {
            Err(OpenBoxError::TooShort { found, .. }) => assert!(found == length && length < HEADER_BYTES),
            Err(OpenBoxError::DoesNotOpen { .. }) => assert!(length >= HEADER_BYTES),
            Err(error) => panic!("{length} bytes: {error}"),
            Ok(_) => panic!("the first {length} bytes opened"),
        }
    }
    for size in [0, 1, 15, 16, 17, 63, 64, CHUNK_BYTES] {
        let sealed = recipient.seal_with_oracle(&random(size));
        for byte in [0, 1, 0x80, 0xff] {
            assert_eq!(recipient.open_with_engine(&[&sealed, &[byte][..]].concat()), None);
            assert_eq!(recipient.open_with_engine(&[&[byte][..], &sealed].concat()), None);
        }
    }
    assert!(!folder.path().join("to").exists());
}

/// A small number as a u-coordinate: little-endian.
fn small(number: u8) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[0] = number;
    bytes
}

/// 2²⁵⁵ - 256 + `last`; the prime p is 2²⁵⁵ - 19, where `last` is ed.
fn near_p(last: u8) -> [u8; 32] {
    let mut bytes = [0xff; 32];
    (bytes[0], bytes[31]) = (last, 0x7f);
    bytes
}

/// The u-coordinates of small order on Curve25519 and its twist, in every encoding of 32 bytes: 0, 1, two of order 8,
/// p - 1, and the non-canonical p (= 0) and p + 1 (= 1). X25519 ignores the top bit, so each counts with it, too.
fn points_of_low_order() -> Vec<PublicKey> {
    let order_8 = [
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    ];
    let order_8 = order_8.map(|digits| base16ct::lower::decode_vec(digits).unwrap().try_into().unwrap());
    let points = [small(0), small(1), near_p(0xec), near_p(0xed), near_p(0xee)];
    let with_and_without_top_bit = |mut point: [u8; 32]| {
        let without = PublicKey::from_bytes(point);
        point[31] |= 0x80;
        [without, PublicKey::from_bytes(point)]
    };
    let all = points.into_iter().chain(order_8);
    all.flat_map(with_and_without_top_bit).collect()
}

#[test]
fn no_point_of_low_order_is_sealed_for_or_opened_with() {
    let recipient = Recipient::new();
    let points = points_of_low_order();
    assert_eq!(points.len(), 14);
    for point in points {
        assert_eq!(BoxKey::to_seal(&point).err(), Some(SealError::LowOrder), "{point}");
        assert_eq!(BoxKey::to_open(&recipient.ours, &point).err(), Some(LowOrder), "{point}");
        // The oracle takes them: so it is our check that refuses, and nothing before it.
        let theirs = crypto_box::PublicKey::from(*point.as_bytes());
        assert!(theirs.seal(&mut OsRng, b"for everybody").is_ok());
    }
    for neighbour in [small(2), near_p(0xeb), near_p(0xef)].map(PublicKey::from_bytes) {
        assert!(BoxKey::to_seal(&neighbour).is_ok());
        assert!(BoxKey::to_open(&recipient.ours, &neighbour).is_ok());
    }
}

#[test]
fn the_cipher_carries_its_block_counter_like_the_oracle() {
    let (key, nonce) = ([7; 32], [9; 24]);
    // libsodium's vector code counts in lanes of 32 bits and works on up to 16 blocks at once.
    for border in [1_u64 << 31, 1 << 32, 1 << 33, 1 << 48] {
        for block in border - 33..=border + 1 {
            agree_on_key_stream(&key, &nonce, block, vec![0; 40 * StreamCipher::BLOCK_BYTES + 1]);
        }
    }
}

fn agree_on_key_stream(key: &[u8; 32], nonce: &[u8; 24], block: u64, mut data: Vec<u8>) {
    let mut expected = data.clone();
    let mut oracle = XSalsa20::new(key.into(), nonce.into());
    oracle.seek(u128::from(block) * StreamCipher::BLOCK_BYTES as u128);
    oracle.apply_keystream(&mut expected);
    StreamCipher::new(key, nonce).apply(block, &mut data);
    assert!(data == expected, "block {block}, {} bytes: the key streams differ", data.len());
}

/// `bytes` in pieces of these lengths, and the rest as the last piece.
fn pieces<'a>(mut bytes: &'a mut [u8], lengths: &[usize]) -> Vec<&'a mut [u8]> {
    let mut pieces = Vec::new();
    for length in lengths {
        let (piece, rest) = bytes.split_at_mut((*length).min(bytes.len()));
        pieces.push(piece);
        bytes = rest;
    }
    pieces.push(bytes);
    pieces
}

fn lengths() -> impl Strategy<Value = Vec<usize>> {
    let borders = prop::sample::select(vec![0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 128, 255, 256]);
    vec(prop_oneof![borders, 0..300_usize], 0..24)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn the_cipher_agrees_with_the_oracle_at_any_block(
        key: [u8; 32], nonce: [u8; 24], block in 0..1_u64 << 57, data in vec(any::<u8>(), 0..1500),
    ) {
        agree_on_key_stream(&key, &nonce, block, data);
    }

    #[test]
    fn the_authenticator_agrees_with_the_oracle_in_any_pieces(
        key: [u8; 32], mut message in vec(any::<u8>(), 0..1500), lengths in lengths(),
    ) {
        let tag: [u8; 16] = Poly1305::new((&key).into()).compute_unpadded(&message).into();
        let mut ours = Authenticator::new(&key);
        for piece in pieces(&mut message, &lengths) {
            ours.update(piece);
        }
        prop_assert_eq!(ours.finish(), tag);
    }

    #[test]
    fn the_authenticator_accepts_its_tag_and_no_tag_with_one_bit_flipped(
        key: [u8; 32], message in vec(any::<u8>(), 0..100),
    ) {
        let ours = || {
            let mut ours = Authenticator::new(&key);
            ours.update(&message);
            ours
        };
        let mut tag: [u8; 16] = Poly1305::new((&key).into()).compute_unpadded(&message).into();
        prop_assert!(ours().verify(&tag));
        for bit in 0..128 {
            tag[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!ours().verify(&tag), "bit {} was flipped", bit);
            tag[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn pieces_of_any_lengths_make_the_same_box_and_the_same_plaintext(
        plaintext in vec(any::<u8>(), 0..3000), seal in lengths(), open in lengths(), afterwards in lengths(),
    ) {
        let recipient = Recipient::new();
        let (key, _) = BoxKey::to_seal(&recipient.ours.public_key()).unwrap();
        let (mut whole, mut parts) = (plaintext.clone(), plaintext.clone());
        let mut sealer = Sealer::new(&key);
        sealer.encrypt(&mut whole);
        let tag = sealer.finish();
        let mut sealer = Sealer::new(&key);
        pieces(&mut parts, &seal).into_iter().for_each(|piece| sealer.encrypt(piece));
        prop_assert_eq!(sealer.finish(), tag);
        prop_assert_eq!(&whole, &parts);

        // Decrypted before the tag is known, as into a file; and after it, as to standard output.
        let (mut before, mut after) = (whole.clone(), whole);
        let mut opener = Opener::new(&key);
        for piece in pieces(&mut before, &open) {
            opener.authenticate(piece);
            opener.decrypt(piece);
        }
        prop_assert!(opener.verify(&tag).is_some());
        prop_assert_eq!(&before, &plaintext);
        let mut opener = Opener::new(&key);
        pieces(&mut after, &open).into_iter().for_each(|piece| opener.authenticate(piece));
        let mut verified = opener.verify(&tag).expect("the same tag");
        pieces(&mut after, &afterwards).into_iter().for_each(|piece| verified.decrypt(piece));
        prop_assert_eq!(after, plaintext);
    }
}
