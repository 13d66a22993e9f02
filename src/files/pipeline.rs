//! Chunks that enter and leave in order, with work on them side by side.
//!
//! What must see every byte in order (reading, authenticating, writing) runs in one thread at a time; the work between
//! runs in all of them. Each thread carries a chunk through all three, so a chunk stays in one processor's cache from
//! the read to the write, and memory is one chunk for each thread, whatever the length of the whole.
//!
//! The first failure ends it: nothing enters or leaves afterwards.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;

use crate::sodium::WipedBuffer;

/// How much of a file each thread holds at a time: 1 MiB.
pub const CHUNK_BYTES: usize = 1 << 20;

/// The least that is read at once, if the size is said to be less: it may be wrong, or unknown to the file system.
const LEAST_BYTES: usize = 16 << 10;

/// More threads than this would wait for each other: one at a time reads and authenticates, one writes, and these take
/// about two thirds of the time.
const MOST_THREADS: usize = 4;

/// How many threads may work at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threads(NonZeroUsize);

impl Threads {
    /// The calling thread alone.
    pub const ONE: Self = Self(NonZeroUsize::MIN);

    /// As many as the system lets this process run at once: the processors it may use, less what a control group's
    /// quota takes away.
    pub fn all() -> Self {
        std::thread::available_parallelism().map_or(Self::ONE, Self)
    }

    /// This many, at least one.
    pub fn new(count: usize) -> Self {
        NonZeroUsize::new(count).map_or(Self::ONE, Self)
    }

    /// How many.
    pub fn count(self) -> usize {
        self.0.get()
    }

    /// No more of them than can be of use for `size` bytes, if that is known.
    fn of_use(self, size: Option<u64>) -> usize {
        let chunks = size.map_or(MOST_THREADS as u64, |size| size.div_ceil(CHUNK_BYTES as u64));
        let limit = usize::try_from(chunks).unwrap_or(MOST_THREADS).clamp(1, MOST_THREADS);
        self.count().min(limit)
    }
}

/// What is known of what will be carried.
#[derive(Clone, Copy, Default)]
pub(super) struct Expected {
    /// How many bytes will enter. It decides about threads and memory, and need not be right.
    pub(super) size: Option<u64>,
    /// How many bytes were written before the first chunk. That one is so much shorter, so that all others are written from
    /// page border to page border.
    pub(super) before: usize,
}

/// Carries chunks through. `enter` fills a chunk and says how long it became; less than its whole length means that the
/// input ended. `work` gets the chunk's position. Then `see` and `leave` get the chunk; they are two, so that one thread
/// can be in each. How many bytes that were in all.
///
/// `interrupt` is called when something failed, because another thread may be in `enter` and wait there for a pipe.
pub(super) fn run<E: Send>(
    threads: Threads,
    Expected { size, before }: Expected,
    interrupt: impl Fn() + Sync,
    enter: impl FnMut(&mut [u8]) -> Result<usize, E> + Send,
    work: impl Fn(u64, &mut [u8]) + Sync,
    mut see: impl FnMut(&[u8]) + Send,
    leave: impl FnMut(&[u8]) -> Result<(), E> + Send,
) -> Result<u64, E> {
    // One byte more than expected, so that the end shows at the first read.
    let longest = size.map_or(CHUNK_BYTES as u64, |size| size.saturating_add(before as u64 + 1));
    let pipeline = Pipeline {
        chunk_bytes: usize::try_from(longest).map_or(CHUNK_BYTES, |longest| longest.clamp(LEAST_BYTES, CHUNK_BYTES)),
        before,
        entrance: Mutex::new(Entrance {
            enter,
            position: 0,
            closed: false,
        }),
        work,
        sight: Gate::new(|chunk: &[u8]| {
            see(chunk);
            Ok(())
        }),
        exit: Gate::new(leave),
        stopped: AtomicBool::new(false),
        failure: Mutex::new(None),
        interrupt,
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.of_use(size) {
            // Where the system gives no more threads, fewer carry it all.
            let _ = Builder::new().spawn_scoped(scope, || pipeline.carry());
        }
        pipeline.carry();
    });
    let length = lock(&pipeline.entrance).position;
    let failure = pipeline.failure.into_inner().unwrap_or_else(PoisonError::into_inner);
    failure.map_or(Ok(length), Err)
}

struct Pipeline<N, W, S, L, E, I> {
    chunk_bytes: usize,
    before: usize,
    entrance: Mutex<Entrance<N>>,
    work: W,
    sight: Gate<S>,
    exit: Gate<L>,
    /// Nothing enters or passes a gate any more.
    stopped: AtomicBool,
    failure: Mutex<Option<E>>,
    interrupt: I,
}

