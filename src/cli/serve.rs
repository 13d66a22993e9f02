//! `saltbridge serve`: the bridge, until it is stopped.

use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::ValueHint;
use listenfd::ListenFd;
use saltbridge::bridge::{self, Bridge, Config, Keeping, Listening, Notice, SystemClock, Teller};
use saltbridge::host::listener_at;
use saltbridge::ledger::{Event, Waiting};
use saltbridge::own_folders::OwnFolders;
use tokio::sync::Notify;

use super::Outcome;
use super::args;
use super::device::{Announcement, tell as tell_of_device};
use super::facts::Facts;
use super::failure::{CliError, Failure};
use super::open;
use super::process;
use super::report::Report;
use super::spool;

/// Let web pages that you name, and your own programs, use your Ledger
///
/// Pages reach it at http://127.0.0.1:21730, once you have paired them with saltbridge pair. It says here who asks your
/// Ledger for what. Ctrl-C stops it, and all unlocked keys are forgotten.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    device: args::Endpoint,

    /// The port on 127.0.0.1; 0 for any that is free
    #[arg(long, value_name = "PORT", default_value_t = bridge::PORT)]
    port: u16,

    /// Forget a key that was not used for so long
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = time)]
    forget_idle: Duration,

    /// Forget a key after so long, however much it is used; 0 for one use
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = time)]
    forget_after: Duration,

    /// Keep unlocked keys when the Ledger is unplugged
    #[arg(long)]
    keep_unplugged: bool,

    /// Open the bridge's own page in your browser, as saltbridge open does
    #[arg(long)]
    open: bool,

    /// The folder in which files of pages wait as ciphertext until all of them has been seen [default: TMPDIR or
    /// /var/tmp, whichever is not kept in memory]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    spool_dir: Option<PathBuf>,
}

/// `90s`, `5m`, `1h 30m`; a number alone is seconds.
fn time(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
        Err(_) => humantime::parse_duration(text).map_err(|error| format!("{error}: give a time as 90s, 5m or 1h")),
    }
}

/// Two threads answer, besides those that wait for the device and for disks.
const THREADS: usize = 2;

pub(super) fn run(args: &Args, report: &Report) -> Result<Outcome, Failure> {
    let endpoint = args.device.parse()?;
    let folders = OwnFolders::of_this_process();
    let state = folders.state()?;
    let handed = Handed::over();
    let (socket, listening) = match handed.socket {
        Some(socket) => (socket, None),
        None => {
            let (socket, listening) = bridge::listen(&folders.socket()?)?;
            (socket, Some(listening))
        }
    };
    let loopback = match handed.loopback {
        Some(listener) if bridge::is_loopback(&listener) => listener,
        Some(_) => return Err(CliError::HandedNotLoopback.into()),
        None => bind(args.port)?,
    };
    let address = loopback.local_addr().map_err(|error| cannot_serve(&error))?;
    let config = Config {
        endpoint,
        keeping: Keeping {
            idle: args.forget_idle,
            at_most: args.forget_after,
            when_unplugged: args.keep_unplugged,
        },
        spool: spool::choose(args.spool_dir.as_deref(), report)?,
        teller: teller(report),
        clock: Arc::new(SystemClock),
    };
    // What was signed in this second or before may have been heard by another process.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let bridge = Bridge::new(&state, config, i64::try_from(now.as_secs()).unwrap_or(i64::MAX))?;
    let mut opening = None;
    serve(bridge, loopback, socket, || {
        report
            .say(&format!("Listening at http://{address} for pages that you have paired, and for your own programs."));
        report.say("Let a page in with: saltbridge pair ORIGIN. Ctrl-C stops the bridge and forgets all keys.");
        let shown = listening
            .as_ref()
            .map(|listening: &Listening| listening.path().display().to_string());
        let facts = Facts::of("url", format!("http://{address}")).with("socket", shown);
        report.show_json_line(facts)?;
        opening = args.open.then(|| open_beside(*report));
        Ok(())
    })?;
    // It has noticed by now that the bridge is gone, and leaves no file.
    let _ = opening.map(JoinHandle::join);
    drop(listening);
    report.say("Stopped.");
    Ok(Outcome::done(Facts::of("stopped", true)))
}

/// Serves until a signal says that it is enough.
fn serve(
    bridge: Bridge,
    loopback: TcpListener,
    socket: UnixListener,
    ready: impl FnOnce() -> Result<(), Failure>,
) -> Result<(), Failure> {
    let stop = Arc::new(Notify::new());
    let stopping = Arc::clone(&stop);
    process::stop_at_signal(move || stopping.notify_one());
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(THREADS).enable_all().build();
    let runtime = runtime.map_err(|error| cannot_serve(&error))?;
    ready()?;
    // Nobody need be listening.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    let served = runtime.block_on(bridge::serve(Arc::new(bridge), loopback, Some(socket), async move {
        stop.notified().await;
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    }));
    // A thread that waits for something that nobody does is not waited for.
    runtime.shutdown_timeout(Duration::from_secs(1));
    served.map_err(|error| cannot_serve(&error))
}

