//! Which of the texts of this house a text is: what a person hands over as "the envelope" may be any of them.

use super::format::Object;
use super::{Envelope, EnvelopeError, KeyFile, KeyFileError, LegacyEnvelope, Profile, ProfileError};
use super::{envelope, key_file, profile};
use crate::fault::{Class, Explanation, Fault};

/// A text, recognised by its fields.
pub enum Document {
    /// A v2 envelope.
    Envelope(Envelope),
    /// An envelope of the old mechanism.
    Legacy(LegacyEnvelope),
    /// A NumerBay profile.
    Profile(Profile),
    /// An exported key file.
    KeyFile(KeyFile),
}

impl Document {
    /// Recognises a text by its fields and reads it.
    ///
    /// # Errors
    /// [`DocumentError::Unknown`] without any known field, otherwise the error of the format that it was recognised as.
    pub fn parse(text: &str) -> Result<Self, DocumentError> {
        let object =
            Object::parse(text, &[envelope::FIELDS, profile::FIELDS, key_file::FIELDS]).map_err(EnvelopeError::from)?;
        let has_any = |names: &[&'static str]| names.iter().any(|name| object.has(name));
        if object.is_empty() {
            return Err(DocumentError::Unknown);
        }
        if has_any(&["public_key_v2", "encrypted_private_key_v2", "encrypted_private_key"]) {
            return Ok(Self::Profile(Profile::from_object(object)?));
        }
        if has_any(&["private_key"]) && !has_any(&["data", "salt"]) {
            return Ok(Self::KeyFile(KeyFile::from_object(object)?));
        }
        if !has_any(&["data", "salt"]) && LegacyEnvelope::is_meant_by(&object) {
            return Ok(Self::Legacy(LegacyEnvelope::from_object(object).map_err(EnvelopeError::from)?));
        }
        Ok(Self::Envelope(Envelope::from_object(object)?))
    }
}

/// Why a text could be read as nothing known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// A JSON object with none of the known fields.
    #[error("this is neither an envelope nor a profile nor a key file")]
    Unknown,
    /// It is an envelope, or nothing that is known.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// It is a profile.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// It is a key file.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
}

impl Fault for DocumentError {
    fn explain(&self) -> Explanation {
        match self {
            Self::Unknown => Explanation::new(
                "unknown-document",
                Class::Damaged,
                "if it was saved from the web, look into it: without a login the service answers with an error instead",
            ),
            Self::Envelope(error) => error.explain(),
            Self::Profile(error) => error.explain(),
            Self::KeyFile(error) => error.explain(),
        }
    }
}
