//! The key columns of a NumerBay profile (`GET /users/me`), and which of its two mechanisms counts.

use zeroize::Zeroizing;

use super::format::Object;
use super::{FormatError, PublicKey};
use crate::ethereum::{Address, AddressError};
use crate::fault::{Class, Explanation, Fault};

/// The fields that matter in a profile.
pub(super) const FIELDS: &[&str] =
    &["public_key", "encrypted_private_key", "public_key_v2", "encrypted_private_key_v2", "public_address"];

/// Which mechanism a profile uses, as NumerBay's web app decides it: v2 and nothing else if `public_key_v2` is not
/// empty, the old one otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// The envelope that a signature opens.
    V2 {
        /// `public_key_v2`.
        public_key: PublicKey,
        /// `encrypted_private_key_v2`, if there is any.
        envelope: Option<String>,
    },
    /// The old one.
    Legacy {
        /// `public_key`.
        public_key: PublicKey,
        /// `encrypted_private_key`, if there is any.
        envelope: Option<String>,
    },
    /// No key pair was ever made.
    None,
}

/// The part of a profile that concerns keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The mechanism in use.
    pub mechanism: Mechanism,
    /// The address of the wallet that the account is connected with (`public_address`).
    pub address: Option<Address>,
}

impl Profile {
    /// Reads a profile's JSON. Absent, null and empty columns are the same; the columns of the mechanism that does not
    /// count are not looked at.
    ///
    /// # Errors
    /// [`ProfileError`], one variant per reason.
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        Self::from_object(Object::parse(text, &[FIELDS])?)
    }

    pub(super) fn from_object(mut object: Object) -> Result<Self, ProfileError> {
        let mut column = |field| -> Result<Option<Zeroizing<String>>, FormatError> {
            Ok(object.optional_text(field)?.filter(|text| !text.is_empty()))
        };
        let owned = |text: Option<Zeroizing<String>>| text.map(|text| text.to_string());
        let address = match column("public_address")? {
            None => None,
            Some(text) => Some(text.parse().map_err(ProfileError::Address)?),
        };
        let mechanism = if let Some(key) = column("public_key_v2")? {
            Mechanism::V2 {
                public_key: PublicKey::from_field("public_key_v2", &key)?,
                envelope: owned(column("encrypted_private_key_v2")?),
            }
        } else if let Some(key) = column("public_key")? {
            Mechanism::Legacy {
                public_key: PublicKey::from_field("public_key", &key)?,
                envelope: owned(column("encrypted_private_key")?),
            }
        } else {
            Mechanism::None
        };
        Ok(Self { mechanism, address })
    }

    /// The public key that NumerBay copies to a new order: that of the mechanism in use.
    pub fn order_public_key(&self) -> Option<PublicKey> {
        match self.mechanism {
            Mechanism::V2 { public_key, .. } | Mechanism::Legacy { public_key, .. } => Some(public_key),
            Mechanism::None => None,
        }
    }
}

/// Why a text is not a profile that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// The text does not have the form of a profile.
    #[error("the profile cannot be read: {0}")]
    Format(#[from] FormatError),
    /// `public_address` is not an address.
    #[error("the profile's public_address cannot be read: {0}")]
    Address(AddressError),
}

impl Fault for ProfileError {
    fn explain(&self) -> Explanation {
        match self {
            Self::Format(error) => error.explain(),
            Self::Address(_) => Explanation::new(
                "bad-profile-address",
                Class::Damaged,
                "get the profile again from the service, or give the envelope alone with --public-key and --address",
            ),
        }
    }
}
