//! Origins that a person has named, each with a one-time code that is good for two minutes.
//!
//! Promises: a code lets one page in, once; it lives in memory alone. A wrong proof costs the code nothing: 80 bits are
//! not guessed in two minutes, and whoever could use it up with a wrong one could keep every page out.

use std::collections::BTreeMap;
use std::time::Duration;

use super::clock::Instant;
use super::protocol::{Code, Origin, Scopes};

/// How long a code is good for.
pub(super) const GOOD_FOR: Duration = Duration::from_secs(120);

/// How many origins may be invited at once.
const MOST: usize = 16;

/// An origin that may pair.
pub(super) struct Invitation {
    pub(super) code: Code,
    pub(super) scopes: Scopes,
    until: Instant,
}

/// All that are open.
#[derive(Default)]
pub(super) struct Invitations(BTreeMap<Origin, Invitation>);

impl Invitations {
    /// Invites an origin; an earlier invitation of it ends. Whether there was room for it.
    pub(super) fn add(&mut self, now: Instant, origin: Origin, scopes: Scopes, code: Code) -> bool {
        self.forget_old(now);
        if self.0.len() >= MOST && !self.0.contains_key(&origin) {
            return false;
        }
        let until = now + GOOD_FOR;
        self.0.insert(origin, Invitation { code, scopes, until });
        true
    }

    /// The invitation of an origin, if it is still good.
    pub(super) fn get(&mut self, now: Instant, origin: &Origin) -> Option<&Invitation> {
        self.forget_old(now);
        self.0.get(origin)
    }

    /// Uses up the invitation of an origin.
    pub(super) fn take(&mut self, origin: &Origin) -> Option<Invitation> {
        self.0.remove(origin)
    }

    fn forget_old(&mut self, now: Instant) {
        self.0.retain(|_, invitation| invitation.until > now);
    }
}
