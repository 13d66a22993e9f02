//! `saltbridge decrypt`: files opened with an envelope and a signature, or with a key file.

use clap::ValueHint;
use std::ffi::OsString;
use std::path::Path;

use saltbridge::encryption::{Document, KeyFile, KeyPair, PublicKey, TEXT_LIMIT};
use saltbridge::files::{Source, open_box};

use super::Outcome;
use super::args::{Outputs, Unlocking, source};
use super::facts::Facts;
use super::failure::{CliError, Failure};
use super::making::run_all;
use super::outputs::plan;
use super::report::Report;
use super::terminal;
use super::unlocking::{Key, unlock_with};

/// Decrypt files that were sealed for you
///
/// FILE.sealed becomes FILE. Results are written with mode 0600, and only after the whole file was verified.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("key").required(true).args(["envelope", "key_file"]))]
pub(super) struct Args {
    /// The sealed files; - for standard input
    #[arg(required = true, value_name = "FILE", value_parser = source(), value_hint = ValueHint::FilePath)]
    files: Vec<Source>,

    /// The envelope's text, or a NumerBay profile (users/me) that holds it; - for standard input.
    #[arg(long, value_name = "FILE", value_parser = source(), value_hint = ValueHint::FilePath)]
    envelope: Option<Source>,

    /// The exported numerbay.json, instead of an envelope; - for standard input
    #[arg(long, value_name = "FILE", value_parser = source(), value_hint = ValueHint::FilePath, conflicts_with_all = ["signature_file", "address", "path", "no_wait", "device_idle", "sign_unusual_salt"])]
    key_file: Option<Source>,

    /// The public key that the private key must belong to; a profile or key file names it too
    #[arg(long, value_name = "BASE64")]
    public_key: Option<String>,

    #[command(flatten)]
    unlocking: Unlocking,

    #[command(flatten)]
    outputs: Outputs,
}

pub(super) fn run(args: &Args, report: &Report) -> Result<Outcome, Failure> {
    let public_key = args.public_key.as_deref().map(str::parse).transpose()?;
    let secrets = [&args.envelope, &args.key_file, &args.unlocking.signature_file];
    let secrets: Vec<_> = secrets.into_iter().flatten().collect();
    let plan = plan(&args.files, &secrets, &args.outputs, report, unsealed_name)?;
    let mut facts = Facts::default();
    let prepare = || {
        let (key, found) = match (&args.envelope, &args.key_file) {
            (Some(envelope), _) => {
                let mut opened = unlock_with(envelope, &args.unlocking, public_key, "decrypt", report)?;
                opened.tell(report);
                opened.warn(report);
                let found = opened.to_json();
                (opened.key, found)
            }
            (None, key_file) => {
                let file = read_key_file(key_file.as_ref().unwrap_or(&Source::Stdin), report)?;
                let (key_pair, found) = key_pair_of(file, public_key, report)?;
                (Key::Own(key_pair), found)
            }
        };
        facts = found;
        Ok(key)
    };
    let mut outcome = run_all(plan, prepare, open_box, report);
    outcome.json.extend(facts);
    Ok(outcome)
}

/// Reads a key file; what else the text is, if it is none.
pub(super) fn read_key_file(source: &Source, report: &Report) -> Result<KeyFile, Failure> {
    let text = terminal::read_secret(source, "the key file", TEXT_LIMIT, report)?;
    KeyFile::parse(&text).map_err(|error| {
        let name = source.to_string();
        let kind = match Document::parse(&text) {
            Ok(Document::Envelope(_)) => "an envelope",
            Ok(Document::Profile(_)) => "a profile",
            _ => return Failure::about(name)(error.into()),
        };
        CliError::NoKeyFile { name, kind }.into()
    })
}

/// The key pair of a key file. One that does not name its public key may be another's than the expected one.
fn key_pair_of(file: KeyFile, expected: Option<PublicKey>, report: &Report) -> Result<(KeyPair, Facts), Failure> {
    let found = file.key_pair.public_key();
    let mut warnings = Vec::new();
    if let Some(expected) = expected
        && !file.is_of(expected)?
    {
        warnings.push(format!("the key file's private key belongs to {found}, not to the expected public key"));
        warnings.iter().for_each(|warning| report.warn(warning));
    }
    let facts = Facts::of("public_key", found.to_string()).with("warnings", warnings);
    Ok((file.key_pair, facts))
}

/// `a.csv.sealed` → `a.csv`.
fn unsealed_name(path: &Path) -> Option<OsString> {
    let is_sealed = path.extension().is_some_and(|extension| extension == "sealed");
    path.file_stem().filter(|_| is_sealed).map(OsString::from)
}
