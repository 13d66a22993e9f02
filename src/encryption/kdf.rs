//! From signature to storage key: NumerBay's derivation and ours.

use std::fmt;
use std::str::FromStr;

use hkdf::Hkdf;
use secrecy::{ExposeSecret as _, ExposeSecretMut as _, SecretBox};
use sha2::Sha256;
use sha3::{Digest as _, Keccak256};

use zeroize::Zeroize as _;

use super::PublicKey;
use crate::ethereum::{Address, Signature, VForm};

/// How the storage key is derived from the signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kdf {
    /// Keccak-256 of the 65 bytes: NumerBay's own, and what an envelope without `kdf` means.
    Keccak256,
    /// HKDF-SHA256 (RFC 5869), bound to address and public key: ours.
    HkdfSha256,
}

impl Kdf {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Keccak256, Self::HkdfSha256];

    /// The name in an envelope's `kdf` field and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Keccak256 => "keccak256",
            Self::HkdfSha256 => "hkdf-sha256",
        }
    }
}

impl fmt::Display for Kdf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kdf {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|kdf| kdf.name() == name).ok_or(())
    }
}

/// The key that opens an envelope: 32 bytes, made again from a signature each time. Secret, wiped on drop.
pub struct StorageKey(SecretBox<[u8; 32]>);

impl StorageKey {
    /// NumerBay's derivation: Keccak-256 of the 65 bytes r ‖ s ‖ v exactly as they are, the form of v included.
    pub fn keccak256(signature: &Signature) -> Self {
        Self::filled(|key| {
            let mut hasher = Keccak256::new();
            hasher.update(signature.expose_bytes());
            hasher.finalize_into(key.into());
        })
    }

    /// Our derivation: HKDF-SHA256 (RFC 5869) with ikm = r ‖ s ‖ v (65 bytes, low s, v = 1b/1c whatever the wallet
    /// returned), salt = `salt` (32 bytes) and info = `saltbridge storage key v1` ‖ address (20 bytes) ‖ public key
    /// (32 bytes).
    pub fn hkdf_sha256(signature: &Signature, salt: &[u8; 32], address: &Address, public_key: &PublicKey) -> Self {
        let ikm = signature.low_s(VForm::Offset27);
        let info: [&[u8]; 3] = [b"saltbridge storage key v1", address.as_bytes(), public_key.as_bytes()];
        Self::filled(|key| {
            let (mut extracted, hkdf) = Hkdf::<Sha256>::extract(Some(salt), ikm.expose_bytes());
            extracted.as_mut_slice().zeroize();
            hkdf.expand_multi_info(&info, key)
                // RFC 5869 refuses only more than 255 × 32 bytes of output.
                .unwrap_or_else(|_| unreachable!("32 bytes are a possible output length"));
        })
    }

    pub(super) fn expose(&self) -> &[u8; 32] {
        self.0.expose_secret()
    }

    fn filled(fill: impl FnOnce(&mut [u8; 32])) -> Self {
        let mut key = Self(SecretBox::new(Box::new([0; 32])));
        fill(key.0.expose_secret_mut());
        key
    }
}
