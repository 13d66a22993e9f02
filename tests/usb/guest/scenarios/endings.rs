//! How it ends when something goes wrong: each in its own message, and the next command works.

use std::time::Duration;

use rustix::process::Signal;
use saltbridge::emulator::Device;

use crate::desk::{self, ADDRESS, DECRYPT, saltbridge};
use crate::faults::{Fault, Stray};
use crate::guest::{self, BUYER, PATIENCE};
use crate::hidraw::Hidraw;
use crate::ledger::Ledger;
use crate::scenarios::Scenario;

pub fn all() -> Vec<Scenario> {
    vec![
        Scenario::plain("each-state-of-the-device-has-its-message", states),
        Scenario::plain("refused-and-the-next-time-approved", refused),
        Scenario::plain("an-instant-refusal-is-not-the-persons", instant_refusal),
        Scenario::plain("bytes-before-a-status-word-are-no-answer", left_over),
        Scenario::plain("reports-of-others-and-broken-ones", broken_reports),
        Scenario::plain("a-device-that-says-nothing", silent),
        Scenario::plain("a-process-killed-in-the-middle-of-a-request", killed_in_a_write),
        Scenario::plain("a-wedged-device-that-may-not-be-reset", wedged_for_good),
        Scenario::plain("a-process-killed-during-a-review", killed_in_a_review),
        Scenario::plain("ctrl-c-during-a-review-waits-for-the-answer", interrupted),
        Scenario::plain("a-signature-by-another-key-opens-nothing", another_signature),
    ]
}

/// The address of the first account, asked by a command that needs nobody.
fn the_next_command_works() {
    saltbridge("address --no-wait").run().printed(&format!("{ADDRESS}\n"));
}

fn states() {
    desk::admit_plugdev();
    desk::buy();
    let ledger = Ledger::in_app();
    let decrypt = format!("{DECRYPT} --no-wait");
    ledger.lock();
    saltbridge(&decrypt).run().failed_with(3, "device-locked");
    ledger.unlock();
    the_next_command_works();
    ledger.emulator().touch(Device::close_app);
    ledger.wait_for_product_id(0x5011);
    saltbridge(&decrypt).run().failed_with(3, "app-not-open");
    ledger.emulator().touch(Device::open_other_app);
    ledger.wait_for_product_id(0x5015);
    saltbridge(&decrypt).run().failed_with(3, "other-app");
    ledger.emulator().touch(Device::open_ethereum);
    // The other app's number is the same.
    guest::eventually("Ethereum is open", || {
        let address = saltbridge("address --no-wait").run();
        (address.status == Some(0)).then_some(())
    });
    let forbidden = saltbridge("address --no-wait --path m/45'/60'/0'/0/0").run();
    forbidden.failed_with(5, "path-not-allowed");
    the_next_command_works();
    desk::nothing_is_decrypted();
}

fn refused() {
    desk::admit_plugdev();
    desk::buy();
    let ledger = Ledger::in_app();
    let decrypt = saltbridge(DECRYPT).start();
    ledger.decide(false);
    decrypt.wait(PATIENCE).failed_with(4, "refused");
    desk::nothing_is_decrypted();
    let decrypt = saltbridge(DECRYPT).start();
    ledger.decide(true);
    decrypt.wait(PATIENCE).succeeded();
    desk::is_decrypted();
}

fn instant_refusal() {
    desk::admit_plugdev();
    desk::buy();
    let ledger = Ledger::in_app();
    ledger.set_fault(Fault::InstantRefusal);
    saltbridge(DECRYPT).run().failed_with(3, "refused-unasked");
    ledger.clear_fault();
    desk::nothing_is_decrypted();
    the_next_command_works();
}

fn left_over() {
    desk::admit_plugdev();
    desk::buy();
    let ledger = Ledger::in_app();
    let decrypt = saltbridge(DECRYPT).start();
    ledger.wait_until_asking();
    // 65 bytes, as many as a signature has, before the status word of a refusal.
    ledger.set_fault_once(Fault::LeftOver(vec![0x1b; 65]));
    ledger.decide(false);
    decrypt.wait(PATIENCE).failed_with(4, "refused");
    desk::nothing_is_decrypted();
    the_next_command_works();
}

fn broken_reports() {
    desk::admit_plugdev();
    let ledger = Ledger::in_app();
    // Somebody else's answer is passed over.
    ledger.set_fault(Fault::Stray(Stray::Channel));
    the_next_command_works();
    for fault in
        [Fault::Stray(Stray::Tag), Fault::Stray(Stray::Sequence), Fault::Short(60), Fault::Short(7), Fault::Short(1)]
    {
        println!("{fault:?}");
        ledger.set_fault(fault.clone());
        let run = saltbridge("address --no-wait").run();
        // Some kernels keep short reports to themselves.
        let code = if matches!(fault, Fault::Short(_)) && run.stderr.contains("no-answer") {
            "no-answer"
        } else {
            "unexpected-answer"
        };
        run.failed_with(3, code);
        ledger.clear_fault();
        the_next_command_works();
    }
    // What comes behind the end of an answer is not taken for the next one.
    ledger.set_fault(Fault::TooLong);
    the_next_command_works();
    ledger.set_fault(Fault::Slow(Duration::from_millis(300)));
    the_next_command_works();
}

