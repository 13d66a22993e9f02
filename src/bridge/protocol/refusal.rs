//! Why a signature is not accepted. A developer reads it, so each reason has its own code.

use crate::fault::{Class, Explanation, Fault};

/// Why the signature of a request or an answer is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// A signature's header is not there.
    #[error("there is no {header} header")]
    Missing {
        /// Which.
        header: &'static str,
    },
    /// A header that must stand once stands more often.
    #[error("the {header} header stands more than once")]
    Repeated {
        /// Which.
        header: &'static str,
    },
    /// A header with other than printable ASCII characters.
    #[error("the {header} header is not ASCII text")]
    NotAscii {
        /// Which.
        header: &'static str,
    },
    /// `Signature-Input` is not one list under the label `saltbridge`.
    #[error("the Signature-Input header is not accepted: {0}")]
    Input(&'static str),
    /// `Signature` is not 64 bytes under the label `saltbridge`.
    #[error("the Signature header is not accepted: {0}")]
    Bytes(&'static str),
    /// A component that must be covered is not.
    #[error("the signature does not cover \"{name}\"")]
    MissingComponent {
        /// Which.
        name: &'static str,
    },
    /// A component that is not in the protocol, has parameters that are not, or is covered twice.
    #[error("the signature covers {shown}, which this protocol does not cover there, or only once")]
    UnknownComponent {
        /// The component as it stands, made printable.
        shown: String,
    },
    /// A parameter that must be there is not.
    #[error("the signature has no parameter {name}")]
    MissingParameter {
        /// Which.
        name: &'static str,
    },
    /// A parameter that is not in the protocol.
    #[error("the signature has a parameter {shown}, which this protocol does not know")]
    UnknownParameter {
        /// Its name, made printable.
        shown: String,
    },
    /// A parameter of another type or form, or another value where only one is possible.
    #[error("the signature's parameter {name} is not {expected}")]
    Parameter {
        /// Which.
        name: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// `Content-Digest` is not one SHA-256 digest.
    #[error("the Content-Digest header is not accepted: {0}")]
    Digest(&'static str),
    /// The digest is another body's.
    #[error("the body is not the one that Content-Digest tells of")]
    OtherBody,
    /// `keyid` names another key.
    #[error("the signature names another key")]
    OtherKey,
    /// Everything is in its place, but the signature is not one of this key over this message.
    #[error("the signature does not verify")]
    Invalid,
}

impl Fault for SignatureError {
    fn explain(&self) -> Explanation {
        match self {
            Self::Missing { .. } => Explanation::new(
                "no-signature",
                Class::Policy,
                "sign the request: send Signature-Input and Signature with the label saltbridge",
            ),
            Self::Repeated { .. } => Explanation::new("repeated-header", Class::Policy, "send the header once"),
            Self::NotAscii { .. } | Self::Input(_) => Explanation::new(
                "bad-signature-input",
                Class::Policy,
                "write saltbridge=(\"@method\" …);created=…;nonce=\"…\";keyid=\"…\";tag=\"…\" without other spaces or members",
            ),
            Self::Bytes(_) => Explanation::new(
                "bad-signature-header",
                Class::Policy,
                "write saltbridge=:…: with the base64 of the 64 bytes that WebCrypto's sign gives for ECDSA over P-256",
            ),
            Self::MissingComponent { .. } => Explanation::new(
                "missing-component",
                Class::Policy,
                "cover each component that docs/bridge-protocol.md lists; content-digest exactly where there is a JSON body",
            ),
            Self::UnknownComponent { .. } => Explanation::new(
                "unknown-component",
                Class::Policy,
                "cover the components that docs/bridge-protocol.md lists, each once, and no other ones",
            ),
            Self::MissingParameter { .. } => Explanation::new(
                "missing-parameter",
                Class::Policy,
                "give created, nonce, keyid and tag (an answer has no nonce)",
            ),
            Self::UnknownParameter { .. } => Explanation::new(
                "unknown-parameter",
                Class::Policy,
                "give created, nonce, keyid and tag, alg if you like, and nothing else",
            ),
            Self::Parameter { .. } => Explanation::new(
                "bad-parameter",
                Class::Policy,
                "docs/bridge-protocol.md says which form each parameter has",
            ),
            Self::Digest(_) => Explanation::new(
                "bad-digest-header",
                Class::Policy,
                "write sha-256=:…: with the base64 of SHA-256 of the body as it is sent",
            ),
            Self::OtherBody => Explanation::new(
                "digest-mismatch",
                Class::Policy,
                "compute the digest of the very bytes that are sent; if they were, something between changed them",
            ),
            Self::OtherKey => Explanation::new(
                "other-key",
                Class::Policy,
                "keyid is SHA-256 of the key's 65 bytes as unpadded base64 with - and _",
            ),
            Self::Invalid => Explanation::new(
                "signature-invalid",
                Class::Policy,
                "compare the text that you sign with docs/bridge-protocol.md, line by line: method, authority, path, query",
            ),
        }
    }
}
