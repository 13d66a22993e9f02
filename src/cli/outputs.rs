//! Which result goes where, decided for all files before the first is touched.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use saltbridge::files::{Folder, Input, Inputs, Output, Overwrite, Source, Target, Threads, batch};
use saltbridge::text::printable_path;

use super::args::{Destination, Outputs};
use super::failure::{CliError, Failure};
use super::report::Report;
use super::spool;

/// Where one result goes.
#[derive(Clone)]
pub(super) enum Place {
    /// To standard output, after it waited in the folder.
    Stdout { spool: Folder },
    /// To a file.
    File(Target),
}

/// What is to be done with one file.
pub(super) struct Job<'a> {
    pub(super) file: &'a Source,
    /// Where the result goes, if that could be decided.
    pub(super) place: Result<Place, Failure>,
    /// The length of the file in bytes, as far as it is known.
    pub(super) size: Option<u64>,
}

impl Job<'_> {
    /// Refuses what would fail later, before anybody is asked for a signature in vain.
    fn check(&mut self, rules: &Rules) {
        let checked = match (&self.place, self.file) {
            (Ok(place), file) => rules.check(place).and_then(|()| match file {
                Source::Stdin => Ok(None),
                Source::Path(path) => Ok(Input::check(path)?),
            }),
            // Nothing of it will be read.
            (Err(_), _) => Ok(Some(0)),
        };
        match checked {
            Ok(size) => self.size = size,
            Err(failure) => {
                self.place = Err(failure);
                self.size = Some(0);
            }
        }
    }
}

/// What is to be done, decided and checked as far as possible before anything is done.
pub(super) struct Plan<'a> {
    pub(super) jobs: Vec<Job<'a>>,
    pub(super) rules: Rules,
}

/// What is replaced, and what is not.
pub(super) struct Rules {
    inputs: Inputs,
    overwrite: Overwrite,
}

impl Rules {
    fn check(&self, place: &Place) -> Result<(), Failure> {
        match place {
            Place::Stdout { .. } => Ok(()),
            Place::File(target) => Ok(target.check(self.overwrite, &self.inputs)?),
        }
    }

    /// A place as the library takes it.
    pub(super) fn output<'a>(&'a self, place: &'a Place) -> Output<'a> {
        match place {
            Place::Stdout { spool } => Output::Stdout { spool },
            Place::File(target) => Output::File {
                target,
                overwrite: self.overwrite,
                inputs: &self.inputs,
            },
        }
    }
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
    let overwrite = outputs.force.overwrite();
    let inputs = match overwrite {
        Overwrite::Replace => Inputs::of(sources()),
        // No file is replaced, whatever it is.
        Overwrite::Refuse => Inputs::default(),
    };
    let folder = outputs.output_dir.as_deref().map(Folder::open_or_make).transpose()?;
    let named = match (&outputs.output, files) {
        (None, _) => None,
        (Some(Destination::Path(path)), [_]) => Some(Place::File(Target::from_path(path)?)),
        (Some(Destination::Stdout), [_]) => {
            report.check_stdout(false)?;
            let spool = spool::choose(outputs.spool_dir.as_deref(), report)?;
            Some(Place::Stdout { spool })
        }
        (Some(_), _) => return Err(CliError::OneOutputForMany { files: files.len() }.into()),
    };
    // Each folder is opened once, however many files go there.
    let mut folders = HashMap::new();
    let mut taken = HashSet::new();
    let mut place_of = |input: &Source| -> Result<Place, Failure> {
        let place = match &named {
            Some(place) => place.clone(),
            None => Place::File(target_of(input, folder.as_ref(), &rename, &mut folders)?),
        };
        if let Place::File(target) = &place
            && !taken.insert(target.identity())
        {
            let target = printable_path(&target.path());
            return Err(CliError::SameTarget { target }.into());
        }
        Ok(place)
    };
    let job_of = |file| Job {
        file,
        place: place_of(file),
        size: None,
    };
    let mut jobs: Vec<_> = files.iter().map(job_of).collect();
    let rules = Rules { inputs, overwrite };
    batch::for_each(&mut jobs, Threads::all(), |job| job.check(&rules));
    Ok(Plan { jobs, rules })
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