fn silent() {
    desk::admit_plugdev();
    let ledger = Ledger::in_app();
    ledger.set_fault(Fault::Silent);
    saltbridge("address --no-wait")
        .run()
        .failed_with(3, "no-answer")
        .says("plug it in again");
    assert!(ledger.resets() > 0, "it was tried to free it");
    ledger.clear_fault();
    the_next_command_works();
}

/// A process is killed while the device is slow to take its reports: some of them are sent, some are not.
fn killed_in_a_write() {
    desk::admit_plugdev();
    desk::buy();
    let ledger = Ledger::in_app();
    ledger.set_fault(Fault::TakesSlowly(Duration::from_millis(300)));
    let decrypt = saltbridge(DECRYPT).start();
    guest::eventually("the first of three reports", || ledger.is_sent_a_long_command().then_some(()));
    let killed = decrypt.kill();
    assert_eq!(killed.signal, Some(9), "{killed:?}");
    ledger.clear_fault();
    assert!(!ledger.emulator().look(Device::is_asking), "the request was not sent whole");
    // It had noted that the device would ask: the person sees that it does not.
    saltbridge("address --no-wait").run().failed_with(3, "prompt-pending");
    let next = saltbridge("address --no-wait --device-idle").run();
    next.printed(&format!("{ADDRESS}\n"));
    assert_eq!(ledger.resets(), 1, "the device was wedged, and freed by a reset");
    assert!(!ledger.emulator().look(Device::is_asking), "no review of nonsense");
    let decrypt = saltbridge(DECRYPT).start();
    ledger.decide(true);
    decrypt.wait(PATIENCE).succeeded();
    desk::is_decrypted();
    // Somebody else's program may die so, too, and leaves no word.
    break_off_a_request(&ledger);
    the_next_command_works();
    assert_eq!(ledger.resets(), 2);
}

fn wedged_for_good() {
    desk::admit_plugdev();
    // The node of the USB device stays root's.
    guest::write_rules(
        "71-no-reset.rules",
        "SUBSYSTEM==\"usb\", ENV{DEVTYPE}==\"usb_device\", MODE=\"0600\", GROUP=\"root\"\n",
    );
    let ledger = Ledger::in_app();
    break_off_a_request(&ledger);
    saltbridge("address --no-wait")
        .run()
        .failed_with(3, "no-answer")
        .says("plug it in again");
    assert_eq!(ledger.resets(), 0);
    ledger.unplug();
    ledger.plug_in();
    ledger.emulator().touch(|device| {
        device.unlock();
        device.open_ethereum()
    });
    ledger.wait_for_product_id(0x5015);
    the_next_command_works();
}

/// The first of three reports of a request, and no more.
pub fn break_off_a_request(ledger: &Ledger) {
    let mut open = Hidraw::open(&ledger.node().unwrap()).unwrap();
    let mut report = vec![0x01, 0x01, 0x05, 0x00, 0x00, 0x00, 0x7b, 0xe0, 0x08, 0x00, 0x00];
    report.resize(64, 0x41);
    open.send(&report).unwrap();
}

fn killed_in_a_review() {
    desk::admit_plugdev();
    desk::buy();
    let ledger = Ledger::in_app();
    let decrypt = saltbridge(DECRYPT).start();
    ledger.wait_until_asking();
    decrypt.kill();
    assert!(ledger.emulator().look(Device::is_asking), "it goes on asking");
    let next = saltbridge("address --no-wait").run();
    next.failed_with(3, "prompt-pending").says("--device-idle");
    assert!(ledger.emulator().look(Device::is_asking), "nothing was sent");
    ledger.decide(false);
    saltbridge("address --no-wait --device-idle").run().succeeded();
    the_next_command_works();
    desk::nothing_is_decrypted();
}

fn interrupted() {
    desk::admit_plugdev();
    desk::buy();
    let ledger = Ledger::in_app();
    let mut decrypt = saltbridge(DECRYPT).start();
    ledger.wait_until_asking();
    decrypt.signal(Signal::INT);
    decrypt.wait_until_it_says("The device is still asking");
    ledger.decide(false);
    assert_eq!(decrypt.wait(PATIENCE).status, Some(130));
    the_next_command_works();
    let decrypt = saltbridge(DECRYPT).start();
    ledger.wait_until_asking();
    decrypt.signal(Signal::INT);
    std::thread::sleep(Duration::from_millis(500));
    decrypt.signal(Signal::INT);
    assert_eq!(decrypt.wait(PATIENCE).status, Some(130));
    saltbridge("address --no-wait").run().failed_with(3, "prompt-pending");
    ledger.decide(false);
    saltbridge("address --no-wait --device-idle").run().succeeded();
}

/// The device signs with another key than that of the address that it told: as one does that completes an older request
/// with a newer message.
fn another_signature() {
    desk::admit_plugdev();
    desk::buy();
    let ledger = Ledger::in_app();
    let decrypt = saltbridge(DECRYPT).start();
    ledger.wait_until_asking();
    ledger.set_fault_once(Fault::FlippedBit);
    ledger.decide(true);
    let ended = decrypt.wait(PATIENCE);
    ended
        .failed_with(3, "unexpected-answer")
        .says("a signature of something else");
    desk::nothing_is_decrypted();
    assert!(BUYER.run(&["test", "-e", "/home/buyer/envelope.json"]).status == Some(0));
    the_next_command_works();
}
