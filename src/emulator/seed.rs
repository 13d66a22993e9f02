//! The well-known test seeds, and the keys under them. Promises: no other seed can be put in. An emulator that took any
//! would one day be given a real one.

use std::fmt;
use std::str::FromStr;

use bip32::{ChildNumber, XPrv};
use k256::ecdsa::SigningKey;
use sha2::Sha512;

use crate::ethereum::{Address, DerivationPath, personal_message_hash};
use crate::fault::{Class, Explanation, Fault};

/// A BIP-39 seed that everybody knows (no passphrase).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SeedName {
    /// `glory promote mansion …`: what Ledger's own emulator Speculos uses unless told otherwise.
    #[default]
    Speculos,
    /// `test test … junk`: Hardhat's and Foundry's.
    Junk,
    /// `abandon abandon … about`: the first of BIP-39's own test vectors.
    Abandon,
    /// `legal winner thank … yellow`: another one of them.
    Legal,
}

impl SeedName {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Speculos, Self::Junk, Self::Abandon, Self::Legal];

    /// The words.
    pub fn mnemonic(self) -> &'static str {
        match self {
            Self::Speculos => {
                "glory promote mansion idle axis finger extra february uncover one trip resource lawn turtle enact monster \
                 seven myth punch hobby comfort wild raise skin"
            }
            Self::Junk => "test test test test test test test test test test test junk",
            Self::Abandon => {
                "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
            }
            Self::Legal => "legal winner thank year wave sausage worth useful legal winner thank yellow",
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Speculos => "speculos",
            Self::Junk => "junk",
            Self::Abandon => "abandon",
            Self::Legal => "legal",
        }
    }
}

impl fmt::Display for SeedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SeedName {
    type Err = UnknownSeed;

    fn from_str(text: &str) -> Result<Self, UnknownSeed> {
        let found = Self::ALL.into_iter().find(|seed| seed.as_str() == text);
        // Never repeated: a person may have given the words of a real wallet.
        found.ok_or(UnknownSeed)
    }
}

/// A seed that is none of the well-known ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("that is no name of a test seed")]
pub struct UnknownSeed;

impl Fault for UnknownSeed {
    fn explain(&self) -> Explanation {
        Explanation::new(
            "unknown-seed",
            Class::Usage,
            "give one of the names speculos, junk, abandon and legal. The emulator takes no other seed: never type the \
             words of a real wallet anywhere but on the device itself",
        )
    }
}

/// The key of one path (BIP-32).
pub(super) struct Key {
    signing: SigningKey,
    chain_code: [u8; 32],
}

/// The seed, ready to derive from.
pub(super) struct Seed {
    master: XPrv,
    /// The key above the last one that was wanted, and its path: accounts side by side are asked for one after the other.
    parent: Option<(Vec<u32>, XPrv)>,
}

impl Seed {
    pub(super) fn new(name: SeedName) -> Self {
        let mut seed = [0; 64];
        // BIP-39: 2048 rounds, the salt is "mnemonic" and the passphrase, which is empty.
        pbkdf2::pbkdf2_hmac::<Sha512>(name.mnemonic().as_bytes(), b"mnemonic", 2048, &mut seed);
        match XPrv::new(&seed) {
            Ok(master) => Self { master, parent: None },
            // One seed in 2¹²⁷ gives no master key (BIP-32); these four do.
            Err(error) => unreachable!("{name}: {error}"),
        }
    }

    /// The key of a path, unless it is one of the 2⁻¹²⁷ that BIP-32 cannot derive.
    pub(super) fn key(&mut self, path: &DerivationPath) -> Option<Key> {
        let (last, above) = path.elements().split_last()?;
        let parent = match self.parent.take() {
            Some((known, parent)) if known == above => parent,
            _ => above
                .iter()
                .try_fold(self.master.clone(), |key, element| derive(&key, *element))?,
        };
        let key = derive(&parent, *last);
        self.parent = Some((above.to_vec(), parent));
        let key = key?;
        Some(Key {
            signing: key.private_key().clone(),
            chain_code: key.attrs().chain_code,
        })
    }
}

fn derive(parent: &XPrv, element: u32) -> Option<XPrv> {
    parent.derive_child(ChildNumber::from(element)).ok()
}

impl Key {
    /// The public key, uncompressed (SEC 1), 65 bytes.
    pub(super) fn public_key(&self) -> [u8; 65] {
        let mut bytes = [0; 65];
        let point = self.signing.verifying_key().to_sec1_point(false);
        // An uncompressed point has 65 bytes.
        bytes.copy_from_slice(point.as_bytes());
        bytes
    }

    pub(super) fn chain_code(&self) -> [u8; 32] {
        self.chain_code
    }

    pub(super) fn address(&self) -> Address {
        Address::from_public_key(self.signing.verifying_key())
    }

    /// v ‖ r ‖ s, 65 bytes, v = 1b or 1c, over the message as `personal_sign` hashes it (EIP-191). RFC 6979, low s.
    pub(super) fn personal_sign(&self, message: &[u8]) -> [u8; 65] {
        let (scalars, recovery) = self.signing.sign_prehash_recoverable(&personal_message_hash(message));
        let mut answer = [0; 65];
        let [v, rest @ ..] = &mut answer;
        *v = 27 + u8::from(recovery.is_y_odd());
        rest.copy_from_slice(&scalars.to_bytes());
        answer
    }
}
