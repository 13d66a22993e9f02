//! What a buyer does with a Ledger on a cable.

use std::fs;
use std::time::Duration;

use rustix::process::Signal;
use saltbridge::emulator::{Device, Model, SeedName, Start};

use crate::desk::{self, ADDRESS, DECRYPT, saltbridge, saltbridge_as};
use crate::guest::{self, OTHER, PATIENCE};
use crate::identity::{Identity, LEDGER};
use crate::ledger::Ledger;
use crate::scenarios::Scenario;

pub fn all() -> Vec<Scenario> {
    vec![
        Scenario::plain("a-member-of-plugdev-does-everything-and-nobody-else-anything", everything),
        Scenario::plain("without-a-rule-the-remedy-is-named", without_a_rule),
        Scenario::plain("from-nothing-plugged-in-to-the-file", from_nothing),
        Scenario::plain("who-does-not-wait-is-told-the-state", no_wait),
        Scenario::plain("another-app-is-closed-and-ethereum-opened", other_app),
        Scenario::plain("permissions-that-come-late-are-waited-for", late_permissions),
        Scenario::plain("waiting-costs-nothing-and-ends-with-ctrl-c", waiting_costs_nothing),
        Scenario::plain("several-ledgers-are-told-apart", several),
        Scenario::plain("every-model-decrypts", models),
        Scenario::plain("what-is-plugged-in-and-out-is-shown", watch),
        Scenario::plain("what-is-a-ledger-and-what-is-not", which),
    ]
}

fn everything() {
    desk::admit_plugdev();
    desk::buy();
    let ledger = Ledger::in_app();
    let port = ledger.port_name();
    let line = format!("usb:{port}  Nano S Plus  ready  Ethereum 1.22.0\n");
    saltbridge("devices").run().printed(&line);
    saltbridge("address").run().printed(&format!("{ADDRESS}\n"));
    let mut verify = saltbridge("address --verify").start();
    verify.wait_until_it_says("The device shows the address");
    ledger.decide(true);
    verify.wait(PATIENCE).succeeded();
    let decrypt = saltbridge(DECRYPT).start();
    ledger.decide(true);
    decrypt.wait(PATIENCE).succeeded();
    desk::is_decrypted();
    let by_port = saltbridge(&format!("{DECRYPT} --device usb:{port}")).start();
    ledger.decide(true);
    by_port.wait(PATIENCE).succeeded();
    for arguments in ["address", "address --no-wait"] {
        let refused = saltbridge_as(OTHER, arguments).run();
        refused.failed_with(3, "no-permission").says("saltbridge doctor");
    }
    saltbridge_as(OTHER, "devices")
        .run()
        .printed(&format!("usb:{port}  Nano S Plus  no-permission\n"));
    assert_eq!(ledger.elsewhere(), [], "the FIDO interface is left alone");
}

fn without_a_rule() {
    let ledger = Ledger::in_app();
    let began = std::time::Instant::now();
    saltbridge("address")
        .run()
        .failed_with(3, "no-permission")
        .says("saltbridge doctor");
    // Not before udev had its time, and not much later.
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(ledger.elsewhere(), []);
}

fn from_nothing() {
    desk::admit_plugdev();
    desk::buy();
    let mut decrypt = saltbridge(DECRYPT).start();
    decrypt.wait_until_it_says("Plug in your Ledger");
    let device = Device::new(Model::NanoSPlus, SeedName::Speculos, Start::Dashboard);
    let ledger = Ledger::plugged_into(2, Identity::of(Model::NanoSPlus), device);
    ledger.unplug();
    // It comes back locked.
    ledger.plug_in();
    decrypt.wait_until_it_says("Waiting for you to enter the PIN");
    ledger.unlock();
    decrypt.wait_until_it_says("asks whether to open the Ethereum app");
    ledger.set_absence(Duration::from_secs(4));
    ledger.decide(true);
    decrypt.wait_until_it_says("Waiting for the device to come back");
    decrypt.wait_until_it_says("The device shows:");
    ledger.decide(true);
    decrypt.wait(PATIENCE).succeeded();
    desk::is_decrypted();
}

