//! One worked example per key derivation, for docs/envelope.md: `cargo run --example worked_example`.
//!
//! The storage key is computed here a second time, from the bare hash functions, so that the example does not merely
//! repeat what the library says. The wallet is the first account of a publicly known test seed ("test test … junk"):
//! everybody has its key.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, unreachable_pub)]

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use k256::ecdsa::SigningKey;
use poly1305::Poly1305;
use poly1305::universal_hash::KeyInit as _;
use salsa20::XSalsa20;
use salsa20::cipher::{KeyIvInit as _, StreamCipher as _};
use saltbridge::encryption::{Envelope, KeyPair, Message, Nonce, PrivateKey, StorageKey};
use saltbridge::ethereum::{Address, Signature, VForm};
use sha2::Sha256;
use sha3::{Digest as _, Keccak256};

const WALLET_KEY: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const PRIVATE_KEY: &str = "2a1f9f3ab0646302ad65256b5e5866697c48744162141e30e3deb800f2342ba9";
const SALT: &str = "54195319f6efcf1ce22f2d6ba8184394b674c3a4185fa1d14a68d3d34904109b";
const NONCE: &str = "69fdb90add679d2924a0500700319861e0723d734b434e63";

fn main() {
    print!("{}", text());
}

/// Both examples, as they stand in docs/envelope.md.
pub fn text() -> String {
    let key_pair = KeyPair::new(PrivateKey::from_bytes(&unhex(PRIVATE_KEY)));
    let salt = unhex(SALT);
    let public_key = key_pair.public_key();
    let keccak256 = example(&key_pair, Message::NumerBay { salt }, |signature, _| Keccak256::digest(signature).into());
    let hkdf_sha256 = example(&key_pair, Message::Saltbridge { public_key, salt }, |signature, address| {
        let info = [b"saltbridge storage key v1".as_slice(), address.as_bytes(), public_key.as_bytes()].concat();
        let mut key = [0; 32];
        hkdf::Hkdf::<Sha256>::new(Some(&salt), signature)
            .expand(&info, &mut key)
            .unwrap();
        key
    });
    format!("### keccak256\n\n```text\n{keccak256}```\n\n### hkdf-sha256\n\n```text\n{hkdf_sha256}```\n")
}

fn example(key_pair: &KeyPair, message: Message, derive: impl Fn(&[u8; 65], &Address) -> [u8; 32]) -> String {
    let hash = message.known().unwrap().hash();
    let wallet = SigningKey::from_slice(&unhex::<32>(WALLET_KEY)).unwrap();
    let (scalars, recovery_id) = wallet.sign_prehash_recoverable(&hash);
    let mut bytes = [0; 65];
    bytes[..64].copy_from_slice(&scalars.to_bytes());
    bytes[64] = 27 + recovery_id.to_byte();

    let signature = Signature::from_bytes(&bytes).unwrap();
    assert_eq!(signature.low_s(VForm::Offset27).expose_bytes(), &bytes);
    let address = signature.recover(&hash).unwrap();
    let key = derive(&bytes, &address);
    let library_key = match &message {
        Message::Saltbridge { public_key, salt } => StorageKey::hkdf_sha256(&signature, salt, &address, public_key),
        _ => StorageKey::keccak256(&signature),
    };
    let private_key = key_pair.private_key();
    let nonce = Nonce::from_bytes(unhex(NONCE));
    let envelope = Envelope::seal(private_key, &library_key, nonce, message.clone());
    let data = [nonce.as_bytes(), &*secretbox(&key, &nonce, private_key)].concat();
    let stored: serde_json::Value = serde_json::from_str(&envelope.to_text()).unwrap();
    assert_eq!(stored["data"], BASE64_STANDARD.encode(data));

    format!(
        "address       {address}\npublic key    {}\nprivate key   {}\nmessage       {:?}\nhash          {}\nsignature     {}\nstorage key   {}\nnonce         {NONCE}\nenvelope      {}\n",
        key_pair.public_key(),
        *private_key.to_base64(),
        message.to_string(),
        hex(&hash),
        hex(&bytes),
        hex(&key),
        envelope.to_text(),
    )
}

/// NaCl's secretbox of the inner JSON, from the bare cipher and authenticator.
fn secretbox(key: &[u8; 32], nonce: &Nonce, private_key: &PrivateKey) -> Vec<u8> {
    let mut stream = XSalsa20::new(key.into(), nonce.as_bytes().into());
    let mut authenticator_key = [0; 32];
    stream.apply_keystream(&mut authenticator_key);
    let mut ciphertext = format!(r#"{{"data":"{}"}}"#, *private_key.to_base64()).into_bytes();
    stream.apply_keystream(&mut ciphertext);
    let tag = Poly1305::new(&authenticator_key.into()).compute_unpadded(&ciphertext);
    [&tag[..], &ciphertext].concat()
}

fn unhex<const N: usize>(text: &str) -> [u8; N] {
    let mut bytes = [0; N];
    base16ct::lower::decode(text, &mut bytes).unwrap();
    bytes
}

fn hex(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(bytes)
}
