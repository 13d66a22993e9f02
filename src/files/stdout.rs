//! Standard output without the buffer of `std`, in which plaintext would stay behind.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::AsFd as _;

use super::TargetError;
use super::pending::Unpublished;
use super::pipeline::Threads;
use super::spooled::Spooled;

/// Pours all of it to standard output.
pub(super) fn pour_to_stdout(spooled: Spooled, threads: Threads) -> Result<Unpublished, TargetError> {
    let length = spooled.length();
    let mut stdout = stdout()?;
    spooled.pour(threads, |bytes| write_out(&mut stdout, bytes))?;
    Ok(Unpublished::new(length, None))
}

/// Writes a short text, which may be secret, to standard output, unbuffered.
///
/// # Errors
/// [`TargetError::Write`] or [`TargetError::NoSpace`].
pub fn write_text_to_stdout(text: &str) -> Result<(), TargetError> {
    write_out(&mut stdout()?, text.as_bytes())
}

fn stdout() -> Result<File, TargetError> {
    let stdout = std::io::stdout().as_fd().try_clone_to_owned();
    stdout
        .map(File::from)
        .map_err(|error| TargetError::from_io("standard output", error))
}

fn write_out(out: &mut File, bytes: &[u8]) -> Result<(), TargetError> {
    out.write_all(bytes)
        .map_err(|error| TargetError::from_io("standard output", error))
}
