//! `saltbridge devices`: what is there, and in which state.

use saltbridge::fault::Fault as _;
use saltbridge::host::{Holder, holders_of};
use saltbridge::ledger::usb::{self, Change, UsbDevice, Watch};
use saltbridge::ledger::{AppInfo, DeviceFault, Endpoint};

use super::Outcome;
use super::args;
use super::device::Device;
use super::facts::Facts;
use super::failure::{CliError, Failure};
use super::report::Report;

/// Show the devices that are plugged in, and which app is open
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    device: args::Endpoint,

    /// Go on, and show what is plugged in and out, until Ctrl-C; with --json, one object on each line
    #[arg(long)]
    watch: bool,
}

pub(super) fn run(args: &Args, report: &Report) -> Result<Outcome, Failure> {
    let endpoint = args.device.parse()?;
    if args.watch {
        return watch(&endpoint, report);
    }
    let shown = if endpoint.is_usb() {
        let devices = plugged_in(&endpoint)?;
        let seen = devices.iter().map(|device| on_cable(&endpoint, device, report));
        seen.collect()
    } else {
        let (state, app) = state_of(&endpoint, report)?;
        vec![Seen {
            endpoint,
            device: None,
            state,
            app,
            failure: None,
        }]
    };
    report.show(&table(&shown))?;
    let facts: Vec<serde_json::Value> = shown.into_iter().map(|seen| seen.facts().into()).collect();
    Ok(Outcome::done(Facts::of("devices", facts)))
}

/// A device as it was found.
struct Seen {
    endpoint: Endpoint,
    device: Option<UsbDevice>,
    state: &'static str,
    app: Option<AppInfo>,
    /// What is wrong with it.
    failure: Option<Failure>,
}

impl Seen {
    fn columns(&self) -> [String; 4] {
        let model = self.device.as_ref().map_or("", UsbDevice::model);
        let app = self.app.as_ref();
        let app = app.map(|AppInfo { name, version }| format!("{name} {version}"));
        [self.endpoint.to_string(), model.to_owned(), self.state.to_owned(), app.unwrap_or_default()]
    }

    fn facts(self) -> Facts {
        let mut facts = Facts::of("device", self.endpoint.to_string());
        if let Some(device) = self.device {
            facts.set("model", device.model());
            facts.set("product_id", format!("{:04x}", device.product_id));
            facts.set("node", device.node.display().to_string());
        }
        facts.set("state", self.state);
        if let Some(AppInfo { name, version }) = self.app {
            facts.set("app", name);
            facts.set("app_version", version);
        }
        if let Some(failure) = self.failure {
            facts.set("message", failure.message());
            facts.set("help", failure.help());
        }
        facts
    }
}

/// One line for each device, the columns below each other; no column for models where there is none.
fn table(shown: &[Seen]) -> String {
    let rows: Vec<_> = shown.iter().map(Seen::columns).collect();
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

fn plugged_in(endpoint: &Endpoint) -> Result<Vec<UsbDevice>, DeviceFault> {
    let mut found = usb::list().map_err(|reason| DeviceFault::UsbUnavailable { reason })?;
    found.retain(|device| is_meant(endpoint, device));
    if found.is_empty() {
        let port = endpoint.port().cloned();
        return Err(DeviceFault::NotPluggedIn { port });
    }
    Ok(found)
}

fn is_meant(endpoint: &Endpoint, device: &UsbDevice) -> bool {
    endpoint.port().is_none_or(|port| *port == device.port)
}

/// The state of a device on a cable. What is wrong with one must not hide the others.
fn on_cable(endpoint: &Endpoint, device: &UsbDevice, report: &Report) -> Seen {
    let endpoint = endpoint.at(device.port.clone());
    let holders = holders_of(&device.node).seen;
    // The answer might be taken for that to the other program, or spoil what the device asks for it.
    if !holders.is_empty() {
        let names = holders
            .into_iter()
            .map(|Holder { pid, name, .. }| format!("{name} (process {pid})"));
        let names = names.collect::<Vec<_>>().join(", ");
        report.warn(&format!("{endpoint} is not asked, because another program has it open: {names}"));
        return Seen {
            endpoint,
            device: Some(device.clone()),
            state: "in-use",
            app: None,
            failure: None,
        };
    }
    let (state, app, failure) = match state_of(&endpoint, report) {
        Ok((state, app)) => (state, app, None),
        Err(fault) => {
            let failure = Failure::from(fault);
            report.warn(&format!("{endpoint}: {}; {}", failure.message(), failure.help()));
            (failure.code(), None, Some(failure))
        }
    };
    Seen {
        endpoint,
        device: Some(device.clone()),
        state,
        app,
        failure,
    }
}

fn state_of(endpoint: &Endpoint, report: &Report) -> Result<(&'static str, Option<AppInfo>), DeviceFault> {
    let device = Device::looked_at(endpoint.clone(), "devices", report)?;
    match device.converse(|device| device.app_info()) {
        Ok(app) if app.is_ethereum() => Ok(("ready", Some(app))),
        Ok(app) if app.is_dashboard() => Ok(("app-not-open", None)),
        Ok(app) => Ok(("other-app", Some(app))),
        Err(
            fault @ (DeviceFault::Locked
            | DeviceFault::AppNotOpen
            | DeviceFault::NotSetUp
            | DeviceFault::Busy { .. }
            | DeviceFault::PromptPending { .. }),
        ) => {
            report.detail(&fault.to_string());
            Ok((fault.explain().code, None))
        }
        Err(fault) => Err(fault),
    }
}

/// Shows every change until the program is ended.
fn watch(endpoint: &Endpoint, report: &Report) -> Result<Outcome, Failure> {
    if !endpoint.is_usb() {
        return Err(CliError::NothingToWatch.into());
    }
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
        if !is_meant(endpoint, &device) {
            continue;
        }
        let seen = if state.is_empty() {
            on_cable(endpoint, &device, report)
        } else {
            Seen {
                endpoint: endpoint.at(device.port.clone()),
                device: Some(device),
                state,
                app: None,
                failure: None,
            }
        };
        report.show(&table(std::slice::from_ref(&seen)))?;
        report.show_json_line(seen.facts())?;
    }
}
