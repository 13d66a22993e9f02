//! The digest of a body: SHA-256, in the header `Content-Digest` (RFC 9530).

use http::{HeaderMap, HeaderValue};
use sfv::{BareItem, ListEntry};
use sha2::{Digest as _, Sha256};

use super::fields::{self, header};
use super::{SignatureError, base64};

const HEADER: &str = "Content-Digest";
const ALGORITHM: &str = "sha-256";

/// SHA-256 of a body: what its digest header says of it.
pub fn body_digest(body: &[u8]) -> [u8; 32] {
    Sha256::digest(body).into()
}

/// The value of `Content-Digest` for a body with this digest: `sha-256=:…:`.
pub fn content_digest(digest: &[u8; 32]) -> HeaderValue {
    fields::value(&text(digest))
}

/// The same as text.
pub(super) fn text(digest: &[u8; 32]) -> String {
    format!("{ALGORITHM}=:{}:", base64::encode(digest))
}

/// The digest in the header: once there, one member, SHA-256, no parameters.
pub(super) fn read(headers: &HeaderMap) -> Result<[u8; 32], SignatureError> {
    let fault = SignatureError::Digest;
    let text = header(headers, HEADER, fault("there is none"))?;
    let (member, _) = fields::member(text, ALGORITHM).map_err(fault)?;
    match member {
        ListEntry::Item(item) if item.params.is_empty() => match item.bare_item {
            BareItem::ByteSequence(bytes) => bytes.try_into().map_err(|_| fault("it has not 32 bytes")),
            _ => Err(fault("it is not a byte sequence")),
        },
        _ => Err(fault("it has parameters, or is a list")),
    }
}
