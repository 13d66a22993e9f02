//! For each thing that can stand between a person and a Ledger the doctor says exactly what it is, and what to run.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/machine.rs"]
mod machine;

use machine::{Machine, shown};
use saltbridge::host::{Entry, State, Variant};

const MACHINE: &str = "ok machine: Linux 6.12.5-amd64.\n";
const DEVICE: &str = "ok device: Ledger Nano S Plus at USB port 1-2, node /dev/hidraw0.\n";
const INSTALL: &str = "  $ saltbridge doctor --print-rules | sudo tee /etc/udev/rules.d/70-saltbridge-ledger.rules\n";
const INSTALL_PLUGDEV: &str = "  \
  $ saltbridge doctor --print-rules=plugdev | sudo tee /etc/udev/rules.d/70-saltbridge-ledger-plugdev.rules
  $ getent group plugdev || sudo groupadd --system plugdev
  $ sudo usermod --append --groups plugdev ada
";
const APPLY: &str = "  \
  $ sudo udevadm control --reload
  $ sudo udevadm trigger --subsystem-match=usb --subsystem-match=hidraw
";
const BELONGS: &str = "You may not open /dev/hidraw0: it belongs to root:root with mode 0600.";
const TAGGED: &str = "G:uaccess\nQ:uaccess\n";

/// What is found beside the machine itself, and beside a device that is as it should be.
#[track_caller]
fn finds(machine: &Machine, opens: bool, expected: &str) {
    let text = shown(&machine.findings(opens));
    let text = text.strip_prefix(MACHINE).unwrap_or_else(|| panic!("{text}"));
    assert_eq!(text.strip_prefix(DEVICE).unwrap_or(text), expected);
}

fn seat() -> Machine {
    let name = Variant::Seat.file_name();
    Machine::with_ledger().rules(name, Variant::Seat.text())
}

fn plugdev() -> Machine {
    Machine::with_ledger().rules(Variant::Plugdev.file_name(), Variant::Plugdev.text())
}

#[test]
fn a_healthy_machine_is_told_in_three_lines() {
    let machine = seat().noted(TAGGED).mode(0o660);
    let mut survey = machine.survey(true);
    survey.ledgers[0].node.as_mut().unwrap().list = vec![Entry::User(machine::USER, 6), Entry::Mask(6)];
    let expected = format!("{MACHINE}{DEVICE}ok permission: You may open /dev/hidraw0: it was given to you.\n");
    assert_eq!(shown(&survey.findings()), expected);
    finds(
        &plugdev()
            .member_of_plugdev(true)
            .put("etc/group", "")
            .person(&[46], true),
        true,
        "ok permission: You may open /dev/hidraw0: you are root.\n",
    );
}

#[test]
fn without_a_rule() {
    let expected = format!(
        "problem rules: {BELONGS} No udev rule gives a Ledger to you. Install one, then plug the device out and in.\n\
         {INSTALL}{APPLY}"
    );
    finds(&Machine::with_ledger(), false, &expected);
    finds(&Machine::with_ledger().away_from_seat(), false, &expected);
    let remote = format!(
        "problem rules: {BELONGS} No udev rule gives a Ledger to you. Install one, then plug the device out and in.\n\
         {INSTALL_PLUGDEV}{APPLY}"
    );
    let over_ssh = Machine::with_ledger()
        .away_from_seat()
        .variable("SSH_CONNECTION", "192.0.2.1 1 192.0.2.2 22");
    let text = shown(&over_ssh.findings(false));
    assert_eq!(text, format!("ok machine: Linux 6.12.5-amd64, over ssh.\n{DEVICE}{remote}"));
    finds(&Machine::with_ledger().without("run/systemd/seats"), false, &remote);
}

