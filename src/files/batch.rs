//! Many results: made by all threads, published together, told in order.
//!
//! Small files are made side by side, one by each thread; a large one by all threads together (`pipeline.rs`). Another
//! thread publishes: whenever the disk has synced what was finished before, it takes everything that was finished
//! meanwhile. On a slow disk that is many at once, on a fast one few, and nothing that is finished waits for an idle disk.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;

use rustix::process::{Resource, getrlimit};

use super::{TargetError, Threads, Unpublished, pending};

/// Up to this size (32 MiB) a file is made by one thread, if there are others for the other threads.
const SMALL_BYTES: u64 = 32 << 20;

/// So many small files are made, or so many bytes of them (64 MiB), before they are handed over to be published.
const HANDFUL: usize = 256;
const HANDFUL_BYTES: u64 = 64 << 20;

/// No more files than this wait to be published, each with an open descriptor, and no more than an eighth of what the
/// process may open; as many may be being published meanwhile.
const MOST_WAITING: u64 = 512;

/// The same in bytes: 256 MiB.
const MOST_BYTES_WAITING: u64 = 256 << 20;

/// Does the work for each job and publishes the result, then calls `done`: once for each job, in the order of the jobs,
/// with the length of the result in bytes. One that fails does not stop the others.
///
/// `size` is the length of a job's input in bytes, as far as it is known.
pub fn run_all<J: Send, E: From<TargetError> + Send>(
    jobs: Vec<J>,
    threads: Threads,
    size: impl Fn(&J) -> Option<u64>,
    work: impl Fn(&J, Threads) -> Result<Unpublished, E> + Sync,
    done: impl FnMut(J, Result<u64, E>) + Send,
) {
    let most_waiting = most_waiting();
    let is_small = |job: &J| size(job).is_some_and(|size| size <= SMALL_BYTES);
    let mut jobs = jobs.into_iter().peekable();
    let mut next_handful = || {
        let mut handful = Vec::new();
        let mut bytes = 0;
        while handful.len() < HANDFUL.min(most_waiting)
            && bytes < HANDFUL_BYTES
            && let Some(job) = jobs.next_if(is_small)
        {
            bytes += size(&job).unwrap_or_default();
            handful.push(job);
        }
        if handful.is_empty() {
            handful.extend(jobs.next());
        }
        handful
    };
    let queue = Queue::new(most_waiting);
    let done = Mutex::new(done);
    let publish = |made| publish(made, &mut *lock(&done));
    std::thread::scope(|scope| {
        let publisher = Builder::new().spawn_scoped(scope, || {
            let _guard = CloseAtEnd(&queue);
            while let Some(made) = queue.take() {
                publish(made);
            }
        });
        let _guard = CloseAtEnd(&queue);
        loop {
            let handful = next_handful();
            if handful.is_empty() {
                return;
            }
            let made = side_by_side(handful, threads, &work);
            if publisher.is_err() {
                // The system gave no thread: this one does it.
                publish(made);
            } else if !queue.put(made) {
                // It closes the queue only if it panicked, and then the scope does so too.
                return;
            }
        }
    });
}

/// Does something short for each item, whichever thread is free for the next 64 of them.
pub fn for_each<T: Send>(items: &mut [T], threads: Threads, work: impl Fn(&mut T) + Sync) {
    const AT_A_TIME: usize = 64;
    let helpers = threads.count().min(items.len().div_ceil(AT_A_TIME)).saturating_sub(1);
    let queue = Mutex::new(items.chunks_mut(AT_A_TIME));
    let next = || lock(&queue).next();
    with_helpers(helpers, &|| {
        while let Some(items) = next() {
            items.iter_mut().for_each(&work);
        }
    });
}

/// Does the same in the calling thread and as many more, as far as the system gives them.
fn with_helpers(helpers: usize, work: &(impl Fn() + Sync)) {
    std::thread::scope(|scope| {
        for _ in 0..helpers {
            let _ = Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
}

type Made<J, E> = (J, Result<Unpublished, E>);

/// What is finished and waits to be published.
struct Queue<J, E> {
    state: Mutex<Waiting<J, E>>,
    changed: Condvar,
    most: usize,
}

struct Waiting<J, E> {
    made: Vec<Made<J, E>>,
    bytes: u64,
    closed: bool,
}

impl<J, E> Queue<J, E> {
    fn new(most: usize) -> Self {
        Self {
            state: Mutex::new(Waiting {
                made: Vec::new(),
                bytes: 0,
                closed: false,
            }),
            changed: Condvar::new(),
            most,
        }
    }

    /// Adds what was made, once there is room for it. Whether anybody will take it.
    fn put(&self, mut made: Vec<Made<J, E>>) -> bool {
        let is_full = |state: &Waiting<J, E>| {
            let is_too_much = state.made.len() + made.len() > self.most || state.bytes >= MOST_BYTES_WAITING;
            is_too_much && !state.made.is_empty()
        };
        let mut state = lock(&self.state);
        while is_full(&state) && !state.closed {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let lengths = made.iter().filter_map(|(_, result)| result.as_ref().ok());
        state.bytes += lengths.map(Unpublished::length).sum::<u64>();
        state.made.append(&mut made);
        self.changed.notify_all();
        !state.closed
    }

    /// All that waits, as soon as there is something. None if there will be no more.
    fn take(&self) -> Option<Vec<Made<J, E>>> {
        let mut state = lock(&self.state);
        while state.made.is_empty() && !state.closed {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.bytes = 0;
        self.changed.notify_all();
        let made = std::mem::take(&mut state.made);
        (!made.is_empty()).then_some(made)
    }
}

/// Neither end waits for one that is gone.
struct CloseAtEnd<'a, J, E>(&'a Queue<J, E>);

impl<J, E> Drop for CloseAtEnd<'_, J, E> {
    fn drop(&mut self) {
        lock(&self.0.state).closed = true;
        self.0.changed.notify_all();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn most_waiting() -> usize {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from((limit / 8).clamp(1, MOST_WAITING)).unwrap_or(1)
}

/// Each job by one thread, or by more if there are fewer jobs than threads; the results in the order of the jobs.
fn side_by_side<J: Send, E: Send>(
    jobs: Vec<J>,
    threads: Threads,
    work: &(impl Fn(&J, Threads) -> Result<Unpublished, E> + Sync),
) -> Vec<Made<J, E>> {
    let helpers = threads.count().min(jobs.len()).saturating_sub(1);
    let of_each = Threads::new(threads.count() / jobs.len().max(1));
    let queue = Mutex::new(jobs.into_iter().enumerate());
    let next = || lock(&queue).next();
    let made = Mutex::new(Vec::new());
    with_helpers(helpers, &|| {
        while let Some((number, job)) = next() {
            let result = work(&job, of_each);
            lock(&made).push((number, (job, result)));
        }
    });
    let mut made = made.into_inner().unwrap_or_else(PoisonError::into_inner);
    made.sort_unstable_by_key(|(number, _)| *number);
    made.into_iter().map(|(_, made)| made).collect()
}

fn publish<J, E: From<TargetError>>(made: Vec<Made<J, E>>, done: &mut impl FnMut(J, Result<u64, E>)) {
    let (jobs, results): (Vec<_>, Vec<_>) = made.into_iter().unzip();
    for (job, result) in jobs.into_iter().zip(pending::publish_all(results)) {
        done(job, result);
    }
}
