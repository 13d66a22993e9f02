//! `saltbridge address`: the address of a path.

use http::Method;
use saltbridge::bridge::AddressAnswer;
use saltbridge::bridge::client::Client;
use saltbridge::ledger::Account;

use super::Outcome;
use super::args;
use super::bridge;
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

    #[command(flatten)]
    bridge: args::Bridge,

    /// Show the address on the device, and compare it there
    #[arg(long)]
    verify: bool,
}

pub(super) fn run(args: &Args, report: &Report) -> Result<Outcome, Failure> {
    let wanted = device::wanted(&args.account)?;
    if let Some(client) = bridge::for_device(&args.bridge, &args.device, "address", report)? {
        return through(&client, args, report);
    }
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
    told(account.address.to_string(), account.path.to_string(), args.verify, report)
}

/// Has the running bridge ask the device.
fn through(client: &Client, args: &Args, report: &Report) -> Result<Outcome, Failure> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let named = [("address", &args.account.address), ("path", &args.account.path)];
    for (name, value) in named {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    query.append_pair("verify", if args.verify { "true" } else { "false" });
    let target = format!("/v1/address?{}", query.finish());
    let answer: AddressAnswer =
        bridge::telling(client, report, |client| client.call(Method::GET, &target, None::<&()>))?;
    told(answer.address, answer.path, answer.verified, report)
}

fn told(address: String, path: String, verified: bool, report: &Report) -> Result<Outcome, Failure> {
    report.show(&format!("{address}\n"))?;
    Ok(Outcome::done(
        Facts::of("address", address)
            .with("path", path)
            .with("verified", verified),
    ))
}
