//! The bridge with a Ledger on a cable: one unlock serves later runs, and is forgotten when the Ledger is pulled for good.

use crate::desk::{self, DECRYPT, saltbridge};
use crate::guest::{PATIENCE, Process};
use crate::ledger::Ledger;
use crate::scenarios::Scenario;

pub fn all() -> Vec<Scenario> {
    vec![
        Scenario::plain("a-bridge-forgets-its-keys-when-the-ledger-is-pulled", pulled),
        Scenario::plain("a-bridge-keeps-its-keys-while-an-app-is-opened", reopened),
    ]
}

fn serve() -> Process {
    desk::admit_plugdev();
    desk::buy();
    let mut bridge = saltbridge("serve --spool-dir /home/buyer").start();
    bridge.wait_until_it_says("Listening at");
    bridge
}

fn decrypt_with_an_approval(ledger: &Ledger) {
    let decrypt = saltbridge(DECRYPT).start();
    ledger.wait_until_asking();
    ledger.decide(true);
    decrypt.wait(PATIENCE).succeeded();
    desk::is_decrypted();
}

fn decrypt_without_one() {
    saltbridge(DECRYPT).start().wait(PATIENCE).succeeded();
    desk::is_decrypted();
}

fn pulled() {
    let ledger = Ledger::in_app();
    let mut bridge = serve();
    decrypt_with_an_approval(&ledger);
    decrypt_without_one();
    ledger.unplug();
    bridge.wait_until_it_says("forgotten: the device was unplugged");
    ledger.plug_in();
    ledger.unlock();
    let mut decrypt = saltbridge(DECRYPT).start();
    decrypt.wait_until_it_says("asks whether to open the Ethereum app");
    ledger.decide(true);
    ledger.wait_until_asking();
    ledger.decide(true);
    decrypt.wait(PATIENCE).succeeded();
    bridge.kill();
}

/// A Ledger leaves the bus for some seconds when it opens or closes an app: that is no unplugging.
fn reopened() {
    let ledger = Ledger::in_app();
    let bridge = serve();
    decrypt_with_an_approval(&ledger);
    ledger.unplug();
    std::thread::sleep(std::time::Duration::from_secs(3));
    ledger.plug_in();
    // Longer than what is taken for unplugging.
    std::thread::sleep(std::time::Duration::from_secs(10));
    decrypt_without_one();
    bridge.kill();
}
