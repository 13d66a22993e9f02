//! The one bar for all files of a run.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::failure::Failure;
use super::outputs::{Job, Place};
use super::report::Report;

/// Below this many bytes nobody wants to watch a bar: 16 MiB.
const WORTH_A_BAR: u64 = 16 << 20;

/// As for bytes: each file is work by itself.
const FILES_WORTH_A_BAR: usize = 1000;

/// How far a run is, shown if anybody looks and it will take a while.
pub(super) struct Progress {
    report: Report,
    bar: Option<ProgressBar>,
    /// The file's name, if there is only one.
    name: Option<String>,
    /// What remains to be done once all was read.
    rest: &'static str,
    files: usize,
    done: AtomicUsize,
    /// In bytes; None if a pipe is read.
    total: Option<u64>,
    read: AtomicU64,
}

impl Progress {
    pub(super) fn new(jobs: &[Job<'_>], report: &Report) -> Self {
        let work = || jobs.iter().filter(|job| job.place.is_ok());
        let total = work().map(|job| job.size).sum::<Option<u64>>();
        let is_long = total.is_none_or(|bytes| bytes >= WORTH_A_BAR) || jobs.len() >= FILES_WORTH_A_BAR;
        let progress = Self {
            report: *report,
            bar: (is_long && work().next().is_some() && report.shows_bars()).then(|| bar(total)),
            name: match jobs {
                [only] => Some(only.file.to_string()),
                _ => None,
            },
            rest: match jobs {
                [
                    Job {
                        place: Ok(Place::Stdout { .. }),
                        ..
                    },
                ] => "writing it out",
                _ => "syncing to disk",
            },
            files: jobs.len(),
            done: AtomicUsize::new(0),
            total,
            read: AtomicU64::new(0),
        };
        progress.show();
        progress
    }

    pub(super) fn report(&self) -> &Report {
        &self.report
    }

    /// Moves the bar on. By any thread.
    pub(super) fn advance(&self, bytes: u64) {
        let Some(bar) = &self.bar else { return };
        bar.inc(bytes);
        let read = self.read.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if self.total == Some(read) {
            self.show();
        }
    }

    /// One more file has its name, or failed.
    pub(super) fn file_done(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
        self.show();
    }

    /// Once all was read, what remains can take as long again.
    fn show(&self) {
        let Some(bar) = &self.bar else { return };
        let done = self.done.load(Ordering::Relaxed);
        let what = match &self.name {
            Some(name) => name.clone(),
            None => format!("{done} of {} files", self.files),
        };
        let is_read = self.total == Some(self.read.load(Ordering::Relaxed)) && done < self.files;
        bar.set_message(if is_read {
            format!("{what}, {}", self.rest)
        } else {
            what
        });
    }

    /// As [`Report::say`], beside the bar.
    pub(super) fn say(&self, line: &str) {
        self.beside(|report| report.say(line));
    }

    /// As [`Report::failed`], beside the bar.
    pub(super) fn failed(&self, failure: &Failure) {
        self.beside(|report| report.failed(failure));
    }

    fn beside(&self, tell: impl FnOnce(&Report)) {
        match &self.bar {
            Some(bar) => bar.suspend(|| tell(&self.report)),
            None => tell(&self.report),
        }
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(total: Option<u64>) -> ProgressBar {
    let (template, bar) = match total {
        Some(bytes) => {
            ("{msg} [{bar:30}] {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left", ProgressBar::new(bytes))
        }
        None => ("{msg} {spinner} {bytes}, {bytes_per_sec}", ProgressBar::no_length()),
    };
    bar.set_draw_target(ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}
