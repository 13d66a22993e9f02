//! What the device's screen shows, as lines of text.
//!
//! The Ethereum app's screens are those of app 1.22.0 under Ledger's emulator Speculos 0.27.1, byte for byte (a line
//! may end with spaces). No recording of that app exists for the Nano X and the Flex: theirs follow from their fonts
//! and the same rules. [`dashboard`], [`locked`], [`other_app`] and [`open_app`] are not recorded for any model; their
//! texts are only plausible. Icons, arrows and page marks without text are left out, and so is the view behind "More".

use super::fonts::{INTER_MEDIUM_32, INTER_MEDIUM_36, NANO_DISPLAY_SEMIBOLD_24, OPEN_SANS_REGULAR_11};
use super::layout::{self, Column};
use super::model::Model;

/// The name of the app that signs.
const ETHEREUM: &str = "Ethereum";

/// The lines of text on the screen, from the top.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Screen {
    /// The lines; those of a message may end with spaces.
    pub lines: Vec<String>,
}

impl Screen {
    /// A screen of these lines.
    fn of<const N: usize>(lines: [&str; N]) -> Self {
        Self {
            lines: lines.map(str::to_owned).to_vec(),
        }
    }

    /// A screen with a title, lines, and more lines below.
    fn with<const N: usize>(title: String, value: Vec<String>, below: [&str; N]) -> Self {
        let mut lines = vec![title];
        lines.extend(value);
        lines.extend(below.map(str::to_owned));
        Self { lines }
    }
}

/// The screens of one question to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Review {
    /// The pages from the first one to the one on which the user approves. Never empty.
    pub(super) pages: Vec<Screen>,
    /// With buttons: the page after the last of `pages`, on which both buttons reject. By touch: the question after a
    /// tap on "Reject"; `None` if a tap on "Cancel" rejects at once.
    pub(super) reject: Option<Screen>,
}

/// How a model sets the text under review.
#[derive(Clone, Copy, Debug)]
struct Style {
    /// Font and width of the lines.
    column: Column,
    /// With buttons: lines on a page, below the title. By touch: lines above which the text is cut.
    lines: usize,
}

/// By touch, the button "More" takes the room of this many lines.
const LINES_OF_MORE: usize = 3;

impl Style {
    /// The style of `model`. Widths are the screen's less a margin on each side: that of Ledger's SDK, but on the Nano
    /// Gen5, where 16 pixels follow from the recorded line breaks. The numbers of lines are the SDK's.
    fn of(model: Model) -> Self {
        let (font, width, lines) = match model {
            Model::NanoSPlus | Model::NanoX => (&OPEN_SANS_REGULAR_11, 128 - 2 * 7, 3),
            Model::Stax => (&INTER_MEDIUM_32, 400 - 2 * 24, 10),
            Model::Flex => (&INTER_MEDIUM_36, 480 - 2 * 32, 9),
            Model::ApexP => (&NANO_DISPLAY_SEMIBOLD_24, 300 - 2 * 16, 9),
        };
        let counts_empty_end = !model.has_buttons();
        Self {
            column: Column {
                font,
                width,
                counts_empty_end,
            },
            lines,
        }
    }
}

/// The Ethereum app waiting for a command.
pub(super) fn home(model: Model) -> Screen {
    other_app(model, ETHEREUM)
}

/// A status after an answer ("Message signed", "Message rejected"): just that line.
pub(super) fn status(_model: Model, text: &str) -> Screen {
    Screen::of([text])
}

/// The review of a personal message. The device shows it as text if all of it is printable ASCII and white space (with
/// buttons, each white-space byte as a space), otherwise as "0x" and lower-case hexadecimal digits.
pub(super) fn message_review(model: Model, message: &[u8]) -> Review {
    let text = message_text(model, message);
    if model.has_buttons() {
        let mut pages = vec![Screen::of(["Review message"])];
        pages.extend(button_pages(model, "Message", &text));
        pages.push(Screen::of(["Sign message"]));
        return Review {
            pages,
            reject: Some(Screen::of(["Reject message"])),
        };
    }
    let Style { column, lines } = Style::of(model);
    let title = "Message".to_owned();
    let middle = if layout::line_count(column, &text) > lines {
        let cut = layout::draw_cut(column, &text, lines.saturating_sub(LINES_OF_MORE));
        Screen::with(title, cut, ["More", "Reject", "2 of 3"])
    } else {
        Screen::with(title, layout::draw(column, &text, None), ["Reject", "2 of 3"])
    };
    Review {
        pages: vec![
            Screen::of(["Review message", "Swipe to review", "Reject", "1 of 3"]),
            middle,
            Screen::of(["Sign message?", "Reject", "3 of 3", "Hold to sign"]),
        ],
        reject: Some(Screen::of(["Reject message?", "Go back to message", "Yes, reject"])),
    }
}

/// The question whether to show `address` to the computer: "0x" and 40 hexadecimal digits, checksummed. Other text is
/// shown likewise.
pub(super) fn address_review(model: Model, address: &str) -> Review {
    if model.has_buttons() {
        let mut pages = vec![Screen::of(["Verify Ethereum", "address"])];
        pages.extend(button_pages(model, "Address", address.as_bytes()));
        pages.push(Screen::of(["Confirm"]));
        return Review {
            pages,
            reject: Some(Screen::of(["Cancel"])),
        };
    }
    let lines = layout::draw(Style::of(model).column, address.as_bytes(), None);
    Review {
        pages: vec![
            Screen::of(["Verify Ethereum", "address", "Swipe to continue", "Cancel", "1 of 2"]),
            Screen::with("Address".to_owned(), lines, ["Cancel", "2 of 2", "Confirm"]),
        ],
        reject: None,
    }
}

