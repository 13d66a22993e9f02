//! What concerns the process as a whole: no core dumps, its limits, and a clean end on Ctrl-C.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;

use super::facts::Facts;

/// How long a signal's last words may take.
const PATIENCE: Duration = Duration::from_secs(1);

static JSON_PRINTED: AtomicBool = AtomicBool::new(false);

/// Keeps memory that holds keys off the disk and away from debuggers of the same user, and raises the limit on open
/// files as far as it may be. Where the system does not let it, the program runs all the same.
pub(super) fn harden() {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let _ = setrlimit(Resource::Core, none);
    // Every folder that is written to is held open.
    let files = getrlimit(Resource::Nofile);
    let _ = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: files.maximum,
            ..files
        },
    );
    // The limit alone does not count where dumps are piped to a program (core(5)).
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// Returns to the first caller alone. The others wait for the process to end, which the first one sees to.
pub(super) fn only_once() {
    while JSON_PRINTED.swap(true, Ordering::SeqCst) {
        std::thread::park();
    }
}

/// Ends the program on SIGINT (Ctrl-C), SIGQUIT, SIGTERM and SIGHUP (the terminal goes away): temporary files are
/// removed, the terminal is as before, the exit status is 128 and the signal's number.
///
/// A thread does it, not a flag that the work looks at, because the work may be waiting in a read that never returns.
/// It catches the signals itself: if it cannot be started, they end the process as they always did. A signal that was
/// ignored when the program was started, as under `nohup`, stays ignored.
pub(super) fn catch_signals(json: bool) -> std::io::Result<()> {
    // With a handler the limit on file sizes is an error of the write, not the end of the process.
    signal_hook::flag::register(SIGXFSZ, Arc::default())?;
    let ignored = ignored_signals();
    let wanted = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]
        .into_iter()
        .filter(move |signal| ignored & (1 << (signal - 1)) == 0);
    let (tell, caught) = mpsc::channel();
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || match Signals::new(wanted) {
            Err(error) => {
                let _ = tell.send(Err(error));
            }
            Ok(mut signals) => {
                let _ = tell.send(Ok(()));
                if let Some(signal) = signals.forever().next() {
                    end(signal, json);
                }
            }
        })?;
    caught.recv().unwrap_or(Ok(()))
}

fn end(signal: i32, json: bool) -> ! {
    saltbridge::files::remove_named_before_exit();
    super::terminal::restore_before_exit();
    let status = 128 + signal;
    // By another thread, and not for long: nobody may be reading what is said.
    let (tell, said) = mpsc::channel();
    let saying = std::thread::Builder::new().spawn(move || {
        say_interrupted(status, json);
        let _ = tell.send(());
    });
    if saying.is_ok() {
        let _ = said.recv_timeout(PATIENCE);
    }
    std::process::exit(status);
}

fn say_interrupted(status: i32, json: bool) {
    if json {
        let error = Facts::of("code", "interrupted")
            .with("message", "interrupted by a signal")
            .with("help", "files that were finished before are whole; run again for the others")
            .with("exit_code", status);
        let _ = super::report::print_json(&Facts::of("error", error));
    } else {
        let _ = writeln!(std::io::stderr().lock(), "\ninterrupted");
    }
}

/// The signals that are ignored, as a mask (proc(5): SigIgn). None where /proc cannot be read.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}
