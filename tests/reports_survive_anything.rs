//! What a device may send in reports: an answer is put together exactly, and nothing that is almost one is taken for one.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use proptest::collection::vec;
use proptest::prelude::*;
use saltbridge::emulator::{Device, HidDevice, HidEffect, Model, SeedName, Start};
use saltbridge::ledger::usb::framing::{Assembly, Channel, FramingError, Progress, REPORT, Request};

const CHANNEL: Channel = Channel(0x1234);

/// What is done to a report.
type Change = fn(&mut Vec<u8>);

/// A report with this head and this data, `filler` behind it.
fn report(head: [u8; 5], data: &[u8], filler: u8) -> [u8; REPORT] {
    let mut report = [filler; REPORT];
    report[..5].copy_from_slice(&head);
    report[5..5 + data.len()].copy_from_slice(data);
    report
}

/// An answer in reports, as a device sends it.
fn sent(answer: &[u8], filler: u8) -> Vec<[u8; REPORT]> {
    let framed = [&u16::try_from(answer.len()).unwrap().to_be_bytes()[..], answer].concat();
    let chunks = framed.chunks(REPORT - 5).zip(0_u16..);
    chunks
        .map(|(chunk, sequence)| {
            let [s0, s1] = sequence.to_be_bytes();
            report([0x12, 0x34, 5, s0, s1], chunk, filler)
        })
        .collect()
}

/// What comes of these reports: the answer, the error, or nothing yet.
fn put_together(reports: &[impl AsRef<[u8]>]) -> Option<Result<Vec<u8>, FramingError>> {
    let mut assembly = Assembly::new(CHANNEL);
    for report in reports {
        match assembly.take(report.as_ref()) {
            Ok(Progress::Done(answer)) => return Some(Ok(answer.to_vec())),
            Ok(Progress::More | Progress::OtherChannel) => {}
            Err(error) => return Some(Err(error)),
        }
    }
    None
}

#[test]
fn what_is_almost_an_answer_is_none() {
    let answer: Vec<u8> = (0..120).collect();
    let good = sent(&answer, 0);
    assert_eq!(good.len(), 3);
    assert_eq!(put_together(&good), Some(Ok(answer)));
    let with = |index: usize, change: Change| {
        let mut reports: Vec<Vec<u8>> = good.iter().map(|report| report.to_vec()).collect();
        change(&mut reports[index]);
        put_together(&reports)
    };
    let length = |bytes| Some(Err(FramingError::AnswerLength { bytes }));
    let sequence = |expected, found| Some(Err(FramingError::Sequence { expected, found }));
    let near_misses: [(usize, Change, _); 17] = [
        (0, |report| report.clear(), Some(Err(FramingError::ReportLength { bytes: 0 }))),
        (0, |report| report.truncate(7), Some(Err(FramingError::ReportLength { bytes: 7 }))),
        (0, |report| report.truncate(63), Some(Err(FramingError::ReportLength { bytes: 63 }))),
        (2, |report| report.truncate(12), Some(Err(FramingError::ReportLength { bytes: 12 }))),
        (1, |report| report.push(0), Some(Err(FramingError::ReportLength { bytes: 65 }))),
        (0, |report| report[2] = 2, Some(Err(FramingError::Tag { found: 2 }))),
        (1, |report| report[2] = 0, Some(Err(FramingError::Tag { found: 0 }))),
        (0, |report| report[4] = 1, sequence(0, 1)),
        (1, |report| report[4] = 0, sequence(1, 0)),
        (1, |report| report[4] = 2, sequence(1, 2)),
        (2, |report| report[3] = 1, sequence(2, 0x102)),
        (0, |report| report[5..7].fill(0), length(0)),
        (0, |report| report[6] = 1, length(1)),
        (0, |report| report[5..7].copy_from_slice(&[1, 3]), length(259)),
        (0, |report| report[5..7].fill(0xff), length(0xffff)),
        // More is announced than comes: no answer yet.
        (0, |report| report[5..7].copy_from_slice(&[1, 2]), None),
        // Somebody else's report in between: the next one of ours is missing.
        (1, |report| report[1] = 0x35, sequence(1, 2)),
    ];
    for (index, change, expected) in near_misses {
        assert_eq!(with(index, change), expected);
    }
}

#[test]
fn what_is_almost_a_command_is_none() {
    for bytes in [0, 262, 300, 0xffff, 0x1_0000] {
        let refused = Request::new(CHANNEL, &vec![0; bytes]);
        assert_eq!(refused.err(), Some(FramingError::CommandLength { bytes }));
    }
    assert_eq!(Request::new(CHANNEL, &[0; 261]).unwrap().reports().len(), 5);
}

#[test]
fn nothing_is_taken_after_the_end() {
    let reports = sent(&[0x90, 0x00], 0);
    let mut assembly = Assembly::new(CHANNEL);
    assert!(matches!(assembly.take(&reports[0]), Ok(Progress::Done(_))));
    assert!(assembly.take(&reports[0]).is_err(), "the same report again");
    let second = report([0x12, 0x34, 5, 0, 1], &[], 0);
    assert!(assembly.take(&second).is_err(), "one more");
}

proptest! {
    #[test]
    fn an_answer_is_what_was_sent_whatever_lies_behind_it(
        answer in vec(any::<u8>(), 2..=258),
        filler: u8,
        strays in vec((0_usize..6, any::<u16>(), vec(any::<u8>(), 62)), 0..4),
    ) {
        let mut reports = sent(&answer, filler);
        // Reports on other channels may come at any place.
        for (place, channel, rest) in strays {
            prop_assume!(channel != CHANNEL.0);
            let stray: [u8; REPORT] = [&channel.to_be_bytes()[..], &rest].concat().try_into().unwrap();
            reports.insert(place.min(reports.len()), stray);
        }
        prop_assert_eq!(put_together(&reports), Some(Ok(answer)));
    }

    #[test]
    fn no_reports_make_it_panic(reports in vec(prop_oneof![
        vec(any::<u8>(), 0..70),
        vec(any::<u8>(), 61).prop_map(|rest| [&[0x12, 0x34, 5][..], &rest].concat()),
        (0_u8..6, vec(any::<u8>(), 59)).prop_map(|(sequence, rest)| [&[0x12, 0x34, 5, 0, sequence][..], &rest].concat()),
    ], 0..8)) {
        if let Some(Ok(answer)) = put_together(&reports) {
            prop_assert!((2..=258).contains(&answer.len()));
        }
    }

    #[test]
    fn the_device_reads_what_we_send_and_we_what_it_answers(data in vec(any::<u8>(), 0..=255), channel: u16) {
        // A command that no app knows, of every length: the answer is a status word.
        let mut hid = HidDevice::new(Device::new(Model::NanoSPlus, SeedName::Speculos, Start::Dashboard));
        let command = [&[0xe0, 0xff, 0, 0, u8::try_from(data.len()).unwrap()][..], &data].concat();
        let channel = Channel(channel);
        let request = Request::new(channel, &command).unwrap();
        let effects: Vec<_> = request.reports().flat_map(|report| hid.report(report)).collect();
        let mut assembly = Assembly::new(channel);
        let [HidEffect::Report(answer)] = effects[..] else { panic!("{effects:?}") };
        let Ok(Progress::Done(answer)) = assembly.take(&answer) else { panic!("no answer") };
        prop_assert_eq!(answer.to_vec(), [0x6d, 0x02]);
    }
}
