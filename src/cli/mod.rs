//! The command line: one file per command.
//!
//! Standard output carries what was asked for and nothing else: data, the answer of `inspect`, or with `--json` one JSON
//! object. Everything that is said to a person goes to standard error.

mod address;
mod args;
mod bridge;
mod completions;
mod create;
mod decrypt;
mod demo;
mod device;
mod devices;
mod doctor;
mod drawing;
mod emulate;
mod encrypt;
mod export;
mod facts;
mod failure;
mod inspect;
mod lock;
mod making;
mod open;
mod outputs;
mod pair;
mod pairings;
mod process;
mod progress;
mod report;
mod serve;
mod spool;
mod terminal;
mod text_output;
mod unlocking;
mod wrap;
mod wrapping;

use std::ffi::OsStr;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use facts::Facts;
use saltbridge::text::printable_name;

use failure::{CliError, Failure};
use report::Report;

/// Unlock NumerBay's client-side encryption with a Ledger
#[derive(Parser)]
#[command(version, max_term_width = 100, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// Print one JSON object on standard output, errors included
    #[arg(long, global = true, help_heading = "General options")]
    json: bool,

    /// Say nothing but warnings, errors and what you are asked to do
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "General options")]
    quiet: bool,

    /// Say more; never a key, a signature or a file's content
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "General options")]
    verbose: u8,
}

const AFTER_HELP: &str = "\
Exit codes: 0 done, 2 wrong usage, 3 no device, locked, wrong app or busy, 4 refused on the
device, 5 does not open, 6 damaged or forged data, 7 file system, 8 refused by policy,
130 interrupted.";

#[derive(Subcommand)]
enum Command {
    Devices(devices::Args),
    Doctor(doctor::Args),
    Address(address::Args),
    Create(create::Args),
    Wrap(wrap::Args),
    Export(export::Args),
    Decrypt(decrypt::Args),
    Encrypt(encrypt::Args),
    Inspect(inspect::Args),
    Serve(serve::Args),
    Pair(pair::Args),
    Pairings(pairings::Args),
    Open(open::Args),
    Lock(lock::Args),
    Emulate(emulate::Args),
    Demo(demo::Args),
    Completions(completions::Args),
}

/// What a command has to say at its end: the JSON object, and the first failure where some of its work was done.
struct Outcome {
    json: Facts,
    failure: Option<Failure>,
}

impl Outcome {
    fn done(json: Facts) -> Self {
        Self { json, failure: None }
    }
}

/// Runs the program; the exit code.
pub(crate) fn run() -> ExitCode {
    process::harden();
    if std::env::args_os().skip(1).any(|arg| args::holds_a_secret(&arg)) {
        return Report::new(asked_for_json(), false, 0).end(Err(CliError::SecretInArguments.into()));
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let report = Report::new(cli.json, cli.quiet, cli.verbose);
    if let Err(error) = process::catch_signals(cli.json) {
        report.warn(&format!("signals are not caught: {error}"));
    }
    let result = match cli.command {
        Command::Devices(args) => devices::run(&args, &report),
        Command::Doctor(args) => doctor::run(&args, &report),
        Command::Address(args) => address::run(&args, &report),
        Command::Create(args) => create::run(&args, &report),
        Command::Wrap(args) => wrap::run(&args, &report),
        Command::Decrypt(args) => decrypt::run(&args, &report),
        Command::Encrypt(args) => encrypt::run(&args, &report),
        Command::Export(args) => export::run(&args, &report),
        Command::Emulate(args) => emulate::run(&args, &report),
        Command::Demo(args) => demo::run(&args, &report),
        Command::Serve(args) => serve::run(&args, &report),
        Command::Pair(args) => pair::run(&args, &report),
        Command::Pairings(args) => pairings::run(&args, &report),
        Command::Open(args) => open::run(&args, &report),
        Command::Lock(args) => lock::run(&args, &report),
        Command::Inspect(args) => inspect::run(&args, &report),
        Command::Completions(args) => completions::run(&args, &report),
    };
    report.end(result)
}

/// Whether errors are wanted as JSON, for command lines that cannot be parsed.
fn asked_for_json() -> bool {
    std::env::args_os()
        .take_while(|arg| arg != OsStr::new("--"))
        .any(|arg| arg == OsStr::new("--json"))
}

/// What clap has to say: help and version are no errors.
fn usage(error: &clap::Error) -> ExitCode {
    // clap repeats arguments as they are; one with control characters could repaint the terminal.
    let is_plain = |arg: std::ffi::OsString| printable_name(&arg) == *arg.to_string_lossy();
    if error.use_stderr() && (asked_for_json() || !std::env::args_os().all(is_plain)) {
        return Report::new(asked_for_json(), false, 0).end(Err(Failure::usage(error)));
    }
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}
