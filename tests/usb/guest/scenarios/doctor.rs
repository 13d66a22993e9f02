//! What the doctor says on a real system, and that doing what it says helps.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use saltbridge::emulator::Device;
use serde_json::Value;

use crate::desk::{self, ADDRESS, DECRYPT, saltbridge, saltbridge_as};
use crate::guest::{self, BUYER, OTHER, PATIENCE};
use crate::ledger::Ledger;
use crate::scenarios::Scenario;

pub fn all() -> Vec<Scenario> {
    vec![
        Scenario::plain("the-doctor-names-the-missing-rule-and-its-commands-help", missing_rule),
        Scenario::plain("the-doctor-sees-the-device-and-who-holds-it", states),
        Scenario::at_the_seat("the-doctor-helps-the-person-at-the-seat", at_the_seat),
    ]
}

/// Findings of this check and state.
fn findings<'a>(said: &'a Value, check: &str, state: &str) -> Vec<&'a Value> {
    let all = said["findings"].as_array().unwrap();
    let found = all
        .iter()
        .filter(|finding| finding["check"] == check && finding["state"] == state);
    found.collect()
}

fn said(user: guest::User) -> Value {
    let run = saltbridge_as(user, "doctor --json").run();
    println!("{}", String::from_utf8_lossy(&run.stdout));
    serde_json::from_slice(&run.stdout).unwrap()
}

/// Runs a problem's commands one after the other, as a person who pastes them into his shell; root stands in for sudo.
fn do_as_told(problem: &Value) {
    fs::create_dir_all("/tmp/bin").unwrap();
    fs::write("/tmp/bin/sudo", "#!/bin/sh\nexec \"$@\"\n").unwrap();
    fs::set_permissions("/tmp/bin/sudo", fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir_all("/etc/udev/rules.d").unwrap();
    for command in problem["commands"].as_array().unwrap() {
        let command = command.as_str().unwrap();
        let done = Command::new("sh")
            .args(["-c", command])
            .env("PATH", "/tmp/bin:/usr/bin:/usr/sbin")
            .env("USER", "buyer")
            .output()
            .unwrap();
        assert!(done.status.success(), "{command}: {done:?}");
    }
    guest::settle();
}

fn missing_rule() {
    desk::buy();
    let ledger = Ledger::in_app();
    let node = ledger.node().unwrap();
    let refused = saltbridge("doctor").run();
    refused.failed_with(3, "not-ready");
    let text = String::from_utf8_lossy(&refused.stdout).into_owned();
    println!("{text}");
    let before = said(BUYER);
    let problems = findings(&before, "rules", "problem");
    let [problem] = problems[..] else { panic!("{before}") };
    let message = problem["message"].as_str().unwrap();
    let owned = format!("You may not open {}: it belongs to root:root with mode 0600.", node.display());
    assert!(message.starts_with(&owned), "{message}");
    assert!(message.contains("No udev rule gives a Ledger to you"), "{message}");
    do_as_told(problem);
    assert_eq!(guest::mode_and_group(&node), (0o660, guest::PLUGDEV));
    let after = said(BUYER);
    assert!(after.get("error").is_none(), "{after}");
    assert!(
        findings(&after, "app", "ok")[0]["message"]
            .as_str()
            .unwrap()
            .contains("1.22.0")
    );
    saltbridge("doctor").run().succeeded();
    let decrypt = saltbridge(DECRYPT).start();
    ledger.decide(true);
    decrypt.wait(PATIENCE).succeeded();
    desk::is_decrypted();
    // The other user is told what he lacks.
    saltbridge_as(OTHER, "doctor").run().failed_with(3, "not-ready");
    let others = said(OTHER);
    let all = others["findings"].as_array().unwrap();
    let problem = all.iter().find(|finding| finding["state"] == "problem").unwrap();
    let message = problem["message"].as_str().unwrap();
    assert!(message.contains("udev gives a Ledger to the group plugdev, and you are not in it"), "{others}");
}

fn states() {
    desk::admit_plugdev();
    let nobody = said(BUYER);
    assert!(nobody.get("error").is_some(), "nothing is plugged in: {nobody}");
    let ledger = Ledger::in_app();
    saltbridge("doctor").run().succeeded();
    ledger.lock();
    let locked = said(BUYER);
    assert!(
        findings(&locked, "app", "problem")[0]["message"]
            .as_str()
            .unwrap()
            .contains("locked"),
        "{locked}"
    );
    ledger.unlock();
    ledger.emulator().touch(Device::close_app);
    ledger.wait_for_product_id(0x5011);
    let closed = said(BUYER);
    assert!(
        findings(&closed, "app", "note")[0]["message"]
            .as_str()
            .unwrap()
            .contains("not open"),
        "{closed}"
    );
    let node = ledger.node().unwrap();
    let listening = format!("exec 3<>{}; echo open; exec sleep 100", node.display());
    let listener = BUYER.program(&["sh", "-c", &listening]).start();
    guest::eventually("it listens", || listener.stdout().contains("open").then_some(()));
    let held = said(BUYER);
    let named = format!("sleep (process {})", listener.pid());
    let note = findings(&held, "programs", "note")[0]["message"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(note.contains("sleep") && note.contains(&listener.pid().to_string()), "{named}: {note}");
}

fn at_the_seat() {
    guest::wait_for_the_person_at_the_seat();
    desk::buy();
    let ledger = Ledger::in_app();
    let before = said(BUYER);
    let problem = findings(&before, "rules", "problem");
    assert!(
        problem[0]["commands"][0]
            .as_str()
            .unwrap()
            .ends_with("/70-saltbridge-ledger.rules"),
        "{before}"
    );
    do_as_told(problem[0]);
    let node = ledger.node().unwrap();
    guest::eventually("the person at the seat may use it", || BUYER.can_open(&node).then_some(()));
    saltbridge("doctor").run().succeeded();
    let decrypt = saltbridge(DECRYPT).start();
    ledger.decide(true);
    decrypt.wait(PATIENCE).succeeded();
    desk::is_decrypted();
    saltbridge("address").run().printed(&format!("{ADDRESS}\n"));
    // Nobody else, and the USB device itself for a reset.
    saltbridge_as(OTHER, "address").run().failed_with(3, "no-permission");
    assert_ne!(saltbridge_as(OTHER, "doctor").run().status, Some(0));
    let number = |name: &str| fs::read_to_string(ledger.sysfs().join(name)).unwrap();
    let usb = format!("/dev/bus/usb/{:0>3}/{:0>3}", number("busnum").trim(), number("devnum").trim());
    assert!(BUYER.can_open(usb.as_ref()) && !OTHER.can_open(usb.as_ref()), "{usb}");
    assert_eq!(guest::mode_and_group(&node).0, 0o660);
}
