//! No command, press or report whatever, in no order, makes the emulated device panic or send what a device cannot.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use saltbridge::emulator::{Device, Effect, HidDevice, HidEffect, Model, Press, REPORT, SeedName, Start};

/// The most bytes that a device sends at once (Ledger's SDK: 255 and a header of 5).
const LONGEST_ANSWER: usize = 260;

/// What happens to a device.
#[derive(Clone, Debug)]
enum Happening {
    Command(Vec<u8>),
    Press(Press),
    /// The press that leads on, this often.
    Toward(bool, usize),
    Lock,
    Unlock,
    OpenEthereum,
    OpenOther,
    CloseApp,
    Unplug,
    PlugIn,
}

fn command(class: u8, instruction: u8, p1: u8, p2: u8, data: &[u8]) -> Vec<u8> {
    let length = u8::try_from(data.len()).unwrap();
    [&[class, instruction, p1, p2, length], data].concat()
}

/// A path, mostly one that the app may use.
fn path() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        6 => Just(vec![0x8000_002c, 0x8000_003c]),
        1 => vec(any::<u32>(), 0..3),
    ];
    (first, vec(any::<u32>(), 0..9)).prop_map(|(first, rest)| {
        let elements = [first, rest].concat();
        let mut bytes = vec![u8::try_from(elements.len()).unwrap()];
        bytes.extend(elements.iter().flat_map(|element| element.to_be_bytes()));
        bytes
    })
}

/// Text with all that breaks lines, or any bytes.
fn message() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => "[ -~\\n\\t\\r\\x0b\\x0c]{0,140}".prop_map(String::into_bytes),
        2 => "[W \\-_\\n\\x0c]{0,140}".prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 0..140),
    ]
}

fn some_command() -> impl Strategy<Value = Vec<u8>> {
    let parameter = || prop_oneof![4 => select(vec![0, 1, 0x80]), 1 => any::<u8>()];
    let address = (parameter(), parameter(), path()).prop_map(|(p1, p2, path)| command(0xe0, 0x02, p1, p2, &path));
    let whole = (path(), message()).prop_map(|(path, message)| {
        let length = u32::try_from(message.len()).unwrap();
        command(0xe0, 0x08, 0x00, 0x00, &[path.as_slice(), &length.to_be_bytes(), &message].concat())
    });
    let first = (path(), prop_oneof![0..800_u32, any::<u32>()], message()).prop_map(|(path, length, message)| {
        command(0xe0, 0x08, 0x00, 0x00, &[path.as_slice(), &length.to_be_bytes(), &message].concat())
    });
    let following = (parameter(), message()).prop_map(|(p1, message)| command(0xe0, 0x08, p1, 0x00, &message));
    let known = select(vec![
        command(0xb0, 0x01, 0x00, 0x00, b""),
        command(0xb0, 0xa7, 0x00, 0x00, b""),
        command(0xe0, 0x06, 0x00, 0x00, b""),
        command(0xe0, 0xd8, 0x00, 0x00, b"Ethereum"),
        command(0xe0, 0xd8, 0x00, 0x00, b"Bitcoin"),
        vec![0xb0, 0x01, 0x00, 0x00],
    ]);
    prop_oneof![
        3 => vec(any::<u8>(), 0..300),
        1 => (select(vec![0xe0, 0xb0]), vec(any::<u8>(), 0..300)).prop_map(|(class, rest)| [vec![class], rest].concat()),
        2 => address,
        4 => whole,
        2 => first,
        2 => following,
        2 => known,
    ]
}

fn press() -> impl Strategy<Value = Press> {
    let place = || prop_oneof![0..700_u16, any::<u16>()];
    prop_oneof![
        Just(Press::Left),
        Just(Press::Right),
        Just(Press::Both),
        (place(), place()).prop_map(|(x, y)| Press::Tap(x, y)),
        (place(), place()).prop_map(|(x, y)| Press::Hold(x, y)),
    ]
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        10 => some_command().prop_map(Happening::Command),
        6 => press().prop_map(Happening::Press),
        6 => (any::<bool>(), 1..12_usize).prop_map(|(approve, times)| Happening::Toward(approve, times)),
        2 => select(vec![
            Happening::Lock,
            Happening::Unlock,
            Happening::OpenEthereum,
            Happening::OpenOther,
            Happening::CloseApp,
            Happening::Unplug,
            Happening::PlugIn,
        ]),
        1 => Just(Happening::OpenEthereum),
        1 => Just(Happening::Unlock),
    ]
}

fn start() -> impl Strategy<Value = Start> {
    prop_oneof![
        6 => Just(Start::App),
        1 => select(vec![Start::Dashboard, Start::Locked, Start::OtherApp]),
    ]
}

fn happen(device: &mut Device, happening: &Happening) -> Vec<Effect> {
    match happening {
        Happening::Command(apdu) => device.command(apdu),
        Happening::Press(press) => device.press(*press),
        Happening::Toward(approve, times) => {
            let mut effects = Vec::new();
            for _ in 0..*times {
                let Some(press) = device.toward(*approve) else { break };
                effects.extend(device.press(press));
            }
            effects
        }
        Happening::Lock => {
            device.lock();
            Vec::new()
        }
        Happening::Unlock => {
            device.unlock();
            Vec::new()
        }
        Happening::OpenEthereum => device.open_ethereum(),
        Happening::OpenOther => device.open_other_app(),
        Happening::CloseApp => device.close_app(),
        Happening::Unplug => device.unplug(),
        Happening::PlugIn => device.plug_in(),
    }
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases)
    }
}

