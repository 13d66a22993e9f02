//! What is opened or sealed from a reader, and poured into anything: what the oracle says, at every chunk border; and not
//! a byte of it where the box, the reader or the disk is not sound.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used, clippy::panic)]

mod support;

use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use crypto_box::SecretKey;
use crypto_box::aead::OsRng;
use saltbridge::encryption::sealed_box::{HEADER_BYTES, SealError};
use saltbridge::encryption::{KeyPair, PrivateKey, PublicKey};
use saltbridge::fault::{Class, Fault as _};
use saltbridge::files::{
    CHUNK_BYTES, Folder, Input, InputError, OpenBoxError, SealBoxError, Spooled, TargetError, Threads, open_to_spool,
    seal_to_spool,
};
use tempfile::TempDir;

const CHUNK: usize = CHUNK_BYTES;

/// A key pair, for us and for the oracle, and a folder for what waits.
struct Bench {
    ours: KeyPair,
    oracle: SecretKey,
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        let bytes: [u8; 32] = random(32).try_into().unwrap();
        Self {
            ours: KeyPair::new(PrivateKey::from_bytes(&bytes)),
            oracle: SecretKey::from(bytes),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn seal_with_oracle(&self, plaintext: &[u8]) -> Vec<u8> {
        self.oracle.public_key().seal(&mut OsRng, plaintext).unwrap()
    }

    fn spool(&self) -> Folder {
        Folder::open(self.folder.path()).unwrap()
    }

    fn open(&self, mut input: Input, threads: Threads) -> Result<Spooled, OpenBoxError> {
        open_to_spool(&mut input, &self.ours, &self.spool(), threads, &|_| ())
    }

    fn seal(&self, mut input: Input, threads: Threads) -> Result<Spooled, SealBoxError> {
        seal_to_spool(&mut input, &self.ours.public_key(), &self.spool(), threads, &|_| ())
    }
}

fn random(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

/// Gives `bytes` in pieces of uneven lengths, then `end`, and must not be read again.
struct Body {
    bytes: Vec<u8>,
    position: usize,
    end: Option<io::Result<usize>>,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = &self.bytes[self.position..];
        if rest.is_empty() {
            return self.end.take().expect("read after its end");
        }
        let length = rest.len().min(buffer.len()).min(1 + self.position * 7919 % 70_001);
        buffer[..length].copy_from_slice(&rest[..length]);
        self.position += length;
        Ok(length)
    }
}

fn body(bytes: &[u8], size: Option<u64>) -> Input {
    broken_body(bytes, Ok(0), size)
}

fn broken_body(bytes: &[u8], end: io::Result<usize>, size: Option<u64>) -> Input {
    let reader = Body {
        bytes: bytes.to_vec(),
        position: 0,
        end: Some(end),
    };
    Input::from_reader(reader, "the request's body", size)
}

/// All that comes out, as many bytes as were announced, in pieces that are none too long and none empty.
fn pour(spooled: Spooled, threads: Threads) -> Vec<u8> {
    let length = spooled.length();
    let mut out = Vec::new();
    let write = |piece: &[u8]| {
        assert!((1..=CHUNK).contains(&piece.len()));
        out.extend_from_slice(piece);
        Ok::<_, TargetError>(())
    };
    spooled.pour(threads, write).unwrap();
    assert_eq!(out.len() as u64, length);
    out
}

/// Where a chunk, a block of the cipher or one of the authenticator is empty, begun, full or just more than full.
fn sizes() -> impl Iterator<Item = usize> {
    let short = [0, 1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 4096];
    let borders = [CHUNK, 2 * CHUNK];
    let near = |border: usize| [border - HEADER_BYTES, border - 32, border].into_iter();
    let around = borders.into_iter().flat_map(near).flat_map(|size| size - 1..=size + 1);
    short.into_iter().chain(around).chain([3 * CHUNK + 5])
}

#[test]
fn what_is_poured_is_what_the_oracle_says() {
    let bench = Bench::new();
    let content = random(3 * CHUNK + 5);
    for (number, size) in sizes().enumerate() {
        let plaintext = &content[..size];
        let theirs = bench.seal_with_oracle(plaintext);
        for threads in [Threads::ONE, Threads::new(3)] {
            // What is said of the length need not be right.
            let said = [None, Some(theirs.len() as u64), Some(0), Some(1 << 40)][number % 4];
            let opened = bench.open(body(&theirs, said), threads).unwrap();
            assert_eq!(opened.length(), size as u64);
            assert!(pour(opened, threads) == plaintext, "{size} bytes, {threads:?}");
            let sealed = bench.seal(body(plaintext, said), threads).unwrap();
            let ours = pour(sealed, threads);
            assert_eq!(ours.len(), size + HEADER_BYTES);
            assert!(bench.oracle.unseal(&ours).unwrap() == plaintext, "{size} bytes, {threads:?}");
        }
    }
}

#[test]
fn what_was_changed_or_cut_gives_nothing_to_pour() {
    let bench = Bench::new();
    let refused = |sealed: &[u8]| {
        let result = bench.open(body(sealed, None), Threads::ONE);
        assert!(matches!(result, Err(OpenBoxError::DoesNotOpen { .. })), "{} bytes", sealed.len());
    };
    for size in [0, 1, 70, 2 * CHUNK] {
        let mut sealed = bench.seal_with_oracle(&random(size));
        // Of the ephemeral key, of the tag, and of the first and last byte of each chunk. X25519 ignores one bit of the
        // key, but the nonce does not.
        let chunks = (0..size).step_by(CHUNK).map(|start| HEADER_BYTES + start);
        let last = chunks.clone().map(|start| (start + CHUNK).min(sealed.len()) - 1);
        for byte in [0, 31, 32, 47]
            .into_iter()
            .chain(chunks)
            .chain(last)
            .collect::<Vec<_>>()
        {
            sealed[byte] ^= 0x80;
            refused(&sealed);
            sealed[byte] ^= 0x80;
        }
        refused(&[&sealed[..], &[0]].concat());
        if size > 0 {
            refused(&sealed[..sealed.len() - 1]);
            refused(&sealed[..HEADER_BYTES]);
        }
        assert!(bench.open(body(&sealed, None), Threads::ONE).is_ok());
    }
    let sealed = bench.seal_with_oracle(b"");
    for length in 0..HEADER_BYTES {
        let result = bench.open(body(&sealed[..length], Some(48)), Threads::ONE);
        assert!(matches!(result, Err(OpenBoxError::TooShort { found, .. }) if found == length));
    }
    let nobodys = PublicKey::from_bytes([0; 32]);
    let result = seal_to_spool(&mut body(b"", None), &nobodys, &bench.spool(), Threads::ONE, &|_| ());
    assert!(matches!(result, Err(SealBoxError::Seal(SealError::LowOrder))));
}

#[test]
fn a_reader_that_breaks_off_gives_nothing_to_pour_and_is_told_as_what_it_is() {
    let bench = Bench::new();
    let plaintext = random(2 * CHUNK);
    let sealed = bench.seal_with_oracle(&plaintext);
    let kinds = [ErrorKind::ConnectionReset, ErrorKind::NotFound, ErrorKind::PermissionDenied, ErrorKind::IsADirectory];
    let lengths = [0, 1, 47, 48, 49, CHUNK, HEADER_BYTES + CHUNK, HEADER_BYTES + CHUNK + 1, sealed.len()];
    for (number, length) in lengths.into_iter().enumerate() {
        let broken = |bytes: &[u8]| {
            let error = io::Error::new(kinds[number % kinds.len()], "the client\u{7} went away");
            broken_body(&bytes[..length.min(bytes.len())], Err(error), Some(bytes.len() as u64))
        };
        for threads in [Threads::ONE, Threads::new(2)] {
            let Err(OpenBoxError::Input(opened @ InputError::BrokeOff { .. })) = bench.open(broken(&sealed), threads)
            else {
                panic!("the first {length} bytes opened");
            };
            let Err(SealBoxError::Input(sealed @ InputError::BrokeOff { .. })) =
                bench.seal(broken(&plaintext), threads)
            else {
                panic!("the first {length} bytes were sealed");
            };
            for error in [opened, sealed] {
                assert_eq!(error.to_string(), "the request's body broke off: the client\\u{7} went away");
                assert_eq!((error.explain().code, error.explain().class), ("broke-off", Class::System));
            }
        }
    }
}

#[test]
fn a_call_that_a_signal_interrupts_is_no_end() {
    struct Interrupted(bool, io::Cursor<Vec<u8>>);
    impl Read for Interrupted {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0 = !self.0;
            match self.0 {
                true => Err(ErrorKind::Interrupted.into()),
                false => self.1.read(buffer),
            }
        }
    }
    let bench = Bench::new();
    let reader = Interrupted(false, io::Cursor::new(bench.seal_with_oracle(b"whole")));
    let input = Input::from_reader(reader, "a\nreader", None);
    assert_eq!(input.name(), "a\\nreader");
    let opened = bench.open(input, Threads::ONE).unwrap();
    assert_eq!(pour(opened, Threads::ONE), b"whole");
}

