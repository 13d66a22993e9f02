//! What concerns the process as a whole: no core dumps, its limits, and a clean end on Ctrl-C.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use rustix::process::{
    DumpableBehavior, Pid, Resource, Rlimit, Signal, getrlimit, kill_process, set_dumpable_behavior, setrlimit,
};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;

use super::facts::Facts;

/// How long a signal's last words may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long a report may take that a device on USB is slow to take: the kernel gives it five seconds.
const WRITING: Duration = Duration::from_secs(6);

static JSON_PRINTED: AtomicBool = AtomicBool::new(false);

/// Whether the device is asking the person something, and whether he wants to leave meanwhile.
static ASKING: Mutex<Asking> = Mutex::new(Asking::No);

/// Whether a signal is ending the program.
static ENDING: AtomicBool = AtomicBool::new(false);

/// Whether the last words are a JSON object.
static JSON_WANTED: AtomicBool = AtomicBool::new(false);

/// What stops the program in order, if that takes more than to end it.
static STOP: Mutex<Option<Box<dyn FnOnce() + Send>>> = Mutex::new(None);

/// What goes with the program: a folder, and a program that it runs.
static FOLDER: Mutex<Option<PathBuf>> = Mutex::new(None);
static CHILD: Mutex<Option<Pid>> = Mutex::new(None);

enum Asking {
    No,
    Yes,
    /// Ctrl-C was pressed: the program ends with the answer, whatever it is.
    UntilAnswered,
    /// Ctrl-C was pressed, and the program stops by itself once it is answered; pressed again, it ends at once.
    WhileStopping,
}

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
/// ignored when the program was started, as under `nohup`, stays ignored. The first SIGINT while a device asks the person
/// something ends the program only when that is answered, see [`device_asks`].
pub(super) fn catch_signals(json: bool) -> std::io::Result<()> {
    JSON_WANTED.store(json, Ordering::Relaxed);
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
                for signal in signals.forever() {
                    if let Some(stop) = STOP.lock().unwrap_or_else(PoisonError::into_inner).take() {
                        begin_to_stop(stop);
                    } else if signal != SIGINT || !is_first_while_asking() {
                        end(signal);
                    }
                }
            }
        })?;
    caught.recv().unwrap_or(Ok(()))
}

/// At the first signal `stop` is called instead of ending the program; another one ends it.
pub(super) fn stop_at_signal(stop: impl FnOnce() + Send + 'static) {
    *STOP.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(stop));
}

fn begin_to_stop(stop: Box<dyn FnOnce() + Send>) {
    // The answer is waited for, and no second signal is needed for that.
    let is_asking = !matches!(*ASKING.lock().unwrap_or_else(PoisonError::into_inner), Asking::No);
    if is_asking {
        say(|| {
            let text = "\nThe device is still asking: answer it there. Press Ctrl-C again to leave without an answer.";
            let _ = writeln!(std::io::stderr().lock(), "{text}");
        });
        *ASKING.lock().unwrap_or_else(PoisonError::into_inner) = Asking::WhileStopping;
    }
    stop();
}

/// Remembers a folder that is removed if a signal ends the program.
pub(super) fn remove_folder_at_signal(folder: &Path) {
    *FOLDER.lock().unwrap_or_else(PoisonError::into_inner) = Some(folder.to_owned());
}

/// Returns unless a signal is ending the program; then its thread does the rest.
pub(super) fn unless_ending() {
    while ENDING.load(Ordering::SeqCst) {
        std::thread::park();
    }
}

/// Remembers a program that is run, which is ended if a signal ends this one. Nothing once it has ended.
pub(super) fn end_child_at_signal(child: Option<Pid>) {
    *CHILD.lock().unwrap_or_else(PoisonError::into_inner) = child;
}

/// The device begins to ask: until it is answered, the first Ctrl-C does not end the program. An answer that nobody
/// reads would be taken for that to the next command.
pub(super) fn device_asks() {
    *ASKING.lock().unwrap_or_else(PoisonError::into_inner) = Asking::Yes;
}

/// The device has stopped asking. Ends the program if Ctrl-C was pressed meanwhile.
pub(super) fn device_was_answered() {
    let was = std::mem::replace(&mut *ASKING.lock().unwrap_or_else(PoisonError::into_inner), Asking::No);
    if matches!(was, Asking::UntilAnswered) {
        end(SIGINT);
    }
}

fn is_first_while_asking() -> bool {
    let is_first = {
        let mut asking = ASKING.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = matches!(*asking, Asking::Yes);
        if is_first {
            *asking = Asking::UntilAnswered;
        }
        is_first
    };
    if is_first {
        say(|| {
            let text = "\nThe device is still asking: reject it there. Press Ctrl-C again to leave without an answer.";
            let _ = writeln!(std::io::stderr().lock(), "{text}");
        });
    }
    is_first
}

/// Says something from a thread of its own, and does not wait for long: nobody may be reading what is said.
fn say(words: impl FnOnce() + Send + 'static) {
    let (tell, said) = mpsc::channel();
    let saying = std::thread::Builder::new().spawn(move || {
        words();
        let _ = tell.send(());
    });
    if saying.is_ok() {
        let _ = said.recv_timeout(PATIENCE);
    }
}

fn end(signal: i32) -> ! {
    ENDING.store(true, Ordering::SeqCst);
    saltbridge::files::remove_named_before_exit();
    if let Some(child) = CHILD.lock().unwrap_or_else(PoisonError::into_inner).take() {
        let _ = kill_process(child, Signal::KILL);
    }
    if let Some(folder) = FOLDER.lock().unwrap_or_else(PoisonError::into_inner).take() {
        // A program that was killed just now may still be making a file there.
        for _ in 0..100 {
            if std::fs::remove_dir_all(&folder).is_ok() || !folder.exists() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    saltbridge::ledger::usb::finish_writes(WRITING);
    super::terminal::restore_before_exit();
    let status = 128 + signal;
    say(move || say_interrupted(status));
    std::process::exit(status);
}

fn say_interrupted(status: i32) {
    if JSON_WANTED.load(Ordering::Relaxed) {
        let error = Facts::of("code", "interrupted")
            .with("message", "interrupted by a signal")
            .with("help", "what was finished before is whole; run the command again for the rest")
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