proptest! {
    #![proptest_config(config(256))]

    #[test]
    fn any_command_among_any_presses_is_answered_or_not(start in start(), happenings in vec(happening(), 1..40)) {
        for model in Model::ALL {
            let mut device = Device::new(model, SeedName::Speculos, start);
            for happening in &happenings {
                let (asked, was_plugged) = (device.is_asking(), device.is_plugged_in());
                let effects = happen(&mut device, happening);
                let answers = effects.iter().filter_map(|effect| match effect {
                    Effect::Answer(bytes) => Some(bytes),
                    Effect::LinkDrops | Effect::PluggedIn => None,
                });
                let mut count = 0;
                for answer in answers {
                    prop_assert!((2..=LONGEST_ANSWER).contains(&answer.len()), "{} bytes", answer.len());
                    count += 1;
                }
                // One command, or one question, one answer; without either none.
                prop_assert!(count <= 1, "{effects:?}");
                let may_answer = matches!(happening, Happening::Command(_)) && was_plugged || asked;
                prop_assert!(count == 0 || may_answer, "{happening:?}: {effects:?}");
                prop_assert!(!device.screen().lines.is_empty());
                prop_assert_eq!(device.is_asking(), device.toward(true).is_some());
            }
        }
    }

    #[test]
    fn any_question_can_be_answered_both_ways(path in path(), message in message(), approve: bool) {
        let length = u32::try_from(message.len()).unwrap();
        let sign = command(0xe0, 0x08, 0, 0, &[path.as_slice(), &length.to_be_bytes(), &message].concat());
        for model in Model::ALL {
            let mut device = Device::new(model, SeedName::Speculos, Start::App);
            let mut effects = device.command(&sign);
            let mut presses = 0;
            while let Some(press) = device.toward(approve) {
                effects.extend(device.press(press));
                presses += 1;
                prop_assert!(presses < 300, "no end of pages");
            }
            // One answer, or the end of the app for a path that it may not use.
            prop_assert_eq!(effects.len(), 1, "{:?}", effects);
        }
    }

    #[test]
    fn any_reports_are_answered_in_reports_or_not(reports in vec(report(), 1..60), approve: bool) {
        for model in Model::ALL {
            let mut hid = HidDevice::new(Device::new(model, SeedName::Speculos, Start::App));
            for report in &reports {
                let mut effects = hid.report(report);
                let toward = hid.device().toward(approve);
                if let Some(press) = toward {
                    effects.extend(hid.touch(|device| device.press(press)));
                }
                are_frames(&effects)?;
            }
            hid.reset();
            are_frames(&hid.touch(Device::close_app))?;
        }
    }
}

/// A report of any bytes, or one that fits: the channel, tag and sequence number right, and a short command.
fn report() -> impl Strategy<Value = [u8; REPORT]> {
    let fitting = (0..3_u16, prop_oneof![3 => 0..60_u16, 1 => 0..262_u16], some_command());
    prop_oneof![
        1 => vec(any::<u8>(), REPORT),
        3 => fitting.prop_map(|(sequence, length, command)| {
            let mut bytes = [&[1, 1, 5], sequence.to_be_bytes().as_slice()].concat();
            if sequence == 0 {
                let real = u16::try_from(command.len()).unwrap();
                bytes.extend(if real <= 57 { real } else { length }.to_be_bytes());
            }
            bytes.extend(command);
            bytes.resize(REPORT, 0);
            bytes
        }),
    ]
    .prop_map(|bytes| bytes.try_into().unwrap())
}

/// The reports of an answer have the tag, count from zero, and hold as much as the first one says.
fn are_frames(effects: &[HidEffect]) -> Result<(), TestCaseError> {
    let (mut next, mut missing) = (0_u16, 0_usize);
    for effect in effects {
        let HidEffect::Report(report) = effect else { continue };
        prop_assert_eq!(report[2], 5);
        let sequence = u16::from_be_bytes([report[3], report[4]]);
        prop_assert!(sequence == if missing == 0 { 0 } else { next }, "{sequence}");
        let room = if sequence == 0 {
            missing = usize::from(u16::from_be_bytes([report[5], report[6]]));
            prop_assert!((2..=LONGEST_ANSWER).contains(&missing), "{missing} bytes");
            REPORT - 7
        } else {
            REPORT - 5
        };
        missing = missing.saturating_sub(room);
        next = sequence + 1;
    }
    prop_assert_eq!(missing, 0);
    Ok(())
}

#[test]
fn bad_commands_without_end_do_not_make_the_answers_longer_without_end() {
    let mut device = Device::new(Model::NanoSPlus, SeedName::Speculos, Start::App);
    for count in 0..1000 {
        let effects = device.command(&[0xe0, 0x02, 0x00, 0x00, 0x16, 0x00]);
        let [Effect::Answer(answer)] = &effects[..] else {
            panic!("{effects:?}")
        };
        assert!(answer.ends_with(&[0x6a, 0x87]));
        assert!(answer.len() <= LONGEST_ANSWER, "{} bytes after {count} commands", answer.len());
    }
}
