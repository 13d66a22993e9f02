//! How long a conversation with the device goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::caller::Caller;

/// How many wait.
pub(super) struct Counted(Arc<AtomicUsize>);

impl Counted {
    pub(super) fn one_more(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Whether a conversation goes on: not once its caller has left, and a page's not while it only waits and the person's
/// own programs wait for it.
#[derive(Clone)]
pub(super) struct Stay {
    left: Arc<AtomicBool>,
    /// Whether the last thing that was told is that something is waited for.
    waits: Arc<AtomicBool>,
    yielded: Arc<AtomicBool>,
    users_waiting: Option<Arc<AtomicUsize>>,
}

impl Stay {
    pub(super) fn of(caller: &Caller, users_waiting: &Arc<AtomicUsize>) -> Self {
        let is_page = matches!(caller, Caller::Page { .. } | Caller::OwnPage { .. });
        Self {
            left: Arc::default(),
            waits: Arc::default(),
            yielded: Arc::default(),
            users_waiting: is_page.then(|| Arc::clone(users_waiting)),
        }
    }

    /// Whether something is waited for now.
    pub(super) fn waits(&self, waits: bool) {
        self.waits.store(waits, Ordering::SeqCst);
    }

    pub(super) fn is_over(&self) -> bool {
        let users_wait = self
            .users_waiting
            .as_ref()
            .is_some_and(|count| count.load(Ordering::SeqCst) > 0);
        if users_wait && self.waits.load(Ordering::SeqCst) {
            self.yielded.store(true, Ordering::SeqCst);
        }
        self.left.load(Ordering::SeqCst) || self.has_yielded()
    }

    pub(super) fn has_yielded(&self) -> bool {
        self.yielded.load(Ordering::SeqCst)
    }
}

/// The caller has left once this is dropped.
pub(super) struct Leaving(Arc<AtomicBool>);

impl Leaving {
    pub(super) fn of(stay: &Stay) -> Self {
        Self(Arc::clone(&stay.left))
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