#[test]
fn with_a_rule_that_does_not_do_it() {
    let tag = |rules: &str| format!("KERNEL==\"hidraw*\", ATTRS{{idVendor}}==\"{rules}\", TAG+=\"uaccess\"\n");
    let late = Machine::with_ledger().rules("99-ledger.rules", &tag("2c97"));
    finds(
        &late,
        false,
        &format!(
            "problem rules: {BELONGS} A rule gives a Ledger to who sits at this machine (/etc/udev/rules.d/99-ledger.rules:1), \
             but too late: the number of its file must be below 73.\n  \
             $ sudo mv /etc/udev/rules.d/99-ledger.rules /etc/udev/rules.d/70-ledger.rules\n{APPLY}"
        ),
    );
    let off = Machine::with_ledger()
        .put("usr/lib/udev/rules.d/20-hw1.rules", tag("2c97"))
        .switched_off("etc/udev/rules.d/20-hw1.rules");
    finds(
        &off,
        false,
        &format!(
            "problem rules: {BELONGS} There are rules about Ledgers in /usr/lib/udev/rules.d/20-hw1.rules, but \
             /etc/udev/rules.d/20-hw1.rules is read instead. Remove it.\n  \
             $ sudo rm /etc/udev/rules.d/20-hw1.rules\n{APPLY}"
        ),
    );
    finds(
        &seat(),
        false,
        &format!(
            "problem rules: {BELONGS} There is a rule (/etc/udev/rules.d/70-saltbridge-ledger.rules:10), but udev has not \
             applied it to this device, which was there before. If the commands do not help, plug the device out and in.\n\
             {APPLY}"
        ),
    );
    let none = plugdev().put("etc/group", "root:x:0:\n");
    let text = shown(&none.findings(false));
    let expected = "udev gives a Ledger to the group plugdev, but there is no such group. Make it, and log in again \
                    afterwards.\n  $ getent group plugdev || sudo groupadd --system plugdev\n  \
                    $ sudo usermod --append --groups plugdev ada\n";
    assert!(text.ends_with(&format!("{expected}{APPLY}")), "{text}");
}

#[test]
fn a_rule_for_others_than_this_person() {
    let why = "udev gives a Ledger to who sits at this machine, but";
    let then = "Use the group plugdev, and log in again afterwards.";
    for (machine, because) in [
        (seat().noted(TAGGED).away_from_seat(), "the session in front is not yours"),
        (seat().noted(TAGGED).without("run/systemd"), "this machine does not know who sits at it (no logind)"),
    ] {
        let expected = format!("problem session: {BELONGS} {why} {because}. {then}\n{INSTALL_PLUGDEV}{APPLY}");
        finds(&machine, false, &expected);
    }
    let over_ssh = seat().noted(TAGGED).away_from_seat().variable("SSH_TTY", "/dev/pts/0");
    let text = shown(&over_ssh.findings(false));
    assert!(text.contains(&format!("problem session: {BELONGS} {why} you are here over ssh. {then}")), "{text}");
    finds(
        &seat().noted(TAGGED),
        false,
        "problem session: You may not open /dev/hidraw0, although udev gives it to who sits at this machine, and you do. Have \
         it given anew; if that does not help, log out and in.\n  $ sudo udevadm trigger --name-match=/dev/hidraw0\n",
    );
    finds(
        &plugdev(),
        false,
        &format!(
            "problem session: {BELONGS} udev gives a Ledger to the group plugdev, and you are not in it. Log in again \
             afterwards.\n  $ sudo usermod --append --groups plugdev ada\n"
        ),
    );
    finds(
        &plugdev().member_of_plugdev(false),
        false,
        &format!(
            "problem session: {BELONGS} You were added to the group plugdev, which gets the Ledger, but are logged in without \
             it: log out and in, or begin a shell with it.\n  $ newgrp plugdev\n"
        ),
    );
    finds(
        &plugdev().member_of_plugdev(true),
        false,
        &format!(
            "problem rules: {BELONGS} There is a rule for the group plugdev, but udev has not applied it to this device, which \
             was there before. If the commands do not help, plug the device out and in.\n{APPLY}"
        ),
    );
}

#[test]
fn a_device_that_everybody_may_open_is_a_risk() {
    let rules = "SUBSYSTEMS==\"usb\", ATTRS{idVendor}==\"2c97\", TAG+=\"uaccess\"\n\n# hidraw\nKERNEL==\"hidraw*\", ATTRS{idVendor}==\"2c97\", MODE=\"0666\"\n";
    let risk = "note rules: Every user and service of this machine may open a Ledger, and read what it answers, signatures \
                included";
    let open = "ok permission: You may open /dev/hidraw0: everybody may.\n";
    finds(
        &Machine::with_ledger().rules("20-hw1.rules", rules).mode(0o666),
        true,
        &format!(
            "{open}{risk} (/etc/udev/rules.d/20-hw1.rules:4). These rules give it to you alone:\n  \
             $ sudo rm /etc/udev/rules.d/20-hw1.rules\n{INSTALL}{APPLY}"
        ),
    );
    finds(
        &Machine::with_ledger()
            .put("usr/lib/udev/rules.d/20-hw1.rules", rules)
            .mode(0o666),
        true,
        &format!(
            "{open}{risk} (/usr/lib/udev/rules.d/20-hw1.rules:4). These rules give it to you alone:\n  \
             $ sudo ln -s /dev/null /etc/udev/rules.d/20-hw1.rules\n{INSTALL}{APPLY}"
        ),
    );
    finds(
        &Machine::with_ledger().mode(0o666),
        true,
        &format!("{open}{risk}: /dev/hidraw0 has mode 0666.\n{INSTALL}{APPLY}"),
    );
}

