//! The device's end of Ledger's USB framing: 64-byte HID reports in, 64-byte reports out.
//!
//! Promises: answers reports as the firmware with app 1.22.0 was recorded to, the wedge included: a request that is
//! broken off half-way blocks the device until its missing reports arrive. Pure: what carries the reports is not here.

use super::device::{Device, Effect};

/// The length of a report in bytes, without a report identifier.
pub const REPORT: usize = 64;

const TAG: u8 = 0x05;

/// The longest command that the device takes, in bytes.
const LONGEST: usize = 260;

/// A device behind HID reports.
pub struct HidDevice {
    device: Device,
    /// That of the last report: the device answers on it.
    channel: [u8; 2],
    request: Option<Request>,
}

/// A command of which some reports may still be missing.
struct Request {
    length: usize,
    bytes: Vec<u8>,
    next: u16,
}

/// What the host sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HidEffect {
    /// The device sends this report.
    Report([u8; REPORT]),
    /// It disappears from the bus, see [`Effect::LinkDrops`].
    LinkDrops,
    /// It appears on the bus.
    PluggedIn,
}

impl HidDevice {
    /// Puts a device behind reports.
    pub fn new(device: Device) -> Self {
        Self {
            device,
            channel: [1, 1],
            request: None,
        }
    }

    /// A report from the host.
    pub fn report(&mut self, report: &[u8; REPORT]) -> Vec<HidEffect> {
        let Some(command) = self.take(report) else {
            return Vec::new();
        };
        let effects = self.device.command(&command);
        self.in_reports(effects)
    }

    /// Something is done to the device itself.
    pub fn touch(&mut self, action: impl FnOnce(&mut Device) -> Vec<Effect>) -> Vec<HidEffect> {
        let effects = action(&mut self.device);
        self.in_reports(effects)
    }

    /// The device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The host resets the port (`USBDEVFS_RESET`): a request broken off half-way is forgotten, a review stays.
    pub fn reset(&mut self) {
        self.request = None;
    }

    /// Takes a report; the command, if it is complete. A report of another kind or with another sequence number than
    /// the next is ignored, but the device answers on its channel all the same.
    fn take(&mut self, report: &[u8; REPORT]) -> Option<Vec<u8>> {
        let [c0, c1, tag, s0, s1, rest @ ..] = report;
        self.channel = [*c0, *c1];
        if *tag != TAG {
            return None;
        }
        let sequence = u16::from_be_bytes([*s0, *s1]);
        let mut request = match (self.request.take(), sequence) {
            (Some(request), sequence) if request.next == sequence => request,
            (Some(request), _) => {
                self.request = Some(request);
                return None;
            }
            (None, 0) => Request {
                length: 0,
                bytes: Vec::new(),
                next: 0,
            },
            (None, _) => return None,
        };
        let mut data = rest.as_slice();
        if sequence == 0 {
            let (length, first) = data.split_first_chunk()?;
            request.length = usize::from(u16::from_be_bytes(*length));
            if request.length > LONGEST {
                return None;
            }
            data = first;
        }
        let missing = request.length - request.bytes.len();
        request.bytes.extend(data.iter().take(missing));
        request.next += 1;
        if request.bytes.len() < request.length {
            self.request = Some(request);
            return None;
        }
        (!request.bytes.is_empty()).then_some(request.bytes)
    }

    fn in_reports(&mut self, effects: Vec<Effect>) -> Vec<HidEffect> {
        let mut seen = Vec::new();
        for effect in effects {
            match effect {
                Effect::Answer(bytes) => seen.extend(self.reports_of(&bytes).map(HidEffect::Report)),
                Effect::LinkDrops => {
                    self.request = None;
                    seen.push(HidEffect::LinkDrops);
                }
                Effect::PluggedIn => seen.push(HidEffect::PluggedIn),
            }
        }
        seen
    }

    /// The answer in reports, zeros behind it.
    fn reports_of(&self, answer: &[u8]) -> impl Iterator<Item = [u8; REPORT]> + use<> {
        // An answer has at most 260 bytes.
        let length = u16::try_from(answer.len()).unwrap_or(u16::MAX);
        let framed = [length.to_be_bytes().as_slice(), answer].concat();
        let head = [self.channel[0], self.channel[1], TAG];
        let chunks: Vec<Vec<u8>> = framed.chunks(REPORT - 5).map(<[u8]>::to_vec).collect();
        (0_u16..).zip(chunks).map(move |(sequence, chunk)| {
            let bytes = [head.as_slice(), &sequence.to_be_bytes(), &chunk].concat();
            let mut report = [0; REPORT];
            for (place, byte) in report.iter_mut().zip(bytes) {
                *place = byte;
            }
            report
        })
    }
}
