//! `saltbridge export`: the key pair as `numerbay.json`.

use clap::ValueHint;
use saltbridge::files::{Inputs, Source, Target, write_private_text, write_text_to_stdout};
use saltbridge::text::printable_path;

use super::Outcome;
use super::args::{Destination, Force, Unlocking, destination, source};
use super::failure::Failure;
use super::report::Report;
use super::unlocking::unlock_with;

/// Open an envelope and write the key pair as numerbay.json, for programs that run without a wallet
///
/// The file holds the private key and is not encrypted. It is written with mode 0600.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The envelope's text, or a NumerBay profile (users/me) that holds it; - for standard input
    #[arg(long, value_name = "FILE", value_parser = source(), value_hint = ValueHint::FilePath, requires = "signature_file")]
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
    let inputs = Inputs::of([&args.envelope].into_iter().chain(&args.unlocking.signature_file));
    let public_key = args.public_key.as_deref().map(str::parse).transpose()?;
    let target = match &args.output {
        Destination::Stdout => {
            report.check_stdout(false)?;
            None
        }
        Destination::Path(path) => Some(Target::from_path(path)?),
    };
    if let Some(target) = &target {
        target.check(args.force.overwrite(), &inputs)?;
    }
    let opened = unlock_with(&args.envelope, &args.unlocking, public_key, report)?;
    let key_pair = &opened.unlocked.key_pair;
    let text = key_pair.to_key_file_text();
    let mut json = opened.to_json();
    match &target {
        None => write_text_to_stdout(&text)?,
        Some(target) => {
            write_private_text(target, &text, args.force.overwrite(), &inputs)?;
            let path = target.path();
            report.say(&format!(
                "Wrote {}: the key pair of {}, not encrypted, readable by you alone.",
                printable_path(&path),
                key_pair.public_key()
            ));
            json.set("output", path.to_string_lossy());
        }
    }
    Ok(Outcome::done(json))
}
