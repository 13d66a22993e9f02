//! What the kernel and udev show of a Ledger.

use std::fs;

use saltbridge::emulator::{Device, Model, SeedName, Start};

use crate::guest::{self, BUYER, OTHER};
use crate::hidraw::Hidraw;
use crate::identity::{Identity, Interface};
use crate::ledger::Ledger;
use crate::scenarios::Scenario;

pub fn all() -> Vec<Scenario> {
    vec![
        Scenario::plain("a-node-without-rules-is-roots-alone", without_rules),
        Scenario::plain("unplugged-in-a-read-and-plugged-in-again", replug),
        Scenario::plain("it-comes-back-at-another-port", another_port),
        Scenario::plain("two-ledgers-are-two-nodes", two),
        Scenario::plain("every-model-has-its-product-id", models),
    ]
}

fn read(ledger: &Ledger, attribute: &str) -> String {
    let text = fs::read_to_string(ledger.sysfs().join(attribute)).unwrap();
    text.trim().to_owned()
}

fn without_rules() {
    let ledger = Ledger::in_app();
    let node = ledger.node().unwrap();
    assert_eq!(guest::mode_and_group(&node), (0o600, 0));
    assert!(!BUYER.can_open(&node) && !OTHER.can_open(&node));
    assert!(ledger.port_name().ends_with("-1"), "{}", ledger.port_name());
    assert_eq!(read(&ledger, "idVendor"), "2c97");
    assert_eq!(read(&ledger, "idProduct"), "5015");
    assert_eq!(read(&ledger, "manufacturer"), "Ledger");
    assert_eq!(read(&ledger, "product"), "Nano S Plus");
    assert_eq!(read(&ledger, "serial"), "0001");
    let name = node.file_name().unwrap().to_str().unwrap();
    let descriptor = fs::read(format!("/sys/class/hidraw/{name}/device/report_descriptor")).unwrap();
    assert_eq!(descriptor[..3], [0x06, 0xa0, 0xff], "usage page ffa0");
    let fido = ledger.node_of(Interface::Fido).unwrap();
    assert_ne!(fido, node);
    assert_eq!(guest::hidraw_nodes().len(), 2);
    assert_eq!(ledger.elsewhere(), []);
}

fn replug() {
    let ledger = Ledger::in_app();
    let node = ledger.node().unwrap();
    let mut open = Hidraw::open(&node).unwrap();
    let blocked = std::thread::spawn(move || (open.receive(guest::PATIENCE), open));
    std::thread::sleep(std::time::Duration::from_millis(200));
    ledger.unplug();
    let (read, mut open) = blocked.join().unwrap();
    assert!(read.is_err(), "{read:?}");
    assert!(!node.exists() && guest::hidraw_nodes().is_empty());
    ledger.plug_in();
    assert!(open.send(&[0; 64]).is_err(), "the old handle never revives");
    // The old handle still has the old number.
    let new = ledger.node().unwrap();
    let mut open = Hidraw::open(&new).unwrap();
    open.command(&[0xb0, 0x01, 0x00, 0x00]);
    assert_eq!(open.answer(), [0x55, 0x15], "it came back locked");
    ledger.unlock();
    open.command(&[0xb0, 0x01, 0x00, 0x00]);
    assert!(open.answer().starts_with(b"\x01\x05BOLOS"), "and with no app open");
}

fn another_port() {
    let ledger = Ledger::in_app();
    let before = ledger.port_name();
    ledger.unplug();
    ledger.move_to(3);
    ledger.plug_in();
    assert!(before.ends_with("-1") && ledger.port_name().ends_with("-4"));
    let mut open = Hidraw::open(&ledger.node().unwrap()).unwrap();
    open.command(&[0xb0, 0x01, 0x00, 0x00]);
    assert_eq!(open.answer(), [0x55, 0x15]);
}

fn two() {
    let device = |model| Device::new(model, SeedName::Speculos, Start::App);
    let first = Ledger::plugged_into(0, Identity::of(Model::NanoSPlus), device(Model::NanoSPlus));
    let second = Ledger::plugged_into(1, Identity::of(Model::Stax), device(Model::Stax));
    second.lock();
    let mut of_first = Hidraw::open(&first.node().unwrap()).unwrap();
    let mut of_second = Hidraw::open(&second.node().unwrap()).unwrap();
    of_first.command(&[0xb0, 0x01, 0x00, 0x00]);
    of_second.command(&[0xb0, 0x01, 0x00, 0x00]);
    assert!(of_first.answer().ends_with(&[0x90, 0x00]));
    assert_eq!(of_second.answer(), [0x55, 0x15]);
    drop(first);
    of_second.command(&[0xb0, 0x01, 0x00, 0x00]);
    assert_eq!(of_second.answer(), [0x55, 0x15], "the other one is not disturbed");
}

fn models() {
    for model in Model::ALL {
        let identity = Identity::of(model);
        let (dashboard, app) = (identity.dashboard.product_id, identity.app.product_id);
        let device = Device::new(model, SeedName::Speculos, Start::Dashboard);
        let ledger = Ledger::plugged_into(0, identity, device);
        assert_eq!(ledger.product_id(), Some(dashboard), "{model}");
        ledger.set_absence(std::time::Duration::from_millis(50));
        ledger.emulator().touch(Device::open_ethereum);
        ledger.wait_for_product_id(app);
    }
    let identity = Identity::of(Model::NanoX).with_product_id(0x0004);
    let device = Device::new(Model::NanoX, SeedName::Speculos, Start::App);
    let ledger = Ledger::plugged_into(0, identity, device);
    assert_eq!(ledger.product_id(), Some(0x0004));
}
