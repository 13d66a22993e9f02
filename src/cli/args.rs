//! Arguments that several commands share.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::ValueHint;
use clap::builder::{OsStringValueParser, TypedValueParser};
use saltbridge::files::{Overwrite, Source};
use saltbridge::ledger;

/// Which device is used.
#[derive(Clone, clap::Args)]
pub(super) struct Endpoint {
    /// The device: usb for the Ledger that is plugged in, usb:PORT for one of several, speculos://HOST:PORT for an
    /// emulator on this machine
    #[arg(
        long,
        value_name = "DEVICE",
        default_value = "usb",
        env = "SALTBRIDGE_DEVICE",
        hide_env_values = true,
        help_heading = "Device options"
    )]
    device: String,
}

impl Endpoint {
    pub(super) fn parse(&self) -> Result<ledger::Endpoint, ledger::EndpointError> {
        self.device.parse()
    }
}

/// Which device is used, and how patiently.
#[derive(Clone, clap::Args)]
pub(super) struct Device {
    #[command(flatten)]
    pub(super) endpoint: Endpoint,

    /// Fail at once where a person would have to plug in, unlock, or open the app
    #[arg(long, help_heading = "Device options")]
    pub(super) no_wait: bool,

    /// Go on although a command was broken off while the device was asking. Only if its screen shows no question
    #[arg(long, help_heading = "Device options")]
    pub(super) device_idle: bool,
}

/// Whether a running bridge is used.
#[derive(Clone, clap::Args)]
pub(super) struct Bridge {
    /// Do not use the bridge that runs (saltbridge serve), but the device itself
    #[arg(long, help_heading = "Device options")]
    pub(super) no_bridge: bool,
}

/// Which account of the device is meant.
#[derive(Clone, clap::Args)]
pub(super) struct Account {
    /// The account's address, which must be the one that signs; its path is found
    #[arg(long, value_name = "ADDRESS", help_heading = "Device options")]
    pub(super) address: Option<String>,

    /// The account's derivation path [default: found from the address, otherwise m/44'/60'/0'/0/0]
    #[arg(long, value_name = "PATH", help_heading = "Device options")]
    pub(super) path: Option<String>,
}

/// How an envelope is unlocked: by a device, or by a signature made elsewhere.
#[derive(clap::Args)]
pub(super) struct Unlocking {
    #[command(flatten)]
    pub(super) device: Device,

    #[command(flatten)]
    pub(super) account: Account,

    #[command(flatten)]
    pub(super) bridge: Bridge,

    /// Use no device, but the 65-byte signature over the envelope's message in hexadecimal, made by any wallet with
    /// personal_sign; - for standard input. It is as secret as the key
    #[arg(long, value_name = "FILE", value_parser = source(), value_hint = ValueHint::FilePath, conflicts_with_all = ["path", "no_wait", "device_idle", "no_bridge"])]
    pub(super) signature_file: Option<Source>,

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

    /// With -o -, the folder in which the ciphertext waits until all of it has been seen [default: TMPDIR or /var/tmp,
    /// whichever is not kept in memory]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, requires = "output")]
    pub(super) spool_dir: Option<PathBuf>,

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
