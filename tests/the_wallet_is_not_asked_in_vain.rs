//! The wallet signs a known message for an expected key and address, or is not asked at all; what it answers is held
//! against what was expected.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used, clippy::panic)]

#[path = "support/software_wallet.rs"]
mod software_wallet;

use std::convert::Infallible;

use saltbridge::encryption::{
    Envelope, KeyPair, Message, Nonce, PrivateKey, PublicKey, SignableMessage, StorageKey, UnusualSalt,
};
use saltbridge::ethereum::{Address, Signature};
use saltbridge::fault::{Class, Fault as _};
use saltbridge::unlock::{Expected, SaltPolicy, SignatureMadeElsewhere, UnlockError, Unlocked, Wallet, unlock};
use software_wallet::SoftwareWallet;

/// A wallet that must be left alone.
struct NeverAsked;

impl Wallet for NeverAsked {
    type Error = Infallible;

    fn address(&mut self) -> Result<Option<Address>, Infallible> {
        panic!("the wallet was asked for its address")
    }

    fn personal_sign(&mut self, message: &SignableMessage) -> Result<Signature, Infallible> {
        panic!("the wallet was asked to sign {:?}", message.as_str())
    }
}

/// A wallet whose owner says no.
struct Refusing;

impl Wallet for Refusing {
    type Error = UnusualSalt;

    fn address(&mut self) -> Result<Option<Address>, UnusualSalt> {
        Ok(None)
    }

    fn personal_sign(&mut self, _: &SignableMessage) -> Result<Signature, UnusualSalt> {
        Err(UnusualSalt { shown: "no".to_owned() })
    }
}

fn wallet(key: u8) -> SoftwareWallet {
    SoftwareWallet::new(&[key; 32]).unwrap()
}

fn key_pair(key: u8) -> KeyPair {
    KeyPair::new(PrivateKey::from_bytes(&[key; 32]))
}

fn numerbay() -> Message {
    Message::NumerBay { salt: [7; 32] }
}

fn saltbridge(key_pair: &KeyPair) -> Message {
    Message::Saltbridge {
        public_key: key_pair.public_key(),
        salt: [7; 32],
    }
}

/// The envelope with the private key of `key_pair` that `wallet` opens.
fn envelope(key_pair: &KeyPair, wallet: &SoftwareWallet, message: Message) -> Envelope {
    let signature = wallet.sign(&message.insisted_on().hash());
    let key = match &message {
        Message::Saltbridge { public_key, salt } => {
            StorageKey::hkdf_sha256(&signature, salt, &wallet.own_address(), public_key)
        }
        Message::NumerBay { .. } | Message::Unusual(_) => StorageKey::keccak256(&signature),
    };
    Envelope::seal(key_pair.private_key(), &key, Nonce::from_bytes([9; 24]), message)
}

/// The same with NumerBay's derivation, whatever the message.
fn keccak_envelope(key_pair: &KeyPair, wallet: &SoftwareWallet, message: &Message) -> Envelope {
    let envelope = envelope(key_pair, wallet, Message::Unusual(message.to_string()));
    Envelope::parse(&envelope.to_text()).unwrap()
}

fn expecting(address: Option<Address>, public_key: Option<PublicKey>) -> Expected {
    Expected { address, public_key }
}

fn made_elsewhere(
    envelope: &Envelope,
    signature: Signature,
    expected: &Expected,
) -> Result<Unlocked, UnlockError<Infallible>> {
    let mut wallet = SignatureMadeElsewhere::new(signature);
    unlock(envelope, &mut wallet, expected, SaltPolicy::KnownForms)
}

#[test]
fn an_unusual_message_is_not_put_before_the_wallet() {
    let (key_pair, wallet) = (key_pair(3), wallet(5));
    let login = "I am signing my one-time nonce: 0123456789abcdef";
    for unusual in [
        envelope(&key_pair, &wallet, Message::Unusual(login.to_owned())),
        envelope(&key_pair, &wallet, Message::Unusual(String::new())),
        envelope(&key_pair, &wallet, Message::Unusual(format!("{}\n", numerbay()))),
        keccak_envelope(&key_pair, &wallet, &saltbridge(&key_pair)),
    ] {
        let expected = expecting(Some(wallet.own_address()), Some(key_pair.public_key()));
        let error = unlock(&unusual, &mut NeverAsked, &expected, SaltPolicy::KnownForms).err();
        let error = error.expect("it is refused");
        assert!(matches!(error, UnlockError::UnusualSalt(_)), "{error}");
        assert_eq!(error.explain().class, Class::Policy);

        let mut asked = wallet.clone();
        let insisted = unlock(&unusual, &mut asked, &expected, SaltPolicy::PersonInsists).unwrap();
        assert_eq!(insisted.key_pair.public_key(), key_pair.public_key());
        assert_eq!(asked.asked, 1);
    }
}

#[test]
fn an_envelope_whose_message_names_another_key_is_not_put_before_the_wallet() {
    let (key_pair, other, wallet) = (key_pair(3), key_pair(4).public_key(), wallet(5));
    for envelope in [
        envelope(&key_pair, &wallet, saltbridge(&key_pair)),
        keccak_envelope(&key_pair, &wallet, &saltbridge(&key_pair)),
    ] {
        for policy in [SaltPolicy::KnownForms, SaltPolicy::PersonInsists] {
            let expected = expecting(None, Some(other));
            match unlock(&envelope, &mut NeverAsked, &expected, policy).err().unwrap() {
                UnlockError::OtherKeyNamed { expected, named } => {
                    assert_eq!((expected, named), (other, key_pair.public_key()));
                }
                error => panic!("{error}"),
            }
        }
    }
}

