//! What our engine seals crypto_box opens, and the other way round, at every size and every chunk border, with any number
//! of threads; libsodium's cipher agrees with the salsa20 crate; nothing that was changed opens.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used, clippy::panic)]

use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::path::Path;

use crypto_box::SecretKey;
use crypto_box::aead::OsRng;
use proptest::collection::vec;
use proptest::prelude::*;
use salsa20::XSalsa20;
use salsa20::cipher::{KeyIvInit as _, StreamCipher as _, StreamCipherSeek as _};
use saltbridge::encryption::sealed_box::{BoxKey, HEADER_BYTES, Header, LowOrder, SealError};
use saltbridge::encryption::{KeyPair, PrivateKey, PublicKey};
use saltbridge::files::{
    BoxCipher, CHUNK_BYTES, Folder, Input, Inputs, OpenBoxError, Output, Overwrite, Source, Target, Threads,
    Unpublished, open_box, seal_box,
};
use saltbridge::sodium::StreamCipher;

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
        let (cipher, mut authenticator) = BoxCipher::start(&key);
        cipher.apply(0, &mut ciphertext);
        authenticator.update(&ciphertext);
        let tag = authenticator.finish();
        let mut sealed = Header { ephemeral, tag }.to_bytes().to_vec();
        sealed.append(&mut ciphertext);
        sealed
    }

    fn open_with_engine(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let (header, ciphertext) = sealed.split_first_chunk::<HEADER_BYTES>()?;
        let header = Header::from_bytes(header);
        let key = BoxKey::to_open(&self.ours, &header.ephemeral).ok()?;
        let (cipher, mut authenticator) = BoxCipher::start(&key);
        authenticator.update(ciphertext);
        let mut plaintext = ciphertext.to_vec();
        cipher.apply(0, &mut plaintext);
        authenticator.verify(&header.tag).then_some(plaintext)
    }

    fn open_file(&self, way: Way, folder: &Path, sealed: &[u8]) -> Result<Vec<u8>, OpenBoxError> {
        way.go(folder, sealed, |input, output, threads| open_box(input, output, &self.ours, threads, &|_| ()))
    }

    fn seal_file(&self, way: Way, folder: &Path, plaintext: &[u8]) -> Vec<u8> {
        let recipient = self.ours.public_key();
        let seal =
            |input: &mut Input, output: Output<'_>, threads| seal_box(input, output, &recipient, threads, &|_| ());
        way.go(folder, plaintext, seal).unwrap()
    }
}

/// How a file goes through the engine.
#[derive(Clone, Copy, Debug)]
struct Way {
    threads: usize,
    /// Read from a pipe, whose end nobody knows before.
    piped: bool,
}

const WAYS: [Way; 5] = [
    Way {
        threads: 1,
        piped: false,
    },
    Way {
        threads: 2,
        piped: false,
    },
    Way {
        threads: 2,
        piped: true,
    },
    Way {
        threads: 3,
        piped: false,
    },
    Way {
        threads: 4,
        piped: true,
    },
];

