//! Files are opened by somebody who asks for the key of each box and never learns the private key; the key of a box opens
//! that box and no other.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::path::Path;
use std::sync::Mutex;

use saltbridge::encryption::sealed_box::{BoxKey, BoxKeyError, BoxOpener, HEADER_BYTES, Header};
use saltbridge::encryption::{KeyPair, PrivateKey, PublicKey};
use saltbridge::fault::{Class, Explanation, Fault as _};
use saltbridge::files::{
    Folder, Input, Inputs, OpenBoxError, Output, Overwrite, Source, Target, TargetError, Threads, Unpublished, batch,
    open_box, open_to_spool, seal_to_spool,
};

/// Holds the key pair and gives away the 32 bytes of one box at a time, as over a socket.
struct Holder {
    key_pair: KeyPair,
    asked: Mutex<Vec<PublicKey>>,
}

impl Holder {
    fn new() -> Self {
        Self {
            key_pair: key_pair(),
            asked: Mutex::default(),
        }
    }

    fn answer(&self, ephemeral: &PublicKey) -> Result<[u8; 32], BoxKeyError> {
        self.asked.lock().unwrap().push(*ephemeral);
        Ok(*self.key_pair.box_key(ephemeral)?.expose_key())
    }
}

/// Knows the public key, and whom to ask.
struct Client<'a>(&'a Holder, PublicKey);

impl BoxOpener for Client<'_> {
    fn box_key(&self, ephemeral: &PublicKey) -> Result<BoxKey, BoxKeyError> {
        let key = self.0.answer(ephemeral)?;
        Ok(BoxKey::from_parts(&key, ephemeral, &self.1))
    }
}

/// Does not answer.
struct Silent;

impl BoxOpener for Silent {
    fn box_key(&self, _: &PublicKey) -> Result<BoxKey, BoxKeyError> {
        Err(BoxKeyError::NotGiven {
            message: "the bridge has forgotten the key".to_owned(),
            explanation: Explanation::new("key-forgotten", Class::DoesNotOpen, "unlock it again"),
        })
    }
}

/// Answers with the same key, whatever it is asked for.
struct Always([u8; 32], PublicKey);

impl BoxOpener for Always {
    fn box_key(&self, ephemeral: &PublicKey) -> Result<BoxKey, BoxKeyError> {
        Ok(BoxKey::from_parts(&self.0, ephemeral, &self.1))
    }
}

fn key_pair() -> KeyPair {
    KeyPair::new(PrivateKey::generate().unwrap())
}

fn input(bytes: &[u8]) -> Input {
    Input::from_reader(std::io::Cursor::new(bytes.to_vec()), "box", None)
}

fn seal(recipient: &PublicKey, plaintext: &[u8], folder: &Path) -> Vec<u8> {
    let folder = Folder::open(folder).unwrap();
    let sealed = seal_to_spool(&mut input(plaintext), recipient, &folder, Threads::ONE, &|_| ());
    let mut out = Vec::new();
    let write = |piece: &[u8]| {
        out.extend_from_slice(piece);
        Ok::<_, TargetError>(())
    };
    sealed.unwrap().pour(Threads::ONE, write).unwrap();
    out
}

fn open(opener: &dyn BoxOpener, sealed: &[u8], folder: &Path) -> Result<Vec<u8>, OpenBoxError> {
    let folder = Folder::open(folder).unwrap();
    let opened = open_to_spool(&mut input(sealed), opener, &folder, Threads::ONE, &|_| ())?;
    let mut out = Vec::new();
    opened.pour(Threads::ONE, |piece| {
        out.extend_from_slice(piece);
        Ok::<_, OpenBoxError>(())
    })?;
    Ok(out)
}

fn ephemeral(sealed: &[u8]) -> PublicKey {
    Header::from_bytes(sealed.first_chunk::<HEADER_BYTES>().unwrap()).ephemeral
}

