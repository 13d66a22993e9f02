//! Ledger's USB framing: a command in 64-byte HID reports, and its answer out of them.
//!
//! Pure: reports in, answers out. What carries the reports is not here.
//!
//! A report is: channel (2 bytes), tag `05`, sequence number (2 bytes, from 0), in the first one the length of the
//! command or answer (2 bytes), then data; all numbers big-endian (recorded from Ledger's own code, see
//! `tests/vectors/README.md`, `hid_recordings`). There is no other sign of which answer belongs to which command, so
//! every command goes out on a channel of its own: the device answers on it (recorded), and what comes on another one
//! belongs to somebody else.
//!
//! Refuses: an answer that is not exactly what the framing allows. What lies behind the end of an answer in its last
//! report is no part of it, whatever it is.

use zeroize::{Zeroize as _, Zeroizing};

/// The length of a report in bytes, without a report identifier.
pub const REPORT: usize = 64;

const TAG: u8 = 0x05;

/// The bytes before the data: channel, tag, sequence number.
const HEAD: usize = 5;

/// The longest command in bytes: 5 before the data, at most 255 of data (ISO 7816-4, short form), and Le.
const LONGEST_COMMAND: usize = 261;

/// The longest answer in bytes: 256 of data (ISO 7816-4, short form) and the status word.
const LONGEST_ANSWER: usize = 258;

/// The shortest answer in bytes: a status word.
const SHORTEST_ANSWER: usize = 2;

/// The number on which a command and its answer travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channel(pub u16);

/// The reports of one command, wiped on drop.
pub struct Request(Vec<Zeroizing<[u8; REPORT]>>);

impl Request {
    /// Puts a command into reports, zeros behind it.
    ///
    /// # Errors
    /// [`FramingError::CommandLength`] if it is empty or has more than 261 bytes.
    pub fn new(channel: Channel, command: &[u8]) -> Result<Self, FramingError> {
        let length = match u16::try_from(command.len()) {
            Ok(length @ 1..) if command.len() <= LONGEST_COMMAND => length,
            _ => return Err(FramingError::CommandLength { bytes: command.len() }),
        };
        let framed = Zeroizing::new([length.to_be_bytes().as_slice(), command].concat());
        let reports = (0_u16..).zip(framed.chunks(REPORT - HEAD)).map(|(sequence, chunk)| {
            let [c0, c1] = channel.0.to_be_bytes();
            let [s0, s1] = sequence.to_be_bytes();
            let head = [c0, c1, TAG, s0, s1];
            let mut report = Zeroizing::new([0; REPORT]);
            for (place, byte) in report.iter_mut().zip(head.iter().chain(chunk)) {
                *place = *byte;
            }
            report
        });
        Ok(Self(reports.collect()))
    }

    /// The reports, in the order in which they are sent.
    pub fn reports(&self) -> impl ExactSizeIterator<Item = &[u8; REPORT]> {
        self.0.iter().map(|report| &**report)
    }
}

/// An answer that is put together out of reports.
pub struct Assembly {
    channel: Channel,
    /// The sequence number of the report that must come next.
    next: u16,
    /// Known with the first report.
    length: usize,
    /// Never grows, so that it leaves no copies behind.
    data: Zeroizing<Vec<u8>>,
}

/// What a report did for an answer.
#[derive(PartialEq, Eq)]
pub enum Progress {
    /// More of it must come.
    More,
    /// It is complete: data and status word.
    Done(Zeroizing<Vec<u8>>),
    /// The report belongs to a command of somebody else, or to one that nobody waits for any more.
    OtherChannel,
}

impl Assembly {
    /// The answer to a command that was sent on this channel.
    pub fn new(channel: Channel) -> Self {
        Self {
            channel,
            next: 0,
            length: 0,
            data: Zeroizing::new(Vec::with_capacity(LONGEST_ANSWER)),
        }
    }

    /// Takes the next report. After an error, and after [`Progress::Done`], this answer takes no more.
    ///
    /// # Errors
    /// [`FramingError`]: what follows cannot be trusted to be the answer, and the device is to be opened anew.
    pub fn take(&mut self, report: &[u8]) -> Result<Progress, FramingError> {
        let Ok(&[c0, c1, tag, s0, s1, ref rest @ ..]) = <&[u8; REPORT]>::try_from(report) else {
            return Err(FramingError::ReportLength { bytes: report.len() });
        };
        if [c0, c1] != self.channel.0.to_be_bytes() {
            return Ok(Progress::OtherChannel);
        }
        if tag != TAG {
            return Err(FramingError::Tag { found: tag });
        }
        let sequence = u16::from_be_bytes([s0, s1]);
        if sequence != self.next {
            return Err(FramingError::Sequence {
                expected: self.next,
                found: sequence,
            });
        }
        let mut chunk = rest.as_slice();
        if sequence == 0 {
            let [l0, l1, first @ ..] = rest;
            self.length = usize::from(u16::from_be_bytes([*l0, *l1]));
            if !(SHORTEST_ANSWER..=LONGEST_ANSWER).contains(&self.length) {
                return Err(FramingError::AnswerLength { bytes: self.length });
            }
            chunk = first;
        }
        let missing = self.length.saturating_sub(self.data.len());
        self.data.extend(chunk.iter().take(missing));
        if self.data.len() < self.length {
            // At most five reports make an answer.
            self.next += 1;
            return Ok(Progress::More);
        }
        // No report carries this number, so that nothing is taken after the end.
        self.next = u16::MAX;
        Ok(Progress::Done(std::mem::take(&mut self.data)))
    }
}

impl Drop for Assembly {
    fn drop(&mut self) {
        self.data.zeroize();
    }
}

/// Why reports make no command or no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FramingError {
    /// An empty command, or one that no short APDU holds.
    #[error("a command of {bytes} bytes, not 1 to {LONGEST_COMMAND}")]
    CommandLength {
        /// Its length.
        bytes: usize,
    },
    /// A report of another size.
    #[error("a report of {bytes} bytes, not {REPORT}")]
    ReportLength {
        /// Its length.
        bytes: usize,
    },
    /// A report that carries no part of an answer.
    #[error("a report with the tag {found:02x}, not {TAG:02x}")]
    Tag {
        /// The tag.
        found: u8,
    },
    /// A report is missing, or came twice.
    #[error("report {found} of an answer, not {expected}")]
    Sequence {
        /// The number that was due.
        expected: u16,
        /// The number that came.
        found: u16,
    },
    /// An answer without status word, or a longer one than a short APDU may have.
    #[error("an answer of {bytes} bytes, not {SHORTEST_ANSWER} to {LONGEST_ANSWER}")]
    AnswerLength {
        /// Its length, as announced.
        bytes: usize,
    },
}
