//! The emulated Ethereum app is held to recordings of Ledger's own app 1.22.0: the same commands over TCP, the same
//! presses, and the same answers, screens, refusals and exits, in the same order.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use saltbridge::emulator::{Device, Emulator, HidDevice, HidEffect, Press, SeedName, SpeculosServer, Start};
use serde_json::Value;
use support::{Vectors, hex, text, unhex, unhex_any};

/// Generous: machines are loaded.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long is listened where the device must stay silent. The recordings waited 4 s for a real app; here the silence
/// is decided before the next line runs.
const SILENCE: Duration = Duration::from_millis(200);

/// The first account, asked for where a recording says that an unrecorded GET ADDRESS went before.
const GET_ADDRESS: &str = "e002000015058000002c8000003c800000000000000000000000";

fn device(recording: &Value) -> Device {
    let seed = match text(recording, "seed") {
        "speculos-default" => SeedName::Speculos,
        "junk-12" => SeedName::Junk,
        "legal-12" => SeedName::Legal,
        "about-12" => SeedName::Abandon,
        other => panic!("unknown seed {other}"),
    };
    Device::new(text(recording, "device").parse().unwrap(), seed, Start::App)
}

fn send(client: &mut TcpStream, command: &str) {
    let command = unhex_any(command);
    let length = u32::try_from(command.len()).unwrap();
    client
        .write_all(&[length.to_be_bytes().as_slice(), &command].concat())
        .unwrap();
}

fn receive(client: &mut TcpStream) -> std::io::Result<String> {
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut length = [0; 4];
    client.read_exact(&mut length)?;
    let mut answer = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap() + 2];
    client.read_exact(&mut answer)?;
    Ok(hex(&answer))
}

fn is_silent(client: &mut TcpStream) -> bool {
    client.set_read_timeout(Some(SILENCE)).unwrap();
    let error = client.read(&mut [0]).unwrap_err();
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}

fn lines(value: &Value) -> Vec<String> {
    serde_json::from_value(value.clone()).unwrap()
}

/// `right`, `both`, `tap 360,620`, `hold 340,545 3 s`.
fn press(action: &str) -> Press {
    let point = |text: &str| {
        let (x, y) = text.split_once(',').unwrap();
        (x.parse().unwrap(), y.parse().unwrap())
    };
    let words: Vec<_> = action.split(' ').collect();
    match words.as_slice() {
        ["left"] => Press::Left,
        ["right"] => Press::Right,
        ["both"] => Press::Both,
        ["tap", at] => Press::Tap(point(at).0, point(at).1),
        ["hold", at, ..] => Press::Hold(point(at).0, point(at).1),
        _ => panic!("unknown action {action}"),
    }
}

fn screen(emulator: &Emulator) -> Vec<String> {
    emulator.look(|device| device.screen().lines)
}

/// What the person does: on each screen the recorded press. The press that makes the app exit was not noted; it is the
/// one that leads on.
fn act(emulator: &Emulator, event: &Value) {
    let approve = text(event, "user") == "approve";
    let actions: Vec<String> = event
        .get("actions")
        .map_or_else(Vec::new, |actions| serde_json::from_value(actions.clone()).unwrap());
    for (index, expected) in event["screens"].as_array().unwrap().iter().enumerate() {
        assert_eq!(screen(emulator), lines(expected));
        let press = match actions.get(index) {
            Some(action) => press(action),
            None => emulator.look(|device| device.toward(approve)).unwrap(),
        };
        emulator.touch(|device| device.press(press));
    }
}

fn replay(recording: &Value) {
    let emulator = Emulator::new(device(recording));
    let server = SpeculosServer::start(&emulator, "127.0.0.1:0".parse().unwrap()).unwrap();
    let mut client = TcpStream::connect(server.address()).unwrap();
    if !text(recording, "title").contains("first command after start") {
        send(&mut client, GET_ADDRESS);
        assert!(receive(&mut client).unwrap().ends_with("9000"));
    }
    let events = recording["events"].as_array().unwrap();
    let hosts = events.iter().filter(|event| event.get("host").is_some()).count();
    let (mut sent, mut answered) = (0, 0);
    for event in events {
        if let Some(command) = event["host"].as_str() {
            sent += 1;
            if let Some(shown) = recording.get("screen_at_second_command").filter(|_| sent == 2) {
                assert!(emulator.wait_until(PATIENCE, Device::is_asking));
                assert_eq!(screen(&emulator), lines(shown));
            }
            if let Some(shown) = recording
                .get("screen_when_second_command_is_sent")
                .filter(|_| sent == 2)
            {
                assert_eq!(screen(&emulator), lines(shown));
            }
            send(&mut client, command);
        } else if let Some(answer) = event["device"].as_str() {
            assert_eq!(receive(&mut client).unwrap(), answer, "to command {sent} of {hosts}");
            answered += 1;
            if let Some(shown) = recording
                .get("screen_after_second_command")
                .filter(|_| sent == 2 && answered == 1)
            {
                assert_eq!(screen(&emulator), lines(shown));
            }
        } else if event.get("user").is_some() {
            assert!(emulator.wait_until(PATIENCE, Device::is_asking));
            act(&emulator, event);
        } else if event.get("no_answer_within_s").is_some() {
            assert!(is_silent(&mut client));
        } else if event["app_exited"] == true {
            // On touch models the approval that the app exits at is noted beside the events, not among them.
            let is_noted = events.iter().any(|event| event.get("user").is_some());
            if recording.get("screens").is_some() && !is_noted {
                assert!(emulator.wait_until(PATIENCE, Device::is_asking));
                act(&emulator, recording);
            }
            let error = receive(&mut client).unwrap_err();
            assert!(matches!(error.kind(), std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::ConnectionReset));
            assert_eq!(emulator.look(Device::app), "BOLOS");
        } else {
            panic!("an event that no test knows: {event}");
        }
    }
    for after in ["status_screen", "screen_after"] {
        if let Some(shown) = recording.get(after) {
            assert_eq!(screen(&emulator), lines(shown), "{after}");
        }
    }
    // Whatever was said, the device asks nothing any more, unless the recording ends there.
    assert!(!emulator.look(Device::is_asking));
}

