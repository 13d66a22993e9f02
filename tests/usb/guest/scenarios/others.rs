//! Other programs at the same device: saltbridges that wait their turn, and strangers.

use std::time::Duration;

use saltbridge::emulator::Device;

use crate::desk::{self, ADDRESS, DECRYPT, saltbridge, saltbridge_as};
use crate::guest::{self, BUYER, OTHER, PATIENCE};
use crate::hidraw::Hidraw;
use crate::ledger::Ledger;
use crate::scenarios::Scenario;

pub fn all() -> Vec<Scenario> {
    vec![
        Scenario::plain("a-second-saltbridge-waits-for-its-turn", second),
        Scenario::plain("a-saltbridge-of-another-user-waits-for-its-turn", another_user),
        Scenario::plain("who-has-the-node-open-too-is-named", listeners),
        Scenario::plain("a-stranger-who-talks-during-a-review-is-noticed", stranger),
    ]
}

fn second() {
    desk::admit_plugdev();
    desk::buy();
    let ledger = Ledger::in_app();
    let first = saltbridge(DECRYPT).start();
    ledger.wait_until_asking();
    let busy = saltbridge("address --no-wait").run();
    busy.failed_with(3, "device-busy").says("saltbridge decrypt (process ");
    saltbridge("devices")
        .run()
        .printed(&format!("usb:{}  Nano S Plus  device-busy\n", ledger.port_name()));
    let mut waiting = saltbridge("address").start();
    waiting.wait_until_it_says("Waiting for saltbridge decrypt");
    std::thread::sleep(Duration::from_secs(1));
    ledger.decide(true);
    first.wait(PATIENCE).succeeded();
    waiting.wait(PATIENCE).printed(&format!("{ADDRESS}\n"));
    desk::is_decrypted();
}

fn another_user() {
    // A rule as it should not be: everybody may.
    guest::write_rules("60-lab.rules", "SUBSYSTEM==\"hidraw\", ATTRS{idVendor}==\"2c97\", MODE=\"0666\"\n");
    desk::buy();
    let ledger = Ledger::in_app();
    let first = saltbridge(DECRYPT).start();
    ledger.wait_until_asking();
    saltbridge_as(OTHER, "address --no-wait")
        .run()
        .failed_with(3, "device-busy");
    let mut waiting = saltbridge_as(OTHER, "address").start();
    waiting.wait_until_it_says("to let go of the device");
    assert!(ledger.emulator().look(Device::is_asking));
    ledger.decide(true);
    first.wait(PATIENCE).succeeded();
    desk::is_decrypted();
    waiting.wait(PATIENCE).printed(&format!("{ADDRESS}\n"));
}

fn listeners() {
    desk::admit_plugdev();
    let ledger = Ledger::in_app();
    let node = ledger.node().unwrap();
    let listening = format!("exec 3<>{}; echo open; exec sleep 100", node.display());
    let listener = BUYER.program(&["sh", "-c", &listening]).start();
    guest::eventually("it listens", || listener.stdout().contains("open").then_some(()));
    let address = saltbridge("address").run();
    address.printed(&format!("{ADDRESS}\n"));
    let named = format!("Warning: sleep (process {}) has the device open, too", listener.pid());
    address.says(&named);
    assert_eq!(address.stderr.matches("Warning:").count(), 1, "{}", address.stderr);
    // Its own node is no stranger's.
    listener.kill();
    let address = saltbridge("address").run();
    assert!(!address.stderr.contains("Warning"), "{}", address.stderr);
}

fn stranger() {
    desk::admit_plugdev();
    desk::buy();
    let ledger = Ledger::in_app();
    let mut decrypt = saltbridge(DECRYPT).start();
    decrypt.wait_until_it_says("The device shows:");
    ledger.wait_until_asking();
    let mut stranger = Hidraw::open(&ledger.node().unwrap()).unwrap();
    stranger.command(&[0xb0, 0x01, 0x00, 0x00, 0x00]);
    let ended = decrypt.wait(PATIENCE);
    ended.failed_with(3, "device-disturbed").says("close the other program");
    desk::nothing_is_decrypted();
    drop(stranger);
    saltbridge("address --no-wait").run().failed_with(3, "prompt-pending");
    ledger.decide(false);
    saltbridge("address --no-wait --device-idle")
        .run()
        .printed(&format!("{ADDRESS}\n"));
}
