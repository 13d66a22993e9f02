//! When a person types or pastes what other people pipe in.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};

use rustix::termios::{
    LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, tcflush, tcgetattr, tcgetwinsize, tcsetattr,
};
use saltbridge::files::{Input, InputError, Source};
use zeroize::Zeroizing;

use super::report::Report;

/// The terminal as it was before it was changed.
static BEFORE: Mutex<Option<Before>> = Mutex::new(None);

struct Before {
    modes: Termios,
    /// Whether something is drawn on the alternate screen.
    drawn: bool,
}

/// To the alternate screen, the cursor hidden; and back (xterm's control sequences, DECSET 1049 and 25).
const DRAWING: &str = "\x1b[?1049h\x1b[?25l";
const DRAWN: &str = "\x1b[?25h\x1b[?1049l";

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

/// Asks, and waits for Enter at the terminal; false where it closes instead. What was typed before the question is
/// thrown away: it was no answer to it.
pub(super) fn enter_was_pressed_after(ask: impl FnOnce()) -> bool {
    let _ = tcflush(io::stdin(), QueueSelector::IFlush);
    ask();
    let mut line = String::new();
    io::stdin().read_line(&mut line).is_ok_and(|bytes| bytes > 0)
}

/// A screen to draw on, and the keyboard key by key: no echo, no waiting for Enter. As before when it is dropped.
pub(super) struct Canvas {
    shown: String,
}

impl Canvas {
    /// Nothing if standard input is no terminal.
    pub(super) fn take() -> Option<Self> {
        let alter = |modes: &mut Termios| {
            modes.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON);
            forbid_stopping(modes);
        };
        change(true, alter).then(|| Self { shown: String::new() })
    }

    /// Draws these lines, as far as there is room, unless they are there already.
    pub(super) fn draw(&mut self, lines: &[String]) -> io::Result<()> {
        // A terminal that does not tell its size has none.
        let size = tcgetwinsize(io::stderr())
            .ok()
            .filter(|size| size.ws_row > 0 && size.ws_col > 0);
        let (rows, columns): (usize, usize) = size.map_or((24, 80), |size| (size.ws_row.into(), size.ws_col.into()));
        let mut text = String::from("\x1b[H");
        for line in lines.iter().take(rows.saturating_sub(1)) {
            text.extend(line.chars().take(columns));
            text.push_str("\x1b[K\r\n");
        }
        text.push_str("\x1b[J");
        if text != self.shown {
            io::stderr().lock().write_all(text.as_bytes())?;
            self.shown = text;
        }
        Ok(())
    }
}

impl Drop for Canvas {
    fn drop(&mut self) {
        restore();
    }
}

/// Switches the echo off, if the terminal lets it.
fn hide() -> bool {
    change(false, |modes| {
        modes.local_modes.remove(LocalModes::ECHO);
        forbid_stopping(modes);
    })
}

/// A shell that takes over while the program is stopped would switch the echo on again, and leave it so.
fn forbid_stopping(modes: &mut Termios) {
    // Zero is what no key sends (termios(3): _POSIX_VDISABLE).
    modes.special_codes[SpecialCodeIndex::VSUSP] = 0;
}

/// Changes the terminal's modes until they are restored, if the terminal lets it; with `drawn` the screen, too.
fn change(drawn: bool, alter: impl FnOnce(&mut Termios)) -> bool {
    // Locked until it is done, so that a signal's thread comes before or after, and never between.
    let mut saved = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
    let Ok(before) = tcgetattr(io::stdin()) else {
        return false;
    };
    let mut altered = before.clone();
    alter(&mut altered);
    *saved = Some(Before { modes: before, drawn });
    if drawn {
        let _ = io::stderr().lock().write_all(DRAWING.as_bytes());
    }
    tcsetattr(io::stdin(), OptionalActions::Flush, &altered).is_ok()
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

fn restore_saved(saved: &mut Option<Before>) {
    if let Some(Before { modes, drawn }) = saved.take() {
        if drawn {
            let _ = io::stderr().lock().write_all(DRAWN.as_bytes());
        }
        // What was pasted beyond the line must not become a command of the shell.
        let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &modes);
    }
}
