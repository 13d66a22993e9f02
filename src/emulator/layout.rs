//! Line breaks, as Ledger's SDK v25 makes them.
//!
//! A text is bytes of ASCII; widths are pixels. A line feed ends a line, a form feed ends the text, other bytes outside
//! printable ASCII take no room and are not drawn. A word that does not fit goes to the next line, a word longer than a
//! line is broken where the line is full, and a line keeps the space at its end. The SDK counts lines by one rule
//! (`next_line`) and draws them by another (`line`); they differ when a line begins with a break, and so what a page
//! repeats or leaves out there is the device's doing. So is the one byte in which it counts the lines to draw.

use super::fonts::Font;

/// What the device appends to a text that it cuts.
const ELLIPSIS: &str = "...";

/// Whether a line may be broken after `byte`.
fn breaks(byte: u8) -> bool {
    matches!(byte, b' ' | b'-' | b'_')
}

/// A font and the width of the lines set in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    /// The font of all lines.
    pub(super) font: &'static Font,
    /// The pixels a line may take.
    pub(super) width: u32,
    /// Whether what follows the last line break counts as a line even if it is empty.
    pub(super) counts_empty_end: bool,
}

/// The first line of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line {
    /// Its bytes; the line feed or form feed that ended it is not among them.
    length: usize,
    /// Its pixels; without the break at its end if a word was moved to the next line.
    width: u32,
}

/// Where the second line of `text` begins, as the device counts lines; `None` if there is only one.
fn next_line(column: Column, text: &[u8]) -> Option<usize> {
    let mut after_break = None;
    let mut width = 0;
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            b'\n' => return Some(at + 1),
            b'\x0c' => return None,
            _ if breaks(byte) => after_break = Some(at + 1),
            _ => {}
        }
        width += column.font.width(byte);
        // The first character stays, or one wider than the line would be left for the next line for ever.
        if width > column.width && at > 0 {
            return after_break.or(Some(at));
        }
    }
    None
}

/// The first line of `text`, as the device draws it.
fn line(column: Column, text: &[u8]) -> Line {
    let mut last_break = None;
    let mut width = 0;
    for (at, &byte) in text.iter().enumerate() {
        if matches!(byte, b'\n' | b'\x0c') {
            return Line { length: at, width };
        }
        // A break at the very beginning of a line is no place to break for the drawing code.
        if breaks(byte) && width > 0 {
            last_break = Some(Line { length: at + 1, width });
        }
        let wider = width + column.font.width(byte);
        if wider > column.width && at > 0 {
            return last_break.unwrap_or(Line { length: at, width });
        }
        width = wider;
    }
    Line {
        length: text.len(),
        width,
    }
}

/// How many lines `text` has.
pub(super) fn line_count(column: Column, text: &[u8]) -> usize {
    let mut count = 1;
    let mut rest = text;
    while let Some(next) = next_line(column, rest) {
        rest = rest.get(next..).unwrap_or_default();
        count += 1;
    }
    if rest.is_empty() && !column.counts_empty_end {
        count - 1
    } else {
        count
    }
}

/// What remains of `text` at the beginning of each page of `lines` lines; at least one page.
pub(super) fn pages(column: Column, text: &[u8], lines: usize) -> Vec<&[u8]> {
    let mut pages = vec![text];
    let mut rest = text;
    let mut count = 0;
    while let Some(next) = next_line(column, rest) {
        rest = rest.get(next..).unwrap_or_default();
        count += 1;
        if count == lines {
            pages.push(rest);
            count = 0;
        }
    }
    pages
}

/// The lines of `text` as drawn, at most `limit` of them. A line without anything to see is left out.
pub(super) fn draw(column: Column, text: &[u8], limit: Option<usize>) -> Vec<String> {
    lines(column, text, limit, false)
}

/// The first `limit` lines of a longer `text` as drawn, with "..." at the end of the last one. The last three
/// characters of that line make room for it if they must.
pub(super) fn draw_cut(column: Column, text: &[u8], limit: usize) -> Vec<String> {
    lines(column, text, Some(limit), true)
}

