//! Opening and sealing files.

use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::os::fd::AsFd as _;

use rustix::fs::Mode;
use zeroize::Zeroizing;

use super::input::fill;
use super::stream::{CHUNK_BYTES, Opener, Sealer};
use super::target::Privacy;
use super::temporary::{Naming, Temporary};
use super::{Folder, Input, InputError, Inputs, Overwrite, Target, TargetError};
use crate::encryption::sealed_box::{BoxKey, HEADER_BYTES, Header, LowOrder, SealError};
use crate::encryption::{KeyPair, PublicKey};
use crate::fault::{Class, Explanation, Fault};

/// Is told of every piece that was read, by its length in bytes.
pub type Progress<'a> = &'a dyn Fn(u64);

/// Where the result goes.
#[derive(Clone, Copy)]
pub enum Output<'a> {
    /// To a file.
    File {
        /// Its name.
        target: &'a Target,
        /// What happens to a file of that name.
        overwrite: Overwrite,
        /// What the run reads, which is never replaced.
        inputs: &'a Inputs,
    },
    /// To standard output, once it is verified and whole. Until then it waits as ciphertext in an unnamed file.
    Stdout {
        /// The folder of that file.
        spool: &'a Folder,
    },
}

/// Opens a sealed box with the recipient's key pair. Returns the length of the plaintext in bytes.
///
/// Not a byte of plaintext has a name, or leaves for standard output, before the tag was found right.
///
/// # Errors
/// [`OpenBoxError`], one variant per reason.
pub fn open_box(
    input: &mut Input,
    output: Output<'_>,
    recipient: &KeyPair,
    progress: Progress<'_>,
) -> Result<u64, OpenBoxError> {
    match output {
        Output::File {
            target,
            overwrite,
            inputs,
        } => {
            let mut pending = target.start(Privacy::Owner, overwrite, inputs)?;
            let (mut opener, tag) = begin_open(input, recipient, progress)?;
            let length = for_each_chunk(input, progress, |chunk| {
                opener.authenticate(chunk);
                opener.decrypt(chunk);
                pending.write(chunk).map_err(OpenBoxError::from)
            })?;
            opener.verify(&tag).ok_or_else(|| does_not_open(input))?;
            pending.publish()?;
            Ok(length)
        }
        Output::Stdout { spool } => {
            let (mut opener, tag) = begin_open(input, recipient, progress)?;
            let mut spool = Spool::create(spool)?;
            let length = for_each_chunk(input, progress, |chunk| {
                opener.authenticate(chunk);
                spool.write(chunk).map_err(OpenBoxError::from)
            })?;
            let mut verified = opener.verify(&tag).ok_or_else(|| does_not_open(input))?;
            spool.pour_out(&mut stdout()?, |chunk| verified.decrypt(chunk))?;
            Ok(length)
        }
    }
}

/// Seals a file for `recipient`. Returns the length of the sealed box in bytes: that of the plaintext and 48 more.
///
/// # Errors
/// [`SealBoxError`], one variant per reason.
pub fn seal_box(
    input: &mut Input,
    output: Output<'_>,
    recipient: &PublicKey,
    progress: Progress<'_>,
) -> Result<u64, SealBoxError> {
    let (key, ephemeral) = BoxKey::to_seal(recipient)?;
    let mut sealer = Sealer::new(&key);
    let header = |tag| Header { ephemeral, tag }.to_bytes();
    let length = match output {
        Output::File {
            target,
            overwrite,
            inputs,
        } => {
            let mut pending = target.start(Privacy::Umask, overwrite, inputs)?;
            // The tag stands in front and is known last.
            pending.write(&header([0; 16]))?;
            let length = for_each_chunk(input, progress, |chunk| {
                sealer.encrypt(chunk);
                pending.write(chunk).map_err(SealBoxError::from)
            })?;
            pending.write_at_start(&header(sealer.finish()))?;
            pending.publish()?;
            length
        }
        Output::Stdout { spool } => {
            let mut spool = Spool::create(spool)?;
            let length = for_each_chunk(input, progress, |chunk| {
                sealer.encrypt(chunk);
                spool.write(chunk).map_err(SealBoxError::from)
            })?;
            let mut stdout = stdout()?;
            write_out(&mut stdout, &header(sealer.finish()))?;
            spool.pour_out(&mut stdout, |_| ())?;
            length
        }
    };
    Ok(length + HEADER_BYTES as u64)
}

fn begin_open(
    input: &mut Input,
    recipient: &KeyPair,
    progress: Progress<'_>,
) -> Result<(Opener, [u8; 16]), OpenBoxError> {
    let mut header = [0; HEADER_BYTES];
    let found = input.fill(&mut header)?;
    if found < HEADER_BYTES {
        return Err(OpenBoxError::TooShort {
            name: input.name().to_owned(),
            found,
        });
    }
    progress(HEADER_BYTES as u64);
    let header = Header::from_bytes(&header);
    let key = BoxKey::to_open(recipient, &header.ephemeral).map_err(|LowOrder| OpenBoxError::LowOrder {
        name: input.name().to_owned(),
    })?;
    Ok((Opener::new(&key), header.tag))
}

