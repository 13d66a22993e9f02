//! `saltbridge devices`: what is there, and in which state.

use saltbridge::fault::Fault as _;
use saltbridge::ledger::{AppInfo, DeviceFault};

use super::Outcome;
use super::args;
use super::device::Device;
use super::facts::Facts;
use super::failure::Failure;
use super::report::Report;

/// Show the device and which app is open
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    device: args::Endpoint,
}

pub(super) fn run(args: &Args, report: &Report) -> Result<Outcome, Failure> {
    let device = Device::looked_at(&args.device, "devices", report)?;
    let (state, app) = match device.converse(|device| device.app_info()) {
        Ok(app) if app.is_ethereum() => ("ready", Some(app)),
        Ok(app) if app.is_dashboard() => ("app-not-open", None),
        Ok(app) => ("other-app", Some(app)),
        Err(
            fault @ (DeviceFault::Locked
            | DeviceFault::AppNotOpen
            | DeviceFault::NotSetUp
            | DeviceFault::Busy { .. }
            | DeviceFault::PromptPending { .. }),
        ) => {
            report.detail(&fault.to_string());
            (fault.explain().code, None)
        }
        Err(fault) => return Err(fault.into()),
    };
    let endpoint = device.endpoint();
    let shown = app
        .as_ref()
        .map(|AppInfo { name, version }| format!("  {name} {version}"));
    report.show(&format!("{endpoint}  {state}{}\n", shown.unwrap_or_default()))?;
    let mut facts = Facts::of("device", endpoint).with("state", state);
    if let Some(AppInfo { name, version }) = app {
        facts.set("app", name);
        facts.set("app_version", version);
    }
    Ok(Outcome::done(Facts::of("devices", vec![serde_json::Value::from(facts)])))
}
