//! The cable is pulled: before, during and after a review, and the device comes back elsewhere.

use saltbridge::emulator::{Device, Model, SeedName, Start};

use crate::desk::{self, ADDRESS, DECRYPT, saltbridge};
use crate::guest::{BUYER, PATIENCE, Process};
use crate::identity::Identity;
use crate::ledger::Ledger;
use crate::scenarios::Scenario;

pub fn all() -> Vec<Scenario> {
    vec![
        Scenario::plain("pulled-before-a-review-it-is-waited-for", before),
        Scenario::plain("pulled-during-a-review-it-is-asked-again", during),
        Scenario::plain("pulled-after-a-review-nothing-is-lost", after),
        Scenario::plain("pulled-and-plugged-in-at-another-port", another_port),
        Scenario::plain("pulled-while-the-account-is-looked-for", while_searching),
        Scenario::plain("a-review-that-goes-on-without-the-cable-is-asked-about", with_a_battery),
    ]
}

/// The person unlocks it and agrees to open Ethereum.
fn make_ready(ledger: &Ledger, program: &mut Process) {
    program.wait_until_it_says("Waiting for you to enter the PIN");
    ledger.emulator().touch(|device| {
        device.unlock();
        Vec::new()
    });
    program.wait_until_it_says("asks whether to open the Ethereum app");
    ledger.decide(true);
}

fn before() {
    desk::admit_plugdev();
    desk::buy();
    let ledger = Ledger::start(Start::Locked);
    let mut decrypt = saltbridge(DECRYPT).start();
    decrypt.wait_until_it_says("Waiting for you to enter the PIN");
    ledger.unplug();
    decrypt.wait_until_it_says("Plug in your Ledger");
    ledger.plug_in();
    ledger.emulator().touch(|device| {
        device.unlock();
        Vec::new()
    });
    decrypt.wait_until_it_says("asks whether to open the Ethereum app");
    ledger.decide(true);
    decrypt.wait_until_it_says("The device shows:");
    ledger.decide(true);
    decrypt.wait(PATIENCE).succeeded();
    desk::is_decrypted();
}

fn during() {
    desk::admit_plugdev();
    desk::buy();
    let ledger = Ledger::in_app();
    // A node of the old number is held, so that the new one has another.
    let mut other_fd = crate::hidraw::Hidraw::open(&ledger.node().unwrap()).unwrap();
    let before = ledger.node();
    let mut decrypt = saltbridge(DECRYPT).start();
    ledger.wait_until_asking();
    ledger.unplug();
    decrypt.wait_until_it_says("went away while it was asking you");
    decrypt.wait_until_it_says("Plug in your Ledger");
    let _ = other_fd.receive(std::time::Duration::ZERO);
    ledger.plug_in();
    println!("{before:?}, then {:?}", ledger.node());
    make_ready(&ledger, &mut decrypt);
    ledger.wait_until_asking();
    ledger.decide(true);
    decrypt.wait(PATIENCE).succeeded();
    desk::is_decrypted();
}

fn after() {
    desk::admit_plugdev();
    desk::buy();
    let ledger = Ledger::in_app();
    let decrypt = saltbridge(DECRYPT).start();
    ledger.decide(true);
    // The answer is on its way, or was read.
    let finished = decrypt.wait(PATIENCE);
    ledger.unplug();
    finished.succeeded();
    desk::is_decrypted();
    saltbridge("address --no-wait").run().failed_with(3, "not-plugged-in");
    ledger.plug_in();
    saltbridge("address --no-wait").run().failed_with(3, "device-locked");
}

fn another_port() {
    desk::admit_plugdev();
    desk::buy();
    let ledger = Ledger::in_app();
    let mut decrypt = saltbridge(DECRYPT).start();
    ledger.wait_until_asking();
    ledger.unplug();
    decrypt.wait_until_it_says("went away while it was asking you");
    ledger.move_to(5);
    ledger.plug_in();
    make_ready(&ledger, &mut decrypt);
    ledger.wait_until_asking();
    ledger.decide(true);
    decrypt.wait(PATIENCE).succeeded();
    desk::is_decrypted();
}

fn while_searching() {
    desk::admit_plugdev();
    let ledger = Ledger::in_app();
    // The eighth account of BIP-44: the search is some twenty exchanges long.
    let entry = desk::recorded("wallets", "speculos-44h_60h_0h_0_7");
    let wanted = entry["address"].as_str().unwrap();
    let mut address = saltbridge(&format!("address --address {wanted}")).start();
    address.wait_until_it_says("Looking for the path");
    ledger.unplug();
    address.wait_until_it_says("The device went away.");
    ledger.plug_in();
    make_ready(&ledger, &mut address);
    address.wait(PATIENCE).printed(&format!("{wanted}\n"));
}

fn with_a_battery() {
    desk::admit_plugdev();
    desk::buy();
    let device = Device::new(Model::Stax, SeedName::Speculos, Start::App);
    let ledger = Ledger::plugged_into(0, Identity::of(Model::Stax), device);
    // Nobody is there who could say that its screen shows no question.
    let decrypt = saltbridge(DECRYPT).start();
    ledger.wait_until_asking();
    ledger.unplug();
    ledger.plug_in();
    let ended = decrypt.wait(PATIENCE);
    ended
        .failed_with(3, "prompt-pending")
        .says("may still be on its screen");
    desk::nothing_is_decrypted();
    ledger.emulator().touch(|device| {
        device.unlock();
        device.open_ethereum()
    });
    ledger.wait_for_product_id(0x6015);
    saltbridge("address --no-wait").run().failed_with(3, "prompt-pending");
    saltbridge("address --no-wait --device-idle")
        .run()
        .printed(&format!("{ADDRESS}\n"));
    // At a terminal the person is asked, and the command goes on.
    let words = format!("saltbridge {DECRYPT}");
    let mut decrypt = BUYER.program_at_terminal(&words).keep_input_open().start();
    ledger.wait_until_asking();
    ledger.unplug();
    ledger.plug_in();
    crate::guest::eventually("the person is asked", || {
        decrypt.stdout().contains("Then press Enter here").then_some(())
    });
    ledger.emulator().touch(|device| {
        device.unlock();
        device.open_ethereum()
    });
    ledger.wait_for_product_id(0x6015);
    decrypt.type_in("\n");
    ledger.wait_until_asking();
    ledger.decide(true);
    let ended = decrypt.wait(PATIENCE);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    desk::is_decrypted();
}
