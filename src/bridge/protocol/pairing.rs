//! Pairing: page and bridge prove to each other that a person gave both the same code, and learn each other's keys.
//!
//! A proof is HMAC-SHA256 under the code over fields that each have their length in front, so that no two lists of
//! fields are the same bytes. It names the origin and the authority: a code that was pasted into another site, or sent
//! to another program, proves nothing.

use std::fmt;
use std::str::FromStr;

use hmac::Mac as _;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use super::base64;
use super::code::Code;
use super::key::PageKey;
use super::origin::Origin;
use super::scope::{Scope, Scopes};
use crate::fault::{Class, Explanation, Fault};

/// Between whom a code is good: what both proofs begin with.
#[derive(Clone, Copy, Debug)]
pub struct Pairing<'a> {
    /// The page's origin.
    pub origin: &'a Origin,
    /// The host and port that the bridge is bound to, for example `127.0.0.1:21730`.
    pub authority: &'a str,
    /// The page's key.
    pub page_key: &'a PageKey,
}

impl Pairing<'_> {
    /// What the page sends: it knows the code, and means this key.
    pub fn page_proof(&self, code: &Code) -> Proof {
        self.proof(code, "saltbridge pairing v1 page", None, &[])
    }

    /// What the bridge answers: it knows the code, and grants these scopes.
    pub fn bridge_proof(&self, code: &Code, bridge_key: &PageKey, scopes: &Scopes) -> Proof {
        let scopes: Vec<_> = scopes.iter().collect();
        self.proof(code, "saltbridge pairing v1 bridge", Some(bridge_key), &scopes)
    }

    fn proof(&self, code: &Code, kind: &str, bridge_key: Option<&PageKey>, scopes: &[Scope]) -> Proof {
        let origin = self.origin.to_string();
        let mut fields: Vec<&[u8]> =
            vec![kind.as_bytes(), origin.as_bytes(), self.authority.as_bytes(), self.page_key.as_bytes()];
        fields.extend(bridge_key.map(|key| key.as_bytes().as_slice()));
        fields.extend(scopes.iter().map(|scope| scope.name().as_bytes()));
        let mut authenticator = code.authenticator();
        for field in fields {
            // Nothing here is longer than a header, which is far below 4 GiB.
            authenticator.update(&(field.len() as u32).to_be_bytes());
            authenticator.update(field);
        }
        Proof(authenticator.finalize().into_bytes().into())
    }
}

/// A proof: 32 bytes, in JSON 44 characters of base64. Compared in constant time.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Proof([u8; 32]);

impl Proof {
    /// Its 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for Proof {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Proof {}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64::encode(&self.0))
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proof({self})")
    }
}

impl FromStr for Proof {
    type Err = ProofError;

    fn from_str(text: &str) -> Result<Self, ProofError> {
        base64::decode_exact(text).map(Self).ok_or(ProofError)
    }
}

impl TryFrom<String> for Proof {
    type Error = ProofError;

    fn try_from(text: String) -> Result<Self, ProofError> {
        text.parse()
    }
}

impl From<Proof> for String {
    fn from(proof: Proof) -> Self {
        proof.to_string()
    }
}

/// A text is not a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the proof is not base64 of 32 bytes")]
pub struct ProofError;

impl Fault for ProofError {
    fn explain(&self) -> Explanation {
        Explanation::new(
            "bad-proof",
            Class::Usage,
            "send HMAC-SHA256 under the code's ten bytes as padded base64; docs/bridge-protocol.md has an example",
        )
    }
}

/// The JSON body of `POST /v1/pairings`, signed with the key that it names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PairingRequest {
    /// The page's key: an uncompressed P-256 point, 65 bytes, in base64.
    #[schema(value_type = String)]
    pub public_key: PageKey,
    /// That it knows the code (docs/bridge-protocol.md): 32 bytes in base64.
    #[schema(value_type = String)]
    pub proof: Proof,
}

/// The JSON body of its answer, signed with the key that it names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PairingAnswer {
    /// The bridge's key, in the same form.
    #[schema(value_type = String)]
    pub public_key: PageKey,
    /// What the page may ask for, in alphabetical order.
    #[schema(value_type = Vec<String>)]
    pub scopes: Scopes,
    /// That the bridge knows it, too: 32 bytes in base64.
    #[schema(value_type = String)]
    pub proof: Proof,
}
