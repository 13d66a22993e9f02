//! Text from outside, made safe to print.
//!
//! File names, messages inside envelopes and field values may hold escape sequences that repaint a terminal, or
//! invisible characters that make one text look like another. Whatever saltbridge prints of them passes through here.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::Path;

/// At most this many characters of one text from outside are printed.
const LONGEST: usize = 300;

/// `text` with control, direction and invisible characters escaped as in Rust (`\n`, `\u{1b}`), cut after 300 characters.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(LONGEST) + 8);
    for (count, c) in text.chars().enumerate() {
        if count == LONGEST {
            out.push('…');
            break;
        }
        push_printable(&mut out, c);
    }
    out
}

/// The same, not cut: for what a person must read to its end.
pub fn printable_whole(text: &str) -> String {
    printable_name(OsStr::new(text))
}

/// The same for a file name, whose bytes need not be UTF-8: other bytes are shown as `\xNN`. Not cut, so that the name
/// of a file that was written is always shown whole.
pub fn printable_name(name: &OsStr) -> String {
    let mut out = String::with_capacity(name.len());
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            push_printable(&mut out, c);
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

/// The same for a path.
pub fn printable_path(path: &Path) -> String {
    printable_name(path.as_os_str())
}

/// The text of a JSON document with the same characters escaped as JSON escapes them (RFC 8259, section 7): the same
/// document, safe to show. Line ends stay.
pub fn escape_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if (c.is_control() && c != '\n') || is_invisible(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

fn push_printable(out: &mut String, c: char) {
    if c.is_control() || is_invisible(c) {
        out.extend(c.escape_default());
    } else {
        out.push(c);
    }
}

/// Characters without a shape of their own, or that turn the direction of writing (Unicode Standard Annex #9).
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt as _;

    #[test]
    fn plain_text_stays_as_it_is() {
        assert_eq!(printable("Grüße, 世界: a+b/c="), "Grüße, 世界: a+b/c=");
    }

    #[test]
    fn what_could_repaint_a_terminal_is_escaped() {
        assert_eq!(printable("a\n\x1b[2Jb"), "a\\n\\u{1b}[2Jb");
        assert_eq!(printable("\u{9b}31m"), "\\u{9b}31m");
    }

    #[test]
    fn what_could_hide_or_turn_text_is_escaped() {
        assert_eq!(printable("exe\u{202e}txt"), "exe\\u{202e}txt");
        assert_eq!(printable("a\u{200b}b"), "a\\u{200b}b");
    }

    #[test]
    fn json_stays_the_same_document_when_it_is_escaped() {
        let text = "a\u{9b}\u{202e}\u{e0041}é\n\t";
        let json = serde_json::json!({ "x": text });
        let escaped = escape_json(&serde_json::to_string_pretty(&json).unwrap());
        assert!(escaped.contains("\\u009b\\u202e\\udb40\\udc41é"), "{escaped}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).unwrap(), json);
    }

    #[test]
    fn long_text_is_cut_and_says_so() {
        let shown = printable(&"x".repeat(5000));
        assert_eq!(shown.chars().count(), LONGEST + 1);
        assert!(shown.ends_with('…'));
    }

    #[test]
    fn file_names_need_not_be_utf8() {
        assert_eq!(printable_name(OsStr::from_bytes(b"a\xffb\x1b")), "a\\xffb\\u{1b}");
    }
}
