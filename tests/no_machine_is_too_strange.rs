//! Whatever stands in the files of a machine, the doctor ends with findings that are safe to print.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/machine.rs"]
mod machine;

use std::path::Path;

use machine::{Machine, shown};
use proptest::prelude::*;
use saltbridge::host::Host;

const DEVICE: &str = "sys/devices/pci0000:00/usb1/1-2";

/// Everything that is read.
const FILES: [&str; 26] = [
    "proc/sys/kernel/osrelease",
    "proc/self/status",
    "proc/self/attr/current",
    "proc/1/environ",
    "proc/1/cgroup",
    "proc/7/comm",
    "proc/7/status",
    "proc/7/stat",
    "proc/net/tcp",
    "proc/net/tcp6",
    "run/systemd/container",
    "run/systemd/seats/seat0",
    "run/udev/data/c240:0",
    ".flatpak-info",
    "etc/passwd",
    "etc/group",
    "etc/udev/rules.d/50-any.rules",
    "usr/lib/udev/rules.d/99-any.rules",
    "usr/lib/udev/hwdb.d/70-hardware-wallets.hwdb",
    "sys/devices/pci0000:00/usb1/1-2/idProduct",
    "sys/devices/pci0000:00/usb1/1-2/product",
    "sys/devices/pci0000:00/usb1/1-2/authorized",
    "sys/devices/pci0000:00/usb1/1-2/busnum",
    "sys/devices/pci0000:00/usb1/1-2/devnum",
    "sys/devices/pci0000:00/usb1/1-2/1-2:1.0/bInterfaceNumber",
    "sys/devices/pci0000:00/usb1/1-2/1-2:1.0/0003:2C97:5011.0000/hidraw/hidraw0/dev",
];

/// Bytes, and texts made of the pieces that the files are made of, so that more than the first test is reached.
fn content() -> impl Strategy<Value = Vec<u8>> {
    let pieces = [
        "KERNEL==\"hidraw*\"",
        "ATTRS{idVendor}==\"2c97\"",
        "ATTRS{idProduct}==\"",
        "TAG+=\"uaccess\"",
        "MODE=\"0666\"",
        "GROUP=\"plugdev\"",
        "GOTO=\"x\"",
        "LABEL=\"x\"",
        ", ",
        "\\\n",
        "\n",
        "#",
        "\"",
        "[",
        "]",
        "*",
        "|",
        "=",
        "{",
        ":",
        "\0",
        "usb:v2C97*",
        " ID_HARDWARE_WALLET=1",
        "Uid:\t",
        "Groups:\t",
        "CapEff:\t",
        "99999999999999999999",
        "-1",
        "0",
        "54321",
        "ada",
        "plugdev",
        "container=",
        "snap.",
        " (enforce)",
        "name=",
        "ACTIVE_UID=",
        " 0: ",
        "0100007F",
        ":54E2",
        " 0:0 0A 0:0 0:0 0 ",
        " 0 77 ",
        "240:0",
        "../..",
        "00",
        "\u{1b}[2J",
        "\u{202e}",
        "é",
    ];
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..40)
            .prop_map(|pieces| pieces.concat().into_bytes()),
    ]
}

fn is_safe(text: &str) -> bool {
    text.chars()
        .all(|c| c == '\n' || !(c.is_control() || "\u{202e}\u{200b}".contains(c)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_the_files_hold(
        files in prop::collection::vec((prop::sample::select(FILES.to_vec()), content()), 1..8),
        opens: bool,
    ) {
        let mut machine = Machine::with_ledger().process(7, "x", "/dev/hidraw0");
        for (file, content) in &files {
            machine = machine.put(file, content);
        }
        let findings = machine.findings(opens);
        prop_assert!(findings.len() >= 2);
        let text = shown(&findings);
        prop_assert!(is_safe(&text), "{text:?}");
        let listener = machine.host().listener_at(0x54e2).map(|listener| listener.to_string());
        prop_assert!(is_safe(&listener.unwrap_or_default()));
    }

    #[test]
    fn whatever_is_missing(gone in prop::collection::vec(prop::sample::select(
        [&FILES[..], &["proc", "sys", "etc", "run", "usr", "dev", DEVICE, "sys/bus", "run/udev"]].concat()), 1..4))
    {
        let machine = Machine::with_ledger();
        for file in &gone {
            let _ = std::fs::remove_file(machine.path(file));
            let _ = std::fs::remove_dir_all(machine.path(file));
        }
        let findings = machine.findings(false);
        prop_assert!(!findings.is_empty());
    }
}

#[test]
fn folders_pipes_and_circles_in_place_of_files_are_passed_over() {
    for file in FILES {
        let machine = Machine::with_ledger();
        let path = machine.path(file);
        let _ = std::fs::remove_file(&path);
        std::fs::create_dir_all(&path).unwrap();
        assert!(!machine.findings(false).is_empty());
        std::fs::remove_dir(&path).unwrap();
        // Would be waited for, were it opened.
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        assert!(!machine.findings(false).is_empty());
        assert_eq!(machine.host().listener_at(0x54e2), None);
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(&path, &path).unwrap();
        assert!(!machine.findings(false).is_empty());
    }
}

#[test]
fn a_large_file_is_not_read_to_its_end() {
    let machine = Machine::with_ledger();
    let rules = machine.path("etc/udev/rules.d/50-any.rules");
    std::fs::create_dir_all(rules.parent().unwrap()).unwrap();
    std::fs::File::create(&rules).unwrap().set_len(1 << 40).unwrap();
    assert!(!machine.findings(false).is_empty());
}

#[test]
fn this_very_machine_and_none_at_all() {
    let host = Host::this();
    let findings = host.survey(host.ledgers()).findings();
    assert_eq!(findings[0].check, "machine");
    let nowhere = Host::new(Path::new("/nowhere"));
    assert!(!nowhere.survey(nowhere.ledgers()).findings().is_empty());
}
