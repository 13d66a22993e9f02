//! Which result goes where, decided for all files before the first is touched.

use std::collections::HashSet;
use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::path::Path;

use indicatif::ProgressBar;
use saltbridge::fault::Fault;
use saltbridge::files::{Folder, Input, InputError, Output, Source, Target, TargetError};
use saltbridge::text::printable_path;
use serde_json::Value;

use super::Outcome;
use super::args::Outputs;
use super::facts::Facts;
use super::failure::{CliError, Failure};
use super::report::Report;
use super::terminal;

/// One file's way.
pub(super) struct Job {
    input: Source,
    /// None is standard output.
    target: Option<Target>,
}

/// What a command makes of one file.
pub(super) trait Work {
    type Error: Fault + From<InputError> + From<TargetError>;

    /// Does it; the length of the result in bytes.
    fn run(&self, input: &mut Input, output: Output<'_>, progress: &ProgressBar) -> Result<u64, Self::Error>;
}

/// Decides all targets. `rename` makes the name of the result from the name of the file, if it can.
pub(super) fn plan(
    files: &[Source],
    outputs: &Outputs,
    report: &Report,
    rename: impl Fn(&Path) -> Option<OsString>,
) -> Result<Vec<Result<Job, Failure>>, Failure> {
    if files.iter().filter(|file| **file == Source::Stdin).count() > 1 {
        return Err(CliError::StdinTwice.into());
    }
    if let Some(output) = &outputs.output {
        let [input] = files else {
            return Err(CliError::OneOutputForMany { files: files.len() }.into());
        };
        let target = match output {
            Source::Path(path) => Some(Target::from_path(path)?),
            Source::Stdin if report.is_json() => return Err(CliError::JsonAndDataToStdout.into()),
            Source::Stdin if std::io::stdout().is_terminal() => return Err(CliError::DataToTerminal.into()),
            Source::Stdin => None,
        };
        return Ok(vec![Ok(Job {
            input: input.clone(),
            target,
        })]);
    }
    let folder = outputs.output_dir.as_deref().map(Folder::open_or_make).transpose()?;
    let mut taken = HashSet::new();
    let target_of = |input: &Source| -> Result<Target, Failure> {
        let unnamed = || CliError::NoOutputName {
            file: input.to_string(),
        };
        let Source::Path(path) = input else {
            return Err(unnamed().into());
        };
        let renamed = rename(path);
        Ok(match &folder {
            // In a folder of its own the result may have the name of the file itself.
            Some(folder) => {
                let name = renamed
                    .or_else(|| path.file_name().map(OsString::from))
                    .ok_or_else(unnamed)?;
                Target::new(folder, &name)?
            }
            None => {
                let name = renamed.ok_or_else(unnamed)?;
                Target::from_path(&path.with_file_name(name))?
            }
        })
    };
    let jobs = files.iter().map(|input| {
        let target = target_of(input)?;
        if !taken.insert(target.identity()) {
            let target = printable_path(&target.path());
            return Err(CliError::SameTarget { target }.into());
        }
        Ok(Job {
            input: input.clone(),
            target: Some(target),
        })
    });
    Ok(jobs.collect())
}

/// Does the work on every file. One that fails does not stop the others; the first failure decides the exit code.
pub(super) fn run_all<W: Work>(
    files: &[Source],
    jobs: Vec<Result<Job, Failure>>,
    outputs: &Outputs,
    work: &W,
    report: &Report,
) -> Outcome {
    let mut results = Vec::<Value>::new();
    let mut first_failure = None;
    for (file, job) in files.iter().zip(jobs) {
        let name = match file {
            Source::Stdin => "-".into(),
            Source::Path(path) => path.to_string_lossy(),
        };
        let input = Facts::of("input", name);
        match job.and_then(|job| run_one(&job, outputs, work, report)) {
            Ok((target, bytes)) => results.push(input.with("output", target).with("bytes", bytes).into()),
            Err(failure) => {
                report.failed(&failure);
                results.push(input.with("error", failure.to_json()).into());
                first_failure.get_or_insert(failure);
            }
        }
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

fn run_one<W: Work>(job: &Job, outputs: &Outputs, work: &W, report: &Report) -> Result<(String, u64), Failure> {
    let mut input = terminal::open(&job.input, "the file", report).map_err(W::Error::from)?;
    let bar = report.progress(input.name(), input.size());
    let spool;
    let output = match &job.target {
        Some(target) => Output::File {
            target,
            overwrite: outputs.force.overwrite(),
        },
        None => {
            spool = spool_folder().map_err(W::Error::from)?;
            Output::Stdout { spool: &spool }
        }
    };
    let result = work.run(&mut input, output, &bar);
    bar.finish_and_clear();
    let bytes = result?;
    let Some(target) = &job.target else {
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