#[test]
fn every_recording_of_app_1_22_0_is_replayed_over_tcp() {
    let vectors = Vectors::ledger();
    let (mut replayed, mut older) = (0, 0);
    for recording in vectors.section("recordings") {
        let id = text(recording, "id");
        if text(recording, "app_version") != "1.22.0" {
            older += 1;
            continue;
        }
        let result = std::panic::catch_unwind(|| replay(recording));
        assert!(result.is_ok(), "{id}: {} is not answered as recorded", text(recording, "title"));
        println!("{id} holds: {}", text(recording, "title"));
        replayed += 1;
    }
    println!(
        "{replayed} recordings of app 1.22.0 replayed, none left out; {older} of older apps, which are not emulated"
    );
    assert_eq!((replayed, older), (264, 158));
}

fn replay_reports(recording: &Value) {
    let mut hid = HidDevice::new(device(recording));
    let mut sent = Vec::new();
    for event in recording["reports"].as_array().unwrap() {
        if let Some(report) = event["out"].as_str() {
            sent.extend(hid.report(&unhex::<64>(report)));
        } else if let Some(report) = event["in"].as_str() {
            assert_eq!(sent.remove(0), HidEffect::Report(unhex::<64>(report)));
        } else if let Some(decision) = event["user"].as_str() {
            while let Some(press) = hid.device().toward(decision == "approve") {
                sent.extend(hid.touch(|device| device.press(press)));
            }
        } else if let Some(shown) = event.get("screen") {
            // The recording looked again after the status page had gone by itself.
            let now = hid.device().screen().lines;
            let is_status = now.first().is_some_and(|line| line.starts_with("Message "));
            assert!(now == lines(shown) || (is_status && lines(shown)[0] == "Ethereum"), "{now:?}");
        } else {
            assert!(event.get("no_report_within_s").is_some(), "an event that no test knows: {event}");
            assert_eq!(sent, []);
        }
    }
    assert_eq!(sent, []);
}

/// What was seen of a real app behind a real kernel, and could not be recorded report by report: a reset of the port
/// frees a device that waits for the rest of a request whose process is gone.
#[test]
fn a_reset_frees_a_device_that_waits_for_the_rest_of_a_request() {
    let vectors = Vectors::ledger();
    let recording = vectors.entry("hid_recordings", "nanosp-1.22.0-a-hid-18");
    let reports = recording["reports"].as_array().unwrap();
    let sent = |index: usize| unhex::<64>(reports[index]["out"].as_str().unwrap());
    let mut hid = HidDevice::new(device(recording));
    assert_eq!(hid.report(&sent(0)), []);
    assert_eq!(hid.report(&sent(2)), [], "it waits for the rest");
    hid.reset();
    let answer = vectors.entry("hid_recordings", "nanosp-1.22.0-a-hid-01");
    let expected = unhex::<64>(answer["reports"][1]["in"].as_str().unwrap());
    assert_eq!(hid.report(&sent(2)), [HidEffect::Report(expected)]);
}

/// "The device answers on the channel of the last report received" (tests/vectors/README.md), be it one that is ignored.
#[test]
fn an_answer_goes_to_the_channel_of_the_last_report() {
    let vectors = Vectors::ledger();
    let recording = vectors.entry("hid_recordings", "nanosp-1.22.0-a-hid-05");
    let mut hid = HidDevice::new(device(recording));
    for report in recording["reports"].as_array().unwrap() {
        if let Some(report) = report["out"].as_str() {
            assert_eq!(hid.report(&unhex::<64>(report)), []);
        }
    }
    let mut ignored = [0; 64];
    ignored[..3].copy_from_slice(&[0x12, 0x34, 0x02]);
    assert_eq!(hid.report(&ignored), []);
    let mut answer = Vec::new();
    while let Some(press) = hid.device().toward(true) {
        answer.extend(hid.touch(|device| device.press(press)));
    }
    assert!(matches!(answer[0], HidEffect::Report([0x12, 0x34, 0x05, 0, 0, ..])), "{answer:?}");
}

#[test]
fn every_hid_recording_of_app_1_22_0_is_replayed() {
    let vectors = Vectors::ledger();
    let (mut replayed, mut older) = (0, 0);
    for recording in vectors.section("hid_recordings") {
        let id = text(recording, "id");
        if text(recording, "app_version") != "1.22.0" {
            older += 1;
            continue;
        }
        let result = std::panic::catch_unwind(|| replay_reports(recording));
        assert!(result.is_ok(), "{id}: {} is not answered as recorded", text(recording, "title"));
        println!("{id} holds: {}", text(recording, "title"));
        replayed += 1;
    }
    println!("{replayed} HID recordings of app 1.22.0 replayed, none left out; {older} of an older app");
    assert_eq!((replayed, older), (22, 21));
}
