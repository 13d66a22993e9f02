//! `saltbridge encrypt`: files sealed for a buyer's public key.

use clap::ValueHint;
use std::ffi::OsString;
use std::path::Path;

use saltbridge::encryption::PublicKey;
use saltbridge::files::{Source, seal_box};

use super::Outcome;
use super::args::{Outputs, source};
use super::failure::Failure;
use super::making::run_all;
use super::outputs::plan;
use super::report::Report;

/// Seal files for a buyer's public key
///
/// FILE becomes FILE.sealed, 48 bytes longer. Only the buyer can open it; you cannot.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The files to seal; - for standard input
    #[arg(required = true, value_name = "FILE", value_parser = source(), value_hint = ValueHint::FilePath)]
    files: Vec<Source>,

    /// The buyer's public key: the order's buyer_public_key
    #[arg(long, value_name = "PUBLICKEY")]
    to: String,

    #[command(flatten)]
    outputs: Outputs,
}

pub(super) fn run(args: &Args, report: &Report) -> Result<Outcome, Failure> {
    let recipient = args.to.parse::<PublicKey>()?;
    let plan = plan(&args.files, &[], &args.outputs, report, sealed_name)?;
    let mut outcome = run_all(plan, || Ok(recipient), seal_box, report);
    outcome.json.set("public_key", recipient.to_string());
    Ok(outcome)
}

/// `a.csv` → `a.csv.sealed`.
fn sealed_name(path: &Path) -> Option<OsString> {
    let mut name = path.file_name()?.to_owned();
    name.push(".sealed");
    Some(name)
}
