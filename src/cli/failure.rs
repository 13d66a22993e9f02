//! A failure as the command line tells it, and the faults that only the command line knows.

use std::process::ExitCode;

use super::facts::Facts;
use saltbridge::fault::{Class, Explanation, Fault};
use saltbridge::text::printable;

/// Any fault, told.
#[derive(Clone)]
pub(super) struct Failure {
    message: String,
    explanation: Explanation,
}

impl<F: Fault> From<F> for Failure {
    fn from(fault: F) -> Self {
        Self {
            message: fault.to_string(),
            explanation: fault.explain(),
        }
    }
}

impl Failure {
    /// The same, told of the file that it is about.
    pub(super) fn about(name: impl std::fmt::Display) -> impl Fn(Self) -> Self {
        move |failure| Self {
            message: format!("{name}: {}", failure.message),
            explanation: failure.explanation,
        }
    }

    /// A command line that clap refused.
    pub(super) fn usage(error: &clap::Error) -> Self {
        let text = error.to_string();
        let sentence = text.split("\n\n").next().unwrap_or_default();
        let message = sentence
            .trim_start_matches("error: ")
            .split_whitespace()
            .collect::<Vec<_>>();
        Self {
            message: printable(&message.join(" ")),
            explanation: Explanation::new("usage", Class::Usage, "run again with --help to see what is possible"),
        }
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    pub(super) fn help(&self) -> &str {
        &self.explanation.help
    }

    pub(super) fn code(&self) -> &'static str {
        self.explanation.code
    }

    /// The exit status of its class.
    pub(super) fn exit_status(&self) -> u8 {
        match self.explanation.class {
            Class::Usage => 2,
            Class::Device => 3,
            Class::Declined => 4,
            Class::DoesNotOpen => 5,
            Class::Damaged => 6,
            Class::System => 7,
            Class::Policy => 8,
        }
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.exit_status())
    }

    pub(super) fn to_json(&self) -> Facts {
        Facts::of("code", self.code())
            .with("message", self.message())
            .with("help", self.help())
            .with("exit_code", self.exit_status())
    }
}

