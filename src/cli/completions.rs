//! `saltbridge completions`: what a shell needs to complete the command line.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::facts::Facts;
use super::failure::Failure;
use super::report::Report;
use super::{Cli, Outcome};

/// Print a completion script for a shell
#[derive(clap::Args)]
pub(super) struct Args {
    /// The shell
    shell: Shell,
}

pub(super) fn run(args: &Args, report: &Report) -> Result<Outcome, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "saltbridge", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    report.show(&script)?;
    Ok(Outcome::done(Facts::of("shell", args.shell.to_string()).with("script", script)))
}
