//! What is said while a command runs, and at its end.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use saltbridge::files::write_text_to_stdout;
use saltbridge::text::escape_json;

use super::Outcome;
use super::facts::Facts;
use super::failure::{CliError, Failure};
use super::process;

#[derive(Clone, Copy)]
pub(super) struct Report {
    json: bool,
    quiet: bool,
    verbosity: u8,
}

impl Report {
    pub(super) fn new(json: bool, quiet: bool, verbosity: u8) -> Self {
        Self { json, quiet, verbosity }
    }

    /// Refuses to send data to a standard output that belongs to the JSON object, or, unless it is `harmless` there, to
    /// a terminal.
    pub(super) fn check_stdout(&self, harmless: bool) -> Result<(), CliError> {
        match self.json {
            true => Err(CliError::JsonAndDataToStdout),
            false if !harmless && std::io::stdout().is_terminal() => Err(CliError::DataToTerminal),
            false => Ok(()),
        }
    }

    /// What was done.
    pub(super) fn say(&self, line: &str) {
        if !self.is_quiet() {
            print_error_line(line);
        }
    }

    /// A story, on standard output: the answer of a command that tells one. With `--json` the object is the answer.
    pub(super) fn tell(&self, line: &str) {
        if !self.is_quiet() {
            // Who has heard enough closes the pipe.
            let _ = writeln!(std::io::stdout().lock(), "{line}");
        }
    }

    /// Whether the answer is a JSON object.
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// Whether what is done is not told.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet || self.json
    }

    /// What the person is asked to do. Never kept quiet: without it the program would seem to hang.
    pub(super) fn ask(&self, line: &str) {
        print_error_line(line);
    }

    /// What the person should know although it worked. Warnings are part of the JSON object too; the commands see to that.
    pub(super) fn warn(&self, line: &str) {
        if !self.json {
            print_error_line(&format!("warning: {line}"));
        }
    }

    /// Details, with `-v`.
    pub(super) fn detail(&self, line: &str) {
        if self.verbosity > 0 {
            print_error_line(&format!("  {line}"));
        }
    }

    /// The answer itself, on standard output. With `--json` the object is the answer.
    pub(super) fn show(&self, text: &str) -> Result<(), Failure> {
        if !self.json {
            write_text_to_stdout(text)?;
        }
        Ok(())
    }

    /// One of many answers, with `--json`: an object on a line of its own.
    pub(super) fn show_json_line(&self, facts: Facts) -> Result<(), Failure> {
        if self.json {
            let line = escape_json(&serde_json::Value::from(facts).to_string());
            write_text_to_stdout(&format!("{line}\n"))?;
        }
        Ok(())
    }

    /// A failure after which the command goes on.
    pub(super) fn failed(&self, failure: &Failure) {
        if !self.json {
            print_error_line(&format!("error: {}", failure.message()));
            print_error_line(&format!("  code: {}", failure.code()));
            print_error_line(&format!("  help: {}", failure.help()));
        }
    }

    /// Whether somebody would see a bar.
    pub(super) fn shows_bars(&self) -> bool {
        !self.is_quiet() && std::io::stderr().is_terminal()
    }

    /// Tells how it ended; the exit code.
    pub(super) fn end(&self, result: Result<Outcome, Failure>) -> ExitCode {
        let (json, failure) = match result {
            Ok(Outcome { json, failure }) => (json, failure),
            Err(failure) => {
                self.failed(&failure);
                (Facts::of("error", failure.to_json()), Some(failure))
            }
        };
        if self.json
            && let Err(error) = print_json(&json)
        {
            print_error_line(&format!("error: standard output cannot be written: {error}"));
            return ExitCode::from(7);
        }
        failure.map_or(ExitCode::SUCCESS, |failure| failure.exit_code())
    }
}

/// Prints the one JSON object, unless a signal's thread was faster.
pub(super) fn print_json(json: &Facts) -> std::io::Result<()> {
    process::only_once();
    let mut line = escape_json(&serde_json::to_string_pretty(json)?);
    line.push('\n');
    std::io::stdout().lock().write_all(line.as_bytes())
}

/// Nobody can be told if standard error is closed.
fn print_error_line(line: &str) {
    // In one piece, so that lines of other programs do not come in between.
    let _ = std::io::stderr().lock().write_all(format!("{line}\n").as_bytes());
}
