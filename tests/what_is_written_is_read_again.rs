//! What is written is read again as the same: envelopes, key files, signatures, addresses, paths.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used, clippy::panic)]

#[path = "support/software_wallet.rs"]
mod software_wallet;
mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use saltbridge::encryption::{Envelope, Kdf, KeyFile, KeyPair, Message, Nonce, PrivateKey, StorageKey};
use saltbridge::ethereum::{Address, DerivationPath, Signature, VForm};
use saltbridge::unlock::{Expected, SaltPolicy, Unlocked, unlock};
use software_wallet::SoftwareWallet;

fn wallet() -> impl Strategy<Value = SoftwareWallet> {
    let keys = any::<[u8; 32]>().prop_filter_map("no private key", |bytes| SoftwareWallet::new(&bytes));
    (keys, form()).prop_map(|(mut wallet, form)| {
        wallet.form = form;
        wallet
    })
}

fn form() -> impl Strategy<Value = VForm> {
    select(vec![VForm::Offset27, VForm::Bare])
}

fn other(form: VForm) -> VForm {
    match form {
        VForm::Offset27 => VForm::Bare,
        VForm::Bare => VForm::Offset27,
    }
}

fn key_pair(private_key: &[u8; 32]) -> KeyPair {
    KeyPair::new(PrivateKey::from_bytes(private_key))
}

/// Seals as a program that makes envelopes does, and reads the text again.
fn seal(key_pair: &KeyPair, wallet: &SoftwareWallet, nonce: [u8; 24], message: Message) -> Envelope {
    let signature = wallet.sign(&message.insisted_on().hash());
    let key = match &message {
        Message::Saltbridge { public_key, salt } => {
            StorageKey::hkdf_sha256(&signature, salt, &wallet.own_address(), public_key)
        }
        Message::NumerBay { .. } | Message::Unusual(_) => StorageKey::keccak256(&signature),
    };
    let sealed = Envelope::seal(key_pair.private_key(), &key, Nonce::from_bytes(nonce), message);
    let read = Envelope::parse(&sealed.to_text()).unwrap();
    assert_eq!(read, sealed);
    read
}

fn open(envelope: &Envelope, wallet: &mut SoftwareWallet, key_pair: &KeyPair, policy: SaltPolicy) -> Unlocked {
    let expected = Expected {
        address: Some(wallet.own_address()),
        public_key: Some(key_pair.public_key()),
    };
    let unlocked = unlock(envelope, wallet, &expected, policy).unwrap();
    assert_eq!(wallet.asked, 1, "one approval is enough");
    assert_eq!(*unlocked.key_pair.private_key().to_base64(), *key_pair.private_key().to_base64());
    unlocked
}

/// A path as people type it, and the elements that it stands for.
fn spelled_path() -> impl Strategy<Value = (String, Vec<u32>)> {
    let element = (0..1_u32 << 31, select(vec!["", "'", "h"]), select(vec!["", "0", "000"]));
    (vec(element, 1..=DerivationPath::MOST_ELEMENTS), select(vec!["", "m/"])).prop_map(|(elements, prefix)| {
        let spelled = elements.iter().map(|(n, mark, zeros)| format!("{zeros}{n}{mark}"));
        let spelled = spelled.collect::<Vec<_>>().join("/");
        let marked = |(n, mark, _): &(u32, &str, _)| n | if mark.is_empty() { 0 } else { 1 << 31 };
        (format!("{prefix}{spelled}"), elements.iter().map(marked).collect())
    })
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases)
    }
}

