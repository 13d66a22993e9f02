//! The person at the seat.

use crate::guest::{self, BUYER, OTHER};
use crate::ledger::Ledger;
use crate::scenarios::Scenario;

const UACCESS: &str =
    "KERNEL==\"hidraw*\", SUBSYSTEM==\"hidraw\", ATTRS{idVendor}==\"2c97\", MODE=\"0660\", TAG+=\"uaccess\"\n";

pub fn all() -> Vec<Scenario> {
    vec![Scenario::at_the_seat("uaccess-gives-the-person-at-the-seat-the-node", uaccess)]
}

fn uaccess() {
    guest::wait_for_the_person_at_the_seat();
    let ledger = Ledger::in_app();
    let node = ledger.node().unwrap();
    assert!(!BUYER.can_open(&node), "without a rule the seat is nothing");
    guest::write_rules("70-lab.rules", UACCESS);
    ledger.unplug();
    ledger.plug_in();
    let node = ledger.node().unwrap();
    guest::eventually("the person at the seat may use it", || BUYER.can_open(&node).then_some(()));
    assert!(!OTHER.can_open(&node));
    let listed = std::process::Command::new("getfacl")
        .arg("-cn")
        .arg(&node)
        .output()
        .unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(listed.contains("user:1000:rw-") && !listed.contains("user:1001"), "{listed}");
}
