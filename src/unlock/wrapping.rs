//! A key pair put under a wallet.

use super::{Expected, SaltPolicy, UnlockError, Wallet, check_address, unlock};
use crate::encryption::{Envelope, EnvelopeError, Kdf, KeyPair, Message, Nonce, RandomError, StorageKey};
use crate::ethereum::{Address, VForm};
use crate::fault::{Class, Explanation, Fault};

/// An envelope that was made, and opened again.
pub struct Wrapped {
    /// The envelope.
    pub envelope: Envelope,
    /// The address that opens it.
    pub address: Address,
}

/// Puts `key_pair` under `wallet`: the wallet signs a new message, the storage key is derived from r ‖ s ‖ v with v 1b or
/// 1c, and the private key sealed with it. Then the wallet signs the same message again, and the envelope is opened.
///
/// # Errors
/// [`WrapError`]. Nothing is handed out then.
pub fn wrap<W: Wallet>(
    key_pair: &KeyPair,
    wallet: &mut W,
    expected: Option<Address>,
    kdf: Kdf,
) -> Result<Wrapped, WrapError<W::Error>> {
    let (envelope, address) = seal(key_pair, wallet, expected, kdf)?;

    // What is read again is the text: what will be stored.
    let stored = Envelope::parse(&envelope.to_text())?;
    let expected = Expected {
        address: Some(address),
        public_key: Some(key_pair.public_key()),
    };
    match unlock(&stored, wallet, &expected, SaltPolicy::KnownForms) {
        Ok(unlocked) if unlocked.v_form == VForm::Offset27 => Ok(Wrapped { envelope, address }),
        Ok(_) | Err(UnlockError::DoesNotOpen { .. }) => Err(WrapError::NotRepeatable),
        Err(error) => Err(error.into()),
    }
}

/// Seals the private key with the first signature, which is wiped before the second is asked for; the address that
/// signed.
fn seal<W: Wallet>(
    key_pair: &KeyPair,
    wallet: &mut W,
    expected: Option<Address>,
    kdf: Kdf,
) -> Result<(Envelope, Address), WrapError<W::Error>> {
    let public_key = key_pair.public_key();
    let message = match kdf {
        Kdf::Keccak256 => Message::new_numerbay()?,
        Kdf::HkdfSha256 => Message::new_saltbridge(public_key)?,
    };
    let expected = Expected {
        address: expected,
        public_key: Some(public_key),
    };
    if let Some(address) = wallet.address().map_err(UnlockError::Wallet)? {
        check_address(&expected, address)?;
    }
    let to_sign = message.known().map_err(UnlockError::from)?;
    let signature = wallet.personal_sign(&to_sign).map_err(UnlockError::Wallet)?;
    let address = signature.recover(&to_sign.hash()).map_err(UnlockError::from)?;
    check_address(&expected, address)?;
    let key = match &message {
        Message::Saltbridge { salt, .. } => StorageKey::hkdf_sha256(&signature, salt, &address, &public_key),
        Message::NumerBay { .. } | Message::Unusual(_) => StorageKey::keccak256(&signature.in_v_form(VForm::Offset27)),
    };
    let nonce = Nonce::random()?;
    Ok((Envelope::seal(key_pair.private_key(), &key, nonce, message), address))
}

/// Why a key pair was not put under a wallet.
#[derive(Debug, thiserror::Error)]
pub enum WrapError<E: Fault> {
    /// The wallet gave no signature, or not one that is right.
    #[error(transparent)]
    Unlock(#[from] UnlockError<E>),
    /// No new salt or nonce.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The new envelope cannot be read again.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// The wallet signs the same message differently each time.
    #[error("the wallet signed the same message in two different ways")]
    NotRepeatable,
}

impl<E: Fault> Fault for WrapError<E> {
    fn explain(&self) -> Explanation {
        match self {
            Self::Unlock(error) => error.explain(),
            Self::Random(error) => error.explain(),
            Self::Envelope(error) => error.explain(),
            Self::NotRepeatable => Explanation::new(
                "not-repeatable",
                Class::DoesNotOpen,
                "an envelope made with this wallet would never open again, so none was made: use a wallet that signs as \
                 RFC 6979 says, as every Ledger does",
            ),
        }
    }
}
