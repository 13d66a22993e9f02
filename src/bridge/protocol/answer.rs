//! The signature of an answer: that this bridge said this to that very request.

use http::HeaderValue;
use http::response::Parts;

use super::components::{self, CONTENT_DIGEST, Input, REQUEST_SIGNATURE, STATUS, base};
use super::identity::Identity;
use super::key::PageKey;
use super::{LABEL, SignatureError, base64, digest, fields};

const TAG: &str = "saltbridge-answer";

/// The two headers of an answer's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerSignature {
    /// The value of `Signature-Input`.
    pub signature_input: HeaderValue,
    /// The value of `Signature`.
    pub signature: HeaderValue,
}

impl Identity {
    /// Signs an answer: its status, the signature of the request that it answers ([`super::RequestSignature::raw`]),
    /// and the digest of its body if that is JSON. The answer has the header [`super::content_digest`] exactly then.
    /// `created`: seconds since 1970.
    pub fn sign_answer(
        &self,
        status: u16,
        request: &[u8; 64],
        digest: Option<[u8; 32]>,
        created: i64,
    ) -> AnswerSignature {
        let covered = covered(digest.is_some());
        let parameters = format!("({});created={created};keyid=\"{}\";tag=\"{TAG}\"", covered.join(" "), self.key_id());
        let values = Values::new(status, request, digest);
        let signature = self.sign(base(covered, &parameters, |name| values.of(name)).as_bytes());
        AnswerSignature {
            signature_input: fields::value(&format!("{LABEL}={parameters}")),
            signature: fields::value(&format!("{LABEL}=:{}:", base64::encode(&signature))),
        }
    }
}

/// For a client: that the bridge with the key `bridge` gave this answer to the request with the signature `request`.
///
/// `digest`: SHA-256 of the body that came, if it is JSON; None for any other body, which no signature covers.
///
/// # Errors
/// [`SignatureError`].
pub fn verify_answer(
    parts: &Parts,
    request: &[u8; 64],
    bridge: &PageKey,
    digest: Option<[u8; 32]>,
) -> Result<(), SignatureError> {
    let input = Input::read(&parts.headers, covered(digest.is_some()), &["created", "keyid", "tag"])?;
    input.check_kind(TAG)?;
    input.created()?;
    if input.key_id()? != bridge.key_id() {
        return Err(SignatureError::OtherKey);
    }
    if let Some(digest) = digest
        && digest::read(&parts.headers)? != digest
    {
        return Err(SignatureError::OtherBody);
    }
    let signature = components::signature(&parts.headers)?;
    let values = Values::new(parts.status.as_u16(), request, digest);
    match bridge.signed(input.base(|name| values.of(name)).as_bytes(), &signature) {
        true => Ok(()),
        false => Err(SignatureError::Invalid),
    }
}

fn covered(digest: bool) -> &'static [&'static str] {
    match digest {
        true => &[STATUS, REQUEST_SIGNATURE, CONTENT_DIGEST],
        false => &[STATUS, REQUEST_SIGNATURE],
    }
}

/// The values of an answer's components.
struct Values {
    status: String,
    request: String,
    digest: String,
}

impl Values {
    fn new(status: u16, request: &[u8; 64], digest: Option<[u8; 32]>) -> Self {
        Self {
            // Three digits (RFC 9421, section 2.2.9).
            status: format!("{status:03}"),
            request: format!(":{}:", base64::encode(request)),
            digest: digest.as_ref().map(digest::text).unwrap_or_default(),
        }
    }

    fn of(&self, name: &str) -> &str {
        match name {
            STATUS => &self.status,
            REQUEST_SIGNATURE => &self.request,
            _ => &self.digest,
        }
    }
}
