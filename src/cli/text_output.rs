//! A text that a command writes: to a file of mode 0600, or to standard output.

use saltbridge::files::{Inputs, Overwrite, Source, Target, write_private_text, write_text_to_stdout};

use super::args::Destination;
use super::facts::Facts;
use super::failure::Failure;
use super::report::Report;

/// Where the text goes, checked before anybody is asked.
pub(super) struct TextOutput {
    target: Option<Target>,
    inputs: Inputs,
    overwrite: Overwrite,
}

impl TextOutput {
    /// `inputs` are never replaced. `harmless` text may be shown on a terminal.
    pub(super) fn check(
        destination: &Destination,
        overwrite: Overwrite,
        inputs: &[&Source],
        harmless: bool,
        report: &Report,
    ) -> Result<Self, Failure> {
        let inputs = Inputs::of(inputs.iter().copied());
        let target = match destination {
            Destination::Stdout => {
                report.check_stdout(harmless)?;
                None
            }
            Destination::Path(path) => Some(Target::from_path(path)?),
        };
        if let Some(target) = &target {
            target.check(overwrite, &inputs)?;
        }
        Ok(Self {
            target,
            inputs,
            overwrite,
        })
    }

    /// Writes it; the path as it is shown, if it is a file, which stands in `json` then.
    pub(super) fn write(self, text: &str, json: &mut Facts) -> Result<Option<String>, Failure> {
        let Some(target) = self.target else {
            write_text_to_stdout(text)?;
            return Ok(None);
        };
        write_private_text(&target, text, self.overwrite, &self.inputs)?;
        let path = target.path();
        json.set("output", path.to_string_lossy());
        Ok(Some(saltbridge::text::printable_path(&path)))
    }
}
