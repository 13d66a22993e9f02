//! What a device can do wrong looks on a raw node as it is meant to.

use std::time::{Duration, Instant};

use saltbridge::emulator::Device;

use crate::faults::{Fault, Stray};
use crate::hidraw::Hidraw;
use crate::ledger::Ledger;
use crate::scenarios::Scenario;

const APP_INFO: [u8; 4] = [0xb0, 0x01, 0x00, 0x00];
/// A command that the app refuses: an unknown instruction.
const UNKNOWN: [u8; 5] = [0xe0, 0xee, 0x00, 0x00, 0x00];

pub fn all() -> Vec<Scenario> {
    vec![Scenario::plain("what-goes-wrong-goes-wrong-as-told", wrongs)]
}

fn wrongs() {
    let ledger = Ledger::in_app();
    let mut open = Hidraw::open(&ledger.node().unwrap()).unwrap();
    open.command(&APP_INFO);
    let right = open.report();
    let mut again = |ledger: &Ledger, what: &str| {
        let _ = ledger;
        open.command(&APP_INFO);
        assert_eq!(open.report(), right, "it is well again after {what}");
        assert_eq!(open.receive(Duration::from_millis(200)).unwrap(), None, "{what}");
    };
    again(&ledger, "nothing");
}
