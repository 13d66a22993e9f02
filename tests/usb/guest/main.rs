//! Runs in the guest of the USB lab, as root: one scenario after the other, each in a process of its own with fresh
//! fake Ledgers, each with a time limit. A line per scenario goes to the second serial port. See docs/testing.md.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod desk;
mod exchanges;
mod faults;
mod guest;
mod hidraw;
mod identity;
mod ledger;
mod run;
mod scenarios;
mod usbip;
mod vhci;

use std::process::ExitCode;

use scenarios::{Lab, Scenario};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] if std::path::Path::new(run::MODE).exists() => run::all(),
        ["--scenario", name] => {
            let scenario = Scenario::all().into_iter().find(|scenario| scenario.name == *name);
            (scenario.expect("no such scenario").run)();
            ExitCode::SUCCESS
        }
        ["--exchanges", count, seed] => exchanges::run(count.parse().unwrap(), seed.parse().unwrap()),
        ["--list", mode] => {
            let lab = Lab::named(mode);
            Scenario::all()
                .iter()
                .filter(|scenario| scenario.lab == lab)
                .for_each(|scenario| println!("{}", scenario.name));
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("This runs in the guest of the USB lab: tests/usb/lab run");
            ExitCode::from(2)
        }
    }
}