fn no_wait() {
    desk::admit_plugdev();
    saltbridge("address --no-wait").run().failed_with(3, "not-plugged-in");
    saltbridge("devices").run().failed_with(3, "not-plugged-in");
    let ledger = Ledger::start(Start::Locked);
    let port = ledger.port_name();
    saltbridge("address --no-wait").run().failed_with(3, "device-locked");
    saltbridge("devices")
        .run()
        .printed(&format!("usb:{port}  Nano S Plus  device-locked\n"));
    saltbridge("address --no-wait --device usb:99-1")
        .run()
        .failed_with(3, "not-plugged-in");
    drop(ledger);
    let ledger = Ledger::start(Start::Dashboard);
    saltbridge("address --no-wait").run().failed_with(3, "app-not-open");
    drop(ledger);
    let _ledger = Ledger::start(Start::OtherApp);
    saltbridge("address --no-wait").run().failed_with(3, "other-app");
}

fn other_app() {
    desk::admit_plugdev();
    let ledger = Ledger::start(Start::OtherApp);
    let mut address = saltbridge("address").start();
    address.wait_until_it_says("Closing the Bitcoin app");
    address.wait_until_it_says("asks whether to open the Ethereum app");
    ledger.decide(true);
    address.wait(PATIENCE).printed(&format!("{ADDRESS}\n"));
    // And one who does not want it opened.
    ledger.emulator().touch(Device::close_app);
    ledger.wait_for_product_id(0x5011);
    let address = saltbridge("address").start();
    ledger.wait_until_asking();
    std::thread::sleep(Duration::from_millis(300));
    ledger.decide(false);
    address.wait(PATIENCE).failed_with(4, "refused");
}

fn late_permissions() {
    desk::admit_plugdev();
    // A rule before it takes its time, as udev does under load.
    guest::write_rules("10-slow.rules", "SUBSYSTEM==\"hidraw\", ACTION==\"add\", PROGRAM=\"/bin/sleep 2\"\n");
    let ledger = Ledger::in_app();
    ledger.unplug();
    let mut address = saltbridge("address").start();
    address.wait_until_it_says("Plug in your Ledger");
    ledger.plug_in();
    ledger.unlock();
    address.wait_until_it_says("open the Ethereum app");
    ledger.decide(true);
    address.wait(PATIENCE).printed(&format!("{ADDRESS}\n"));
}

/// User and system time that a process has used, in ticks of 10 ms (proc(5)).
fn ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let behind_name = stat.rsplit_once(") ").unwrap().1;
    let fields: Vec<&str> = behind_name.split(' ').collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

fn waiting_costs_nothing() {
    for arguments in ["address", "devices --watch", "address --device usb:1-1.2"] {
        let mut waiting = saltbridge(arguments).start();
        if arguments.starts_with("address") {
            waiting.wait_until_it_says("Ctrl-C ends this");
        }
        std::thread::sleep(Duration::from_secs(3));
        let before = ticks(waiting.pid());
        std::thread::sleep(Duration::from_secs(10));
        assert_eq!(ticks(waiting.pid()), before, "{arguments}");
        waiting.signal(Signal::INT);
        let ended = waiting.wait(PATIENCE);
        assert_eq!(ended.status, Some(130), "{ended:?}");
    }
}

fn several() {
    desk::admit_plugdev();
    desk::buy();
    let device = |model, seed| Device::new(model, seed, Start::App);
    let stranger = Ledger::plugged_into(0, Identity::of(Model::Stax), device(Model::Stax, SeedName::Junk));
    let ours = Ledger::plugged_into(3, Identity::of(Model::NanoSPlus), device(Model::NanoSPlus, SeedName::Speculos));
    let (first, second) = (stranger.port_name(), ours.port_name());
    let lines = format!(
        "usb:{first}  Stax         ready  Ethereum 1.22.0\nusb:{second}  Nano S Plus  ready  Ethereum 1.22.0\n"
    );
    saltbridge("devices").run().printed(&lines);
    let unnamed = saltbridge("address").run();
    unnamed
        .failed_with(3, "several-devices")
        .says(&format!("usb:{first}, usb:{second}"));
    let named = saltbridge(&format!("address --device usb:{second}")).run();
    named.printed(&format!("{ADDRESS}\n"));
    let decrypt = saltbridge(DECRYPT).start();
    ours.decide(true);
    decrypt.wait(PATIENCE).succeeded();
    desk::is_decrypted();
    let nobody = "0x000000000000000000000000000000000000dEaD";
    saltbridge(&format!("address --address {nobody}"))
        .run()
        .failed_with(5, "account-not-found");
    // The one that has it is not ready yet, and waited for.
    ours.lock();
    let mut waiting = saltbridge(&format!("address --address {ADDRESS}")).start();
    waiting.wait_until_it_says("Several Ledgers are plugged in. Waiting for the one");
    ours.unlock();
    waiting.wait(PATIENCE).printed(&format!("{ADDRESS}\n"));
}

