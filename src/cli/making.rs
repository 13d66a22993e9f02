//! What `decrypt` and `encrypt` do with all files that they were given.

use saltbridge::fault::Fault;
use saltbridge::files::{self, Input, InputError, Output, Source, TargetError, Threads, Unpublished, batch};
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

/// What a command makes of one file.
pub(super) trait Work: Sync {
    type Error: Fault + From<InputError> + From<TargetError>;

    /// Does it, but for publishing the result.
    fn run(
        &self,
        input: &mut Input,
        output: Output<'_>,
        threads: Threads,
        progress: files::Progress<'_>,
    ) -> Result<Unpublished, Self::Error>;
}

/// Does the work on every file. One that fails does not stop the others; the first failure decides the exit code.
/// `prepare` asks for what the work needs, and is not called if there is nothing left to do.
pub(super) fn run_all<W: Work>(
    plan: Plan<'_>,
    prepare: impl FnOnce() -> Result<W, Failure>,
    report: &Report,
) -> Outcome {
    let Plan { jobs, rules } = plan;
    let work = match jobs.iter().any(|job| job.place.is_ok()) {
        true => Some(prepare()),
        false => None,
    };
    let progress = Progress::new(&jobs, report);
    let mut results = Results::default();
    match &work {
        Some(Ok(work)) => batch::run_all(
            jobs,
            Threads::all(),
            |job| job.size,
            |job, threads| run_one(job, &rules, work, threads, &progress),
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
    if let Some(Err(failure)) = work {
        report.failed(&failure);
        results.first_failure = Some(failure);
    }
    results.into_outcome()
}

fn run_one<W: Work>(
    job: &Job<'_>,
    rules: &Rules,
    work: &W,
    threads: Threads,
    progress: &Progress,
) -> Result<Unpublished, Failure> {
    let place = job.place.as_ref().map_err(Failure::clone)?;
    let mut input = terminal::open(job.file, "the file", progress.report()).map_err(W::Error::from)?;
    let output = rules.output(place);
    let result = match place {
        Place::File(_) => work.run(&mut input, output, threads, &|bytes| progress.advance(bytes)),
        Place::Stdout { spool } => {
            let spooling = Spooling::into(spool, progress);
            work.run(&mut input, output, threads, &|bytes| spooling.advance(bytes))
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
