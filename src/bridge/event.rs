//! What a caller is told while his call waits.
//!
//! Promises: a page learns of the device, and of its own questions; never that there is another origin, let alone which,
//! nor another's address or key. That somebody else is being served is told as no more than a queue.

use std::collections::HashMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::caller::Owner;

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The device is serving another call; this one waits for its turn.
    Queued,
    /// Something is waited for that a person does.
    Waiting {
        /// What: `device`, `other-process`, `unlocking`, `app`, `opening`, `return`, `account`.
        r#for: String,
    },
    /// The device is ready, with this app open.
    Ready {
        /// The app's name.
        app: String,
        /// Its version.
        version: String,
    },
    /// The device is about to ask the person for a signature: what to compare.
    Prompt(Prompt),
    /// The device shows an address, to be compared.
    ShowsAddress {
        /// The address.
        address: String,
        /// Its derivation path.
        path: String,
    },
    /// The device begins to ask.
    Asking,
    /// The device has stopped asking, whatever came of it.
    Answered,
    /// The device went away in between; it is waited for, and asked again.
    Again,
    /// Another program has the device open and can read what it answers.
    OthersListen,
    /// Something that the person should read.
    Told {
        /// A sentence.
        text: String,
    },
    /// A device was plugged in.
    Plugged,
    /// The device was unplugged.
    Unplugged,
    /// Keys of yours were forgotten.
    Forgotten,
}

/// What the device is about to ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Prompt {
    /// Who asks: your own origin, or a program of the user.
    pub who: String,
    /// What the key is wanted for: `open`, `seal`, `export`.
    pub purpose: String,
    /// Which request of this call it is, from 1.
    pub number: usize,
    /// How many this call has.
    pub of: usize,
    /// The account that signs.
    pub address: String,
    /// Its derivation path.
    pub path: String,
    /// The public key, if it is known, in base64.
    pub public_key: Option<String>,
    /// The message, word for word.
    pub message: String,
}

impl Event {
    /// As one event of a stream (HTML, section 9.2.6). The text of it has no line ends: JSON escapes them.
    pub fn to_stream(&self) -> Bytes {
        let json = serde_json::to_string(self).unwrap_or_default();
        Bytes::from(format!("data: {json}\n\n"))
    }
}

/// How many events wait for one who reads slowly. He is left behind then, and told no more.
const WAITING: usize = 64;

/// How many streams one owner may have open.
const MOST_STREAMS: usize = 8;

/// The streams that are open.
#[derive(Default)]
pub(super) struct Listeners(HashMap<Owner, Vec<Sender<Event>>>);

impl Listeners {
    /// Opens a stream; none if the owner has too many open.
    pub(super) fn open(&mut self, owner: Owner) -> Option<Receiver<Event>> {
        let own = self.0.entry(owner).or_default();
        own.retain(|sender| !sender.is_closed());
        if own.len() >= MOST_STREAMS {
            return None;
        }
        let (sender, receiver) = channel(WAITING);
        own.push(sender);
        Some(receiver)
    }

    /// Whether an owner has a stream open.
    pub(super) fn has(&self, owner: Owner) -> bool {
        self.0
            .get(&owner)
            .is_some_and(|own| own.iter().any(|sender| !sender.is_closed()))
    }

    /// Tells one owner.
    pub(super) fn tell(&mut self, owner: Owner, event: &Event) {
        if let Some(own) = self.0.get_mut(&owner) {
            send(own, event);
            if own.is_empty() {
                self.0.remove(&owner);
            }
        }
    }

    /// Tells everybody.
    pub(super) fn tell_all(&mut self, event: &Event) {
        self.0.values_mut().for_each(|own| send(own, event));
        self.0.retain(|_, own| !own.is_empty());
    }

    /// Ends the streams of an owner.
    pub(super) fn end(&mut self, owner: Owner) {
        self.0.remove(&owner);
    }

    /// Ends all of them.
    pub(super) fn end_all(&mut self) {
        self.0.clear();
    }
}

fn send(own: &mut Vec<Sender<Event>>, event: &Event) {
    own.retain(|sender| {
        !matches!(sender.try_send(event.clone()), Err(TrySendError::Closed(_) | TrySendError::Full(_)))
    });
}
