//! `saltbridge address`: the address of a path.

use saltbridge::ledger::Account;

use super::Outcome;
use super::args;
use super::device::{self, Device};
use super::facts::Facts;
use super::failure::Failure;
use super::report::Report;

/// Print the address of an account of the device
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    device: args::Device,

    #[command(flatten)]
    account: args::Account,

    /// Show the address on the device, and compare it there
    #[arg(long)]
    verify: bool,
}

pub(super) fn run(args: &Args, report: &Report) -> Result<Outcome, Failure> {
    let wanted = device::wanted(&args.account)?;
    let device = Device::named(&args.device, "address", report)?;
    let (verify, teller) = (args.verify, *report);
    let account = device.converse_through(move |device| {
        device.ready(&wanted)?;
        let account = device.find(&wanted)?;
        if verify {
            let Account { path, address } = &account;
            teller
                .ask(&format!("The device shows the address of {path}. Compare it, then confirm or reject it there:"));
            teller.ask(&format!("  | {address}"));
            device.confirm_address(&account)?;
        }
        Ok(account)
    })?;
    report.show(&format!("{}\n", account.address))?;
    let facts = Facts::of("address", account.address.to_string())
        .with("path", account.path.to_string())
        .with("verified", args.verify);
    Ok(Outcome::done(facts))
}