#[test]
fn a_writer_that_fails_is_not_called_again() {
    #[derive(Debug, PartialEq)]
    struct Gone;
    impl From<TargetError> for Gone {
        fn from(error: TargetError) -> Self {
            panic!("{error}")
        }
    }
    let bench = Bench::new();
    let plaintext = random(3 * CHUNK);
    let sealed = bench.seal_with_oracle(&plaintext);
    for threads in [Threads::ONE, Threads::new(3)] {
        // Of a new box, the first piece is the header.
        for failing in 0..3 {
            let opened = bench.open(body(&sealed, None), threads).unwrap();
            let made = bench.seal(body(&plaintext, None), threads).unwrap();
            for spooled in [opened, made] {
                let mut calls = 0;
                let result = spooled.pour(threads, |_| {
                    calls += 1;
                    if calls > failing { Err(Gone) } else { Ok(()) }
                });
                assert_eq!(result, Err(Gone));
                assert_eq!(calls, failing + 1);
            }
        }
    }
    assert_eq!(support::names_in(bench.folder.path()), [""; 0]);
}

/// The one file that this process has open in the folder.
fn spool_file(folder: &Path) -> PathBuf {
    let folder = folder.canonicalize().unwrap();
    let fds = std::fs::read_dir("/proc/self/fd").unwrap();
    let fds = fds.map(|fd| fd.unwrap().path());
    let is_in_folder = |fd: &PathBuf| {
        std::fs::read_link(fd).is_ok_and(|link| link.starts_with(&folder))
            && std::fs::metadata(fd).is_ok_and(|metadata| metadata.is_file())
    };
    let found: Vec<_> = fds.filter(is_in_folder).collect();
    assert_eq!(found.len(), 1);
    found[0].clone()
}

