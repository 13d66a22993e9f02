//! What concerns the process as a whole: no core dumps, and a clean end on Ctrl-C.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::facts::Facts;

static JSON_PRINTED: AtomicBool = AtomicBool::new(false);

/// Keeps memory that holds keys off the disk and away from debuggers of the same user. Where the system does not let
/// it, the program runs all the same.
pub(super) fn harden() {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let _ = setrlimit(Resource::Core, none);
    // The limit alone does not count where dumps are piped to a program (core(5)).
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// Whether the caller is the first to print the JSON object.
pub(super) fn may_print_json() -> bool {
    !JSON_PRINTED.swap(true, Ordering::SeqCst)
}

/// Ends the program on Ctrl-C, on SIGTERM and when the terminal goes away: temporary files are removed, the exit status
/// is 128 and the signal's number.
///
/// A thread does it, not a flag that the work looks at, because the work may be waiting in a read that never returns.
/// A signal that was ignored when the program was started, as under `nohup`, stays ignored.
pub(super) fn catch_signals(json: bool) -> std::io::Result<()> {
    let ignored = ignored_signals();
    let wanted = [SIGINT, SIGTERM, SIGHUP]
        .into_iter()
        .filter(|signal| ignored & (1 << (signal - 1)) == 0);
    let mut signals = Signals::new(wanted)?;
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        if let Some(signal) = signals.forever().next() {
            end(signal, json);
        }
    })?;
    Ok(())
}

fn end(signal: i32, json: bool) -> ! {
    saltbridge::files::remove_named_before_exit();
    super::terminal::restore();
    let status = 128 + signal;
    if json {
        let error = Facts::of("code", "interrupted")
            .with("message", "interrupted by a signal")
            .with(
                "help",
                "files that were finished before are whole; run again for the others",
            )
            .with("exit_code", status);
        let _ = super::report::print_json(&Facts::of("error", error));
    } else {
        let _ = writeln!(std::io::stderr().lock(), "\ninterrupted");
    }
    std::process::exit(status);
}

/// The signals that are ignored, as a mask (proc(5): SigIgn). None where /proc cannot be read.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}
