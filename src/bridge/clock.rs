//! Time as it passes for a person: the clock that goes on while the machine is suspended.

use std::ops::Add;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, Timespec, clock_gettime};

/// A moment on the clock that goes on during suspend (CLOCK_BOOTTIME in clock_gettime(2)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(Duration);

impl Instant {
    /// A moment so long after the machine was started.
    pub fn at(since_start: Duration) -> Self {
        Self(since_start)
    }

    /// How long it is since an earlier moment; nothing if it is a later one.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }
}

/// The clock.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Instant;

    /// How long the machine has been suspended since it was started.
    fn suspended(&self) -> Duration;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant(duration(clock_gettime(ClockId::Boottime)))
    }

    fn suspended(&self) -> Duration {
        // In this order: what passes in between makes it less, never more.
        let (boot, awake) = (clock_gettime(ClockId::Boottime), clock_gettime(ClockId::Monotonic));
        duration(boot).saturating_sub(duration(awake))
    }
}

fn duration(time: Timespec) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// Seconds since 1970, by the clock that people set: for what is signed.
pub(super) fn unix_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
