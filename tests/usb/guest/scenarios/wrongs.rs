//! What a device can do wrong looks on a raw node as it is meant to.

use std::time::{Duration, Instant};

use saltbridge::emulator::Device;

use crate::faults::{Fault, Stray};
use crate::hidraw::Hidraw;
use crate::ledger::Ledger;
use crate::scenarios::Scenario;

const APP_INFO: [u8; 4] = [0xb0, 0x01, 0x00, 0x00];

/// `m/44'/60'/0'/0/0` signs the message `A`.
const SIGN: [u8; 31] = [
    0xe0, 0x08, 0x00, 0x00, 26, 5, 0x80, 0, 0, 44, 0x80, 0, 0, 60, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
    b'A',
];

/// Long enough for a report that comes, short enough for one that does not.
const MOMENT: Duration = Duration::from_millis(500);

pub fn all() -> Vec<Scenario> {
    vec![
        Scenario::plain("an-answer-that-is-wrong-in-some-way", answers),
        Scenario::plain("a-device-that-says-nothing-or-says-it-late", silence),
        Scenario::plain("a-refusal-without-a-prompt", refusal),
    ]
}

fn opened(ledger: &Ledger) -> Hidraw {
    Hidraw::open(&ledger.node().unwrap()).unwrap()
}

/// The right answer to app info, and the reports that came with this fault; then it must be well again.
fn with(ledger: &Ledger, fault: Fault) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut open = opened(ledger);
    open.command(&APP_INFO);
    let right = open.report();
    ledger.set_fault_once(fault.clone());
    open.command(&APP_INFO);
    let mut seen = Vec::new();
    while let Some(report) = open.receive(MOMENT).unwrap() {
        seen.push(report);
    }
    open.command(&APP_INFO);
    assert_eq!(open.report(), right, "well again after {fault:?}");
    (right, seen)
}

fn answers() {
    let ledger = Ledger::in_app();
    let with = |fault| with(&ledger, fault);
    let (right, seen) = with(Fault::LeftOver(vec![1, 2, 3]));
    let length = usize::from(right[6]);
    assert_eq!(usize::from(seen[0][6]), length + 3);
    assert_eq!(seen[0][5 + length..7 + length + 3], [1, 2, 3, 0x90, 0x00]);
    assert_eq!(seen.len(), 1);

    for stray in [Stray::Channel, Stray::Tag, Stray::Sequence] {
        let (right, seen) = with(Fault::Stray(stray));
        assert_eq!(seen.len(), 2, "{stray:?}");
        assert_ne!(seen[0][..5], right[..5], "{stray:?}");
        assert_eq!(seen[1], right, "{stray:?}");
    }

    // The kernel may drop what is shorter than the report descriptor says; 6.1.192 does.
    let (right, seen) = with(Fault::Short(20));
    assert!(seen.is_empty() || seen == [&right[..20]], "{seen:?}");

    let (right, seen) = with(Fault::TooLong);
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0], right);
    assert_eq!(seen[1][..6], [1, 1, 5, 0, 1, 0xee]);
}

fn silence() {
    let ledger = Ledger::in_app();
    let mut open = opened(&ledger);
    ledger.set_fault(Fault::Silent);
    open.command(&APP_INFO);
    assert_eq!(open.receive(MOMENT).unwrap(), None);
    ledger.set_fault(Fault::Slow(Duration::from_secs(1)));
    let began = Instant::now();
    open.command(&APP_INFO);
    open.report();
    assert!(began.elapsed() >= Duration::from_secs(1));
    ledger.clear_fault();
    open.command(&APP_INFO);
    assert!(open.answer().ends_with(&[0x90, 0x00]));
}

fn refusal() {
    let ledger = Ledger::in_app();
    let mut open = opened(&ledger);
    ledger.set_fault_once(Fault::InstantRefusal);
    open.command(&SIGN);
    assert_eq!(open.answer(), [0x69, 0x85]);
    assert!(!ledger.emulator().look(Device::is_asking), "nothing was shown");
    open.command(&SIGN);
    ledger.decide(true);
    let answer = open.answer();
    assert_eq!((answer.len(), &answer[65..]), (67, &[0x90, 0x00][..]));
    open.command(&SIGN);
    ledger.decide(false);
    assert_eq!(open.answer(), [0x69, 0x85], "and that was the person");
}
