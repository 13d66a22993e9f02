//! When a person types or pastes what other people pipe in.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
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
    }
    text
}

/// Switches the echo off, if the terminal lets it.
fn hide() -> bool {
    let Ok(before) = tcgetattr(io::stdin()) else {
        return false;
    };
    let mut hidden = before.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
    tcsetattr(io::stdin(), OptionalActions::Flush, &hidden).is_ok()
}

/// Makes the terminal as it was before. Also for the thread that ends the program on a signal.
pub(super) fn restore() {
    let before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(before) = before {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &before);
        let _ = writeln!(io::stderr().lock());
    }
}
