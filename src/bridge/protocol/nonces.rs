//! A request is good once: its nonce is remembered until its age alone would turn it away.

use std::collections::{BTreeMap, HashSet};

use crate::fault::{Class, Explanation, Fault};

/// The nonces that one key has used. In memory only: what is older than the process is refused by its age.
///
/// Ask it after everything else about a request was found right, so that nobody but the key's owner fills it.
pub struct Nonces {
    /// By the second in which they say they were made: at most about 121 of them, unless the clock is moved.
    seen: BTreeMap<i64, HashSet<[u8; 16]>>,
    count: usize,
    /// Nothing made in this second or before it is accepted: nobody remembers what was seen then.
    floor: i64,
}

impl Nonces {
    /// How far a request's time may lie from the clock, before or after it: 60 seconds.
    pub const WINDOW: i64 = 60;

    /// How many nonces of one key are remembered at a time: 200,000, about 1,600 requests each second. They take some
    /// 10 MB at most.
    pub const MOST: usize = 200_000;

    /// An empty memory. `not_before` is the second in which the process began to listen: a request made in it or before
    /// may have been seen by the process before this one.
    pub fn new(not_before: i64) -> Self {
        Self {
            seen: BTreeMap::new(),
            count: 0,
            floor: not_before,
        }
    }

    /// That a request made in the second `created` with this nonce is good `now`, for the first time; all times in
    /// seconds since 1970. What was accepted is never accepted again, whatever the clock does.
    ///
    /// # Errors
    /// [`Freshness`]. Nothing is remembered then.
    pub fn check(&mut self, now: i64, created: i64, nonce: [u8; 16]) -> Result<(), Freshness> {
        self.forget(now.saturating_sub(Self::WINDOW));
        if created.abs_diff(now) > Self::WINDOW.unsigned_abs() || created <= self.floor {
            return Err(Freshness::Stale);
        }
        if self.seen.values().any(|nonces| nonces.contains(&nonce)) {
            return Err(Freshness::Replayed);
        }
        if self.count >= Self::MOST {
            return Err(Freshness::TooMany);
        }
        self.seen.entry(created).or_default().insert(nonce);
        self.count += 1;
        Ok(())
    }

    /// How many nonces are remembered.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Forgets what was made before the second `oldest`, and accepts nothing from that time again: a clock that goes
    /// back does not make it new.
    fn forget(&mut self, oldest: i64) {
        while let Some(entry) = self.seen.first_entry() {
            if *entry.key() >= oldest {
                break;
            }
            self.floor = self.floor.max(*entry.key());
            self.count -= entry.remove().len();
        }
    }
}

/// Why a request with a good signature is not accepted now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Freshness {
    /// Made more than 60 seconds ago or ahead, or before the bridge began to listen.
    #[error("the request was not signed within the last minute, or before the bridge was started")]
    Stale,
    /// Its nonce was used before.
    #[error("a request with this nonce was answered before")]
    Replayed,
    /// The key has used all nonces that are remembered for it.
    #[error("this site has sent too many requests within a minute")]
    TooMany,
}

impl Fault for Freshness {
    fn explain(&self) -> Explanation {
        match self {
            Self::Stale => Explanation::new(
                "stale",
                Class::Policy,
                "sign the request once more and send it again; if that is refused, too, compare the clocks",
            ),
            Self::Replayed => Explanation::new(
                "replayed",
                Class::Policy,
                "sign each request anew, with 16 fresh random bytes as its nonce",
            ),
            Self::TooMany => Explanation::new("too-many-requests", Class::Policy, "wait a minute and try again"),
        }
    }
}
