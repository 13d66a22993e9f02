//! Character widths of the fonts in which the screens show messages and addresses.
//!
//! Source: Ledger's fonts of API level 25, as shipped in Speculos 0.27.1 (`C_nbgl_fonts` in its shared libraries). The
//! Nano S Plus and the Nano X have the same font. Only widths are needed, since only line breaks are computed; other
//! texts of the screens are fixed and need no font.

/// The widths of one font's characters.
#[derive(Debug)]
pub(super) struct Font {
    /// Pixels a character takes, space (0x20) to tilde (0x7e); the font's kerning is already subtracted.
    widths: [u8; 95],
}

impl Font {
    /// The pixels that `byte` takes in a line: 0 for whatever is not printable ASCII, which these fonts do not draw.
    pub(super) fn width(&self, byte: u8) -> u32 {
        let index = usize::from(byte).checked_sub(0x20);
        index
            .and_then(|index| self.widths.get(index))
            .copied()
            .map_or(0, u32::from)
    }
}

/// Open Sans Regular, 11 pixels: page text of the Nano S Plus and the Nano X.
#[rustfmt::skip]
pub(super) static OPEN_SANS_REGULAR_11: Font = Font {
    widths: [
        3, 3, 4, 7, 6, 9, 9, 2, 3, 3, 6, 6, 3, 4, 3, 4,
        6, 6, 6, 6, 8, 6, 6, 6, 6, 6, 3, 3, 6, 6, 6, 5,
        10, 7, 7, 7, 8, 6, 6, 8, 8, 3, 3, 7, 6, 10, 8, 9,
        7, 9, 7, 6, 7, 8, 7, 10, 7, 6, 6, 4, 4, 4, 6, 5,
        6, 6, 7, 5, 7, 6, 5, 6, 7, 3, 3, 6, 3, 10, 7, 7,
        7, 7, 4, 5, 4, 7, 6, 9, 6, 6, 5, 4, 6, 4, 6,
    ],
};

/// Inter Medium, 32 pixels: values on the Stax.
#[rustfmt::skip]
pub(super) static INTER_MEDIUM_32: Font = Font {
    widths: [
        8, 9, 13, 20, 21, 27, 21, 7, 12, 12, 17, 21, 9, 15, 9, 12,
        21, 15, 20, 21, 21, 20, 20, 19, 20, 20, 9, 9, 21, 21, 21, 17,
        31, 22, 21, 24, 23, 19, 19, 24, 24, 15, 18, 21, 18, 29, 24, 25,
        20, 25, 21, 21, 21, 24, 22, 31, 21, 22, 20, 12, 12, 12, 15, 15,
        16, 18, 20, 18, 20, 19, 12, 20, 19, 8, 8, 18, 9, 28, 19, 19,
        20, 20, 12, 17, 12, 19, 18, 26, 18, 18, 18, 12, 11, 12, 21,
    ],
};

/// Inter Medium, 36 pixels: values on the Flex.
#[rustfmt::skip]
pub(super) static INTER_MEDIUM_36: Font = Font {
    widths: [
        10, 11, 14, 23, 23, 30, 23, 8, 14, 14, 19, 24, 10, 17, 10, 13,
        23, 17, 22, 23, 24, 22, 23, 21, 23, 23, 10, 10, 24, 24, 24, 19,
        35, 25, 24, 26, 26, 22, 21, 27, 27, 16, 20, 24, 20, 32, 27, 28,
        23, 28, 23, 23, 23, 27, 25, 35, 24, 25, 23, 14, 13, 14, 17, 17,
        18, 21, 23, 20, 23, 21, 13, 22, 22, 9, 9, 20, 10, 32, 22, 22,
        22, 22, 14, 19, 13, 21, 20, 30, 20, 20, 20, 14, 12, 14, 24,
    ],
};

/// Nano Display Semibold, 24 pixels: values on the Nano Gen5.
#[rustfmt::skip]
pub(super) static NANO_DISPLAY_SEMIBOLD_24: Font = Font {
    widths: [
        6, 7, 13, 15, 16, 24, 16, 8, 9, 9, 13, 16, 8, 11, 8, 9,
        16, 10, 15, 15, 16, 15, 15, 14, 15, 15, 8, 8, 16, 16, 16, 13,
        24, 17, 16, 18, 17, 15, 14, 17, 18, 11, 14, 17, 14, 22, 18, 18,
        15, 19, 16, 16, 15, 18, 17, 25, 17, 17, 16, 9, 9, 9, 12, 11,
        8, 14, 15, 14, 15, 14, 9, 15, 15, 5, 6, 14, 7, 21, 15, 15,
        15, 15, 10, 13, 8, 15, 14, 20, 14, 14, 14, 11, 9, 11, 16,
    ],
};
