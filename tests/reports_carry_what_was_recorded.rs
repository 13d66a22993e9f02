//! The core of the USB framing is held to the recordings of Ledger's own code, in both directions: what we send is what
//! was sent, report by report, and what the device sent is put together to the answer that it gave.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use saltbridge::ledger::usb::framing::{Assembly, Channel, FramingError, Progress, REPORT, Request};
use serde_json::Value;
use support::{Vectors, text, unhex};

type Report = [u8; REPORT];

fn channel_of(report: &Report) -> Channel {
    Channel(u16::from_be_bytes([report[0], report[1]]))
}

/// The command in these reports, as a device that is not waiting for anything reads them, if they hold a whole one.
fn command_in(reports: &[Report]) -> Option<Vec<u8>> {
    let length = usize::from(u16::from_be_bytes([reports[0][5], reports[0][6]]));
    let mut data = reports[0][7..].to_vec();
    for (sequence, report) in reports.iter().enumerate() {
        let head = [report[2], report[3], report[4]];
        if head != [5, 0, u8::try_from(sequence).unwrap()] {
            return None;
        }
        if sequence > 0 {
            data.extend(&report[5..]);
        }
    }
    data.get(..length)
        .filter(|command| !command.is_empty())
        .map(<[u8]>::to_vec)
}

/// Whether our side sends these reports: the framing makes them, to the last byte, of the command in them.
fn is_ours(reports: &[Report]) -> bool {
    let Some(command) = command_in(reports) else {
        return false;
    };
    let request = Request::new(channel_of(&reports[0]), &command).unwrap();
    let sent: Vec<Report> = request.reports().copied().collect();
    sent == reports
}

/// The answers in these reports, put together as our side does it; or why a report is part of none.
fn answers_in(reports: &[Report]) -> Vec<Result<Vec<u8>, FramingError>> {
    let mut answers = Vec::new();
    let mut assembly: Option<Assembly> = None;
    for report in reports {
        let current = assembly.get_or_insert_with(|| Assembly::new(channel_of(report)));
        match current.take(report) {
            Ok(Progress::More) => continue,
            Ok(Progress::Done(answer)) => answers.push(Ok(answer.to_vec())),
            Ok(Progress::OtherChannel) => panic!("an answer changes its channel"),
            Err(error) => answers.push(Err(error)),
        }
        assembly = None;
    }
    assert!(assembly.is_none(), "the last answer is whole");
    answers
}

/// The same read plainly: a length behind the first head, then as many bytes, the heads left out.
fn answers_read_plainly(mut reports: &[Report]) -> Vec<Vec<u8>> {
    let mut answers = Vec::new();
    while let Some(first) = reports.first() {
        let length = usize::from(u16::from_be_bytes([first[5], first[6]]));
        let count = (length + 2).div_ceil(REPORT - 5);
        let framed: Vec<u8> = reports[..count]
            .iter()
            .flat_map(|report| report[5..].to_vec())
            .collect();
        answers.push(framed[2..length + 2].to_vec());
        reports = &reports[count..];
    }
    answers
}

const PADDING: &str = "padding that is not zero";
const EXTRA: &str = "a report behind the end of a request";
const OTHER_TAG: &str = "a report with another tag than 05";
const NO_WAITING: &str = "a second command before the answer to the first";
const IN_A_REVIEW: &str = "a command while the device asks";
const TWO_CHANNELS: &str = "one request on two channels";
const BROKEN_OFF: &str = "a request that is not sent whole, or not from its beginning";

