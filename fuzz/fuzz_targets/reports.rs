//! Reports of any kind make no panic, and an answer that is put together is one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use saltbridge::ledger::usb::framing::{Assembly, Channel, Progress};

fuzz_target!(|bytes: &[u8]| {
    let mut assembly = Assembly::new(Channel(0x0101));
    // One byte before each report says how long it is.
    let mut rest = bytes;
    while let Some((&length, behind)) = rest.split_first() {
        let (report, behind) = behind.split_at(behind.len().min(length.into()));
        rest = behind;
        match assembly.take(report) {
            Ok(Progress::Done(answer)) => {
                assert!((2..=258).contains(&answer.len()));
                return;
            }
            Ok(Progress::More | Progress::OtherChannel) => {}
            Err(_) => return,
        }
    }
});
