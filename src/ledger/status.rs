//! What a status word means: one cause each.

/// Why a device did not do what it was told.
///
/// Status words are shared by the firmware, the Ethereum app and other apps; an error of the same cause has several of
/// them. Sources: Ledger's secure SDK (`status_words.h`), the Ethereum app's `apdu_constants.h`, recordings of app
/// 1.22.0, 1.10.3 and 1.9.17, and clients of the dashboard, which alone name 6807.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The person refused.
    Refused,
    /// The device is locked or asleep.
    Locked,
    /// The Ethereum app is not open; older firmware says the same when it is merely locked.
    AppNotOpen,
    /// The firmware has no app of that name.
    AppNotInstalled,
    /// The app may not use the derivation path.
    PathNotAllowed,
    /// The app takes the command for nonsense.
    InvalidCommand,
    /// The message does not fit into the device's memory.
    MessageTooBig,
    /// The app is too old.
    AppTooOld,
    /// The device has no PIN or no seed, or is in recovery mode.
    NotSetUp,
    /// The device has a fault of its own.
    DeviceFault,
    /// A status word that is none of these.
    Unknown,
}

impl Cause {
    /// The cause behind a status word, nothing for success (9000).
    pub fn of(status: u16) -> Option<Self> {
        Some(match status {
            0x9000 => return None,
            0x6985 | 0x5501 => Self::Refused,
            0x5515 | 0x6b0c | 0x6804 | 0x6982 => Self::Locked,
            0x6511 | 0x650f | 0x6d00 | 0x6d02 | 0x6e00 | 0x6a83 => Self::AppNotOpen,
            0x6807 => Self::AppNotInstalled,
            0x6a15 | 0x6a12 => Self::PathNotAllowed,
            0x6a80 | 0x6a87 | 0x6b00 | 0x6980 => Self::InvalidCommand,
            0x6a84 => Self::MessageTooBig,
            0x6501 => Self::AppTooOld,
            0x5502 | 0x6d07 | 0x6611 | 0x662f => Self::NotSetUp,
            0x6f00 | 0x6faa | 0x5223 => Self::DeviceFault,
            _ => Self::Unknown,
        })
    }
}
