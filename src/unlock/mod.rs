//! From an envelope and a wallet to a key pair.
//!
//! Promises: the wallet is asked to sign a known message only, or one that a person insists on; a signature is checked
//! by recovering its address before a key is derived from it; both forms of the v byte are tried from one approval; the
//! private key that comes out belongs to the expected public key. Refuses everything else, and hands out neither the
//! signature nor the storage key.
//!
//! The other way round, [`wrap`] puts a key pair under a wallet. Promises: the wallet signs twice and the envelope is
//! opened with the second signature before it is handed out, so that a wallet that signs differently each time locks
//! nobody out.

mod on_ledger;
mod wrapping;

pub use on_ledger::{LedgerWallet, Request};
pub use wrapping::{WrapError, Wrapped, wrap};

use crate::encryption::{
    Envelope, FormatError, KeyPair, OpenError, PrivateKey, PublicKey, SignableMessage, UnusualSalt,
};
use crate::ethereum::{Address, Signature, SignatureError, VForm};
use crate::fault::{Class, Explanation, Fault};

/// Something that signs messages with the key of one address.
pub trait Wallet {
    /// Why it could not.
    type Error: Fault;

    /// The address that it will sign with, if it knows before it has signed.
    ///
    /// # Errors
    /// The wallet's own.
    fn address(&mut self) -> Result<Option<Address>, Self::Error>;

    /// Signs a message as `personal_sign` does (EIP-191).
    ///
    /// # Errors
    /// The wallet's own, the person's refusal among them.
    fn personal_sign(&mut self, message: &SignableMessage) -> Result<Signature, Self::Error>;
}

/// The wallet that has signed already: a signature over the envelope's message, made elsewhere.
pub struct SignatureMadeElsewhere(Signature);

impl SignatureMadeElsewhere {
    /// The wallet that gives this signature whatever it is asked to sign. Whether it fits is seen by the address that
    /// it recovers to, and by whether the envelope opens.
    pub fn new(signature: Signature) -> Self {
        Self(signature)
    }
}

impl Wallet for SignatureMadeElsewhere {
    type Error = std::convert::Infallible;

    fn address(&mut self) -> Result<Option<Address>, Self::Error> {
        Ok(None)
    }

    fn personal_sign(&mut self, _: &SignableMessage) -> Result<Signature, Self::Error> {
        Ok(self.0.in_v_form(self.0.v_form()))
    }
}

/// What is expected of the envelope and of the wallet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Expected {
    /// The address that must have signed.
    pub address: Option<Address>,
    /// The public key that the private key must belong to.
    pub public_key: Option<PublicKey>,
}

/// Whether a message of an unknown form may be put before the wallet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SaltPolicy {
    /// Only the known forms.
    #[default]
    KnownForms,
    /// Any: a person was shown the text and insists.
    PersonInsists,
}

/// An envelope that was opened.
pub struct Unlocked {
    /// The key pair.
    pub key_pair: KeyPair,
    /// The address that signed.
    pub address: Address,
    /// The form of the v byte that the envelope was made with.
    pub v_form: VForm,
}

/// Lets `wallet` sign the envelope's message and opens the envelope with it.
///
/// # Errors
/// [`UnlockError`], one variant per reason. Nothing was signed if it is [`UnlockError::UnusualSalt`] or
/// [`UnlockError::OtherKeyNamed`].
pub fn unlock<W: Wallet>(
    envelope: &Envelope,
    wallet: &mut W,
    expected: &Expected,
    policy: SaltPolicy,
) -> Result<Unlocked, UnlockError<W::Error>> {
    let message = message_to_sign(envelope, expected, policy)?;
    if let Some(address) = wallet.address().map_err(UnlockError::Wallet)? {
        check_address(expected, address)?;
    }
    let signature = wallet.personal_sign(&message).map_err(UnlockError::Wallet)?;
    let address = signature.recover(&message.hash())?;
    check_address(expected, address)?;

    let (v_form, private_key) = open(envelope, &signature, address, expected)?;
    let key_pair = KeyPair::new(private_key);
    let found = key_pair.public_key();
    for expected in [expected.public_key, envelope.message().named_public_key()]
        .into_iter()
        .flatten()
    {
        if expected != found {
            return Err(UnlockError::PublicKeyMismatch { expected, found });
        }
    }
    Ok(Unlocked {
        key_pair,
        address,
        v_form,
    })
}