#[test]
fn other_programs_with_the_device_are_told() {
    let machine = seat()
        .noted(TAGGED)
        .mode(0o666)
        .process(812, "chrome", "/dev/hidraw0")
        .process(90, "near-miss", "/dev/hidraw1")
        .process(71, "ledger-live", "/dev/hidraw0");
    let findings = machine.findings(true);
    let programs = findings.iter().find(|finding| finding.check == "programs").unwrap();
    assert_eq!(programs.state, State::Note);
    assert!(
        programs.message.starts_with(
            "/dev/hidraw0 is open in ledger-live (process 71), chrome (process 812), which can read everything that the \
             device answers, signatures included."
        ),
        "{programs:?}"
    );
    assert_eq!(programs.commands, ["ps -fp 71,812"]);
}

#[test]
fn a_device_that_is_not_quite_there() {
    let device = "sys/devices/pci0000:00/usb1/1-2";
    let what = "problem device: Ledger Nano S Plus at USB port 1-2";
    let wallet = format!("{device}/1-2:1.0");
    finds(
        &Machine::with_ledger().put(&format!("{device}/authorized"), "0\n"),
        false,
        &format!(
            "{what}: the kernel was told not to use it, as USB guards do.\n  \
             $ echo 1 | sudo tee /sys/bus/usb/devices/1-2/authorized\n"
        ),
    );
    for gone in [wallet.clone(), format!("{wallet}/driver")] {
        let machine = Machine::with_ledger()
            .without(&format!("{wallet}/0003:2C97:5011.0000"))
            .without(&gone);
        let expected =
            format!("{what}: the kernel has no driver for it.\n  $ sudo modprobe --all usbhid hid-generic\n");
        finds(&machine, false, &expected);
    }
    finds(
        &Machine::with_ledger().without(&format!("{wallet}/0003:2C97:5011.0000/hidraw")),
        false,
        &format!(
            "{what}: there is a driver for it, but no hidraw node. The kernel needs CONFIG_HIDRAW.\n  \
             $ grep HIDRAW \"/boot/config-$(uname -r)\"\n"
        ),
    );
    finds(
        &Machine::with_ledger().without("dev/hidraw0"),
        false,
        &format!("{what}: its node /dev/hidraw0 is missing. Plug the device out and in.\n"),
    );
    for (kind, command) in [
        ("docker", "docker run --device /dev/hidraw0 --group-add \"$(stat -c %g /dev/hidraw0)\" IMAGE"),
        ("podman", "podman run --device /dev/hidraw0 --group-add keep-groups IMAGE"),
    ] {
        let machine = Machine::with_ledger()
            .without("dev/hidraw0")
            .put("run/systemd/container", kind);
        let expected = format!(
            "ok machine: Linux 6.12.5-amd64, in a container ({kind}).\n{what}: the machine has its node /dev/hidraw0, but this \
             container has not. Start the container with it.\n  $ {command}\n"
        );
        assert_eq!(shown(&machine.findings(false)), expected);
    }
}

#[test]
fn before_a_device_is_plugged_in_the_rules_are_looked_at() {
    let missing = "problem device: No Ledger is on USB. Plug it in, with a cable that carries data, and unlock it. If this is a \
                   virtual machine, hand the device over to it.\n";
    let with = |variant: Variant| Machine::new().rules(variant.file_name(), variant.text());
    let seat = "ok rules: udev gives a Ledger to you while you sit at this machine.\n";
    let hwdb = "usb:v2C97*\n ID_HARDWARE_WALLET=1\n";
    let by_systemd = "SUBSYSTEM==\"hidraw\", ENV{ID_HARDWARE_WALLET}==\"1\", TAG+=\"uaccess\"\n";
    for (machine, rules) in [
        (with(Variant::Seat), seat.to_owned()),
        (
            Machine::new()
                .put("usr/lib/udev/hwdb.d/70-hardware-wallets.hwdb", hwdb)
                .put("usr/lib/udev/rules.d/70-uaccess.rules", by_systemd),
            seat.to_owned(),
        ),
        (
            with(Variant::Seat).away_from_seat(),
            format!(
                "problem session: udev gives a Ledger to who sits at this machine, but the session in front is not yours. Use \
                 the group plugdev, and log in again afterwards.\n{INSTALL_PLUGDEV}{APPLY}"
            ),
        ),
        (Machine::new().person(&[0], true), "ok rules: You are root, who needs no udev rule.\n".to_owned()),
        (
            with(Variant::Plugdev).member_of_plugdev(true),
            "ok rules: udev gives a Ledger to the group plugdev; you are in it.\n".to_owned(),
        ),
        (
            with(Variant::Plugdev),
            "problem session: udev gives a Ledger to the group plugdev, and you are not in it. Log in again afterwards.\n  \
             $ sudo usermod --append --groups plugdev ada\n"
                .to_owned(),
        ),
        (
            Machine::new(),
            format!(
                "problem rules: No udev rule gives a Ledger to you. Install one, then plug the device out and in.\n\
                 {INSTALL}{APPLY}"
            ),
        ),
        (
            with(Variant::Seat).without("run/udev/control"),
            "problem rules: udev, which gives devices to users, does not run. Start it.\n  \
             $ sudo systemctl start systemd-udevd-control.socket systemd-udevd-kernel.socket systemd-udevd.service\n"
                .to_owned(),
        ),
    ] {
        finds(&machine, false, &format!("{missing}{rules}"));
    }
}