fn models() {
    desk::admit_plugdev();
    desk::buy();
    for model in Model::ALL {
        let device = Device::new(model, SeedName::Speculos, Start::App);
        let ledger = Ledger::plugged_into(0, Identity::of(model), device);
        let listed = saltbridge("devices --json").run();
        let listed: serde_json::Value = serde_json::from_str(&listed.succeeded()).unwrap();
        assert_eq!(listed["devices"][0]["state"], "ready", "{listed}");
        let name = match model {
            Model::NanoSPlus => "Nano S Plus",
            Model::NanoX => "Nano X",
            Model::Stax => "Stax",
            Model::Flex => "Flex",
            Model::ApexP => "Nano Gen5",
        };
        assert_eq!(listed["devices"][0]["model"], name);
        let decrypt = saltbridge(DECRYPT).start();
        ledger.decide(true);
        decrypt.wait(PATIENCE).succeeded();
        desk::is_decrypted();
    }
}

/// What identifies a device, and the model that it is taken for; none if it is no Ledger.
const DEVICES: [(u16, u16, u16, Option<&str>); 12] = [
    (LEDGER, 0x0001, 0xffa0, Some("Nano S")),
    (LEDGER, 0x0004, 0xffa0, Some("Nano X")),
    (LEDGER, 0x0005, 0xffa0, Some("Nano S Plus")),
    (LEDGER, 0x0006, 0xffa0, Some("Stax")),
    (LEDGER, 0x0007, 0xffa0, Some("Flex")),
    (LEDGER, 0x0008, 0xffa0, Some("Nano Gen5")),
    (LEDGER, 0x1011, 0xffa0, Some("Nano S")),
    // One that is not known yet.
    (LEDGER, 0x9015, 0xffa0, Some("Ledger")),
    // Its report descriptor tells no usage page, as it reads under WSL.
    (LEDGER, 0x5015, 0x0000, Some("Nano S Plus")),
    // A keyboard, a security key, another vendor.
    (LEDGER, 0x5015, 0x0001, None),
    (LEDGER, 0x5015, 0xf1d0, None),
    (0x2c98, 0x5015, 0xffa0, None),
];

fn which() {
    guest::write_rules("60-lab.rules", "SUBSYSTEM==\"hidraw\", MODE=\"0666\"\n");
    for (vendor_id, product_id, usage_page, model) in DEVICES {
        let identity = Identity {
            vendor_id,
            usage_page,
            ..Identity::of(Model::NanoSPlus).with_product_id(product_id)
        };
        let device = Device::new(Model::NanoSPlus, SeedName::Speculos, Start::App);
        let ledger = Ledger::plugged_into(0, identity, device);
        let run = saltbridge("devices").run();
        match model {
            Some(model) => {
                let port = ledger.port_name();
                run.printed(&format!("usb:{port}  {model}  ready  Ethereum 1.22.0\n"));
            }
            None => {
                run.failed_with(3, "not-plugged-in");
            }
        }
        assert_eq!(ledger.elsewhere(), [], "{vendor_id:04x}:{product_id:04x}");
    }
}

fn watch() {
    desk::admit_plugdev();
    let watching = saltbridge("devices --watch").start();
    let ledger = Ledger::start(Start::Dashboard);
    let port = ledger.port_name();
    let mut shown = String::new();
    let mut is_shown = |line: &str| {
        shown.push_str(&format!("usb:{port}  Nano S Plus  {line}\n"));
        guest::eventually(line, || (watching.stdout() == shown).then_some(()));
    };
    is_shown("plugged-in");
    is_shown("app-not-open");
    ledger.emulator().touch(Device::open_ethereum);
    is_shown("unplugged");
    is_shown("plugged-in");
    is_shown("ready  Ethereum 1.22.0");
    ledger.unplug();
    is_shown("unplugged");
    ledger.plug_in();
    is_shown("plugged-in");
    is_shown("device-locked");
    watching.signal(Signal::INT);
    assert_eq!(watching.wait(PATIENCE).status, Some(130));
    guest::remove_rules();
    ledger.unplug();
    ledger.plug_in();
    let mut watching = saltbridge("devices --watch --json").start();
    guest::eventually("it is told that there is no permission", || {
        watching.stdout().contains("\"state\":\"no-permission\"").then_some(())
    });
    watching.stdout().lines().for_each(|line| {
        let told: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(told["device"], format!("usb:{port}"));
    });
    assert!(!watching.has_ended());
}
