//! Who may use a node.

use std::time::Duration;

use saltbridge::emulator::Device;

use crate::guest::{self, BUYER, OTHER, PLUGDEV};
use crate::ledger::Ledger;
use crate::scenarios::Scenario;

const GROUP: &str =
    "KERNEL==\"hidraw*\", SUBSYSTEM==\"hidraw\", ATTRS{idVendor}==\"2c97\", MODE=\"0660\", GROUP=\"plugdev\"\n";

pub fn all() -> Vec<Scenario> {
    vec![
        Scenario::plain("a-rule-gives-a-group-the-node", group),
        Scenario::plain("a-node-is-there-before-its-permissions", slow),
    ]
}

fn group() {
    let ledger = Ledger::in_app();
    let node = ledger.node().unwrap();
    assert!(!BUYER.can_open(&node));
    guest::write_rules("50-lab.rules", GROUP);
    assert_eq!(guest::mode_and_group(&node), (0o660, PLUGDEV));
    assert!(BUYER.can_open(&node) && !OTHER.can_open(&node));
    ledger.unplug();
    ledger.plug_in();
    let node = ledger.node().unwrap();
    assert_eq!(guest::mode_and_group(&node), (0o660, PLUGDEV));
    assert!(BUYER.can_open(&node) && !OTHER.can_open(&node));
    // Bytes really go both ways: a locked device answers 5515 to everything.
    let ask = format!(
        "exec 3<>{}; printf '\\000\\001\\001\\005\\000\\000\\000\\004\\260\\001\\000\\000' >/tmp/ask; \
         head -c 53 /dev/zero >>/tmp/ask; dd if=/tmp/ask bs=65 count=1 >&3 2>/dev/null; dd bs=64 count=1 <&3 2>/dev/null",
        node.display()
    );
    let answer = BUYER.run(&["sh", "-c", &ask]);
    answer.succeeded();
    assert_eq!(answer.stdout[..9], [1, 1, 5, 0, 0, 0, 2, 0x55, 0x15]);
    guest::remove_rules();
    ledger.unplug();
    ledger.plug_in();
    assert!(!BUYER.can_open(&ledger.node().unwrap()));
}

fn slow() {
    guest::write_rules("50-lab.rules", GROUP);
    let ledger = Ledger::in_app();
    ledger.unplug();
    guest::slow_down_udev(Duration::from_secs(3));
    ledger.emulator().touch(Device::plug_in);
    let node = guest::eventually("a node comes", || ledger.node());
    assert_eq!(guest::mode_and_group(&node), (0o600, 0), "not yet");
    guest::eventually("the rule applies", || (guest::mode_and_group(&node) == (0o660, PLUGDEV)).then_some(()));
    assert!(BUYER.can_open(&node));
}
