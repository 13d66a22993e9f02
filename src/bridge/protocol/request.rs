//! The signature of a request: who asks, for exactly what, when.

use http::request::Parts;

use super::components::{self, AUTHORITY, CONTENT_DIGEST, Input, METHOD, PATH, QUERY};
use super::key::{KeyId, PageKey};
use super::{SignatureError, base64, digest};

const TAG: &str = "saltbridge-request";

/// A request's signature as it stands in the headers, not yet verified.
///
/// [`Self::parse`] judges its form, [`Self::verify`] that it is one of a key, [`Self::check_body`] that the body is the
/// one that was signed, and [`super::Nonces`], after all of these, that it is good now and for the first time.
#[derive(Clone, Debug)]
pub struct RequestSignature {
    input: Input,
    method: String,
    path: String,
    query: String,
    digest: Option<[u8; 32]>,
    key_id: KeyId,
    created: i64,
    nonce: [u8; 16],
    signature: [u8; 64],
}

impl RequestSignature {
    /// Reads the signature of a request. `wants_digest`: the call has a JSON body, and the signature covers its digest;
    /// otherwise it covers none.
    ///
    /// Path and query are taken as they stand in the request target; an absent query and an empty one are the same.
    ///
    /// # Errors
    /// [`SignatureError`], all but `OtherBody`, `OtherKey` and `Invalid`.
    pub fn parse(parts: &Parts, wants_digest: bool) -> Result<Self, SignatureError> {
        let wanted: &[_] = match wants_digest {
            true => &[METHOD, AUTHORITY, PATH, QUERY, CONTENT_DIGEST],
            false => &[METHOD, AUTHORITY, PATH, QUERY],
        };
        let input = Input::read(&parts.headers, wanted, &["created", "nonce", "keyid", "tag", "alg"])?;
        input.check_kind(TAG)?;
        let nonce = input.string("nonce", "base64 of 16 bytes", base64::decode_exact)?;
        Ok(Self {
            method: parts.method.as_str().to_owned(),
            path: parts.uri.path().to_owned(),
            query: format!("?{}", parts.uri.query().unwrap_or_default()),
            digest: wants_digest.then(|| digest::read(&parts.headers)).transpose()?,
            key_id: input.key_id()?,
            created: input.created()?,
            nonce,
            signature: components::signature(&parts.headers)?,
            input,
        })
    }

    /// The name of the key that is said to have signed.
    pub fn key_id(&self) -> KeyId {
        self.key_id
    }

    /// When it is said to have been made: seconds since 1970.
    pub fn created(&self) -> i64 {
        self.created
    }

    /// What makes it the only one of its kind.
    pub fn nonce(&self) -> [u8; 16] {
        self.nonce
    }

    /// SHA-256 of the JSON body that was signed; None where there is none.
    pub fn digest(&self) -> Option<[u8; 32]> {
        self.digest
    }

    /// The 64 bytes r ‖ s, which the answer's signature covers.
    pub fn raw(&self) -> &[u8; 64] {
        &self.signature
    }

    /// That `key` signed this request to `authority`: the host and port that the bridge is bound to, never what the
    /// request says of itself.
    ///
    /// # Errors
    /// [`SignatureError::OtherKey`] and [`SignatureError::Invalid`].
    pub fn verify(&self, authority: &str, key: &PageKey) -> Result<(), SignatureError> {
        if self.key_id != key.key_id() {
            return Err(SignatureError::OtherKey);
        }
        match key.signed(self.base(authority).as_bytes(), &self.signature) {
            true => Ok(()),
            false => Err(SignatureError::Invalid),
        }
    }

    /// That `body` is the JSON body that was signed.
    ///
    /// # Errors
    /// [`SignatureError::OtherBody`], also if none was signed.
    pub fn check_body(&self, body: &[u8]) -> Result<(), SignatureError> {
        match self.digest == Some(digest::body_digest(body)) {
            true => Ok(()),
            false => Err(SignatureError::OtherBody),
        }
    }

    /// The text that is signed.
    fn base(&self, authority: &str) -> String {
        let digest = self.digest.as_ref().map(digest::text).unwrap_or_default();
        self.input.base(|name| match name {
            METHOD => &self.method,
            AUTHORITY => authority,
            PATH => &self.path,
            QUERY => &self.query,
            _ => &digest,
        })
    }
}