proptest! {
    #![proptest_config(config(128))]

    #[test]
    fn an_envelope_of_numerbays_opens_whichever_form_of_v_the_wallet_gives(
        mut wallet in wallet(), private_key: [u8; 32], nonce: [u8; 24], salt: [u8; 32],
    ) {
        let (key_pair, made_with) = (key_pair(&private_key), wallet.form);
        let envelope = seal(&key_pair, &wallet, nonce, Message::NumerBay { salt });
        assert_eq!(envelope.kdf(), Kdf::Keccak256);
        assert!(!envelope.to_text().contains(r#""kdf":"#));
        for form in [made_with, other(made_with)] {
            (wallet.form, wallet.asked) = (form, 0);
            let unlocked = open(&envelope, &mut wallet, &key_pair, SaltPolicy::KnownForms);
            assert_eq!(unlocked.v_form, made_with);
        }
    }

    #[test]
    fn an_envelope_of_ours_opens_whichever_form_of_v_and_s_the_wallet_gives(
        mut wallet in wallet(), made_with_high_s: bool, private_key: [u8; 32], nonce: [u8; 24], salt: [u8; 32],
    ) {
        let key_pair = key_pair(&private_key);
        wallet.high_s = made_with_high_s;
        let message = Message::Saltbridge { public_key: key_pair.public_key(), salt };
        let envelope = seal(&key_pair, &wallet, nonce, message);
        assert_eq!(envelope.kdf(), Kdf::HkdfSha256);
        for (form, high_s) in [(VForm::Offset27, false), (VForm::Offset27, true), (VForm::Bare, false), (VForm::Bare, true)] {
            (wallet.form, wallet.high_s, wallet.asked) = (form, high_s, 0);
            let unlocked = open(&envelope, &mut wallet, &key_pair, SaltPolicy::KnownForms);
            assert_eq!(unlocked.v_form, VForm::Offset27);
            assert_eq!(unlocked.address, wallet.own_address());
        }
    }

    #[test]
    fn an_envelope_over_any_text_is_written_read_and_opened_if_a_person_insists(
        mut wallet in wallet(), private_key: [u8; 32], nonce: [u8; 24], message: String,
    ) {
        let key_pair = key_pair(&private_key);
        let envelope = seal(&key_pair, &wallet, nonce, Message::Unusual(message));
        assert!(envelope.message_to_sign().is_err());
        open(&envelope, &mut wallet, &key_pair, SaltPolicy::PersonInsists);
    }

    #[test]
    fn a_signature_stays_itself_in_every_form(mut wallet in wallet(), hash: [u8; 32]) {
        let address = wallet.own_address();
        let low = wallet.sign(&hash);
        wallet.high_s = true;
        let high = wallet.sign(&hash);
        assert_ne!(low.expose_bytes(), high.expose_bytes());
        for form in [VForm::Offset27, VForm::Bare] {
            for signature in [&low, &high] {
                let changed = signature.in_v_form(form);
                assert_eq!(changed.v_form(), form);
                assert_eq!(&changed.expose_bytes()[..64], &signature.expose_bytes()[..64]);
                assert_eq!(changed.recover(&hash), Ok(address));
                assert_eq!(changed.in_v_form(wallet.form).expose_bytes(), signature.expose_bytes());

                let lowered = signature.low_s(form);
                assert_eq!(lowered.expose_bytes(), low.in_v_form(form).expose_bytes());
                assert_eq!(lowered.low_s(form).expose_bytes(), lowered.expose_bytes());
                assert_eq!(lowered.recover(&hash), Ok(address));
            }
        }
        let digits = support::hex(low.expose_bytes());
        for spelled in [digits.clone(), digits.to_uppercase(), format!("0x{digits}"), format!(" \t0X{digits}\r\n")] {
            assert_eq!(Signature::from_hex(&spelled).unwrap().expose_bytes(), low.expose_bytes());
        }
    }
}

proptest! {
    #![proptest_config(config(1024))]

    #[test]
    fn a_key_pair_is_read_from_its_key_file(private_key: [u8; 32]) {
        let key_pair = key_pair(&private_key);
        let written = key_pair.to_key_file_text();
        assert_eq!(written.len(), 122);
        let read = KeyFile::parse(&written).unwrap();
        assert!(read.names_public_key);
        assert_eq!(&*read.key_pair.to_key_file_text(), &*written);
        assert_eq!(key_pair.public_key().to_string().parse(), Ok(key_pair.public_key()));
    }

    #[test]
    fn an_address_is_read_in_all_its_spellings(bytes: [u8; 20]) {
        let address = Address::from_bytes(bytes);
        let checksummed = address.to_string();
        let upper = checksummed.to_uppercase();
        let spellings = [checksummed.to_lowercase(), upper.replace("0X", "0x"), upper, checksummed.replace("0x", "0X"), checksummed];
        for spelled in spellings {
            assert_eq!(spelled.parse(), Ok(address));
        }
    }

    #[test]
    fn a_path_is_read_in_all_its_spellings((spelled, elements) in spelled_path()) {
        let path: DerivationPath = spelled.parse().unwrap();
        assert_eq!(path.elements(), &elements);
        assert_eq!(path.to_string().parse(), Ok(path));
    }
}