/// The dashboard, with no app open. Not recorded.
pub(super) fn dashboard(model: Model) -> Screen {
    Screen::of([model.name(), "Choose an app"])
}

/// The locked device. Not recorded.
pub(super) fn locked(model: Model) -> Screen {
    if model.has_buttons() {
        Screen::of(["Enter your PIN"])
    } else {
        Screen::of(["Unlock your Ledger", "Enter your PIN"])
    }
}

/// The app called `name`, waiting for a command. Recorded only for Ethereum, see [`home`].
pub(super) fn other_app(model: Model, name: &str) -> Screen {
    if model.has_buttons() {
        Screen::of([name, "app is ready"])
    } else {
        let transactions = format!("transactions on the {name}");
        Screen::of([name, "This app enables signing", &transactions, "network.", "Quit app"])
    }
}

/// The dashboard's question whether to open the app called `name`, as the computer asked. Not recorded.
pub(super) fn open_app(model: Model, name: &str) -> Review {
    if model.has_buttons() {
        let pages = vec![Screen::of(["Open app", name]), Screen::of(["Open"])];
        Review {
            pages,
            reject: Some(Screen::of(["Cancel"])),
        }
    } else {
        Review {
            pages: vec![Screen::of(["Open app", name, "Open", "Cancel"])],
            reject: None,
        }
    }
}

/// As C's isspace(): unlike Rust's is_ascii_whitespace(), it counts the vertical tab.
fn space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// Whether a message is shown as text and not in hexadecimal digits.
pub(super) fn is_text(message: &[u8]) -> bool {
    message.iter().all(|&byte| byte.is_ascii_graphic() || space(byte))
}

/// The text that the app shows for `message`.
fn message_text(model: Model, message: &[u8]) -> Vec<u8> {
    if is_text(message) {
        let shown = |byte| if model.has_buttons() && space(byte) { b' ' } else { byte };
        return message.iter().map(|&byte| shown(byte)).collect();
    }
    let mut text = b"0x".to_vec();
    for byte in message {
        text.extend(format!("{byte:02x}").bytes());
    }
    text
}

/// The pages of `text` on a model with buttons, each below `title`; numbered if there are several.
fn button_pages(model: Model, title: &str, text: &[u8]) -> Vec<Screen> {
    let Style { column, lines } = Style::of(model);
    let pages = layout::pages(column, text, lines);
    // The device keeps this number in one byte: what follows the last page so counted is never shown.
    let count = pages.len() % 256;
    let shown = pages.into_iter().take(count.max(1)).enumerate();
    shown
        .map(|(index, page)| {
            let title = if count == 1 {
                title.to_owned()
            } else {
                format!("{title} ({}/{count})", index + 1)
            };
            Screen::with(title, layout::draw(column, page, Some(lines)), [])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Model, address_review, home, locked, message_review, open_app, status};

    #[test]
    fn every_model_shows_something_everywhere() {
        for model in Model::ALL {
            assert!(!home(model).lines.is_empty());
            assert!(!locked(model).lines.is_empty());
            assert_eq!(status(model, "Message signed").lines, ["Message signed"]);
            for review in [message_review(model, b"x"), address_review(model, "0x00"), open_app(model, "Ethereum")] {
                assert!(review.pages.iter().all(|page| !page.lines.is_empty()));
                assert!(!review.pages.is_empty());
            }
        }
    }

    #[test]
    fn models_with_the_same_font_show_the_same() {
        let message =
            b"Sign this to retrieve your encryption key.\n\nSalt:aRxBI8hQ5TObwLiUTERRio5d2veGKhdzC86wbh2z14Q=";
        assert_eq!(message_review(Model::NanoX, message), message_review(Model::NanoSPlus, message));
        assert_eq!(message_review(Model::Flex, message).pages.len(), 3);
    }

    #[test]
    fn white_space_is_text_and_other_control_bytes_are_not() {
        let message = |bytes: &[u8]| {
            message_review(Model::NanoSPlus, bytes)
                .pages
                .into_iter()
                .nth(1)
                .unwrap()
                .lines
        };
        assert_eq!(message(b"a\x0b\x0cb"), ["Message", "a  b"]);
        assert_eq!(message(b"a\x7f"), ["Message", "0x617f"]);
        assert_eq!(message(b"\x1f"), ["Message", "0x1f"]);
        let touch = message_review(Model::Stax, b"a\x0b\x0cb")
            .pages
            .into_iter()
            .nth(1)
            .unwrap()
            .lines;
        assert_eq!(touch, ["Message", "a", "Reject", "2 of 3"]);
    }

    #[test]
    fn pages_are_counted_in_one_byte() {
        let pages = |count: usize| message_review(Model::NanoX, &b"W".repeat(33 * count)).pages;
        assert_eq!(pages(255).len(), 2 + 255);
        assert_eq!(pages(257).len(), 2 + 1);
        assert_eq!(pages(258).len(), 2 + 2);
    }
}