#[test]
fn a_wallet_of_another_address_is_not_asked_to_sign() {
    let (key_pair, owner, mut other) = (key_pair(3), wallet(5), wallet(6));
    for message in [numerbay(), saltbridge(&key_pair)] {
        let envelope = envelope(&key_pair, &owner, message);
        let expected = expecting(Some(owner.own_address()), None);
        match unlock(&envelope, &mut other, &expected, SaltPolicy::KnownForms).err() {
            Some(UnlockError::WrongAddress { expected, signed_by }) => {
                assert_eq!((expected, signed_by), (owner.own_address(), other.own_address()));
            }
            _ => panic!("not refused for its address"),
        }
        assert_eq!(other.asked, 0);
    }
}

#[test]
fn a_wallet_that_does_not_know_or_lies_is_found_out_by_its_signature() {
    let (key_pair, owner) = (key_pair(3), wallet(5));
    for message in [numerbay(), saltbridge(&key_pair)] {
        let envelope = envelope(&key_pair, &owner, message);
        let expected = expecting(Some(owner.own_address()), Some(key_pair.public_key()));
        for claims in [None, Some(owner.own_address())] {
            let mut other = wallet(6);
            other.claims = claims;
            let error = unlock(&envelope, &mut other, &expected, SaltPolicy::KnownForms).err();
            assert!(matches!(error, Some(UnlockError::WrongAddress { signed_by, .. })
                if signed_by == other.own_address()));
            assert_eq!(other.asked, 1);
        }
    }
}

#[test]
fn a_signature_by_another_wallet_or_over_another_message_opens_nothing() {
    let (key_pair, owner, other) = (key_pair(3), wallet(5), wallet(6));
    for message in [numerbay(), saltbridge(&key_pair)] {
        let hash = message.known().unwrap().hash();
        let another = Message::NumerBay { salt: [8; 32] }.known().unwrap().hash();
        let envelope = envelope(&key_pair, &owner, message);
        for (signer, signed) in [(&other, hash), (&owner, another)] {
            let expected = expecting(Some(owner.own_address()), None);
            let error = made_elsewhere(&envelope, signer.sign(&signed), &expected).err();
            assert!(matches!(error, Some(UnlockError::WrongAddress { .. })));

            let error = made_elsewhere(&envelope, signer.sign(&signed), &Expected::default()).err();
            let Some(UnlockError::DoesNotOpen {
                address_was_expected, ..
            }) = error
            else {
                panic!("not refused because it does not open")
            };
            assert!(!address_was_expected);
        }
        let opened = made_elsewhere(&envelope, owner.sign(&hash), &Expected::default()).unwrap();
        assert_eq!(opened.key_pair.public_key(), key_pair.public_key());
    }
}

#[test]
fn a_private_key_of_another_public_key_than_the_expected_or_the_named_one_is_not_handed_out() {
    let (held, named, owner) = (key_pair(3), key_pair(4), wallet(5));
    let rows = [
        (envelope(&held, &owner, numerbay()), Some(named.public_key())),
        (envelope(&held, &owner, saltbridge(&named)), Some(named.public_key())),
        (envelope(&held, &owner, saltbridge(&named)), None),
        (keccak_envelope(&held, &owner, &saltbridge(&named)), None),
    ];
    for (envelope, public_key) in rows {
        let expected = expecting(Some(owner.own_address()), public_key);
        let result = unlock(&envelope, &mut owner.clone(), &expected, SaltPolicy::PersonInsists);
        match result.err() {
            Some(UnlockError::PublicKeyMismatch { expected, found }) => {
                assert_eq!((expected, found), (named.public_key(), held.public_key()));
            }
            _ => panic!("not refused for its public key"),
        }
    }
}

#[test]
fn an_envelope_of_ours_is_bound_to_its_address_and_its_key() {
    let (key_pair, owner) = (key_pair(3), wallet(5));
    let Message::Saltbridge { public_key, salt } = saltbridge(&key_pair) else {
        unreachable!()
    };
    let signature = owner.sign(&saltbridge(&key_pair).known().unwrap().hash());
    let open_with = |salt, address, public_key| {
        let key = StorageKey::hkdf_sha256(&signature, &salt, &address, &public_key);
        envelope(&key_pair, &owner, saltbridge(&key_pair)).open(&key).is_ok()
    };
    assert!(open_with(salt, owner.own_address(), public_key));
    assert!(!open_with([8; 32], owner.own_address(), public_key));
    assert!(!open_with(salt, wallet(6).own_address(), public_key));
    assert!(!open_with(salt, owner.own_address(), PublicKey::from_bytes([8; 32])));
}

#[test]
fn what_the_wallet_says_when_it_does_not_sign_is_passed_on() {
    let envelope = envelope(&key_pair(3), &wallet(5), numerbay());
    match unlock(&envelope, &mut Refusing, &Expected::default(), SaltPolicy::KnownForms).err() {
        Some(UnlockError::Wallet(said)) => assert_eq!(said.shown, "no"),
        _ => panic!("not passed on"),
    }
}
