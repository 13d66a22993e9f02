//! `saltbridge devices`: what is there, and in which state.

use http::Method;
use saltbridge::bridge::client::Client;
use saltbridge::bridge::{DevicesAnswer, ListedDevice};
use saltbridge::ledger::usb::{Change, Watch};
use saltbridge::ledger::{DeviceFault, DeviceState, Endpoint, SeenDevice, look_at, survey};

use super::Outcome;
use super::args;
use super::bridge;
use super::device::looker;
use super::facts::Facts;
use super::failure::{CliError, Failure};
use super::report::Report;

/// Show the devices that are plugged in, and which app is open
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    device: args::Endpoint,

    #[command(flatten)]
    bridge: args::Bridge,

    /// Go on, and show what is plugged in and out, until Ctrl-C; with --json, one object on each line
    #[arg(long)]
    watch: bool,
}

pub(super) fn run(args: &Args, report: &Report) -> Result<Outcome, Failure> {
    let endpoint = args.device.parse()?;
    if args.watch {
        return watch(&endpoint, report);
    }
    let client = bridge::for_exactly(&args.bridge, &endpoint, "devices", report)?;
    let shown = match client.map(|client| through(&client, report)) {
        Some(Ok(shown)) => shown,
        // The bridge is talking to it: it is listed, and said to be busy.
        Some(Err(failure)) if failure.code() != "device-busy" => return Err(failure),
        _ => {
            let seen = survey(&endpoint, &looker("devices", report))?;
            seen.iter().map(|seen| found(seen, report)).collect()
        }
    };
    report.show(&table(&shown))?;
    let facts: Vec<serde_json::Value> = shown.iter().map(|shown| facts(shown).into()).collect();
    Ok(Outcome::done(Facts::of("devices", facts)))
}

/// What was found, and says of it what does not stand in the table.
fn found(seen: &SeenDevice, report: &Report) -> ListedDevice {
    let listed = ListedDevice::from(seen);
    match &seen.state {
        DeviceState::Open(_) => {}
        DeviceState::InUse { programs } => {
            let (device, names) = (&listed.device, programs.join(", "));
            report.warn(&format!("{device} is not asked, because another program has it open: {names}"));
        }
        DeviceState::Passing(fault) => report.detail(&fault.to_string()),
        DeviceState::Failed(_) => warn_of(&listed, report),
    }
    listed
}

/// What is wrong with a device.
fn warn_of(listed: &ListedDevice, report: &Report) {
    if let (Some(message), Some(help)) = (&listed.message, &listed.help) {
        report.warn(&format!("{}: {message}; {help}", listed.device));
    }
}

/// What the running bridge found.
fn through(client: &Client, report: &Report) -> Result<Vec<ListedDevice>, Failure> {
    let answer: DevicesAnswer =
        bridge::telling(client, report, |client| client.call(Method::GET, "/v1/devices", None::<&()>))?;
    for listed in &answer.devices {
        if listed.state == "in-use" {
            report.warn(&format!("{} is not asked, because another program has it open", listed.device));
        }
        warn_of(listed, report);
    }
    Ok(answer.devices)
}

fn columns(listed: &ListedDevice) -> [String; 4] {
    let app = listed.app.as_ref().zip(listed.app_version.as_ref());
    let app = app.map(|(name, version)| format!("{name} {version}"));
    [listed.device.clone(), listed.model.clone().unwrap_or_default(), listed.state.clone(), app.unwrap_or_default()]
}

fn facts(listed: &ListedDevice) -> Facts {
    let mut facts = Facts::of("device", listed.device.as_str());
    let others = [
        ("model", &listed.model),
        ("product_id", &listed.product_id),
        ("node", &listed.node),
        ("state", &Some(listed.state.clone())),
        ("app", &listed.app),
        ("app_version", &listed.app_version),
        ("message", &listed.message),
        ("help", &listed.help),
    ];
    for (name, value) in others {
        if let Some(value) = value {
            facts.set(name, value.as_str());
        }
    }
    facts
}

/// One line for each device, the columns below each other; no column for models where there is none.
fn table(shown: &[ListedDevice]) -> String {
    let rows: Vec<_> = shown.iter().map(columns).collect();
    let widths: Vec<_> = (0..4)
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(String::len).max())
        .map(Option::unwrap_or_default)
        .collect();
    let line = |row: &[String; 4]| {
        let cells = row.iter().zip(&widths).filter(|(_, width)| **width > 0);
        let cells: Vec<_> = cells.map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

/// Shows every change until the program is ended.
fn watch(endpoint: &Endpoint, report: &Report) -> Result<Outcome, Failure> {
    if !endpoint.is_usb() {
        return Err(CliError::NothingToWatch.into());
    }
    let asker = looker("devices", report);
    let mut changes = Watch::start();
    loop {
        let change = changes.next(None);
        let change = change.map_err(|reason| DeviceFault::UsbUnavailable { reason })?;
        let (state, device) = match change {
            Some(Change::Plugged(device)) => ("plugged-in", device),
            Some(Change::Unplugged(device)) => ("unplugged", device),
            Some(Change::NoPermission(device) | Change::Ready(device)) => ("", device),
            None => continue,
        };
        if !endpoint.means(&device) {
            continue;
        }
        let shown = if state.is_empty() {
            found(&look_at(endpoint, device, &asker), report)
        } else {
            ListedDevice::of(&endpoint.at(device.port.clone()), Some(&device), state)
        };
        report.show(&table(std::slice::from_ref(&shown)))?;
        report.show_json_line(facts(&shown))?;
    }
}