#[test]
fn on_disk_there_is_the_ciphertext_alone() {
    let bench = Bench::new();
    let plaintext = random(CHUNK + 100);
    let made = bench.seal(body(&plaintext, None), Threads::ONE).unwrap();
    assert_eq!(support::names_in(bench.folder.path()), [""; 0], "it has no name");
    let on_disk = std::fs::read(spool_file(bench.folder.path())).unwrap();
    let sealed = pour(made, Threads::ONE);
    assert!(sealed[HEADER_BYTES..] == on_disk);
    let opened = bench.open(body(&sealed, None), Threads::ONE).unwrap();
    let on_disk = std::fs::read(spool_file(bench.folder.path())).unwrap();
    assert!(sealed[HEADER_BYTES..] == on_disk);
    assert!(pour(opened, Threads::ONE) == plaintext);
}

#[test]
fn what_the_disk_gives_back_changed_is_not_poured() {
    let bench = Bench::new();
    let plaintext = random(2 * CHUNK + 9);
    let sealed = bench.seal_with_oracle(&plaintext);
    type Change = fn(&std::fs::File);
    let changes: [(usize, Change); 4] = [
        (0, |file| file.write_all_at(&[0; 9], 0).unwrap()),
        (1, |file| file.write_all_at(&[0; 9], CHUNK as u64).unwrap()),
        (2, |file| file.set_len(2 * CHUNK as u64 + 8).unwrap()),
        (2, |file| file.set_len(2 * CHUNK as u64).unwrap()),
    ];
    for (sound, change) in changes {
        for opens in [true, false] {
            let spooled = match opens {
                true => bench.open(body(&sealed, None), Threads::ONE).unwrap(),
                false => bench.seal(body(&plaintext, None), Threads::ONE).unwrap(),
            };
            let path = spool_file(bench.folder.path());
            change(&std::fs::OpenOptions::new().write(true).open(path).unwrap());
            let mut out = 0;
            let result = spooled.pour(Threads::ONE, |piece| {
                out += piece.len();
                Ok(())
            });
            assert!(matches!(result, Err(TargetError::SpoolChanged { .. })), "{result:?}");
            let header = if opens { 0 } else { HEADER_BYTES };
            assert_eq!(out, header + sound * CHUNK);
        }
    }
}

#[test]
fn what_waits_may_be_poured_by_another_thread() {
    let bench = Bench::new();
    let sealed = bench.seal_with_oracle(b"for another thread");
    let opened = bench.open(body(&sealed, None), Threads::ONE).unwrap();
    let poured = std::thread::spawn(move || pour(opened, Threads::ONE));
    assert_eq!(poured.join().unwrap(), b"for another thread");
}
