//! Commands over a raw node.

use std::time::Duration;

use saltbridge::emulator::{Device, Start};
use serde_json::Value;

use crate::guest;
use crate::hidraw::Hidraw;
use crate::identity::Interface;
use crate::ledger::Ledger;
use crate::scenarios::Scenario;

/// tests/vectors, as the lab put them into the guest.
const VECTORS: &str = "/lab/vectors/ledger-ethereum-app.json";

pub fn all() -> Vec<Scenario> {
    vec![
        Scenario::plain("recorded-reports-over-a-raw-node", recorded),
        Scenario::plain("opening-an-app-re-enumerates", open_app),
        Scenario::plain("a-reset-frees-a-device-and-keeps-the-node", reset),
        Scenario::plain("what-nobody-waits-for-is-dropped", dropped),
    ]
}

fn unhex(text: &str) -> Vec<u8> {
    base16ct::mixed::decode_vec(text).unwrap()
}

/// The reports of a recording: the host's, the device's.
fn reports(id: &str) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let vectors: Value = serde_json::from_str(&std::fs::read_to_string(VECTORS).unwrap()).unwrap();
    let all = vectors["hid_recordings"].as_array().unwrap();
    let recording = all.iter().find(|recording| recording["id"] == id).unwrap();
    let events = recording["reports"].as_array().unwrap();
    let of = |way: &str| {
        events
            .iter()
            .filter_map(|event| event[way].as_str().map(unhex))
            .collect()
    };
    (of("out"), of("in"))
}

fn recorded() {
    let (sent, answered) = reports("nanosp-1.22.0-a-hid-01");
    assert!(!sent.is_empty() && !answered.is_empty());
    let ledger = Ledger::in_app();
    let mut open = Hidraw::open(&ledger.node().unwrap()).unwrap();
    for report in sent {
        open.send(&report).unwrap();
    }
    for report in answered {
        assert_eq!(open.report(), report);
    }
    assert_eq!(open.receive(Duration::from_millis(300)).unwrap(), None);
    assert_eq!(ledger.elsewhere(), []);
}

fn open_app() {
    let ledger = Ledger::start(Start::Dashboard);
    assert_eq!(ledger.product_id(), Some(0x5011));
    assert_eq!(ledger.node_of(Interface::Fido), None);
    let port = ledger.port_name();
    let mut open = Hidraw::open(&ledger.node().unwrap()).unwrap();
    open.command(&[&[0xe0, 0xd8, 0x00, 0x00, 8], b"Ethereum".as_slice()].concat());
    ledger.decide(true);
    assert_eq!(open.answer(), [0x90, 0x00], "the answer comes before it leaves");
    let node = ledger.wait_for_product_id(0x5015);
    assert!(open.receive(guest::PATIENCE).is_err(), "the old handle is dead");
    assert_eq!(ledger.port_name(), port);
    assert!(ledger.node_of(Interface::Fido).is_some());
    let mut open = Hidraw::open(&node).unwrap();
    open.command(&[0xb0, 0x01, 0x00, 0x00]);
    assert!(open.answer().starts_with(b"\x01\x08Ethereum"));
    ledger.emulator().touch(Device::close_app);
    ledger.wait_for_product_id(0x5011);
}

fn reset() {
    let (sent, answered) = reports("nanosp-1.22.0-a-hid-01");
    let (stopped_half_way, _) = reports("nanosp-1.22.0-a-hid-18");
    let ledger = Ledger::in_app();
    let node = ledger.node().unwrap();
    let mut open = Hidraw::open(&node).unwrap();
    open.send(&stopped_half_way[0]).unwrap();
    open.send(&sent[0]).unwrap();
    assert_eq!(open.receive(Duration::from_millis(500)).unwrap(), None, "it waits for the rest");
    let number = |name: &str| std::fs::read_to_string(ledger.sysfs().join(name)).unwrap();
    let (bus, device) = (number("busnum"), number("devnum"));
    let usb = format!("{:0>3}/{:0>3}", bus.trim(), device.trim());
    let done = std::process::Command::new("usbreset").arg(&usb).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    guest::eventually("the reset reaches the device", || (ledger.resets() == 1).then_some(()));
    assert_eq!(ledger.node(), Some(node), "the node stays");
    open.send(&sent[0]).unwrap();
    assert_eq!(open.report(), answered[0], "and the open handle goes on");
}

fn dropped() {
    let ledger = Ledger::in_app();
    let node = ledger.node().unwrap();
    assert!(!ledger.send(vec![0xaa; 64]), "nobody has the node open");
    let mut open = Hidraw::open(&node).unwrap();
    guest::eventually("the host fetches reports", || ledger.send(vec![0xbb; 64]).then_some(()));
    assert_eq!(open.report(), [0xbb; 64]);
    drop(open);
    guest::eventually("the host stops fetching them", || (!ledger.send(vec![0xcc; 64])).then_some(()));
    let mut open = Hidraw::open(&node).unwrap();
    assert_eq!(open.receive(Duration::from_millis(300)).unwrap(), None);
}
