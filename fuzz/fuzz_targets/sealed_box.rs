//! A sealed box opens exactly if crypto_box opens it, to the same plaintext, whatever the pieces; one with an ephemeral
//! key of low order never does.
#![no_main]

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use libfuzzer_sys::fuzz_target;
use saltbridge::encryption::sealed_box::{BoxKey, HEADER_BYTES, Header};
use saltbridge::encryption::{KeyPair, PrivateKey};
use saltbridge::files::BoxCipher;

/// The recipient of most recorded boxes: `env-speculos-44h_60h_0h_0_0-v27` in tests/vectors/numerbay-v2.json.
const PRIVATE_KEY: &str = "jw2tAdzFJnEBHxDSN0YC3oKHi7ey/zhf7HuHXlnzk2o=";

fuzz_target!(|sealed: &[u8]| {
    let private_key: [u8; 32] = BASE64_STANDARD
        .decode(PRIVATE_KEY)
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .expect("32 bytes of base64");
    let Some((header, ciphertext)) = sealed.split_first_chunk::<HEADER_BYTES>() else {
        return;
    };
    let header = Header::from_bytes(header);
    assert_eq!(header.to_bytes(), sealed[..HEADER_BYTES]);
    let recipient = KeyPair::new(PrivateKey::from_bytes(&private_key));
    let Ok(key) = BoxKey::to_open(&recipient, &header.ephemeral) else {
        return;
    };
    // The lengths of the pieces follow the input, so that the fuzzer can choose them.
    let length = usize::from(header.tag[0]) + 1;
    let mut plaintext = ciphertext.to_vec();
    let (cipher, mut authenticator) = BoxCipher::start(&key);
    let mut position = 0;
    for piece in plaintext.chunks_mut(length) {
        authenticator.update(piece);
        cipher.apply(position, piece);
        position += piece.len() as u64;
    }
    let opened = authenticator.verify(&header.tag).then_some(plaintext);
    assert_eq!(opened, crypto_box::SecretKey::from(private_key).unseal(sealed).ok());
});
