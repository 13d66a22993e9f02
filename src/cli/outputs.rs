//! Which result goes where, decided for all files before the first is touched.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use saltbridge::fault::Fault;
use saltbridge::files::{Folder, Input, InputError, Inputs, Output, Overwrite, Source, Target, TargetError};
use saltbridge::text::printable_path;
use serde_json::Value;

use super::Outcome;
use super::args::{Destination, Outputs};
use super::facts::Facts;
use super::failure::{CliError, Failure};
use super::report::Report;
use super::terminal;

/// What is to be done with one file.
#[derive(Clone)]
enum Job {
    ToStdout { spool: Folder },
    ToFile(Target),
}

/// What a command makes of one file.
pub(super) trait Work {
    type Error: Fault + From<InputError> + From<TargetError>;

    /// Does it; the length of the result in bytes.
    fn run(&self, input: &mut Input, output: Output<'_>, progress: &ProgressBar) -> Result<u64, Self::Error>;
}

/// What is to be done, decided and checked as far as possible before anything is done.
pub(super) struct Plan<'a> {
    jobs: Vec<(&'a Source, Result<Job, Failure>)>,
    inputs: Inputs,
    overwrite: Overwrite,
}

/// Decides all targets. `rename` makes the name of the result from the name of the file, if it can; `secrets` are read
/// too, and like the files they are never replaced.
pub(super) fn plan<'a>(
    files: &'a [Source],
    secrets: &[&Source],
    outputs: &Outputs,
    report: &Report,
    rename: impl Fn(&Path) -> Option<OsString>,
) -> Result<Plan<'a>, Failure> {
    let sources = || files.iter().chain(secrets.iter().copied());
    if sources().filter(|source| **source == Source::Stdin).count() > 1 {
        return Err(CliError::StdinTwice.into());
    }
    let inputs = Inputs::of(sources());
    let overwrite = outputs.force.overwrite();
    let folder = outputs.output_dir.as_deref().map(Folder::open_or_make).transpose()?;
    let named = match (&outputs.output, files) {
        (None, _) => None,
        (Some(Destination::Path(path)), [_]) => Some(Job::ToFile(Target::from_path(path)?)),
        (Some(Destination::Stdout), [_]) => {
            report.check_stdout(false)?;
            let spool = spool_folder()?;
            Some(Job::ToStdout { spool })
        }
        (Some(_), _) => return Err(CliError::OneOutputForMany { files: files.len() }.into()),
    };
    // Each folder is opened once, however many files go there.
    let mut folders = HashMap::new();
    let mut taken = HashSet::new();
    let mut job_of = |input: &Source| -> Result<Job, Failure> {
        let job = match &named {
            Some(job) => job.clone(),
            None => Job::ToFile(target_of(input, folder.as_ref(), &rename, &mut folders)?),
        };
        if let Job::ToFile(target) = &job {
            if !taken.insert(target.identity()) {
                let target = printable_path(&target.path());
                return Err(CliError::SameTarget { target }.into());
            }
            target.check(overwrite, &inputs)?;
        }
        // Before anybody is asked for a signature in vain.
        if let Source::Path(_) = input {
            Input::open(input)?;
        }
        Ok(job)
    };
    let jobs = files.iter().map(|file| (file, job_of(file))).collect();
    Ok(Plan {
        jobs,
        inputs,
        overwrite,
    })
}

fn target_of(
    input: &Source,
    folder: Option<&Folder>,
    rename: impl Fn(&Path) -> Option<OsString>,
    folders: &mut HashMap<PathBuf, Folder>,
) -> Result<Target, Failure> {
    let Source::Path(path) = input else {
        return Err(CliError::NoNameForStdin.into());
    };
    let unnamed = || CliError::NoOutputName {
        file: input.to_string(),
    };
    let renamed = rename(path);
    Ok(match folder {
        // In a folder of its own the result may have the name of the file itself.
        Some(folder) => {
            let name = renamed
                .or_else(|| path.file_name().map(OsString::from))
                .ok_or_else(unnamed)?;
            Target::new(folder, &name)?
        }
        None => {
            let name = renamed.ok_or_else(unnamed)?;
            let beside = path.parent().unwrap_or(path).to_owned();
            let folder = match folders.entry(beside) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => {
                    let folder = Folder::open(new.key())?;
                    new.insert(folder)
                }
            };
            Target::new(folder, &name)?
        }
    })
}

/// Does the work on every file. One that fails does not stop the others; the first failure decides the exit code.
/// `prepare` asks for what the work needs, and is not called if there is nothing left to do.
pub(super) fn run_all<W: Work>(
    mut plan: Plan<'_>,
    prepare: impl FnOnce() -> Result<W, Failure>,
    report: &Report,
) -> Outcome {
    let work = match plan.jobs.iter().any(|(_, job)| job.is_ok()) {
        true => Some(prepare()),
        false => None,
    };
    let mut results = Vec::<Value>::new();
    let mut first_failure = None;
    for (file, job) in std::mem::take(&mut plan.jobs) {
        let name = match file {
            Source::Stdin => "-".into(),
            Source::Path(path) => path.to_string_lossy(),
        };
        let input = Facts::of("input", name);
        let done = match (job, &work) {
            (Ok(job), Some(Ok(work))) => run_one(file, &job, &plan, work, report),
            (Err(failure), _) => Err(failure),
            // What could have been done was not even begun.
            (Ok(_), Some(Err(_)) | None) => continue,
        };
        match done {
            Ok((target, bytes)) => results.push(input.with("output", target).with("bytes", bytes).into()),
            Err(failure) => {
                report.failed(&failure);
                results.push(input.with("error", failure.to_json()).into());
                first_failure.get_or_insert(failure);
            }
        }
    }
    if let Some(Err(failure)) = work {
        report.failed(&failure);
        first_failure = Some(failure);
    }
    let mut json = Facts::of("files", results);
    if let Some(failure) = &first_failure {
        json.set("error", failure.to_json());
    }
    Outcome {
        json,
        failure: first_failure,
    }
}

fn run_one<W: Work>(
    file: &Source,
    job: &Job,
    plan: &Plan<'_>,
    work: &W,
    report: &Report,
) -> Result<(String, u64), Failure> {
    let mut input = terminal::open(file, "the file", report).map_err(W::Error::from)?;
    let bar = report.progress(input.name(), input.size());
    let output = match job {
        Job::ToFile(target) => Output::File {
            target,
            overwrite: plan.overwrite,
            inputs: &plan.inputs,
        },
        Job::ToStdout { spool } => Output::Stdout { spool },
    };
    let result = work.run(&mut input, output, &bar);
    bar.finish_and_clear();
    let bytes = result?;
    let Job::ToFile(target) = job else {
        return Ok(("-".to_owned(), bytes));
    };
    let path = target.path();
    report.say(&format!("{} → {} ({bytes} bytes)", input.name(), printable_path(&path)));
    Ok((path.to_string_lossy().into_owned(), bytes))
}

/// Where ciphertext waits until it is verified: TMPDIR, otherwise /var/tmp, which is not kept in memory.
fn spool_folder() -> Result<Folder, TargetError> {
    let folder = std::env::var_os("TMPDIR").filter(|folder| !folder.is_empty());
    Folder::open(Path::new(folder.as_deref().unwrap_or("/var/tmp".as_ref())))
}
