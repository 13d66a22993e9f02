//! `saltbridge emulate`: a Ledger in software, listening as Ledger's own emulator does.

use std::io::{IsTerminal as _, stderr, stdin};
use std::net::SocketAddr;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use saltbridge::emulator::{Device, Emulator, Model, SeedName, SpeculosServer, Start};
use saltbridge::text::printable;

use super::Outcome;
use super::drawing;
use super::facts::Facts;
use super::failure::{CliError, Failure};
use super::report::Report;

/// How long a hand that answers by itself looks at the screen first.
const THINKING: Duration = Duration::from_millis(300);

/// As good as for ever: a day.
const LONG: Duration = Duration::from_secs(24 * 60 * 60);

/// Be a Ledger with a well-known test seed, for trying things out and for developing without one
///
/// Other commands reach it with --device speculos://HOST:PORT. Anybody knows its keys: never use its addresses for
/// anything of value.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The seed: speculos, junk, abandon or legal, all publicly known. There is no way to give another one
    #[arg(long, value_name = "NAME", default_value = "speculos")]
    seed_name: String,

    /// The model
    #[arg(long, value_name = "MODEL", default_value = "nanosp", value_parser = model())]
    model: Model,

    /// How it is found
    #[arg(long, value_name = "STATE", default_value = "app")]
    start: StartArg,

    /// Where it listens; this machine only
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:9999")]
    listen: SocketAddr,

    /// Who answers what it asks: itself, or you at the terminal [default: ask at a terminal, otherwise always]
    #[arg(long, value_name = "WHO")]
    approve: Option<Approve>,
}

fn model() -> impl TypedValueParser<Value = Model> {
    PossibleValuesParser::new(Model::ALL.map(Model::short_name)).try_map(|name| name.parse())
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum StartArg {
    /// The Ethereum app is open
    App,
    /// No app is open
    Dashboard,
    /// It waits for its PIN
    Locked,
    /// Another app is open
    OtherApp,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Approve {
    /// It approves everything by itself
    Always,
    /// It refuses everything by itself
    Never,
    /// You press its buttons
    Ask,
}

pub(super) fn run(args: &Args, report: &Report) -> Result<Outcome, Failure> {
    let seed: SeedName = args.seed_name.parse()?;
    if !args.listen.ip().is_loopback() {
        return Err(CliError::ListenNotLoopback { address: args.listen }.into());
    }
    let at_terminal = stdin().is_terminal() && stderr().is_terminal();
    let approve = match args.approve {
        Some(Approve::Ask) if !at_terminal => return Err(CliError::NoTerminal.into()),
        Some(approve) => approve,
        None if at_terminal => Approve::Ask,
        None => Approve::Always,
    };
    let start = match args.start {
        StartArg::App => Start::App,
        StartArg::Dashboard => Start::Dashboard,
        StartArg::Locked => Start::Locked,
        StartArg::OtherApp => Start::OtherApp,
    };
    let emulator = Emulator::new(Device::new(args.model, seed, start));
    let server = SpeculosServer::start(&emulator, args.listen).map_err(|error| CliError::CannotListen {
        address: args.listen,
        reason: error.to_string(),
    })?;
    let title = [
        format!("This is a Ledger in software ({}) with the publicly known test seed \"{seed}\".", args.model.name()),
        "Anybody has its keys: use it for nothing of value.".to_owned(),
        format!("Use it with --device speculos://{}", server.address()),
    ];
    title.iter().for_each(|line| report.ask(line));
    if approve == Approve::Ask {
        drawing::run(&emulator, &title)?;
        return Ok(Outcome::done(Facts::default()));
    }
    let decides = if approve == Approve::Always {
        "approves"
    } else {
        "refuses"
    };
    report.ask(&format!("It {decides} whatever it is asked, by itself. Ctrl-C ends it."));
    loop {
        if emulator.wait_until(LONG, Device::is_asking) {
            std::thread::sleep(THINKING);
            let seen = emulator.decide(approve == Approve::Always);
            let seen: Vec<_> = seen.iter().map(|screen| printable(&screen.lines.join(" "))).collect();
            report.say(&format!("{decides}: {}", seen.join(" | ")));
        }
    }
}
