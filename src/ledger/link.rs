//! The seam between the conversation and what carries it.

use std::time::Duration;

use coins_ledger::common::ApduCommand;
use zeroize::Zeroizing;

/// An answer: its data, wiped on drop because it may be a signature, and the status word.
pub(super) struct Answer {
    pub(super) data: Zeroizing<Vec<u8>>,
    pub(super) status: u16,
}

/// A connection to one device.
///
/// An implementation sends a command whole and reads its answer whole, or says that the link is lost; the answer of one
/// command is never given for that of another: one that comes too late is thrown away before the next command is sent.
pub(super) trait Link: Send {
    /// Sends a command and waits for its answer, without a deadline if a person must act first.
    fn exchange(&mut self, command: ApduCommand, deadline: Option<Duration>) -> Result<Answer, LinkError>;

    /// Whether an answer may still come that only this connection would know for a late one.
    fn is_owed_an_answer(&self) -> bool;

    /// Whether the device may go on asking the person what it asked when the connection closed.
    fn asks_on_when_lost(&self) -> bool {
        false
    }

    /// Waits until the device has left, which was told to open or to close an app, at most for this time: what it is told
    /// before that is told in vain.
    fn wait_until_left(&self, at_most: Duration) {
        let _ = at_most;
    }

    /// Other programs that could read what the device answers.
    fn other_programs(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinkError {
    /// Nobody is there.
    #[error("{0}")]
    Absent(String),
    /// The connection closed.
    #[error("{0}")]
    Lost(String),
    /// Another program talks to the device while it asks the person.
    #[error("another program talks to the device")]
    Disturbed,
    /// What came is none of the protocol: something else listens there.
    #[error("{0}")]
    OtherProtocol(String),
    /// No answer came in time.
    #[error("no answer within {0:?}")]
    Silent(Duration),
}