/// What the command line refuses by itself.
#[derive(Debug, thiserror::Error)]
pub(super) enum CliError {
    #[error("standard input is named twice, but can be read only once")]
    StdinTwice,
    #[error("-o names one file, but {files} files are given")]
    OneOutputForMany { files: usize },
    #[error("{file} does not end with .sealed, so there is no name for the result")]
    NoOutputName { file: String },
    #[error("there is no name for the result of standard input")]
    NoNameForStdin,
    #[error("{target} would be written twice")]
    SameTarget { target: String },
    #[error("--json and the result cannot both go to standard output")]
    JsonAndDataToStdout,
    #[error("the result is not shown on a terminal")]
    DataToTerminal,
    #[error("there is no folder for the ciphertext to wait in: {reason}")]
    NoSpoolFolder { reason: String },
    #[error("a secret stands in the arguments, where other programs and the shell's history can see it")]
    SecretInArguments,
    #[error("{name} is a key file, not an envelope")]
    KeyFileAsEnvelope { name: String },
    #[error("{name} is {kind}, not a key file")]
    NoKeyFile { name: String, kind: &'static str },
    #[error("{name} is a profile without a key pair")]
    NoKeyPair { name: String },
    #[error("{name} is a profile with a public key but without its encrypted private key")]
    NoEnvelope { name: String },
    #[error("{name} is a legacy envelope (v1, before 2022-09-24)")]
    LegacyProfile { name: String },
    #[error("{name} holds no message: it is {kind}")]
    NoMessage { name: String, kind: &'static str },
    #[error("{address} can be reached from other machines; everybody has the emulator's keys")]
    ListenNotLoopback { address: std::net::SocketAddr },
    #[error("there is nothing to watch: an emulator is not plugged in and out")]
    NothingToWatch,
    #[error("there is no terminal to show the device on")]
    NoTerminal,
    #[error("the terminal cannot be used: {reason}")]
    TerminalFailed { reason: String },
    #[error("{address} cannot be listened at: {reason}")]
    CannotListen {
        address: std::net::SocketAddr,
        reason: String,
    },
    #[error("port {port} is taken{by}")]
    PortTaken { port: u16, by: String },
    #[error("the listener that was handed over is not on 127.0.0.1")]
    HandedNotLoopback,
    #[error("the bridge cannot serve: {reason}")]
    CannotServe { reason: String },
    #[error("the file that leads the browser to the page cannot be made: {reason}")]
    NoRedirect { reason: String },
    #[error("no window used the code of the page within two minutes")]
    PageNotOpened,
    #[error("the demonstration went another way than it should: {step}")]
    DemoFailed { step: String },
    #[error("{} between you and your device", if *problems == 1 { "one thing stands".to_owned() } else { format!("{problems} things stand") })]
    NotReady { problems: usize },
}

impl Fault for CliError {
    fn explain(&self) -> Explanation {
        let usage = |code, help| Explanation::new(code, Class::Usage, help);
        match self {
            Self::StdinTwice => usage("stdin-twice", "put one of the two into a file, of mode 0600 if it is secret"),
            Self::OneOutputForMany { .. } => usage("one-output", "name a folder with --output-dir instead"),
            Self::NoOutputName { .. } => {
                usage("no-output-name", "name the result with -o, or a folder with --output-dir")
            }
            Self::NoNameForStdin => usage("no-output-name", "name the result with -o"),
            Self::SameTarget { .. } => {
                usage("same-target", "a file is given twice, or two have the same name: run once for each, with -o")
            }
            Self::JsonAndDataToStdout => usage("json-and-data", "leave out --json, or name a file with -o"),
            Self::DataToTerminal => usage(
                "data-to-terminal",
                "what a stranger's file holds could take over the terminal: send it to a file or through a pipe",
            ),
            Self::NoSpoolFolder { .. } => Explanation::new(
                "no-spool-folder",
                Class::System,
                "name a folder on a disk, which you may write to, with --spool-dir",
            ),
            Self::SecretInArguments => usage(
                "secret-in-arguments",
                "signatures and key files open everything: name a file of mode 0600, or give - and paste the text",
            ),
            Self::KeyFileAsEnvelope { .. } => usage(
                "key-file-as-envelope",
                "it is what export writes: decrypt takes it as --key-file, without a signature",
            ),
            Self::NoKeyFile { .. } => {
                usage("no-key-file", "give it as --envelope, with a signature over its message as --signature-file")
            }
            Self::NoKeyPair { .. } => Explanation::new(
                "no-key-pair",
                Class::DoesNotOpen,
                "make a key pair in NumerBay's web app first; nothing was ever encrypted for this account",
            ),
            Self::NoEnvelope { .. } => Explanation::new(
                "no-envelope",
                Class::DoesNotOpen,
                "only an exported numerbay.json can help: give it as --key-file",
            ),
            Self::LegacyProfile { .. } => saltbridge::encryption::EnvelopeError::Legacy.explain(),
            Self::NoMessage { .. } => {
                usage("no-message", "only a v2 envelope, or a profile with one, holds a message to sign")
            }
            Self::ListenNotLoopback { .. } => {
                usage("listen-not-loopback", "listen on this machine only: --listen 127.0.0.1:9999")
            }
            Self::NothingToWatch => usage("nothing-to-watch", "leave out --watch, or the emulator's --device"),
            Self::NoTerminal => usage("no-terminal", "run it in a terminal, or give --approve always or never"),
            Self::TerminalFailed { .. } => Explanation::new(
                "terminal-failed",
                Class::System,
                "run it in another terminal, or give --approve always or never",
            ),
            Self::CannotListen { .. } => Explanation::new(
                "cannot-listen",
                Class::System,
                "another emulator may be running there: end it, or choose another port with --listen",
            ),
            Self::PortTaken { .. } => Explanation::new(
                "port-taken",
                Class::System,
                "end that program, or choose another port with --port; pages look for the bridge at 21730",
            ),
            Self::HandedNotLoopback => usage(
                "handed-not-loopback",
                "have the service manager listen at 127.0.0.1: ListenStream=127.0.0.1:21730",
            ),
            Self::CannotServe { .. } => Explanation::new(
                "cannot-serve",
                Class::System,
                "see how many processes and files you may have: ulimit -a",
            ),
            Self::NoRedirect { .. } => Explanation::new(
                "no-redirect",
                Class::System,
                "run saltbridge open --print, and open the address that it prints",
            ),
            Self::PageNotOpened => Explanation::new(
                "page-not-opened",
                Class::System,
                "run saltbridge open --print, and open the address that it prints in a browser of yours on this machine",
            ),
            Self::NotReady { .. } => Explanation::new(
                "not-ready",
                Class::Device,
                "mend what is called a problem, from the top down, then run saltbridge doctor again",
            ),
            Self::DemoFailed { .. } => Explanation::new(
                "demo-failed",
                Class::System,
                "what was printed above says why. Unless it is something on this machine, as a folder that cannot be written \
                 to, report it",
            ),
        }
    }
}
