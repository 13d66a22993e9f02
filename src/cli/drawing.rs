//! The emulated device, drawn in the terminal, with its buttons on the keyboard.

use std::io::{self, ErrorKind, stdin};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::time::Timespec;
use saltbridge::emulator::{Device, Effect, Emulator, Model, Press, Screen};
use saltbridge::text::printable;

use super::failure::{CliError, Failure};
use super::terminal::Canvas;

/// How long the keyboard is waited for before the screen is looked at again.
const BLINK: Duration = Duration::from_millis(50);

/// How long the device tells how a review ended.
const STATUS: Duration = Duration::from_secs(3);

/// Shows the device until the person leaves. `title` stands above it.
pub(super) fn run(emulator: &Emulator, title: &[String]) -> Result<(), Failure> {
    let mut canvas = Canvas::take().ok_or(CliError::NoTerminal)?;
    let mut screen = (Screen::default(), Instant::now());
    loop {
        let picture = [title, &emulator.look(draw)].concat();
        let result = canvas.draw(&picture).and_then(|()| key());
        match result {
            Ok(Some(key)) if !press(emulator, key) => return Ok(()),
            Ok(_) => {}
            // The terminal is closed, and nobody there to be told.
            Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe) => return Ok(()),
            Err(error) => {
                let reason = error.to_string();
                return Err(CliError::TerminalFailed { reason }.into());
            }
        }
        let now = emulator.look(Device::screen);
        if now != screen.0 {
            screen = (now, Instant::now());
        } else if screen.1.elapsed() > STATUS {
            emulator.touch(|device| {
                device.rest();
                Vec::new()
            });
        }
    }
}

/// A key of the keyboard, if one is pressed.
fn key() -> io::Result<Option<u8>> {
    let stdin = stdin();
    let mut ready = [PollFd::new(&stdin, PollFlags::IN)];
    let timeout = Timespec {
        tv_sec: 0,
        tv_nsec: BLINK.subsec_nanos().into(),
    };
    match poll(&mut ready, Some(&timeout)) {
        Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(None),
        Ok(_) => {}
        Err(error) => return Err(error.into()),
    }
    // An arrow is three bytes: escape, [, and a letter.
    let mut bytes = [0; 3];
    // Not through the buffer of `stdin()`, into which `poll` does not look.
    let length = rustix::io::read(&stdin, &mut bytes)?;
    Ok(Some(match bytes.get(..length) {
        None | Some([]) => return Err(ErrorKind::UnexpectedEof.into()),
        Some([0x1b, b'[', b'C']) => b'>',
        Some([0x1b, b'[', b'D']) => b'<',
        Some([first, ..]) => *first,
    }))
}

/// Does what the key stands for; whether to go on.
fn press(emulator: &Emulator, key: u8) -> bool {
    let finger = |press: Press| emulator.touch(|device| device.press(press));
    match key {
        b'q' => return false,
        b'<' => finger(Press::Left),
        b'>' | b' ' => finger(Press::Right),
        b'\r' | b'\n' => {
            let has_buttons = emulator.look(|device| device.model().has_buttons());
            match emulator.look(|device| device.toward(true)) {
                Some(_) if has_buttons => finger(Press::Both),
                // On a touch screen the one place that leads on towards approval.
                Some(press) => finger(press),
                None => {}
            }
        }
        b'r' => {
            emulator.decide(false);
        }
        b'l' => emulator.touch(|device| {
            match (device.is_plugged_in(), device.is_locked()) {
                (true, true) => device.unlock(),
                (true, false) => device.lock(),
                (false, _) => {}
            }
            Vec::<Effect>::new()
        }),
        b'o' => emulator.touch(open_or_close),
        b'u' => emulator.touch(|device| match device.is_plugged_in() {
            true => device.unplug(),
            false => device.plug_in(),
        }),
        _ => {}
    }
    true
}

/// The person opens the Ethereum app, or leaves the app that is open.
fn open_or_close(device: &mut Device) -> Vec<Effect> {
    match device.app() {
        _ if device.is_locked() => Vec::new(),
        "BOLOS" => device.open_ethereum(),
        _ => device.close_app(),
    }
}

/// The device as lines: its screen in a frame, and what the keys do.
fn draw(device: &Device) -> Vec<String> {
    let (columns, rows) = match device.model() {
        Model::NanoSPlus | Model::NanoX => (24, 4),
        Model::Stax | Model::Flex | Model::ApexP => (30, 12),
    };
    let Screen { lines } = match device.is_plugged_in() {
        true => device.screen(),
        false => Screen::default(),
    };
    let above = rows.max(lines.len()) - lines.len();
    let empty = std::iter::repeat_n(String::new(), above / 2);
    let text = lines.iter().map(|line| printable(line.trim_end()));
    let below = std::iter::repeat_n(String::new(), above - above / 2);
    let mut picture = vec![format!("  ┌{}┐", "─".repeat(columns + 2))];
    picture.extend(
        empty
            .chain(text)
            .chain(below)
            .map(|line| format!("  │ {line:^columns$} │")),
    );
    picture.push(format!("  └{}┘", "─".repeat(columns + 2)));
    picture.extend(hints(device).map(|line| format!("  {line}")));
    picture
}

/// What the keys do now.
fn hints(device: &Device) -> [String; 2] {
    let answers = match (device.is_asking(), device.model().has_buttons()) {
        (false, _) => "",
        (true, true) => "← → buttons   Enter both   r reject",
        (true, false) => "← → swipe   Enter tap or hold   r reject",
    };
    let lock = if device.is_locked() { "l unlock" } else { "l lock" };
    let app = if device.app() == "BOLOS" {
        "o open app"
    } else {
        "o close app"
    };
    let states = match (device.is_plugged_in(), device.is_locked()) {
        (false, _) => "u plug in   q quit".to_owned(),
        (true, true) => format!("{lock}   u unplug   q quit"),
        (true, false) => format!("{lock}   {app}   u unplug   q quit"),
    };
    [answers.to_owned(), states]
}
