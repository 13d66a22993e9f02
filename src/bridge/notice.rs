//! What the bridge tells the person at its terminal.

use std::sync::Arc;

use super::event::Prompt;
use super::protocol::{Origin, Scopes};
use crate::ledger::{self, Account};

/// Is told what happens, by any thread.
pub type Teller = Arc<dyn Fn(&Notice) + Send + Sync>;

/// Something that the person may want to know. Nothing of it is secret, but the code of [`Notice::Invited`] is not in it.
#[derive(Clone, Debug)]
pub enum Notice {
    /// The device is about to ask for a signature.
    Prompt(Prompt),
    /// The device is about to show an address.
    ShowsAddress(Account),
    /// Something happened in a conversation with the device.
    Device(ledger::Event),
    /// A code was made for an origin.
    Invited {
        /// The origin.
        origin: Origin,
        /// What it will be allowed.
        scopes: Scopes,
    },
    /// A page has paired.
    Paired {
        /// Its origin.
        origin: Origin,
        /// What it may do.
        scopes: Scopes,
    },
    /// The pairings of an origin have ended.
    Revoked {
        /// The origin.
        origin: Origin,
    },
    /// The window of the bridge's own page was let in, or is gone.
    OwnPage {
        /// Whether it is there now.
        is_open: bool,
    },
    /// Somebody holds a key now.
    Unlocked {
        /// Who.
        who: String,
        /// The public key, in base64.
        public_key: String,
    },
    /// A key was given away.
    Exported {
        /// To whom.
        who: String,
        /// The public key, in base64.
        public_key: String,
    },
    /// Keys were forgotten.
    Forgotten {
        /// How many.
        keys: usize,
        /// Why.
        why: &'static str,
    },
    /// A call came to its end.
    Called {
        /// By whom.
        who: String,
        /// Method and path. No query, no header and no body.
        call: String,
        /// The status of the answer.
        status: u16,
        /// The code of the refusal, if it was one.
        code: Option<&'static str>,
        /// What went wrong on this machine, which a page is not told.
        failure: Option<String>,
        /// Names the request in the answer, too.
        request_id: String,
    },
}
