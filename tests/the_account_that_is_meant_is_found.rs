//! The account that signs is the one that was meant: its path is found without a prompt, and a path that is forbidden or
//! has another address is refused before the device asks anything.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/stage.rs"]
mod stage;

use std::collections::HashSet;

use saltbridge::emulator::{Device, SeedName, Start};
use saltbridge::ethereum::{Address, DerivationPath};
use saltbridge::fault::{Class, Fault as _};
use saltbridge::ledger::{Account, DeviceFault, Event, Patience, Wanted};
use stage::{Frame, Stage, Told, asker};

const MESSAGE: &[u8] = b"never shown";

/// The address of m/44'/60'/0'/0/0 of Speculos's own seed.
const FIRST: &str = "0xDad77910DbDFdE764fC21FCD4E74D71bBACA6D8D";

fn path(text: &str) -> DerivationPath {
    text.parse().unwrap()
}

#[test]
fn a_path_that_the_app_may_not_use_is_refused_before_any_review() {
    let stage = Stage::new(Start::App);
    for forbidden in ["m/44'/0'/0'/0/0", "m/49'/60'/0'/0/0", "m/44'", "m/44/60/0/0/0", "m/44'/60/0'/0/0"] {
        let told = Told::default();
        let signed = stage.session.converse(told.asker(Patience::Wait), |conversation| {
            conversation.ready(&Wanted::default())?;
            conversation.personal_sign(&stage::account(path(forbidden), Address::from_bytes([1; 20])), MESSAGE)
        });
        let fault = signed.map(|_| ()).unwrap_err();
        assert_eq!(fault, DeviceFault::PathNotAllowed { path: path(forbidden) });
        assert_eq!((fault.explain().code, fault.explain().class), ("path-not-allowed", Class::DoesNotOpen));
        assert_eq!(told.count(|event| !matches!(event, Event::Ready(_))), 0);
        assert!(!stage.emulator.look(Device::is_asking));
    }
    assert_eq!(stage.commands(), ["b001 e002"; 5].join(" "));
}

#[test]
fn with_another_address_than_the_expected_one_nothing_is_signed() {
    let stage = Stage::new(Start::App);
    let foreign = Address::from_bytes([1; 20]);
    let is_wrong = |fault: DeviceFault| {
        assert_eq!((fault.explain().code, fault.explain().class), ("wrong-account", Class::DoesNotOpen));
        assert!(fault.to_string().contains(&foreign.to_string()), "{fault}");
        assert!(fault.to_string().contains(FIRST), "{fault}");
    };
    let account = path("m/44'/60'/0'/0/0");
    let wanted = Wanted {
        address: Some(foreign),
        path: Some(account.clone()),
    };
    let found = stage
        .session
        .converse(asker(), move |conversation| conversation.find(&wanted));
    is_wrong(found.unwrap_err());
    let signed = stage.session.converse(asker(), move |conversation| {
        conversation.personal_sign(&stage::account(account.clone(), foreign), MESSAGE)
    });
    is_wrong(signed.map(|_| ()).unwrap_err());
    assert_eq!(stage.commands(), "e002 e002");
    assert!(!stage.emulator.look(Device::is_asking));
}

/// Looks for the address alone.
fn find(stage: &Stage, told: &Told, address: Address) -> Result<Account, DeviceFault> {
    let (asker, wanted) = (
        told.asker(Patience::NoWait),
        Wanted {
            address: Some(address),
            path: None,
        },
    );
    stage
        .session
        .converse(asker, move |conversation| conversation.find(&wanted))
}

#[test]
fn the_path_of_an_address_is_found_in_all_three_customs() {
    let stage = Stage::with_seed(SeedName::Junk, Start::App);
    for expected in ["m/44'/60'/3'/0/0", "m/44'/60'/0'/0/7", "m/44'/60'/0'/5", "m/44'/60'/0'", "m/44'/60'/19'/0/0"] {
        let account = path(expected);
        let address = stage
            .session
            .converse(asker(), move |conversation| conversation.address(&account))
            .unwrap();
        let told = Told::default();
        let found = find(&stage, &told, address);
        if expected == "m/44'/60'/0'" {
            // No custom has it, though some wallets do.
            assert_eq!(found, Err(DeviceFault::AccountNotFound { expected: address }));
        } else {
            assert_eq!(
                found,
                Ok(Account {
                    path: path(expected),
                    address
                })
            );
        }
        assert_eq!(told.events(), [Event::Searching { address }], "{expected}");
    }
    // The eighth of the addresses that everybody knows from Hardhat, whose accounts follow BIP-44.
    let known: Address = "0x14dC79964da2C08b23698B3D3cc7Ca32193d9955".parse().unwrap();
    let found = find(&stage, &Told::default(), known).unwrap();
    assert_eq!(found.path, path("m/44'/60'/0'/0/7"));
    assert!(!stage.commands().contains("e008"));
}

#[test]
fn the_first_account_is_found_without_a_word() {
    let stage = Stage::with_seed(SeedName::Junk, Start::App);
    let first: Address = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266".parse().unwrap();
    let told = Told::default();
    assert_eq!(find(&stage, &told, first).unwrap().path, path("m/44'/60'/0'/0/0"));
    assert_eq!(told.events(), []);
    assert_eq!(stage.commands(), "e002");
}

#[test]
fn a_foreign_address_is_not_found_after_each_path_was_tried_once() {
    let stage = Stage::new(Start::App);
    let foreign = Address::from_bytes([1; 20]);
    let fault = find(&stage, &Told::default(), foreign).unwrap_err();
    assert_eq!((fault.explain().code, fault.explain().class), ("account-not-found", Class::DoesNotOpen));
    let commands: Vec<_> = stage
        .heard()
        .into_iter()
        .filter(|frame| matches!(frame, Frame::Command(_)))
        .collect();
    let different: HashSet<_> = commands.iter().map(|frame| format!("{frame:?}")).collect();
    // Twenty in each custom, the first of two customs being the same.
    assert_eq!((commands.len(), different.len()), (59, 59));
}
