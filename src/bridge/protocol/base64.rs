//! Base64 in its one canonical spelling (RFC 4648): padded where it stands in JSON and headers, unpadded and with the
//! alphabet for addresses where it names a key. No white space; unused bits are zero.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};

/// `bytes` in the standard alphabet, with padding.
pub(super) fn encode(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

/// The bytes of `text` in the standard alphabet, with padding.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(text).ok()
}

/// The same where exactly `N` bytes are wanted.
pub(super) fn decode_exact<const N: usize>(text: &str) -> Option<[u8; N]> {
    decode(text)?.try_into().ok()
}

/// `bytes` in the alphabet for addresses, without padding.
pub(super) fn encode_url(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// Exactly `N` bytes of `text` in the alphabet for addresses, without padding.
pub(super) fn decode_url_exact<const N: usize>(text: &str) -> Option<[u8; N]> {
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}
