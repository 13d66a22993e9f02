//! An asker who may leave: a page that is closed, a client whose connection ends.

use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::fault::DeviceFault;

/// How often it is looked whether an asker has left.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// Tells whether an asker has left. For one who never leaves nothing looks, and no wait is shorter.
#[derive(Clone, Default)]
pub struct Leave(Option<Arc<dyn Fn() -> bool + Send + Sync>>);

impl Leave {
    /// He stays to the end.
    pub fn never() -> Self {
        Self(None)
    }

    /// He has left once this says so. It is called four times a second while something is waited for, from the thread of
    /// the device and from his own, and must not wait.
    pub fn when(has_left: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(has_left)))
    }

    pub(super) fn has_come(&self) -> bool {
        self.0.as_ref().is_some_and(|has_left| has_left())
    }

    /// That he is still there.
    pub(super) fn not_yet(&self) -> Result<(), DeviceFault> {
        if self.has_come() {
            Err(DeviceFault::AskerLeft)
        } else {
            Ok(())
        }
    }

    /// In how much time it is to be looked again. Nothing for one who never leaves.
    pub(super) fn look_again(&self) -> Option<Duration> {
        self.0.is_some().then_some(LOOK_AGAIN)
    }

    /// Sleeps for this time, or until he has left.
    pub(super) fn sleep(&self, time: Duration) {
        let end = Instant::now() + time;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || self.has_come() {
                return;
            }
            sleep(self.look_again().map_or(left, |soon| soon.min(left)));
        }
    }
}
