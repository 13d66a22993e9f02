//! The USB/IP protocol between the kernel's virtual host controller and a device: what the controller asks, and what
//! it is answered. All numbers are big-endian (Linux: Documentation/usb/usbip_protocol.rst).

use std::io::{self, Read};

const SUBMIT: u32 = 1;
const UNLINK: u32 = 2;
const SUBMITTED: u32 = 3;
const UNLINKED: u32 = 4;

/// The answer to an UNLINK that found its transfer waiting: `-ECONNRESET`.
pub const CONNECTION_RESET: i32 = -104;
/// A stalled endpoint: `-EPIPE`.
pub const STALL: i32 = -32;

/// No transfer of these devices is longer, in bytes.
const LONGEST: usize = 65536;

pub enum Command {
    Submit(Submit),
    /// The transfer with this number is not wanted any more.
    Unlink {
        sequence: u32,
        victim: u32,
    },
}

/// A transfer.
pub struct Submit {
    pub sequence: u32,
    pub endpoint: u32,
    pub is_in: bool,
    /// How many bytes the host takes, for a transfer to it.
    pub room: usize,
    pub setup: [u8; 8],
    /// What it sends, for a transfer from it.
    pub data: Vec<u8>,
}

/// Reads the next command.
pub fn read(stream: &mut impl Read) -> io::Result<Command> {
    let mut header = [0; 48];
    stream.read_exact(&mut header)?;
    let number = |at: usize| u32::from_be_bytes(header[at..at + 4].try_into().unwrap());
    let sequence = number(4);
    match number(0) {
        SUBMIT => {
            let is_in = number(12) == 1;
            let length = usize::try_from(number(24)).unwrap();
            if length > LONGEST {
                return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a transfer of {length} bytes")));
            }
            let mut data = vec![0; if is_in { 0 } else { length }];
            stream.read_exact(&mut data)?;
            Ok(Command::Submit(Submit {
                sequence,
                endpoint: number(16),
                is_in,
                room: length,
                setup: header[40..48].try_into().unwrap(),
                data,
            }))
        }
        UNLINK => Ok(Command::Unlink {
            sequence,
            victim: number(20),
        }),
        other => Err(io::Error::new(io::ErrorKind::InvalidData, format!("USB/IP command {other}"))),
    }
}

/// A transfer to the host has ended with this data.
pub fn sent(sequence: u32, data: &[u8]) -> Vec<u8> {
    submitted(sequence, 0, data.len(), data)
}

/// A transfer from the host has ended; this many bytes were taken.
pub fn taken(sequence: u32, length: usize) -> Vec<u8> {
    submitted(sequence, 0, length, &[])
}

/// A transfer has failed.
pub fn failed(sequence: u32, status: i32) -> Vec<u8> {
    submitted(sequence, status, 0, &[])
}

fn submitted(sequence: u32, status: i32, length: usize, data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(length).unwrap();
    let mut bytes = message(SUBMITTED, sequence, &[status.cast_unsigned(), length, 0, 0, 0]);
    bytes.extend(data);
    bytes
}

/// The answer to [`Command::Unlink`].
pub fn unlinked(sequence: u32, status: i32) -> Vec<u8> {
    message(UNLINKED, sequence, &[status.cast_unsigned()])
}

fn message(kind: u32, sequence: u32, numbers: &[u32]) -> Vec<u8> {
    let mut bytes: Vec<u8> = [kind, sequence, 0, 0, 0]
        .iter()
        .chain(numbers)
        .flat_map(|number| number.to_be_bytes())
        .collect();
    bytes.resize(48, 0);
    bytes
}