/// The lines of `text`. If `cut`, line number `limit` ends with "...", unless a line feed ends it.
fn lines(column: Column, text: &[u8], limit: Option<usize>, cut: bool) -> Vec<String> {
    // The device keeps this number in one byte.
    let counted = line_count(column, text) % 256;
    let count = limit.map_or(counted, |limit| limit.min(counted));
    let mut drawn = Vec::with_capacity(count);
    let mut rest = text;
    for number in 1..=count {
        let Line { mut length, width } = line(column, rest);
        let full = cut && limit == Some(number) && rest.get(length) != Some(&b'\n');
        if full && width + ellipsis_width(column) >= column.width {
            length = length.saturating_sub(ELLIPSIS.len());
        }
        let (shown, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        let mut shown = visible(shown);
        if full {
            shown.push_str(ELLIPSIS);
        }
        if !shown.is_empty() {
            drawn.push(shown);
        }
        rest = after.strip_prefix(b"\n").unwrap_or(after);
    }
    drawn
}

/// The pixels "..." takes.
fn ellipsis_width(column: Column) -> u32 {
    ELLIPSIS.bytes().map(|byte| column.font.width(byte)).sum()
}

/// The characters of `text` that are drawn.
fn visible(text: &[u8]) -> String {
    text.iter()
        .filter(|byte| matches!(byte, b' '..=b'~'))
        .map(|&byte| char::from(byte))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::fonts::OPEN_SANS_REGULAR_11;
    use super::{Column, draw, draw_cut, line_count, pages};

    /// Nine pixels: three times `i` or space (3 pixels each), once `w` (9 pixels).
    const NARROW: Column = Column {
        font: &OPEN_SANS_REGULAR_11,
        width: 9,
        counts_empty_end: true,
    };

    #[test]
    fn words_move_and_long_words_break() {
        assert_eq!(draw(NARROW, b"i ii", None), ["i ", "ii"]);
        assert_eq!(draw(NARROW, b"iiiiiii", None), ["iii", "iii", "i"]);
        assert_eq!(draw(NARROW, b"ii  w", None), ["ii  ", "w"]);
        assert_eq!(draw(NARROW, b"", None), Vec::<String>::new());
        assert_eq!(line_count(NARROW, b""), 1);
        assert_eq!(line_count(NARROW, b"iii "), 2);
        let column = Column {
            counts_empty_end: false,
            ..NARROW
        };
        assert_eq!(line_count(column, b""), 0);
        assert_eq!(line_count(column, b"iii "), 1);
    }

    #[test]
    fn line_feeds_end_lines_and_form_feeds_end_the_text() {
        assert_eq!(draw(NARROW, b"i\r\n\n i\ti", None), ["i", " ii"]);
        assert_eq!(draw(NARROW, b"i\x0ci", None), ["i"]);
        assert_eq!(line_count(NARROW, b"i\n"), 2);
    }

    #[test]
    fn a_line_that_begins_with_a_break_is_counted_and_drawn_differently() {
        assert_eq!(line_count(NARROW, b" iiii"), 3);
        assert_eq!(draw(NARROW, b" iiii", None), [" ii", "ii"]);
    }

    #[test]
    fn a_text_fills_pages() {
        assert_eq!(pages(NARROW, b"iiiiiii", 2), [&b"iiiiiii"[..], b"i"]);
        assert_eq!(pages(NARROW, b"iiiiii", 2), [&b"iiiiii"[..]]);
        assert_eq!(pages(NARROW, b"", 2), [&b""[..]]);
    }

    #[test]
    fn a_cut_text_ends_with_three_dots() {
        let column = Column { width: 18, ..NARROW };
        assert_eq!(draw_cut(column, b"iiiiii iii", 1), ["iiii..."]);
        assert_eq!(draw_cut(column, b"ii wwww", 1), ["ii ..."]);
        assert_eq!(draw_cut(column, b"ii\nwwww", 1), ["ii"]);
    }

    #[test]
    fn more_than_255_lines_are_counted_in_one_byte() {
        assert_eq!(draw(NARROW, &b"i\n".repeat(256), Some(3)), ["i"]);
        assert_eq!(draw(NARROW, &b"i\n".repeat(254), Some(3)).len(), 3);
    }

    #[test]
    fn a_line_too_narrow_for_a_character_still_ends() {
        let column = Column { width: 1, ..NARROW };
        assert_eq!(line_count(column, b"ww"), 2);
        assert_eq!(draw(column, b"ww", None), ["w", "w"]);
    }
}
