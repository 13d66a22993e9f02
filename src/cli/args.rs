//! Arguments that several commands share.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::ValueHint;
use clap::builder::{OsStringValueParser, TypedValueParser};
use saltbridge::files::{Overwrite, Source};

/// How an envelope is unlocked.
#[derive(clap::Args)]
pub(super) struct Unlocking {
    /// The 65-byte signature over the envelope's message in hexadecimal, made by any wallet with personal_sign; - for
    /// standard input. It is as secret as the key
    #[arg(long, value_name = "FILE", value_parser = source(), value_hint = ValueHint::FilePath)]
    pub(super) signature_file: Option<Source>,

    /// The address that must have signed; a profile names it too
    #[arg(long, value_name = "ADDRESS")]
    pub(super) address: Option<String>,

    /// Go on although the envelope's message has an unknown form. Read it first
    #[arg(long)]
    pub(super) sign_unusual_salt: bool,
}

/// Where results go.
#[derive(clap::Args)]
pub(super) struct Outputs {
    /// Write the result to this file, - for standard output; with one FILE only
    #[arg(short, long, value_name = "OUT", value_parser = destination(), value_hint = ValueHint::FilePath, conflicts_with = "output_dir")]
    pub(super) output: Option<Destination>,

    /// Write the results into this folder, which is made if it is not there
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(super) output_dir: Option<PathBuf>,

    #[command(flatten)]
    pub(super) force: Force,
}

#[derive(clap::Args)]
pub(super) struct Force {
    /// Replace what stands under the result's name
    #[arg(long)]
    force: bool,
}

impl Force {
    pub(super) fn overwrite(&self) -> Overwrite {
        if self.force {
            Overwrite::Replace
        } else {
            Overwrite::Refuse
        }
    }
}

/// Where one result goes.
#[derive(Clone)]
pub(super) enum Destination {
    /// Standard output, `-` on the command line.
    Stdout,
    /// A file.
    Path(PathBuf),
}

/// A file to read, or `-`.
pub(super) fn source() -> impl TypedValueParser<Value = Source> {
    OsStringValueParser::new().try_map(|text: OsString| {
        let is_stdin = text == "-" || text == "/dev/stdin";
        Ok::<_, Infallible>(if is_stdin {
            Source::Stdin
        } else {
            Source::Path(text.into())
        })
    })
}

/// A file to write, or `-`. The link /dev/stdout is meant as what it leads to, and must never be replaced.
pub(super) fn destination() -> impl TypedValueParser<Value = Destination> {
    OsStringValueParser::new().try_map(|text: OsString| {
        let is_stdout = text == "-" || text == "/dev/stdout";
        Ok::<_, Infallible>(if is_stdout {
            Destination::Stdout
        } else {
            Destination::Path(text.into())
        })
    })
}

/// Whether an argument, or the value in `--option=value`, holds as many hexadecimal digits as a signature has, or
/// nearly, or the text of a key file. No file is called that, but a secret in the wrong place must be neither used nor
/// printed.
pub(super) fn holds_a_secret(arg: &OsStr) -> bool {
    // One more than a file has that is called by its SHA-512.
    const FEWEST_DIGITS: usize = 129;
    let is_signature = arg
        .as_encoded_bytes()
        .split(|byte| !byte.is_ascii_hexdigit())
        .any(|digits| digits.len() >= FEWEST_DIGITS);
    is_signature || arg.to_string_lossy().contains("private_key\"")
}