struct Entrance<N> {
    enter: N,
    position: u64,
    closed: bool,
}

/// What chunks pass one at a time, in order.
struct Gate<F> {
    state: Mutex<Turn<F>>,
    /// It is another chunk's turn, or nobody's any more.
    turned: Condvar,
}

struct Turn<F> {
    pass: F,
    /// The position of the chunk whose turn it is.
    position: u64,
    /// How many threads wait for theirs. Where nobody waits, nobody is woken, which would be a system call.
    waiting: usize,
}

impl<F> Gate<F> {
    fn new(pass: F) -> Self {
        Self {
            state: Mutex::new(Turn {
                pass,
                position: 0,
                waiting: 0,
            }),
            turned: Condvar::new(),
        }
    }

    /// Waits for the turn of the chunk at `position`, then lets it pass. None if it was stopped before.
    fn pass<E>(&self, stopped: &AtomicBool, position: u64, chunk: &[u8]) -> Option<Result<(), E>>
    where
        F: FnMut(&[u8]) -> Result<(), E>,
    {
        let mut turn = lock(&self.state);
        while turn.position != position && !stopped.load(Ordering::Relaxed) {
            turn.waiting += 1;
            turn = self.turned.wait(turn).unwrap_or_else(PoisonError::into_inner);
            turn.waiting -= 1;
        }
        if stopped.load(Ordering::Relaxed) {
            return None;
        }
        let passed = (turn.pass)(chunk);
        // After a failure, or a panic, it is nobody's turn.
        if passed.is_ok() {
            turn.position += chunk.len() as u64;
            let is_awaited = turn.waiting > 0;
            drop(turn);
            if is_awaited {
                self.turned.notify_all();
            }
        }
        Some(passed)
    }

    /// Lets those who wait look again.
    fn wake(&self) {
        // Whoever looked before waits by now.
        drop(lock(&self.state));
        self.turned.notify_all();
    }
}

impl<N, W, S, L, E, I> Pipeline<N, W, S, L, E, I>
where
    N: FnMut(&mut [u8]) -> Result<usize, E>,
    W: Fn(u64, &mut [u8]),
    S: FnMut(&[u8]) -> Result<(), E>,
    L: FnMut(&[u8]) -> Result<(), E>,
    I: Fn(),
{
    /// Carries chunk after chunk, until there is none or something failed.
    fn carry(&self) {
        let _guard = StopOnPanic(self);
        // It holds plaintext.
        let mut buffer = WipedBuffer::new(self.chunk_bytes);
        while let Some((position, length)) = self.enter(&mut buffer)
            && let Some(chunk) = buffer.get_mut(..length)
        {
            (self.work)(position, chunk);
            let seen = self.sight.pass(&self.stopped, position, chunk);
            let left = seen.and_then(|seen| match seen {
                Ok(()) => self.exit.pass(&self.stopped, position, chunk),
                failed => Some(failed),
            });
            match left {
                Some(Ok(())) => {}
                Some(Err(error)) => return self.stop(Some(error)),
                None => return,
            }
        }
    }

    /// Position and length of the next chunk, which was put into the buffer.
    fn enter(&self, buffer: &mut [u8]) -> Option<(u64, usize)> {
        // Poisoned: another thread panicked in there.
        let Ok(mut entrance) = self.entrance.lock() else {
            return None;
        };
        if entrance.closed || self.stopped.load(Ordering::Relaxed) {
            return None;
        }
        let position = entrance.position;
        let room = buffer.len()
            - if position == 0 {
                self.before.min(buffer.len())
            } else {
                0
            };
        let length = match (entrance.enter)(buffer.get_mut(..room)?) {
            Ok(length) => length,
            Err(error) => {
                entrance.closed = true;
                drop(entrance);
                self.stop(Some(error));
                return None;
            }
        };
        entrance.closed = length < room;
        entrance.position += length as u64;
        (length > 0).then_some((position, length))
    }
}

impl<N, W, S, L, E, I: Fn()> Pipeline<N, W, S, L, E, I> {
    /// Ends it. The first failure is the one that counts.
    fn stop(&self, failure: Option<E>) {
        if !self.stopped.swap(true, Ordering::Relaxed) {
            *lock(&self.failure) = failure;
        }
        self.sight.wake();
        self.exit.wake();
        (self.interrupt)();
    }
}

/// Nobody waits for the turn of a thread that panicked; the scope of the threads passes the panic on.
struct StopOnPanic<'a, N, W, S, L, E, I: Fn()>(&'a Pipeline<N, W, S, L, E, I>);

impl<N, W, S, L, E, I: Fn()> Drop for StopOnPanic<'_, N, W, S, L, E, I> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop(None);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
