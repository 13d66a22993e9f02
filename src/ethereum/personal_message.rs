//! The personal message of EIP-191, version 0x45: what `personal_sign` signs.

use super::keccak256;

/// The 32 bytes that a wallet signs for `message`: Keccak-256 of `"\x19Ethereum Signed Message:\n"`, the message's
/// length in bytes as decimal text, and the message (EIP-191).
pub fn personal_message_hash(message: &[u8]) -> [u8; 32] {
    let length = message.len().to_string();
    keccak256(&[b"\x19Ethereum Signed Message:\n", length.as_bytes(), message])
}
