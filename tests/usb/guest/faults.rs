//! What a device, or what is between it and the host, may do wrong. Between the reports and the emulator; pure.

use std::time::Duration;

use saltbridge::emulator::REPORT;

const TAG: u8 = 0x05;
const SIGN_PERSONAL_MESSAGE: [u8; 2] = [0xe0, 0x08];
/// A signature and the status word, in bytes.
const SIGNATURE_ANSWER: usize = 67;
const REFUSED: [u8; 2] = [0x69, 0x85];

/// Something that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The device takes reports and answers nothing; they never reach the emulator.
    Silent,
    /// Each report to the host is this late.
    Slow(Duration),
    /// These bytes of an earlier answer stand before the status word.
    LeftOver(Vec<u8>),
    /// Before the answer comes a report of no exchange that is going on.
    Stray(Stray),
    /// The last report of the answer has only this many bytes.
    Short(usize),
    /// The answer goes on behind the length that it announced, by one report.
    TooLong,
    /// The device is this slow to take each report.
    TakesSlowly(Duration),
    /// A bit of each signature is another one: as if another key had signed.
    FlippedBit,
    /// The device refuses to sign at once, and shows nothing.
    InstantRefusal,
}

/// What is wrong with a stray report. The rest of it is as in the answer that it comes before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stray {
    Channel,
    Tag,
    Sequence,
}

/// What becomes of a report from the host.
#[derive(Debug, PartialEq, Eq)]
pub enum FromHost {
    /// The device gets it.
    Passes,
    /// It does not.
    IsLost,
    /// It does not, and these reports are the answer.
    IsAnswered(Vec<Vec<u8>>),
}

/// The faults that are switched on, and how far the conversation has come.
#[derive(Default)]
pub struct Faults {
    active: Option<Fault>,
    /// It ends with the next answer.
    once: bool,
    /// Bytes of the refused request that are still to come.
    refusing: usize,
    /// The answer that is on its way: its reports so far, and how many of its bytes are still to come.
    answer: Vec<[u8; REPORT]>,
    missing: usize,
}

impl Faults {
    /// Switches a fault on, for the next answer or until another one; or all off.
    pub fn set(&mut self, fault: Option<Fault>, once: bool) {
        *self = Self {
            active: fault,
            once,
            ..Self::default()
        };
    }

    /// How late each report is.
    pub fn delay(&self) -> Duration {
        match self.active {
            Some(Fault::Slow(delay)) => delay,
            _ => Duration::ZERO,
        }
    }

    /// How long it takes until a report from the host is taken.
    pub fn taking(&self) -> Duration {
        match self.active {
            Some(Fault::TakesSlowly(time)) => time,
            _ => Duration::ZERO,
        }
    }

    /// A report from the host.
    pub fn take(&mut self, report: &[u8; REPORT]) -> FromHost {
        match self.active {
            Some(Fault::Silent) => FromHost::IsLost,
            Some(Fault::InstantRefusal) => self.refuse(report),
            _ => FromHost::Passes,
        }
    }

    fn refuse(&mut self, report: &[u8; REPORT]) -> FromHost {
        if self.refusing > 0 {
            self.refusing = self.refusing.saturating_sub(REPORT - 5);
        } else if report[2..5] == [TAG, 0, 0] && report[7..9] == SIGN_PERSONAL_MESSAGE {
            self.refusing = announced(report).saturating_sub(REPORT - 7);
        } else {
            return FromHost::Passes;
        }
        if self.refusing > 0 {
            return FromHost::IsLost;
        }
        self.answered();
        FromHost::IsAnswered(frames([report[0], report[1]], &REFUSED))
    }

    /// The reports that the host gets instead of this one.
    pub fn give(&mut self, report: [u8; REPORT]) -> Vec<Vec<u8>> {
        let is_first = self.answer.is_empty();
        self.missing = if is_first {
            announced(&report).saturating_sub(REPORT - 7)
        } else {
            self.missing.saturating_sub(REPORT - 5)
        };
        self.answer.push(report);
        let is_last = self.missing == 0;
        let mut sent = vec![report.to_vec()];
        match &self.active {
            Some(Fault::Stray(stray)) if is_first => sent.insert(0, strayed(report, *stray)),
            Some(Fault::FlippedBit) if is_first && announced(&report) == SIGNATURE_ANSWER => sent[0][20] ^= 1,
            Some(Fault::Short(length)) if is_last => sent[0].truncate(*length),
            Some(Fault::TooLong) if is_last => sent.push(next_after(report)),
            Some(Fault::LeftOver(bytes)) => {
                sent.clear();
                if is_last {
                    let (data, status) = split(&self.answer);
                    sent = frames([report[0], report[1]], &[&data, bytes.as_slice(), &status].concat());
                }
            }
            _ => {}
        }
        if is_last {
            self.answer.clear();
            self.answered();
        }
        sent
    }

    fn answered(&mut self) {
        if self.once {
            self.active = None;
        }
    }
}

/// The length in the first report of a message.
fn announced(report: &[u8; REPORT]) -> usize {
    usize::from(u16::from_be_bytes([report[5], report[6]]))
}

/// An answer's data and its status word.
fn split(reports: &[[u8; REPORT]]) -> (Vec<u8>, Vec<u8>) {
    let framed = reports.iter().flat_map(|report| &report[5..]);
    let mut data: Vec<u8> = framed.skip(2).copied().take(announced(&reports[0])).collect();
    let status = data.split_off(data.len() - 2);
    (data, status)
}

fn strayed(mut report: [u8; REPORT], stray: Stray) -> Vec<u8> {
    match stray {
        Stray::Channel => report[0] ^= 0xff,
        Stray::Tag => report[2] = 0x02,
        Stray::Sequence => report[4] = report[4].wrapping_add(3),
    }
    report.to_vec()
}

fn next_after(mut report: [u8; REPORT]) -> Vec<u8> {
    report[4] = report[4].wrapping_add(1);
    report[5..].fill(0xee);
    report.to_vec()
}

/// A message in reports, as Ledger frames it: channel, tag, sequence, and in the first report the length.
pub fn frames(channel: [u8; 2], message: &[u8]) -> Vec<Vec<u8>> {
    let length = u16::try_from(message.len()).unwrap();
    let framed = [&length.to_be_bytes(), message].concat();
    let chunks = framed.chunks(REPORT - 5);
    (0_u16..)
        .zip(chunks)
        .map(|(sequence, chunk)| {
            let mut report = [&channel[..], &[TAG], &sequence.to_be_bytes(), chunk].concat();
            report.resize(REPORT, 0);
            report
        })
        .collect()
}
