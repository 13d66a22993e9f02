//! `saltbridge doctor`: what stands between this person and his device, and what to do about it. It changes nothing.

use clap::ValueEnum;
use saltbridge::fault::Fault as _;
use saltbridge::host::{Finding, Host, State, Variant};
use saltbridge::ledger::usb;
use saltbridge::ledger::{AppInfo, DeviceFault, Endpoint};
use serde_json::Value;

use super::Outcome;
use super::args;
use super::device::{Device, capitalised};
use super::facts::Facts;
use super::failure::{CliError, Failure};
use super::report::Report;

/// Find out what stands between you and your device, with the commands that mend it
///
/// Nothing is changed: the commands are for you to read and to run.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    device: args::Endpoint,

    /// Print udev rules instead: for this kind of machine
    #[arg(long, value_name = "FOR", num_args = 0..=1, require_equals = true, default_missing_value = "seat")]
    print_rules: Option<Rules>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Rules {
    /// Whoever sits at the machine gets the Ledger; the default
    Seat,
    /// The members of the group plugdev get it: for machines that are reached by ssh, and containers
    Plugdev,
}

pub(super) fn run(args: &Args, report: &Report) -> Result<Outcome, Failure> {
    if let Some(rules) = args.print_rules {
        let variant = match rules {
            Rules::Seat => Variant::Seat,
            Rules::Plugdev => Variant::Plugdev,
        };
        report.show(variant.text())?;
        return Ok(Outcome::done(Facts::of("file_name", variant.file_name()).with("rules", variant.text())));
    }
    let endpoint = args.device.parse()?;
    let mut findings = if endpoint.is_usb() {
        let host = Host::this();
        host.survey(host.ledgers()).findings()
    } else {
        Vec::new()
    };
    let is_held = findings.iter().any(|finding| finding.check == "programs");
    let is_reached = findings.iter().all(|finding| finding.state != State::Problem);
    match (is_reached, is_held) {
        (true, false) => match each(&endpoint) {
            Ok(endpoints) => {
                for endpoint in endpoints {
                    findings.push(app(&endpoint, report)?);
                }
            }
            Err(fault) => findings.push(Finding::problem("device", sentence(&fault.to_string()), Vec::new())),
        },
        // The answer might be taken for that to the other program.
        (true, true) => findings.push(Finding::note(
            "app",
            "The device was not asked which app is open, because another program has it open.",
            Vec::new(),
        )),
        (false, _) => {}
    }
    report.show(&findings.iter().map(shown).collect::<String>())?;
    let problems = findings
        .iter()
        .filter(|finding| finding.state == State::Problem)
        .count();
    let failure = (problems > 0).then(|| Failure::from(CliError::NotReady { problems }));
    let mut json = Facts::of("findings", findings.into_iter().map(facts).collect::<Vec<_>>());
    if let Some(failure) = &failure {
        report.failed(failure);
        json.set("error", failure.to_json());
    }
    Ok(Outcome { json, failure })
}

/// Each device that is meant: of several on cables, those at all ports unless one is named.
fn each(endpoint: &Endpoint) -> Result<Vec<Endpoint>, DeviceFault> {
    if !endpoint.is_usb() || endpoint.port().is_some() {
        return Ok(vec![endpoint.clone()]);
    }
    let found = usb::list().map_err(|reason| DeviceFault::UsbUnavailable { reason })?;
    Ok(found.into_iter().map(|device| endpoint.at(device.port)).collect())
}

/// Which app is open on this device. Here the device is asked, on USB as on an emulator: once, for
/// the name of its app, which needs no person. The conversation sends nothing while another saltbridge talks to the
/// device, or while a question may be on its screen.
fn app(endpoint: &Endpoint, report: &Report) -> Result<Finding, Failure> {
    let device = Device::looked_at(endpoint.clone(), "doctor", report)?;
    Ok(match device.converse(|device| device.app_info()) {
        Ok(app) if app.is_ethereum() => Finding::ok("app", format!("The Ethereum app {} is open.", app.version)),
        Ok(app) if app.is_dashboard() => no_app(),
        Ok(AppInfo { name, version }) => {
            let message = format!("The {name} app {version} is open. saltbridge closes it when it needs Ethereum.");
            Finding::note("app", message, Vec::new())
        }
        Err(DeviceFault::AppNotOpen) => no_app(),
        Err(fault) => {
            let check = if matches!(fault, DeviceFault::NoDevice { .. } | DeviceFault::NotPluggedIn { .. }) {
                "device"
            } else {
                "app"
            };
            let help = fault.explain().help;
            Finding::problem(check, format!("{} {}", sentence(&fault.to_string()), sentence(&help)), Vec::new())
        }
    })
}

fn sentence(text: &str) -> String {
    format!("{}.", capitalised(text))
}

fn no_app() -> Finding {
    let message = "The Ethereum app is not open. saltbridge asks the device to open it when it is needed.";
    Finding::note("app", message, Vec::new())
}

/// A finding for a person: its state, the sentence, and the commands below it, ready to be copied.
fn shown(finding: &Finding) -> String {
    let state = finding.state.as_str();
    let mut text = format!("{state:<9}{}\n", finding.message);
    for command in &finding.commands {
        text.push_str(&format!("           {command}\n"));
    }
    text
}

fn facts(finding: Finding) -> Value {
    let facts = Facts::of("check", finding.check)
        .with("state", finding.state.as_str())
        .with("message", finding.message)
        .with("commands", finding.commands);
    facts.into()
}