impl Way {
    /// Lets `work` read `bytes` and write a file, and reads that.
    fn go<E: From<saltbridge::files::TargetError>>(
        self,
        folder: &Path,
        bytes: &[u8],
        work: impl FnOnce(&mut Input, Output<'_>, Threads) -> Result<Unpublished, E>,
    ) -> Result<Vec<u8>, E> {
        let target = Target::new(&Folder::open(folder).unwrap(), "to".as_ref()).unwrap();
        let output = Output::File {
            target: &target,
            overwrite: Overwrite::Replace,
            inputs: &Inputs::default(),
        };
        let result = std::thread::scope(|scope| {
            let mut input = match self.piped {
                true => {
                    let (reader, mut writer) = std::io::pipe().unwrap();
                    let path = format!("/proc/self/fd/{}", reader.as_raw_fd());
                    let input = Input::open(&Source::Path(path.into())).unwrap();
                    // A reader that fails before the end closes the pipe.
                    scope.spawn(move || bytes.chunks(100_003).try_for_each(|piece| writer.write_all(piece)));
                    input
                }
                false => {
                    let from = folder.join("from");
                    std::fs::write(&from, bytes).unwrap();
                    Input::open(&Source::Path(from)).unwrap()
                }
            };
            work(&mut input, output, Threads::new(self.threads))
        });
        let length = result?.publish()?;
        let result = std::fs::read(folder.join("to")).unwrap();
        assert_eq!(result.len() as u64, length);
        Ok(result)
    }
}

fn random(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

/// The sizes at which a chunk ends just before, at, or just after the end of a block of the cipher, a block of the
/// authenticator, or the part of a block that the authenticator's key takes away.
fn sizes_around_chunk_borders() -> impl Iterator<Item = usize> {
    [CHUNK_BYTES, 2 * CHUNK_BYTES, 3 * CHUNK_BYTES]
        .into_iter()
        .flat_map(|border| {
            let around = move |distance: usize| [border - distance, border + distance];
            let near = [64, HEADER_BYTES, 32, 16].into_iter().flat_map(around);
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
    let plaintext = random(3 * CHUNK_BYTES + 65);
    let mut sizes = 0;
    for size in sizes_around_chunk_borders() {
        let plaintext = &plaintext[..size];
        let theirs = recipient.seal_with_oracle(plaintext);
        for way in WAYS {
            let opened = recipient.open_file(way, folder.path(), &theirs).unwrap();
            assert!(opened == plaintext, "{size} bytes, {way:?}");
            // What we open is what the oracle sealed: good enough to judge what we seal.
            let ours = recipient.seal_file(way, folder.path(), plaintext);
            assert_eq!(ours.len(), size + HEADER_BYTES);
            assert!(recipient.open_with_engine(&ours).unwrap() == plaintext, "{size} bytes, {way:?}");
        }
        let way = WAYS[sizes % WAYS.len()];
        for ours in [recipient.seal_with_engine(plaintext), recipient.seal_file(way, folder.path(), plaintext)] {
            assert!(recipient.oracle.unseal(&ours).unwrap() == plaintext, "{size} bytes, {way:?}");
        }
        sizes += 1;
    }
    assert_eq!(sizes, 3 * 27);
}

#[test]
fn a_changed_bit_in_any_chunk_keeps_a_file_shut_however_many_threads_there_are() {
    let recipient = Recipient::new();
    let folder = tempfile::tempdir().unwrap();
    let mut sealed = recipient.seal_with_engine(&random(4 * CHUNK_BYTES + 5));
    for way in WAYS {
        for chunk in 0..=4 {
            let byte = HEADER_BYTES + chunk * CHUNK_BYTES;
            sealed[byte] ^= 0x10;
            let result = recipient.open_file(way, folder.path(), &sealed);
            assert!(matches!(result, Err(OpenBoxError::DoesNotOpen { .. })), "chunk {chunk}, {way:?}");
            sealed[byte] ^= 0x10;
        }
    }
    assert!(!folder.path().join("to").exists());
    assert!(recipient.open_file(WAYS[1], folder.path(), &sealed).is_ok());
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
    let sealed = recipient.seal_with_oracle(&random(3 * CHUNK_BYTES + 70));
    let around_borders = sizes_around_chunk_borders().map(|size| size + HEADER_BYTES);
    for length in (0..=HEADER_BYTES + 130).chain(around_borders) {
        match recipient.open_file(WAYS[length % WAYS.len()], folder.path(), &sealed[..length]) {
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
    fn parts_of_any_lengths_make_the_same_box_in_any_order(
        plaintext in vec(any::<u8>(), 0..3000), lengths in lengths(), order in any::<prop::sample::Index>(),
    ) {
        let recipient = Recipient::new();
        let (key, _) = BoxKey::to_seal(&recipient.ours.public_key()).unwrap();
        let (cipher, _) = BoxCipher::start(&key);
        let mut whole = plaintext.clone();
        cipher.apply(0, &mut whole);

        let mut parts = plaintext.clone();
        let mut position = 0;
        let mut pieces: Vec<_> = pieces(&mut parts, &lengths)
            .into_iter()
            .map(|piece| {
                position += piece.len() as u64;
                (position - piece.len() as u64, piece)
            })
            .collect();
        let middle = order.index(pieces.len());
        pieces.rotate_left(middle);
        pieces.into_iter().for_each(|(position, piece)| cipher.apply(position, piece));
        prop_assert_eq!(&whole, &parts);
        cipher.apply(0, &mut parts);
        prop_assert_eq!(parts, plaintext);
    }
}
