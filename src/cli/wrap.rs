//! `saltbridge wrap`: an existing key pair under the device.

use clap::ValueHint;
use saltbridge::encryption::KeyFileError;
use saltbridge::files::Source;

use super::Outcome;
use super::args::source;
use super::decrypt::read_key_file;
use super::device::{self, Device};
use super::failure::Failure;
use super::report::Report;
use super::unlocking::Subject;
use super::wrapping::Wrapping;

/// One to open the envelope that is there, two for the new one.
const REQUESTS_FROM_AN_ENVELOPE: usize = 3;

/// Put an existing key pair into a new envelope that your Ledger opens
///
/// The key pair comes from a key file, or from an envelope, which is opened first: so an envelope with the v byte 00/01
/// becomes one that opens everywhere. Prints the public key.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("key").required(true).args(["envelope", "key_file"]))]
pub(super) struct Args {
    /// The envelope that holds the key pair now, or a NumerBay profile (users/me) that holds it; - for standard input
    #[arg(long, value_name = "FILE", value_parser = source(), value_hint = ValueHint::FilePath)]
    envelope: Option<Source>,

    /// The exported numerbay.json; - for standard input
    #[arg(long, value_name = "FILE", value_parser = source(), value_hint = ValueHint::FilePath)]
    key_file: Option<Source>,

    /// The public key that the private key must belong to; a profile or key file names it too
    #[arg(long, value_name = "BASE64")]
    public_key: Option<String>,

    #[command(flatten)]
    wrapping: Wrapping,
}

pub(super) fn run(args: &Args, report: &Report) -> Result<Outcome, Failure> {
    let wrapping = &args.wrapping;
    let public_key = args.public_key.as_deref().map(str::parse).transpose()?;
    let inputs: Vec<_> = [&args.envelope, &args.key_file].into_iter().flatten().collect();
    let output = wrapping.output(&inputs, report)?;
    let mut wanted = device::wanted(&wrapping.account)?;
    let device = Device::named(&wrapping.device, "wrap", report)?;
    let (key_pair, before) = match (&args.envelope, &args.key_file) {
        (Some(envelope), _) => {
            let subject = Subject::read(envelope, &wrapping.account, public_key, false, report)?;
            let opened = subject.unlock_on(&device, REQUESTS_FROM_AN_ENVELOPE)?;
            opened.tell(report);
            // The account that opens it now, be it named by the profile alone, is the one that opens the new one.
            wanted.address = Some(opened.address);
            (opened.key, 1)
        }
        (None, key_file) => {
            let source = key_file.as_ref().unwrap_or(&Source::Stdin);
            let file = read_key_file(source, report)?;
            if let Some(expected) = public_key
                && !file.is_of(expected)?
            {
                let found = file.key_pair.public_key();
                return Err(KeyFileError::NotTheExpected { expected, found }.into());
            }
            (file.key_pair, 0)
        }
    };
    let json = wrapping.wrap(&key_pair, &device, wanted, before, output, report)?;
    Ok(Outcome::done(json))
}