/// What the host of a recording does that our side never does.
const NOT_OURS: [(&str, &str); 30] = [
    ("nanosp-1.22.0-a-hid-08", PADDING),
    ("nanosp-1.22.0-a-hid-09", EXTRA),
    ("nanosp-1.22.0-a-hid-10", OTHER_TAG),
    ("nanosp-1.22.0-a-hid-11", OTHER_TAG),
    ("nanosp-1.22.0-a-hid-12", OTHER_TAG),
    ("nanosp-1.22.0-a-hid-13", OTHER_TAG),
    ("nanosp-1.22.0-a-hid-14", OTHER_TAG),
    ("nanosp-1.22.0-a-hid-15", NO_WAITING),
    ("nanosp-1.22.0-a-hid-16", TWO_CHANNELS),
    ("nanosp-1.22.0-a-hid-17", BROKEN_OFF),
    ("nanosp-1.22.0-a-hid-18", BROKEN_OFF),
    ("nanosp-1.22.0-a-hid-19", BROKEN_OFF),
    ("nanosp-1.22.0-a-hid-20", BROKEN_OFF),
    ("nanosp-1.22.0-a-hid-21", BROKEN_OFF),
    ("nanosp-1.22.0-a-hid-22-busy", IN_A_REVIEW),
    ("nanos-1.10.3-a-hid-07", PADDING),
    ("nanos-1.10.3-a-hid-08", EXTRA),
    ("nanos-1.10.3-a-hid-09", OTHER_TAG),
    ("nanos-1.10.3-a-hid-10", OTHER_TAG),
    ("nanos-1.10.3-a-hid-11", OTHER_TAG),
    ("nanos-1.10.3-a-hid-12", OTHER_TAG),
    ("nanos-1.10.3-a-hid-13", OTHER_TAG),
    ("nanos-1.10.3-a-hid-14", NO_WAITING),
    ("nanos-1.10.3-a-hid-15", TWO_CHANNELS),
    ("nanos-1.10.3-a-hid-16", BROKEN_OFF),
    ("nanos-1.10.3-a-hid-17", BROKEN_OFF),
    ("nanos-1.10.3-a-hid-18", BROKEN_OFF),
    ("nanos-1.10.3-a-hid-19", BROKEN_OFF),
    ("nanos-1.10.3-a-hid-20", BROKEN_OFF),
    ("nanos-1.10.3-a-hid-21-busy", IN_A_REVIEW),
];

/// What happened in a recording, in its order.
#[derive(PartialEq)]
enum Happened {
    /// The host sent these reports: a command from its first report to the last, or something else.
    Out(Vec<Report>),
    /// The device sent these.
    In(Vec<Report>),
    /// The person answered, or it was waited in vain.
    Other,
}

fn events(recording: &Value) -> Vec<Happened> {
    let mut events = Vec::new();
    for event in recording["reports"].as_array().unwrap() {
        let report = |way: &str| event[way].as_str().map(unhex::<REPORT>);
        match (report("out"), report("in"), events.last_mut()) {
            (Some(next), _, Some(Happened::Out(reports))) if next[3..5] != [0, 0] => reports.push(next),
            (Some(first), _, _) => events.push(Happened::Out(vec![first])),
            (_, Some(next), Some(Happened::In(reports))) => reports.push(next),
            (_, Some(first), _) => events.push(Happened::In(vec![first])),
            // What the screen shows is the emulator's affair.
            (None, None, _) if event.get("screen").is_some() => {}
            (None, None, _) => events.push(Happened::Other),
        }
    }
    events
}

/// Whether the host is one of ours: whole commands, in our reports, each after the answer to the one before.
fn host_is_ours(events: &[Happened]) -> bool {
    let mut owed = false;
    events.iter().all(|event| match event {
        Happened::Out(reports) => !std::mem::replace(&mut owed, true) && is_ours(reports),
        Happened::In(_) => std::mem::replace(&mut owed, false),
        Happened::Other => true,
    })
}

#[test]
fn every_hid_recording_goes_through_the_framing_both_ways() {
    let vectors = Vectors::ledger();
    let (mut ours, mut commands, mut answers, mut refused) = (0, 0, 0, 0);
    for recording in vectors.section("hid_recordings") {
        let id = text(recording, "id");
        let events = events(recording);
        let listed = NOT_OURS.iter().find(|(listed, _)| *listed == id);
        assert_eq!(host_is_ours(&events), listed.is_none(), "{id}");
        match listed {
            None => ours += 1,
            Some((_, reason)) => println!("{id} is not sent by our side: {reason}"),
        }
        for event in &events {
            match event {
                Happened::Out(reports) => commands += usize::from(is_ours(reports)),
                Happened::In(reports) => {
                    let put_together = answers_in(reports);
                    // The older app answers other tags, and nonsense. Nothing of that is taken for an answer.
                    if listed.is_some_and(|(_, reason)| *reason == OTHER_TAG) && put_together[0].is_err() {
                        assert!(matches!(put_together[..], [Err(FramingError::Tag { found: 0..=2 })]), "{id}");
                        refused += 1;
                        continue;
                    }
                    let put_together: Vec<_> = put_together.into_iter().map(Result::unwrap).collect();
                    assert_eq!(put_together, answers_read_plainly(reports), "{id}");
                    answers += put_together.len();
                }
                Happened::Other => {}
            }
        }
    }
    println!("{ours} recordings are of a host like ours, {} are not", NOT_OURS.len());
    println!("{commands} commands are sent as recorded, {answers} answers are read, {refused} reports are no answer");
    assert_eq!((ours, commands, answers, refused), (13, 58, 56, 4));
}
