//! What the machine's udev rules do to a Ledger's node is read from them as udev reads them, and near misses are told
//! from rules that do it.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/machine.rs"]
mod machine;

use machine::Machine;
use saltbridge::host::{Effect, Variant};

/// In short: `seat`, `late`, `plugdev 0660`.
fn short(effect: &Effect) -> String {
    let words = [
        effect.uaccess.as_ref().map(|_| "seat".to_owned()),
        effect.too_late.as_ref().map(|_| "late".to_owned()),
        effect.group.as_ref().map(|(group, _)| group.clone()),
        effect.mode.as_ref().map(|(mode, _)| format!("{mode:04o}")),
    ];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// What these rules, in a file of a good name, do to the node of a Nano S Plus.
fn effect_of(rules: &str) -> String {
    let machine = Machine::new().rules("70-x.rules", rules);
    short(&machine.host().rules().effect(Some(0x5011), false))
}

#[test]
fn what_ships_does_what_it_says() {
    assert_eq!(effect_of(Variant::Seat.text()), "seat 0660");
    assert_eq!(effect_of(Variant::Plugdev.text()), "plugdev 0660");
    for variant in [Variant::Seat, Variant::Plugdev] {
        assert!(variant.file_name() < "73-seat-late.rules");
        for line in variant.text().lines().filter(|line| !line.starts_with('#')) {
            assert!(!line.contains("MODE") || line.contains("MODE=\"0660\""), "{line}");
            assert!(!line.ends_with('\\') && line.matches('"').count() % 2 == 0, "{line}");
        }
        let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/udev/");
        assert_eq!(std::fs::read_to_string(format!("{shipped}{}", variant.file_name())).unwrap(), variant.text());
    }
}

#[test]
fn rules_are_told_from_near_misses() {
    for (rules, expected) in [
        (r#"KERNEL=="hidraw*", ATTRS{idVendor}=="2c97", TAG+="uaccess""#, "seat"),
        (r#"SUBSYSTEMS=="usb", ATTRS{idVendor}=="2581|2c97", TAG+="uaccess", TAG+="udev-acl""#, "seat"),
        (r#"  KERNEL == "hidraw*" , ATTRS{idVendor} == "2c97" , MODE = "0666" "#, "0666"),
        (r#"KERNEL=="hidraw*" ATTRS{idVendor}=="2c97" MODE="660" GROUP="users""#, "users 0660"),
        ("KERNEL==\"hidraw*\", \\\n  ATTRS{idVendor}==\"2c97\", \\\n# inside\n  TAG+=\"uaccess\"", "seat"),
        (r#"KERNEL=="hidraw*", MODE="0666""#, "0666"),
        (r#"SUBSYSTEM=="hidraw", GROUP="plugdev""#, "plugdev"),
        (r#"SUBSYSTEM=="hidraw", KERNELS=="0003:2C97:*", TAG+="uaccess""#, "seat"),
        (r#"ATTRS{idVendor}=="2c97", ATTRS{idProduct}=="0001|5*", TAG+="uaccess""#, "seat"),
        (r#"ATTRS{idVendor}=="2c97", ATTRS{idProduct}=="50[01]1", TAG+="uaccess""#, "seat"),
        (
            "ATTRS{idVendor}!=\"2c97\", GOTO=\"end\"\nKERNEL==\"hidraw*\", TAG+=\"uaccess\"\nLABEL=\"end\"\nSUBSYSTEM==\"hidraw\", ATTRS{x}==\"y\", MODE=\"0666\"",
            "seat",
        ),
        // The last one counts.
        ("ATTRS{idVendor}==\"2c97\", MODE=\"0666\"\nATTRS{idVendor}==\"2c97\", MODE=\"0660\"", "0660"),
        ("ATTRS{idVendor}==\"2c97\", TAG+=\"uaccess\"\nATTRS{idVendor}==\"2c97\", TAG-=\"uaccess\"", ""),
        // Near misses.
        (r#"# KERNEL=="hidraw*", ATTRS{idVendor}=="2c97", TAG+="uaccess""#, ""),
        (r#"KERNEL=="hidraw*", ATTRS{idVendor}=="2c98", TAG+="uaccess""#, ""),
        (r#"KERNEL=="hidraw*", ATTRS{idVendor}=="12c97", TAG+="uaccess""#, ""),
        (r#"KERNEL=="hidraw*", ATTRS{idVendor}=="2C97", TAG+="uaccess""#, ""),
        (r#"KERNEL=="hidraw*", ATTRS{idVendor}!="2c97", TAG+="uaccess""#, ""),
        (r#"KERNEL=="hidraw*", ATTRS{idVendor}=="2c97", TAG+="udev-acl""#, ""),
        (r#"KERNEL=="hidraw*", ATTRS{idVendor}=="2c97", TAG=="uaccess""#, ""),
        (r#"KERNEL=="hidraw*", ATTRS{idVendor}=="2c97, TAG+="uaccess""#, ""),
        (r#"KERNEL=="hidraw*", ATTRS{idVendor}=2c97, TAG+="uaccess""#, ""),
        (r#"KERNEL=="hiddev*", ATTRS{idVendor}=="2c97", TAG+="uaccess""#, ""),
        (r#"SUBSYSTEM=="usb", ATTR{idVendor}=="2c97", TAG+="uaccess""#, ""),
        (r#"ATTRS{idVendor}=="2c97", ATTRS{idProduct}=="0001|4011", TAG+="uaccess""#, ""),
        (r#"ACTION=="remove", ATTRS{idVendor}=="2c97", TAG+="uaccess""#, ""),
        (
            r#"SUBSYSTEM=="hidraw", ATTRS{modalias}=="usb:v2C97*", ATTRS{bInterfaceNumber}=="01", TAG+="uaccess""#,
            "",
        ),
        // Two levels of parents in one rule never fit.
        (r#"SUBSYSTEM=="hidraw", ATTRS{idVendor}=="2c97", ATTRS{bInterfaceNumber}=="00", TAG+="uaccess""#, ""),
        (r#"SUBSYSTEM=="hidraw", ENV{ID_HARDWARE_WALLET}=="1", TAG+="uaccess""#, ""),
        (r#"KERNEL=="hidraw*", ATTRS{serial}=="*vial*", MODE="0666""#, ""),
        (r#"ATTRS{idVendor}=="2c97", SYMLINK+="ledger""#, ""),
    ] {
        assert_eq!(effect_of(rules), expected, "{rules}");
    }
}

#[test]
fn the_folder_that_counts_more_wins() {
    let rule = |then: &str| format!("KERNEL==\"hidraw*\", ATTRS{{idVendor}}==\"2c97\", {then}\n");
    let (seat, all) = (rule("TAG+=\"uaccess\""), rule("MODE=\"0666\""));
    let etc = "etc/udev/rules.d";
    let run = "run/udev/rules.d";
    let local = "usr/local/lib/udev/rules.d";
    let usr = "usr/lib/udev/rules.d";
    for (files, expected) in [
        (vec![(etc, "70-x.rules", &seat), (usr, "70-x.rules", &all)], "seat"),
        (vec![(etc, "70-x.rules", &seat), (usr, "71-x.rules", &all)], "seat 0666"),
        (vec![(run, "70-x.rules", &seat), (local, "70-x.rules", &all)], "seat"),
        (vec![(local, "70-x.rules", &seat), (usr, "70-x.rules", &all)], "seat"),
        (vec![(etc, "72-x.rules", &seat)], "seat"),
        (vec![(etc, "73-a.rules", &seat)], "seat"),
        (vec![(etc, "73-seat-later.rules", &seat)], "late"),
        (vec![(etc, "99-x.rules", &seat)], "late"),
        (vec![(etc, "100-x.rules", &seat)], "seat"),
        (vec![(etc, "ledger.rules", &seat)], "late"),
        (vec![(etc, "70-x.rules.off", &seat), (etc, "70-y.txt", &seat), (etc, "rules", &seat)], ""),
    ] {
        let mut machine = Machine::new();
        for (folder, name, text) in &files {
            machine = machine.put(&format!("{folder}/{name}"), text);
        }
        assert_eq!(short(&machine.host().rules().effect(None, false)), expected, "{files:?}");
    }
    let merged = Machine::new().put("usr/lib/udev/rules.d/70-x.rules", &seat);
    merged.link("lib", "usr/lib");
    let rules = merged.host().rules();
    assert_eq!(rules.files.len(), 1, "the same folder under two names is read once: {rules:?}");
    let off = Machine::new()
        .put("usr/lib/udev/rules.d/70-x.rules", &seat)
        .switched_off("etc/udev/rules.d/70-x.rules");
    assert_eq!(short(&off.host().rules().effect(None, false)), "");
}

#[test]
fn the_hardware_database_counts_where_it_knows_ledgers() {
    let rule = r#"SUBSYSTEM=="hidraw", ENV{ID_HARDWARE_WALLET}=="1", TAG+="uaccess""#;
    for (hwdb, expected) in [
        ("usb:v2C97*\n ID_HARDWARE_WALLET=1\n", "seat"),
        ("# Ledger\nusb:v2C97*\nusb:v534Cp0001*\n ID_HARDWARE_WALLET=1\n", "seat"),
        ("usb:v534Cp0001*\n ID_HARDWARE_WALLET=1\n\nusb:v2C97*\n ID_HARDWARE_WALLET=1\n", "seat"),
        ("#usb:v2C97*\n# ID_HARDWARE_WALLET=1\nusb:v534Cp0001*\n ID_HARDWARE_WALLET=1\n", ""),
        ("usb:v2C97*\n ID_HARDWARE_WALLET=0\n", ""),
        ("usb:v2C97*\n ID_OTHER=1\n\nusb:v534Cp0001*\n ID_HARDWARE_WALLET=1\n", ""),
        ("usb:v2581p1B7C*\n ID_HARDWARE_WALLET=1\n", ""),
    ] {
        let machine = Machine::new()
            .rules("70-uaccess.rules", rule)
            .put("usr/lib/udev/hwdb.d/70-hardware-wallets.hwdb", hwdb);
        let rules = machine.host().rules();
        assert_eq!(short(&rules.effect(None, false)), expected, "{hwdb}");
        assert_eq!(short(&rules.effect(None, true)), "seat", "the device's own record says so");
    }
}
