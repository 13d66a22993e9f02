//! Base64 as NumerBay's web app reads and writes it: the standard alphabet with padding (RFC 4648, section 4), no white
//! space.
//!
//! As in the web app's decoder (tweetnacl-util 0.15), unused bits of the last character may be set when reading.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use super::FormatError;

const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// The bytes of `text`, which stands in the field `field`.
pub(super) fn decode(field: &'static str, text: &str) -> Result<Zeroizing<Vec<u8>>, FormatError> {
    let mut bytes = Zeroizing::new(vec![0; text.len() / 4 * 3 + 3]);
    let length = ENGINE
        .decode_slice(text, &mut bytes)
        .map_err(|_| FormatError::BadBase64 { field })?;
    bytes.truncate(length);
    Ok(bytes)
}

/// The same where exactly `N` bytes are wanted.
pub(super) fn decode_exact<const N: usize>(field: &'static str, text: &str) -> Result<Zeroizing<[u8; N]>, FormatError> {
    let bytes = decode(field, text)?;
    let mut exact = Zeroizing::new([0; N]);
    if bytes.len() != N {
        return Err(FormatError::WrongLength {
            field,
            expected: N,
            found: bytes.len(),
        });
    }
    exact.copy_from_slice(&bytes);
    Ok(exact)
}

/// `bytes` as text. Wiped on drop, because the bytes may be a key.
pub(super) fn encode(bytes: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(bytes.len().div_ceil(3) * 4));
    ENGINE.encode_string(bytes, &mut text);
    text
}