/// Opens the own page while the bridge serves.
fn open_beside(report: Report) -> JoinHandle<()> {
    std::thread::spawn(move || {
        if let Err(failure) = open::in_browser(&report) {
            report.failed(&failure);
        }
    })
}

fn cannot_serve(error: &std::io::Error) -> Failure {
    CliError::CannotServe {
        reason: error.to_string(),
    }
    .into()
}

fn bind(port: u16) -> Result<TcpListener, Failure> {
    bridge::bind(port).map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => CliError::PortTaken {
            port,
            by: listener_at(port)
                .map(|listener| format!(" by {listener}"))
                .unwrap_or_default(),
        }
        .into(),
        _ => cannot_serve(&error),
    })
}

/// What the service manager handed over (sd_listen_fds(3)).
struct Handed {
    loopback: Option<TcpListener>,
    socket: Option<UnixListener>,
}

impl Handed {
    fn over() -> Self {
        let mut handed = ListenFd::from_env();
        let (mut loopback, mut socket) = (None, None);
        for index in 0..handed.len() {
            // Each is asked whether it is one of this kind, and stays where it is if not.
            if let Ok(Some(listener)) = handed.take_tcp_listener(index) {
                loopback.get_or_insert(listener);
            } else if let Ok(Some(listener)) = handed.take_unix_listener(index) {
                socket.get_or_insert(listener);
            }
        }
        Self { loopback, socket }
    }
}

/// How many calls wait to be told at most; what the person must know is never left out.
const CALLS_WAITING: usize = 256;

/// How long the device waits for the terminal before it asks: one that was stopped (Ctrl-S) must not stop the bridge.
const TERMINAL: Duration = Duration::from_secs(2);

/// Tells on a thread of its own, since a terminal may be slow. A question is told before the device asks it.
fn teller(report: &Report) -> Teller {
    let report = *report;
    let (sender, notices) = mpsc::channel::<(Notice, Option<mpsc::Sender<()>>)>();
    let waiting = Arc::new(AtomicUsize::new(0));
    let told = Arc::clone(&waiting);
    let telling = std::thread::Builder::new().name("terminal".into()).spawn(move || {
        for (notice, done) in notices {
            tell(&report, &notice);
            if matches!(notice, Notice::Called { .. }) {
                told.fetch_sub(1, Ordering::Relaxed);
            }
            drop(done);
        }
    });
    let has_thread = telling.is_ok();
    Arc::new(move |notice: &Notice| {
        let is_call = matches!(notice, Notice::Called { .. });
        if !has_thread {
            return tell(&report, notice);
        }
        if is_call && waiting.fetch_add(1, Ordering::Relaxed) >= CALLS_WAITING {
            waiting.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        let is_question = matches!(notice, Notice::Prompt(_) | Notice::ShowsAddress(_));
        let (done, is_told) = mpsc::channel();
        let _ = sender.send((notice.clone(), is_question.then_some(done)));
        if is_question {
            let _ = is_told.recv_timeout(TERMINAL);
        }
    })
}

/// What happens, for the person at the terminal.
fn tell(report: &Report, notice: &Notice) {
    match notice {
        Notice::Prompt(prompt) => Announcement::of(prompt).tell(report),
        Notice::ShowsAddress(account) => {
            report.ask(&format!(
                "The device shows the address of {}. Compare it, then confirm or reject it there:",
                account.path
            ));
            report.ask(&format!("  | {}", account.address));
        }
        // Ctrl-C would end the bridge, not the waiting.
        Notice::Device(Event::Waiting(Waiting::ForDevice { endpoint })) => {
            report.ask(&format!("Waiting for a device to be plugged in and unlocked ({endpoint})."));
        }
        Notice::Device(event) => tell_of_device(report, event),
        Notice::Invited { origin, scopes } => {
            report.say(&format!("{origin} may pair within two minutes, for: {scopes}."));
        }
        Notice::Paired { origin, scopes } => report.say(&format!("{origin} has paired, for: {scopes}.")),
        Notice::Revoked { origin } => report.say(&format!("{origin} is not paired any more.")),
        Notice::OwnPage { is_open } => report.say(match is_open {
            true => "The page of saltbridge open is in use.",
            false => "The page of saltbridge open is closed.",
        }),
        Notice::Unlocked { who, public_key } => report.say(&format!("{who} uses the key {public_key}.")),
        Notice::Exported { who, public_key } => {
            report.ask(&format!("{who} was given the private key of {public_key}."));
        }
        Notice::Forgotten { keys, why } => {
            let keys = if *keys == 1 {
                "One key was".to_owned()
            } else {
                format!("{keys} keys were")
            };
            report.say(&format!("{keys} forgotten: {why}."));
        }
        Notice::Called {
            who,
            call,
            status,
            code,
            failure,
            request_id,
        } => {
            if let Some(failure) = failure {
                report.warn(&format!("{who}: {failure}"));
            }
            let code = code.map(|code| format!(" {code}")).unwrap_or_default();
            report.detail(&format!("{who}: {call} → {status}{code} ({request_id})"));
        }
    }
}