#[test]
fn many_files_are_opened_by_one_who_asks_once_for_each() {
    let desk = tempfile::tempdir().unwrap();
    let holder = Holder::new();
    let public_key = holder.key_pair.public_key();
    let client = Client(&holder, public_key);
    let mut expected = Vec::new();
    for number in 0..20_u8 {
        let sealed = seal(&public_key, &[number; 70], desk.path());
        std::fs::write(desk.path().join(format!("{number}.sealed")), &sealed).unwrap();
        expected.push(ephemeral(&sealed));
    }
    let folder = Folder::open(desk.path()).unwrap();
    let open = |number: &u8, threads| -> Result<Unpublished, OpenBoxError> {
        let source = Source::Path(desk.path().join(format!("{number}.sealed")));
        let target = Target::new(&folder, number.to_string().as_ref())?;
        let output = Output::File {
            target: &target,
            overwrite: Overwrite::Refuse,
            inputs: &Inputs::default(),
        };
        open_box(&mut Input::open(&source)?, output, &client, threads, &|_| ())
    };
    let numbers = (0..20).collect();
    batch::run_all(
        numbers,
        Threads::new(3),
        |_| Some(118),
        open,
        |number, result| {
            assert_eq!(result.unwrap(), 70);
            assert_eq!(std::fs::read(desk.path().join(number.to_string())).unwrap(), [number; 70]);
        },
    );
    let mut asked = holder.asked.into_inner().unwrap();
    asked.sort_by_key(|key| *key.as_bytes());
    expected.sort_by_key(|key| *key.as_bytes());
    assert_eq!(asked, expected);
}

#[test]
fn the_key_of_a_box_is_the_same_by_either_way_and_opens_no_other_box() {
    let desk = tempfile::tempdir().unwrap();
    let holder = Holder::new();
    let public_key = holder.key_pair.public_key();
    let [first, second] = [b"first", b"other"].map(|text| seal(&public_key, text, desk.path()));
    let key = holder.answer(&ephemeral(&first)).unwrap();

    let rebuilt = BoxKey::from_parts(&key, &ephemeral(&first), &public_key);
    let own = BoxKey::to_open(&holder.key_pair, &ephemeral(&first)).unwrap();
    assert_eq!((rebuilt.expose_key(), rebuilt.nonce()), (own.expose_key(), own.nonce()));

    assert_eq!(open(&Always(key, public_key), &first, desk.path()).unwrap(), b"first");
    let refused = |opener: &dyn BoxOpener, sealed: &[u8]| {
        let result = open(opener, sealed, desk.path());
        assert!(matches!(result, Err(OpenBoxError::DoesNotOpen { .. })), "{:?}", result.err());
    };
    refused(&Always(key, public_key), &second);
    refused(&Always(key, key_pair().public_key()), &first);
    // The first box under the second one's ephemeral key: same key, another nonce.
    refused(&Always(key, public_key), &[&second[..32], &first[32..]].concat());
    for byte in 0..32 {
        let mut other = key;
        other[byte] ^= 1;
        refused(&Always(other, public_key), &first);
    }
    assert_eq!(open(&holder.key_pair, &second, desk.path()).unwrap(), b"other");
}

#[test]
fn a_key_that_is_not_given_is_told_with_its_own_reason() {
    let desk = tempfile::tempdir().unwrap();
    let sealed = seal(&key_pair().public_key(), b"text", desk.path());
    let error = open(&Silent, &sealed, desk.path()).unwrap_err();
    assert_eq!(error.to_string(), "box was not opened: the bridge has forgotten the key");
    assert_eq!(error.explain(), Explanation::new("key-forgotten", Class::DoesNotOpen, "unlock it again"));
    // What is no box is refused before anybody is asked.
    let result = open(&Silent, &sealed[..47], desk.path());
    assert!(matches!(result, Err(OpenBoxError::TooShort { found: 47, .. })));
}

#[test]
fn a_forged_box_is_the_same_to_both() {
    let desk = tempfile::tempdir().unwrap();
    let holder = Holder::new();
    let public_key = holder.key_pair.public_key();
    let openers: [&dyn BoxOpener; 2] = [&holder.key_pair, &Client(&holder, public_key)];
    for opener in openers {
        for point in [[0; 32], std::array::from_fn(|at| u8::from(at == 0))] {
            let forged = [&point[..], &[7; 40]].concat();
            let error = open(opener, &forged, desk.path()).unwrap_err();
            assert_eq!(error.to_string(), "box is forged: its ephemeral key is a point of low order");
            assert_eq!((error.explain().code, error.explain().class), ("low-order-box", Class::Damaged));
            let error = opener.box_key(&PublicKey::from_bytes(point)).err().unwrap();
            assert_eq!(error, BoxKeyError::LowOrder);
            assert_eq!(error.explain().code, "low-order-box");
        }
        // 2 is no point of low order.
        let near = PublicKey::from_bytes(std::array::from_fn(|at| if at == 0 { 2 } else { 0 }));
        assert!(opener.box_key(&near).is_ok());
    }
}
