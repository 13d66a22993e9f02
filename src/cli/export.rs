//! `saltbridge export`: the key pair as `numerbay.json`.

use clap::ValueHint;
use saltbridge::files::Source;

use super::Outcome;
use super::args::{Destination, Force, Unlocking, destination, source};
use super::failure::Failure;
use super::report::Report;
use super::text_output::TextOutput;
use super::unlocking::unlock_with;

/// Open an envelope and write the key pair as numerbay.json, for programs that run without a wallet
///
/// The file holds the private key and is not encrypted. It is written with mode 0600.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The envelope's text, or a NumerBay profile (users/me) that holds it; - for standard input
    #[arg(long, value_name = "FILE", value_parser = source(), value_hint = ValueHint::FilePath)]
    envelope: Source,

    /// The public key that the private key must belong to; a profile names it too
    #[arg(long, value_name = "BASE64")]
    public_key: Option<String>,

    #[command(flatten)]
    unlocking: Unlocking,

    /// Write the key file here, - for standard output
    #[arg(short, long, value_name = "OUT", value_parser = destination(), value_hint = ValueHint::FilePath)]
    output: Destination,

    #[command(flatten)]
    force: Force,
}

pub(super) fn run(args: &Args, report: &Report) -> Result<Outcome, Failure> {
    let public_key = args.public_key.as_deref().map(str::parse).transpose()?;
    let inputs: Vec<_> = [&args.envelope]
        .into_iter()
        .chain(&args.unlocking.signature_file)
        .collect();
    let output = TextOutput::check(&args.output, args.force.overwrite(), &inputs, false, report)?;
    let mut opened = unlock_with(&args.envelope, &args.unlocking, public_key, "export", report)?;
    opened.tell(report);
    opened.warn(report);
    let mut json = opened.to_json();
    if let Some(path) = output.write(&opened.key.to_key_file_text()?, &mut json)? {
        report.say(&format!(
            "Wrote {path}: the key pair of {}, not encrypted, readable by you alone.",
            opened.public_key()
        ));
    }
    Ok(Outcome::done(json))
}
