//! Refused, locked, dashboard, another app, a forbidden path, the wrong account, a closed link, a second client: each ends
//! in its own message and exit code, and the next command works.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/room.rs"]
mod room;
#[path = "support/stage.rs"]
mod stage;
mod support;

use std::io::BufReader;

use room::{Room, wait_for_line};
use saltbridge::emulator::{Device, Start};
use support::Run;

#[test]
fn refused() {
    let room = Room::new(Start::App);
    room.decided(false, &[]).failed_with(4, "refused");
    assert!(!room.desk.path("report.csv").exists());
    room.works();
}

#[test]
fn locked() {
    let room = Room::new(Start::Locked);
    room.run(&["--no-wait"]).failed_with(3, "device-locked");
    let mut child = room.start(&[]);
    let mut said = BufReader::new(child.stderr.take().unwrap());
    wait_for_line(&mut said, "The device is locked. Waiting for you to enter the PIN on it.");
    room.stage.hand(Device::unlock);
    room.stage.wait_for_question();
    room.stage.emulator.decide(true);
    assert!(child.wait().unwrap().success());
    room.works();
}

#[test]
fn dashboard() {
    let room = Room::new(Start::Dashboard);
    room.run(&["--no-wait"]).failed_with(3, "app-not-open");
    assert!(!room.stage.emulator.look(Device::is_asking));

    // Asked to open the app, the person refuses, then agrees.
    room.decided(false, &[]).failed_with(4, "refused");
    let child = room.start(&[]);
    room.opened_and_approved();
    Run::of(child.wait_with_output().unwrap()).succeeded();
    room.works();
}

#[test]
fn another_app() {
    let room = Room::new(Start::OtherApp);
    let run = room.run(&["--no-wait"]);
    run.failed_with(3, "other-app");
    assert!(run.stderr.contains("Bitcoin"), "{run:?}");
    let child = room.start(&[]);
    room.opened_and_approved();
    let run = Run::of(child.wait_with_output().unwrap());
    run.succeeded();
    assert!(run.stderr.contains("Closing the Bitcoin app on the device."), "{run:?}");
    room.works();
}

#[test]
fn a_forbidden_path() {
    let room = Room::new(Start::App);
    room.run(&["--path", "m/44'/0'/0'/0/0"])
        .failed_with(5, "path-not-allowed");
    room.run(&["--path", "m/44/60/0/0/0"])
        .failed_with(5, "path-not-allowed");
    assert!(!room.stage.commands().contains("e008"));
    room.works();
}

#[test]
fn the_wrong_account() {
    let room = Room::new(Start::App);
    let foreign = "0x0000000000000000000000000000000000000001";
    room.run(&["--address", foreign]).failed_with(5, "account-not-found");
    let known = "0xDad77910DbDFdE764fC21FCD4E74D71bBACA6D8D";
    room.run(&["--address", known, "--path", "m/44'/60'/1'/0/0"])
        .failed_with(5, "wrong-account");
    assert!(!room.stage.commands().contains("e008"));

    // The envelope is of the first account; another one signs, but does not open it.
    room.decided(true, &["--path", "m/44'/60'/1'/0/0"])
        .failed_with(5, "does-not-open");
    room.works();
}

#[test]
fn a_closed_link() {
    let room = Room::new(Start::App);
    let child = room.start(&[]);
    room.stage.wait_for_question();
    room.stage.emulator.touch(Device::unplug);
    let run = Run::of(child.wait_with_output().unwrap());
    run.failed_with(3, "link-lost");
    assert!(run.stderr.contains("no answer came"), "{run:?}");

    room.run(&["--no-wait"]).failed_with(3, "link-lost");
    room.stage.emulator.touch(|device| {
        let plugged_in = device.plug_in();
        device.unlock();
        [plugged_in, device.open_ethereum()].concat()
    });
    room.works();
}

#[test]
fn nobody_there() {
    let room = Room::new(Start::App);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let device = format!("speculos://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let run = room.desk.run(&["devices", "--device", &device]);
    run.failed_with(3, "no-device");
    room.desk
        .run(&["address", "--no-wait", "--device", "usb:99-99"])
        .failed_with(3, "not-plugged-in");
    room.desk
        .run(&["address", "--device", "speculos://192.0.2.1:9999"])
        .failed_with(2, "bad-device");
}

#[test]
fn a_second_client_while_a_review_is_open() {
    let room = Room::new(Start::App);
    let first = room.start(&[]);
    room.stage.wait_for_question();
    let run = room.run(&["--no-wait"]);
    run.failed_with(3, "device-busy");
    assert!(run.stderr.contains("saltbridge decrypt (process "), "{run:?}");

    let mut second = room.start(&[]);
    let mut said = BufReader::new(second.stderr.take().unwrap());
    wait_for_line(&mut said, "to let go of the device.");
    room.stage.emulator.decide(true);
    Run::of(first.wait_with_output().unwrap()).succeeded();
    room.stage.wait_for_question();
    room.stage.emulator.decide(true);
    assert!(second.wait().unwrap().success());
    room.works();
}