fn does_not_open(input: &Input) -> OpenBoxError {
    OpenBoxError::DoesNotOpen {
        name: input.name().to_owned(),
    }
}

/// Runs `work` over the rest of the input, chunk by chunk; how many bytes that were.
fn for_each_chunk<E: From<InputError>>(
    input: &mut Input,
    progress: Progress<'_>,
    mut work: impl FnMut(&mut [u8]) -> Result<(), E>,
) -> Result<u64, E> {
    let mut buffer = Zeroizing::new(vec![0; CHUNK_BYTES]);
    let mut total = 0;
    loop {
        let length = input.fill(&mut buffer)?;
        let Some(chunk) = buffer.get_mut(..length).filter(|chunk| !chunk.is_empty()) else {
            return Ok(total);
        };
        work(chunk)?;
        total += length as u64;
        progress(length as u64);
    }
}

/// Ciphertext that waits, in an unnamed file, until all of it has been seen.
struct Spool {
    temporary: Temporary,
    name: String,
}

impl Spool {
    fn create(folder: &Folder) -> Result<Self, TargetError> {
        let name = format!("the spool file in {}", folder.shown());
        match Temporary::create(folder.place(), Mode::RUSR | Mode::WUSR, Naming::Avoid) {
            Ok(temporary) => Ok(Self { temporary, name }),
            Err(error) => Err(TargetError::from_io(&name, error)),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), TargetError> {
        let result = self.temporary.file().write_all(bytes);
        result.map_err(|error| TargetError::from_io(&self.name, error))
    }

    /// Writes all of it to `out`, each chunk after `change`.
    fn pour_out(mut self, out: &mut File, mut change: impl FnMut(&mut [u8])) -> Result<(), TargetError> {
        let own = |error| TargetError::from_io(&self.name, error);
        let file = self.temporary.file();
        file.rewind().map_err(own)?;
        let mut buffer = Zeroizing::new(vec![0; CHUNK_BYTES]);
        loop {
            let length = fill(file, &mut buffer).map_err(own)?;
            let Some(chunk) = buffer.get_mut(..length).filter(|chunk| !chunk.is_empty()) else {
                return Ok(());
            };
            change(chunk);
            write_out(out, chunk)?;
        }
    }
}

/// Standard output without the buffer of `std`, in which plaintext would stay behind.
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

/// Writes a short text, which may be secret, to standard output, unbuffered.
///
/// # Errors
/// [`TargetError::Write`] or [`TargetError::NoSpace`].
pub fn write_text_to_stdout(text: &str) -> Result<(), TargetError> {
    write_out(&mut stdout()?, text.as_bytes())
}

/// Why a sealed box gave no plaintext.
#[derive(Debug, thiserror::Error)]
pub enum OpenBoxError {
    /// The box could not be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The plaintext could not be written.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// Shorter than the 48 bytes that every sealed box has.
    #[error("{name} is no sealed box: it has {found} bytes, at least 48 are needed")]
    TooShort {
        /// The input.
        name: String,
        /// Its length in bytes.
        found: usize,
    },
    /// The ephemeral key is a point of low order: made to be opened by anybody.
    #[error("{name} is forged: its ephemeral key is a point of low order")]
    LowOrder {
        /// The input.
        name: String,
    },
    /// The tag is wrong: sealed for another key, or changed.
    #[error("{name} does not open with this key")]
    DoesNotOpen {
        /// The input.
        name: String,
    },
}

impl Fault for OpenBoxError {
    fn explain(&self) -> Explanation {
        match self {
            Self::Input(error) => error.explain(),
            Self::Target(error) => error.explain(),
            Self::TooShort { .. } => Explanation::new(
                "box-too-short",
                Class::Damaged,
                "the download was probably cut short, or this is another file: get it again",
            ),
            Self::LowOrder { .. } => Explanation::new(
                "low-order-box",
                Class::Damaged,
                "nobody's honest program made this file: ask the seller, and do not use what it claims to hold",
            ),
            Self::DoesNotOpen { .. } => Explanation::new(
                "box-does-not-open",
                Class::DoesNotOpen,
                "it was sealed for another key (an older one of yours, perhaps), or it was changed or cut on the way: \
                 get it again, then try the key that the order names as buyer_public_key",
            ),
        }
    }
}

/// Why a file was not sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealBoxError {
    /// The file could not be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The box could not be written.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// No box can be made for this recipient.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl Fault for SealBoxError {
    fn explain(&self) -> Explanation {
        match self {
            Self::Input(error) => error.explain(),
            Self::Target(error) => error.explain(),
            Self::Seal(error) => error.explain(),
        }
    }
}
