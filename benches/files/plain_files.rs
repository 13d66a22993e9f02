//! What the file system alone costs, for `make bench`: threads that share one counter write a plain file each, sync it
//! and link it to its name. Nothing of saltbridge is used here. The folder is synced once, at the end.
//!
//! Arguments: FOLDER COUNT BYTES THREADS.
#![allow(missing_docs)]

use std::env::args_os;
use std::error::Error;
use std::ffi::OsString;
use std::fs::File;
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, openat};

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let mut arguments = args_os().skip(1);
    let mut next = |name: &str| arguments.next().ok_or(format!("{name} is missing"));
    let folder = File::open(next("FOLDER")?)?;
    let count = number(next("COUNT")?)?;
    let size = number(next("BYTES")?)?;
    let threads = number(next("THREADS")?)?;

    let counter = AtomicUsize::new(0);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| scope.spawn(|| work(&folder, &counter, count, size)))
            .collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().map_err(|_| "a thread panicked")?)
    })?;
    Ok(folder.sync_all()?)
}

fn number(argument: OsString) -> Result<usize, Failure> {
    let text = argument.into_string().map_err(|_| "a number is not UTF-8")?;
    Ok(text.parse()?)
}

fn work(folder: &File, counter: &AtomicUsize, count: usize, size: usize) -> Result<(), Failure> {
    let mut content = vec![0; size];
    getrandom::fill(&mut content)?;
    loop {
        let number = counter.fetch_add(1, Ordering::Relaxed);
        if number >= count {
            return Ok(());
        }
        write_one(folder, &format!("{number:06}"), &content)?;
    }
}

fn write_one(folder: &File, name: &str, content: &[u8]) -> Result<(), Failure> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let mut file = File::from(openat(folder, ".", flags, Mode::from_raw_mode(0o600))?);
    file.write_all(content)?;
    file.sync_all()?;
    // As open(2) describes it for O_TMPFILE.
    let unnamed = format!("/proc/self/fd/{}", file.as_raw_fd());
    linkat(CWD, unnamed, folder, name, AtFlags::SYMLINK_FOLLOW)?;
    Ok(())
}
