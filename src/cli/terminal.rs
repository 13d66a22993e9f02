//! When a person types or pastes what other people pipe in.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use saltbridge::files::{Input, InputError, Source};
use zeroize::Zeroizing;

use super::report::Report;

/// The terminal as it was before the echo was switched off.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// Opens an input. Where that is a terminal, it says what is waited for.
pub(super) fn open(source: &Source, what: &str, report: &Report) -> Result<Input, InputError> {
    if *source == Source::Stdin && io::stdin().is_terminal() {
        report.ask(&format!("Waiting for {what}: paste it, then press Enter and Ctrl-D."));
    }
    Input::open(source)
}

/// Reads a short secret text of at most `limit` bytes. At a terminal that is one line, which is not shown.
pub(super) fn read_secret(
    source: &Source,
    what: &str,
    limit: usize,
    report: &Report,
) -> Result<Zeroizing<String>, InputError> {
    if *source != Source::Stdin || !io::stdin().is_terminal() {
        return Input::open(source)?.read_text(limit);
    }
    // Before the question: what was typed until then is thrown away.
    let hidden = hide();
    report.ask(&format!("Paste {what} and press Enter. It is not shown."));
    let text = Input::open(source).and_then(|input| input.read_line(limit));
    if hidden {
        restore();
        // The Enter that ended the line was not shown either.
        let _ = writeln!(io::stderr().lock());
    }
    text
}

/// Switches the echo off, if the terminal lets it.
fn hide() -> bool {
    // Locked until it is done, so that a signal's thread comes before or after, and never between.
    let mut saved = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
    let Ok(before) = tcgetattr(io::stdin()) else {
        return false;
    };
    let mut hidden = before.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    // A shell that takes over while the program is stopped would switch the echo on again, and leave it so. Zero is
    // what no key sends (termios(3): _POSIX_VDISABLE).
    hidden.special_codes[SpecialCodeIndex::VSUSP] = 0;
    *saved = Some(before);
    tcsetattr(io::stdin(), OptionalActions::Flush, &hidden).is_ok()
}

fn restore() {
    restore_saved(&mut BEFORE.lock().unwrap_or_else(PoisonError::into_inner));
}

/// Makes the terminal as it was before, and lets nobody change it afterwards: whoever tries waits for ever. For a
/// signal's thread, right before it ends the process.
pub(super) fn restore_before_exit() {
    let mut saved = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
    restore_saved(&mut saved);
    std::mem::forget(saved);
}

fn restore_saved(saved: &mut Option<Termios>) {
    if let Some(before) = saved.take() {
        // What was pasted beyond the line must not become a command of the shell.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &before);
    }
}
