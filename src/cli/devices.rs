//! `saltbridge devices`: what is there, and in which state.

use saltbridge::ledger::usb::{Change, UsbDevice, Watch};
use saltbridge::ledger::{AppInfo, DeviceFault, DeviceState, Endpoint, SeenDevice, look_at, survey};

use super::Outcome;
use super::args;
use super::device::looker;
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
    let seen = survey(&endpoint, &looker("devices", report))?;
    let shown: Vec<_> = seen.into_iter().map(|seen| Shown::found(seen, report)).collect();
    report.show(&table(&shown))?;
    let facts: Vec<serde_json::Value> = shown.into_iter().map(|shown| shown.facts().into()).collect();
    Ok(Outcome::done(Facts::of("devices", facts)))
}

/// A device as it is shown.
struct Shown {
    endpoint: Endpoint,
    device: Option<UsbDevice>,
    state: &'static str,
    app: Option<AppInfo>,
    /// What is wrong with it.
    failure: Option<Failure>,
}

impl Shown {
    /// What was found, and says of it what does not stand in the table.
    fn found(seen: SeenDevice, report: &Report) -> Self {
        let SeenDevice {
            endpoint,
            device,
            state,
        } = seen;
        let (code, app) = (state.code(), state.app().cloned());
        let failure = match state {
            DeviceState::Open(_) => None,
            DeviceState::InUse { programs } => {
                let names = programs.join(", ");
                report.warn(&format!("{endpoint} is not asked, because another program has it open: {names}"));
                None
            }
            DeviceState::Passing(fault) => {
                report.detail(&fault.to_string());
                None
            }
            DeviceState::Failed(fault) => {
                let failure = Failure::from(fault);
                report.warn(&format!("{endpoint}: {}; {}", failure.message(), failure.help()));
                Some(failure)
            }
        };
        Self {
            endpoint,
            device,
            state: code,
            app,
            failure,
        }
    }

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
fn table(shown: &[Shown]) -> String {
    let rows: Vec<_> = shown.iter().map(Shown::columns).collect();
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
            Shown::found(look_at(endpoint, device, &asker), report)
        } else {
            Shown {
                endpoint: endpoint.at(device.port.clone()),
                device: Some(device),
                state,
                app: None,
                failure: None,
            }
        };
        report.show(&table(std::slice::from_ref(&shown)))?;
        report.show_json_line(shown.facts())?;
    }
}