#[test]
fn what_is_around_the_program_is_mended_first() {
    let wsl_1 = Machine::new().put("proc/sys/kernel/osrelease", "4.4.0-19041-Microsoft\n");
    assert_eq!(
        shown(&wsl_1.findings(false)),
        "problem machine: This is WSL 1, which no USB device ever reaches: change it to WSL 2, in PowerShell on Windows.\n  \
         $ wsl --list --verbose\n  $ wsl --set-version NAME 2\n"
    );
    let wsl_2 = Machine::new().put("proc/sys/kernel/osrelease", "5.15.167.4-microsoft-standard-WSL2\n");
    let text = shown(&wsl_2.without("run/udev").findings(false));
    let expected = "  $ usbipd list\n  $ usbipd bind --busid BUSID\n  $ usbipd attach --wsl --busid BUSID\n\
                    problem rules: udev, which gives devices to users, does not run: WSL starts it with systemd. The second \
                    command ends all of WSL.\n  $ printf '[boot]\\nsystemd=true\\n' | sudo tee -a /etc/wsl.conf\n  \
                    $ wsl.exe --shutdown\n";
    assert!(text.ends_with(expected), "{text}");
    let flatpak = Machine::with_ledger().put(".flatpak-info", "[Application]\nname=org.example.Editor\n");
    assert_eq!(
        shown(&flatpak.without("dev/hidraw0").findings(false)),
        "ok machine: Linux 6.12.5-amd64, confined by the Flatpak org.example.Editor.\n\
         problem device: Ledger Nano S Plus at USB port 1-2: the sandbox hides its node /dev/hidraw0. Run saltbridge outside of \
         it.\n  $ flatpak-spawn --host saltbridge doctor\n"
    );
    let limited = Machine::with_ledger().mode(0o666);
    finds(
        &limited,
        false,
        "problem permission: The permissions of /dev/hidraw0 would let you open it, but something else on this machine forbids \
         it: the limits of a container or service, or SELinux or AppArmor.\n",
    );
}

#[test]
fn a_device_that_cannot_be_reset_is_told() {
    let mut survey = seat().noted(TAGGED).mode(0o600).survey(true);
    survey.ledgers[0].usb_node.as_mut().unwrap().opens = false;
    let text = shown(&survey.findings());
    let expected = format!(
        "note permission: You may not open /dev/bus/usb/001/007, so a Ledger that has stopped answering cannot be reset: plug \
         it out and in then.\n{INSTALL}{APPLY}"
    );
    assert!(text.ends_with(&expected), "{text}");
}

/// A command is a line that a shell takes as it stands, whatever the names of files and users.
#[test]
fn commands_hold_no_surprises() {
    let rules = "KERNEL==\"hidraw*\", ATTRS{idVendor}==\"2c97\", TAG+=\"uaccess\"\n";
    let machine = Machine::with_ledger()
        .rules("99-my ledger;reboot'.rules", rules)
        .put("etc/passwd", format!("x;reboot:x:{}:0:::\n", machine::USER));
    let text = shown(&machine.findings(false));
    let expected = "  $ sudo mv '/etc/udev/rules.d/99-my ledger;reboot'\\''.rules' \
                    '/etc/udev/rules.d/70-my ledger;reboot'\\''.rules'\n";
    assert!(text.contains(expected), "{text}");
    let group = Machine::with_ledger().rules("70-x.rules", "SUBSYSTEM==\"hidraw\", GROUP=\"x;reboot\"\n");
    let text = shown(&group.findings(false));
    assert!(text.contains("$ getent group 'x;reboot' || sudo groupadd --system 'x;reboot'\n"), "{text}");
    let without = Machine::with_ledger()
        .without("run/systemd")
        .put("etc/passwd", format!("x;reboot:x:{}:0:::\n", machine::USER));
    let text = shown(&without.findings(false));
    assert!(text.contains("$ sudo usermod --append --groups plugdev \"$USER\"\n"), "{text}");
}
