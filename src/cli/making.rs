//! What `decrypt` and `encrypt` do with all files that they were given.

use saltbridge::fault::Fault;
use saltbridge::files::{self, Input, InputError, Output, Source, Threads, Unpublished, batch};
use saltbridge::text::printable_path;
use serde_json::Value;

use super::Outcome;
use super::facts::Facts;
use super::failure::Failure;
use super::outputs::{Job, Place, Plan, Rules};
use super::progress::Progress;
use super::report::Report;
use super::spool::Spooling;
use super::terminal;

/// Makes a result of every file, with `open_box` or `seal_box`. One that fails does not stop the others; the first failure
/// decides the exit code. `prepare` asks for the key, and is not called if there is nothing left to do.
pub(super) fn run_all<K: Sync, E: Fault + From<InputError>>(
    plan: Plan<'_>,
    prepare: impl FnOnce() -> Result<K, Failure>,
    make: impl Fn(&mut Input, Output<'_>, &K, Threads, files::Progress<'_>) -> Result<Unpublished, E> + Sync,
    report: &Report,
) -> Outcome {
    let Plan { jobs, rules } = plan;
    let key = match jobs.iter().any(|job| job.place.is_ok()) {
        true => Some(prepare()),
        false => None,
    };
    let progress = Progress::new(&jobs, report);
    let mut results = Results::default();
    match &key {
        Some(Ok(key)) => batch::run_all(
            jobs,
            Threads::all(),
            |job| job.size,
            |job, threads| {
                run_one(job, &rules, &progress, |input, output, told| make(input, output, key, threads, told))
            },
            |job, result| results.add(&job, result, &progress),
        ),
        // What could have been done was not even begun.
        _ => {
            for job in jobs {
                if let Err(failure) = &job.place {
                    results.add(&job, Err(failure.clone()), &progress);
                }
            }
        }
    }
    progress.end();
    if let Some(Err(failure)) = key {
        report.failed(&failure);
        results.first_failure = Some(failure);
    }
    results.into_outcome()
}

fn run_one<E: Fault + From<InputError>>(
    job: &Job<'_>,
    rules: &Rules,
    progress: &Progress,
    make: impl FnOnce(&mut Input, Output<'_>, files::Progress<'_>) -> Result<Unpublished, E>,
) -> Result<Unpublished, Failure> {
    let place = job.place.as_ref().map_err(Failure::clone)?;
    let mut input = terminal::open(job.file, "the file", progress.report()).map_err(E::from)?;
    let output = rules.output(place);
    let result = match place {
        Place::File(_) => make(&mut input, output, &|bytes| progress.advance(bytes)),
        Place::Stdout { spool } => {
            let spooling = Spooling::into(spool, progress);
            make(&mut input, output, &|bytes| spooling.advance(bytes))
        }
    };
    Ok(result?)
}

/// What became of the files, in their order.
#[derive(Default)]
struct Results {
    json: Vec<Value>,
    first_failure: Option<Failure>,
}

impl Results {
    fn add(&mut self, job: &Job<'_>, result: Result<u64, Failure>, progress: &Progress) {
        progress.file_done();
        if progress.report().is_json() {
            self.json.push(told(job, &result).into());
        }
        match (result, &job.place) {
            (Ok(bytes), Ok(Place::File(target))) => {
                progress.say(&format!("{} → {} ({bytes} bytes)", job.file, printable_path(&target.path())));
            }
            (Ok(_), _) => {}
            (Err(failure), _) => {
                progress.failed(&failure);
                self.first_failure.get_or_insert(failure);
            }
        }
    }

    fn into_outcome(self) -> Outcome {
        let mut json = Facts::of("files", self.json);
        if let Some(failure) = &self.first_failure {
            json.set("error", failure.to_json());
        }
        Outcome {
            json,
            failure: self.first_failure,
        }
    }
}

/// What became of a file, as the JSON object has it.
fn told(job: &Job<'_>, result: &Result<u64, Failure>) -> Facts {
    let name = match job.file {
        Source::Stdin => "-".into(),
        Source::Path(path) => path.to_string_lossy(),
    };
    let facts = Facts::of("input", name);
    match (result, &job.place) {
        (Ok(bytes), Ok(Place::File(target))) => facts
            .with("output", target.path().to_string_lossy())
            .with("bytes", *bytes),
        (Ok(bytes), _) => facts.with("output", "-").with("bytes", *bytes),
        (Err(failure), _) => facts.with("error", failure.to_json()),
    }
}
