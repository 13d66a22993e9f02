//! The commands that are sent, and what their answers hold.
//!
//! The operating system's are `B0 01` (app and version), `B0 A7` (close the app) and `E0 D8` (open an app); the Ethereum
//! app's are `E0 02` (address) and `E0 08` (personal message). Layouts: Ledger's `app-ethereum/doc/ethapp.adoc`, and the
//! recordings.

use coins_ledger::common::ApduCommand;
use coins_ledger::errors::LedgerError;

use crate::ethereum::{Address, DerivationPath, Signature};
use crate::text::printable;

/// The name under which the Ethereum app introduces itself, and is opened.
pub(super) const ETHEREUM: &str = "Ethereum";

/// The most bytes of data in one command.
const MOST_DATA: usize = ApduCommand::MAX_DATA_LEN;

/// Which app runs on a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppInfo {
    /// Its name, made printable. `BOLOS` (newer firmware: `OLOS`) is the dashboard.
    pub name: String,
    /// Its version, made printable.
    pub version: String,
}

impl AppInfo {
    /// Whether it is the Ethereum app.
    pub fn is_ethereum(&self) -> bool {
        self.name == ETHEREUM
    }

    /// Whether no app is open.
    pub fn is_dashboard(&self) -> bool {
        self.name == "BOLOS" || self.name.starts_with("OLOS")
    }

    /// Format 01, then name and version, each with its length in front. What follows is not needed.
    pub(super) fn parse(data: &[u8]) -> Option<Self> {
        let rest = data.strip_prefix(&[1])?;
        let (name, rest) = with_length(rest)?;
        let (version, _) = with_length(rest)?;
        let text = |bytes: &[u8]| printable(&String::from_utf8_lossy(bytes));
        Some(Self {
            name: text(name),
            version: text(version),
        })
    }
}

fn with_length(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&length, rest) = data.split_first()?;
    rest.split_at_checked(length.into())
}

/// A command without data: its length byte is sent all the same, as Ledger's own clients do.
fn bare(class: u8, instruction: u8) -> Result<ApduCommand, LedgerError> {
    ApduCommand::builder().cla(class).ins(instruction).le(0).build()
}

pub(super) fn app_info() -> Result<ApduCommand, LedgerError> {
    bare(0xb0, 0x01)
}

pub(super) fn close_app() -> Result<ApduCommand, LedgerError> {
    bare(0xb0, 0xa7)
}

pub(super) fn open_ethereum() -> Result<ApduCommand, LedgerError> {
    ApduCommand::builder()
        .cla(0xe0)
        .ins(0xd8)
        .data(ETHEREUM.as_bytes())
        .build()
}

/// The address of a path; with `shown` the device shows it and asks the person.
pub(super) fn address(path: &DerivationPath, shown: bool) -> Result<ApduCommand, LedgerError> {
    ApduCommand::builder()
        .cla(0xe0)
        .ins(0x02)
        .p1(u8::from(shown))
        .data(&encoded(path))
        .build()
}

/// The number of elements in one byte, then 4 bytes each, big-endian.
fn encoded(path: &DerivationPath) -> Vec<u8> {
    // A path has at most ten elements.
    let mut bytes = vec![path.elements().len().try_into().unwrap_or(u8::MAX)];
    bytes.extend(path.elements().iter().flat_map(|element| element.to_be_bytes()));
    bytes
}

/// A personal message in as many commands as it takes: path, length of the message (4 bytes, big-endian) and message,
/// cut after every 255 bytes.
pub(super) fn personal_message(path: &DerivationPath, message: &[u8]) -> Result<Vec<ApduCommand>, LedgerError> {
    let length = u32::try_from(message.len()).map_err(|_| LedgerError::DataTooLong(message.len()))?;
    let data = [encoded(path).as_slice(), &length.to_be_bytes(), message].concat();
    let chunks = data.chunks(MOST_DATA).enumerate();
    let command = |(index, chunk)| {
        ApduCommand::builder()
            .cla(0xe0)
            .ins(0x08)
            .p1(if index == 0 { 0x00 } else { 0x80 })
            .data(chunk)
            .build()
    };
    chunks.map(command).collect()
}

/// The address in the answer to [`address`]: `41` and the public key (65 bytes), `28` and the address in 40 characters.
pub(super) fn parse_address(data: &[u8]) -> Option<Address> {
    let (public_key, rest) = with_length(data)?;
    let (digits, rest) = with_length(rest)?;
    if public_key.len() != 65 || digits.len() != 40 || !rest.is_empty() {
        return None;
    }
    format!("0x{}", str::from_utf8(digits).ok()?).parse().ok()
}

/// The signature in the answer to a personal message: v ‖ r ‖ s, 65 bytes and no more.
pub(super) fn parse_signature(data: &[u8]) -> Option<Signature> {
    let (v, scalars) = data.split_first()?;
    let mut bytes = zeroize::Zeroizing::new([0; Signature::BYTES]);
    let (head, last) = bytes.split_at_mut(64);
    if scalars.len() != head.len() || !matches!(v, 27 | 28) {
        return None;
    }
    head.copy_from_slice(scalars);
    last.fill(*v);
    Signature::from_bytes(&bytes).ok()
}
