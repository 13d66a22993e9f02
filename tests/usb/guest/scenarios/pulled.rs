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
        Scenario::plain("a-review-that-goes-on-is-asked-about-at-another-port", with_a_battery_elsewhere),
        Scenario::plain("pulled-while-it-asks-to-open-the-app", while_opening),
        Scenario::plain("it-comes-back-at-another-port-with-the-app-open", opened_elsewhere),
        Scenario::plain("of-two-ledgers-the-right-one-is-pulled", the_right_one_of_two),
        Scenario::plain("a-third-ledger-does-not-take-the-place-of-the-pulled-one", a_third_one),
        Scenario::plain("a-node-that-is-missing-is-not-waited-for", no_node),
    ]
}

/// The person unlocks it and agrees to open Ethereum.
fn make_ready(ledger: &Ledger, program: &mut Process) {
    program.wait_until_it_says("Waiting for you to enter the PIN");
    ledger.unlock();
    program.wait_until_it_says("asks whether to open the Ethereum app");
    ledger.decide(true);
}

/// What the device asks now is approved, and the command does the rest.
fn is_finished(ledger: &Ledger, decrypt: Process) {
    ledger.decide(true);
    decrypt.wait(PATIENCE).succeeded();
    desk::is_decrypted();
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
    make_ready(&ledger, &mut decrypt);
    decrypt.wait_until_it_says("The device shows:");
    is_finished(&ledger, decrypt);
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
    assert_ne!(ledger.node(), before, "it has another node now");
    make_ready(&ledger, &mut decrypt);
    ledger.wait_until_asking();
    is_finished(&ledger, decrypt);
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
    is_finished(&ledger, decrypt);
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

fn stax(port: u8, seed: SeedName, start: Start) -> Ledger {
    let device = Device::new(Model::Stax, seed, start);
    Ledger::plugged_into(port, Identity::of(Model::Stax), device)
}

fn with_a_battery_elsewhere() {
    desk::admit_plugdev();
    desk::buy();
    let ledger = stax(0, SeedName::Speculos, Start::App);
    let decrypt = saltbridge(DECRYPT).start();
    ledger.wait_until_asking();
    let port = ledger.port_name();
    ledger.unplug();
    ledger.move_to(5);
    ledger.plug_in();
    decrypt.wait(PATIENCE).failed_with(3, "prompt-pending");
    saltbridge("address --no-wait").run().failed_with(3, "prompt-pending");
    let named = format!("address --no-wait --device usb:{}", ledger.port_name());
    saltbridge(&named).run().failed_with(3, "prompt-pending");
    saltbridge("address --no-wait --device-idle")
        .run()
        .failed_with(3, "device-locked");
    // Once it is settled, it is for the old port, too.
    saltbridge("address --no-wait").run().failed_with(3, "device-locked");
    drop(ledger);
    let ledger = stax(0, SeedName::Speculos, Start::App);
    assert_eq!(ledger.port_name(), port);
    saltbridge("address --no-wait").run().printed(&format!("{ADDRESS}\n"));
}

fn while_opening() {
    desk::admit_plugdev();
    let ledger = stax(0, SeedName::Speculos, Start::Dashboard);
    let mut address = saltbridge(&format!("address --device usb:{}", ledger.port_name())).start();
    address.wait_until_it_says("asks whether to open the Ethereum app");
    ledger.wait_until_asking();
    ledger.unplug();
    ledger.plug_in();
    // With a battery it may ask on.
    address.wait(PATIENCE).failed_with(3, "prompt-pending");
    saltbridge("address --no-wait --device-idle")
        .run()
        .failed_with(3, "device-locked");
    drop(ledger);
    // Without one it does not.
    let ledger = Ledger::start(Start::Dashboard);
    let mut address = saltbridge("address").start();
    address.wait_until_it_says("asks whether to open the Ethereum app");
    ledger.wait_until_asking();
    ledger.unplug();
    address.wait_until_it_says("Plug in your Ledger");
    ledger.plug_in();
    make_ready(&ledger, &mut address);
    address.wait(PATIENCE).printed(&format!("{ADDRESS}\n"));
}

fn opened_elsewhere() {
    desk::admit_plugdev();
    let ledger = Ledger::start(Start::Dashboard);
    let address = saltbridge("address").start();
    ledger.wait_until_asking();
    // It comes back where it was not before: within the time in which it is waited for at the old port.
    ledger.set_absence(std::time::Duration::from_secs(3));
    ledger.move_to(4);
    ledger.decide(true);
    address.wait(PATIENCE).printed(&format!("{ADDRESS}\n"));
}

fn the_right_one_of_two() {
    desk::admit_plugdev();
    desk::buy();
    let stranger = stax(0, SeedName::Junk, Start::Dashboard);
    let ledger = Ledger::plugged_into(
        1,
        Identity::of(Model::NanoSPlus),
        Device::new(Model::NanoSPlus, SeedName::Speculos, Start::App),
    );
    let mut decrypt = saltbridge(DECRYPT).start();
    ledger.wait_until_asking();
    ledger.unplug();
    decrypt.wait_until_it_says("Plug in your Ledger");
    std::thread::sleep(std::time::Duration::from_secs(1));
    assert!(!stranger.emulator().look(Device::is_asking), "the other one is left alone");
    ledger.move_to(6);
    ledger.plug_in();
    make_ready(&ledger, &mut decrypt);
    decrypt.wait_until_it_says("The device asks again");
    ledger.decide(true);
    decrypt.wait(PATIENCE).succeeded();
    desk::is_decrypted();
    assert!(!stranger.emulator().look(Device::is_asking));
}

fn a_third_one() {
    desk::admit_plugdev();
    desk::buy();
    let ledger = Ledger::in_app();
    let mut decrypt = saltbridge(DECRYPT).start();
    ledger.wait_until_asking();
    ledger.unplug();
    decrypt.wait_until_it_says("Plug in your Ledger");
    let third = stax(2, SeedName::Junk, Start::Locked);
    decrypt.wait_until_it_says("Waiting for you to enter the PIN");
    ledger.move_to(6);
    ledger.plug_in();
    decrypt.wait_until_it_says("Several Ledgers are plugged in");
    ledger.unlock();
    ledger.emulator().touch(Device::open_ethereum);
    decrypt.wait_until_it_says("The device asks again");
    ledger.unplug();
    // This time the third one is ready, and has other accounts.
    third.unlock();
    std::thread::sleep(std::time::Duration::from_secs(2));
    assert!(!decrypt.has_ended(), "{}", decrypt.stderr());
    ledger.plug_in();
    ledger.unlock();
    ledger.emulator().touch(Device::open_ethereum);
    ledger.wait_until_asking();
    is_finished(&ledger, decrypt);
}

fn no_node() {
    desk::admit_plugdev();
    let ledger = Ledger::in_app();
    // As in a container that was given no node.
    std::fs::remove_file(ledger.node().unwrap()).unwrap();
    saltbridge("address")
        .run()
        .failed_with(3, "cannot-open-device")
        .says("saltbridge doctor");
}

fn with_a_battery() {
    desk::admit_plugdev();
    desk::buy();
    let ledger = stax(0, SeedName::Speculos, Start::App);
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