fn message_to_sign<E: Fault>(
    envelope: &Envelope,
    expected: &Expected,
    policy: SaltPolicy,
) -> Result<SignableMessage, UnlockError<E>> {
    if let (Some(named), Some(expected)) = (envelope.message().named_public_key(), expected.public_key)
        && named != expected
    {
        return Err(UnlockError::OtherKeyNamed { expected, named });
    }
    match (envelope.message_to_sign(), policy) {
        (Ok(message), _) => Ok(message),
        (Err(_), SaltPolicy::PersonInsists) => Ok(envelope.message().insisted_on()),
        (Err(unusual), SaltPolicy::KnownForms) => Err(unusual.into()),
    }
}

fn check_address<E: Fault>(expected: &Expected, signed_by: Address) -> Result<(), UnlockError<E>> {
    match expected.address {
        Some(expected) if expected != signed_by => Err(UnlockError::WrongAddress { expected, signed_by }),
        _ => Ok(()),
    }
}

fn open<E: Fault>(
    envelope: &Envelope,
    signature: &Signature,
    signed_by: Address,
    expected: &Expected,
) -> Result<(VForm, PrivateKey), UnlockError<E>> {
    for (v_form, key) in envelope.storage_keys(signature, &signed_by) {
        match envelope.open(&key) {
            Ok(private_key) => return Ok((v_form, private_key)),
            Err(OpenError::DoesNotOpen) => {}
            Err(OpenError::Damaged(error)) => return Err(UnlockError::Damaged(error)),
        }
    }
    Err(UnlockError::DoesNotOpen {
        signed_by,
        address_was_expected: expected.address.is_some(),
    })
}

/// Why an envelope gave no key pair.
#[derive(Debug, thiserror::Error)]
pub enum UnlockError<E: Fault> {
    /// The wallet gave no signature.
    #[error(transparent)]
    Wallet(E),
    /// The message is not one that a wallet should sign unasked.
    #[error(transparent)]
    UnusualSalt(#[from] UnusualSalt),
    /// No address can be recovered from the signature.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// Another address than the expected one signs.
    #[error("the signature is by {signed_by}, not by {expected}")]
    WrongAddress {
        /// The address that must have signed.
        expected: Address,
        /// The address that did.
        signed_by: Address,
    },
    /// The storage key of neither form of the signature opens the envelope.
    #[error("the envelope does not open with this signature by {signed_by}")]
    DoesNotOpen {
        /// The address that signed.
        signed_by: Address,
        /// Whether it is the address that was expected.
        address_was_expected: bool,
    },
    /// The envelope opens, but holds no private key.
    #[error("the envelope opens, but what it holds is not a private key: {0}")]
    Damaged(FormatError),
    /// The private key belongs to another public key than the expected one. The sentence does not repeat that one: a
    /// person may have given the private key for it.
    #[error("the envelope holds the key of {found}, not of the expected public key")]
    PublicKeyMismatch {
        /// The public key that it should belong to.
        expected: PublicKey,
        /// The public key that it belongs to.
        found: PublicKey,
    },
    /// The message names another public key than the expected one; nothing was signed.
    #[error("the envelope's message names the key {named}, not the expected public key")]
    OtherKeyNamed {
        /// The public key that it should name.
        expected: PublicKey,
        /// The public key that it names.
        named: PublicKey,
    },
}

impl<E: Fault> Fault for UnlockError<E> {
    fn explain(&self) -> Explanation {
        let opens_not = |code, help| Explanation::new(code, Class::DoesNotOpen, help);
        match self {
            Self::Wallet(error) => error.explain(),
            Self::UnusualSalt(error) => error.explain(),
            Self::Signature(error) => error.explain(),
            Self::WrongAddress { .. } => opens_not(
                "wrong-address",
                "sign with the account that made the envelope, over the message that `saltbridge inspect` shows; if the \
                 envelope was made with another account than the profile's, name it with --address",
            ),
            Self::DoesNotOpen {
                address_was_expected: true,
                ..
            } => opens_not(
                "does-not-open",
                "both forms of the v byte were tried. Either the envelope was made with another account, or it was \
                 changed or replaced: get it again from the profile",
            ),
            Self::DoesNotOpen { .. } => opens_not(
                "does-not-open",
                "both forms of the v byte were tried. If another account made the envelope, name it with --address, or with \
                 --path on a device; if it was this one, the signature is over another message or the envelope was changed",
            ),
            Self::Damaged(_) => Explanation::new(
                "damaged",
                Class::Damaged,
                "what made this envelope stored no key in it; look for an exported numerbay.json, or replace the key pair",
            ),
            Self::PublicKeyMismatch { .. } => opens_not(
                "public-key-mismatch",
                "this envelope is not the one of that public key: it may be older or newer. Files sealed for the key \
                 that it holds open with --public-key set to that key",
            ),
            Self::OtherKeyNamed { .. } => {
                opens_not("public-key-mismatch", "this envelope is not the one of that public key; nothing was signed")
            }
        }
    }
}
