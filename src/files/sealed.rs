//! Opening and sealing files.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::AsFd as _;

use super::input::Interrupt;
use super::pending::Unpublished;
use super::pipeline::{self, Expected, Threads};
use super::spool::Spool;
use super::stream::BoxCipher;
use super::target::Privacy;
use super::{Folder, Input, InputError, Inputs, Overwrite, Target, TargetError};
use crate::authenticator::Authenticator;
use crate::encryption::sealed_box::{BoxKey, HEADER_BYTES, Header, LowOrder, SealError};
use crate::encryption::{KeyPair, PublicKey};
use crate::fault::{Class, Explanation, Fault};

/// Is told of every piece that was read, by its length in bytes; by several threads, one after the other.
pub type Progress<'a> = &'a (dyn Fn(u64) + Sync);

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

/// Opens a sealed box with the recipient's key pair. The result has its name once it is published, and standard output
/// has all of it when this returns.
///
/// Not a byte of plaintext can be published, or leaves for standard output, before the tag was found right.
///
/// # Errors
/// [`OpenBoxError`], one variant per reason.
pub fn open_box(
    input: &mut Input,
    output: Output<'_>,
    recipient: &KeyPair,
    threads: Threads,
    progress: Progress<'_>,
) -> Result<Unpublished, OpenBoxError> {
    match output {
        Output::File {
            target,
            overwrite,
            inputs,
        } => {
            let mut pending = target.start(Privacy::Owner, overwrite, inputs)?;
            let mut opening = Opening::begin(input, recipient, progress)?;
            let cipher = &opening.cipher;
            let interrupt = input.interrupt()?;
            let length = pipeline::run(
                threads,
                Expected {
                    size: input.rest(),
                    before: 0,
                },
                || signal(interrupt.as_ref()),
                |chunk| fill(input, chunk, progress, |part| opening.authenticator.update(part)),
                |position, chunk| cipher.apply(position, chunk),
                |_| (),
                |chunk| Ok::<_, OpenBoxError>(pending.write(chunk)?),
            )?;
            opening.verify(input)?;
            Ok(Unpublished::new(length, Some(pending)))
        }
        Output::Stdout { spool } => {
            let mut opening = Opening::begin(input, recipient, progress)?;
            let mut spool = Spool::create(spool)?;
            let interrupt = input.interrupt()?;
            let length = pipeline::run(
                threads,
                // The spool wants whole chunks.
                Expected::default(),
                || signal(interrupt.as_ref()),
                |chunk| fill(input, chunk, progress, |part| opening.authenticator.update(part)),
                |_, _| (),
                |_| (),
                |chunk| Ok::<_, OpenBoxError>(spool.write(chunk)?),
            )?;
            let cipher = opening.verify(input)?;
            pour_out(spool, threads, |position, chunk| cipher.apply(position, chunk))?;
            Ok(Unpublished::new(length, None))
        }
    }
}

/// Seals a file for `recipient`. The result is 48 bytes longer than the plaintext; it has its name once it is published,
/// and standard output has all of it when this returns.
///
/// # Errors
/// [`SealBoxError`], one variant per reason.
pub fn seal_box(
    input: &mut Input,
    output: Output<'_>,
    recipient: &PublicKey,
    threads: Threads,
    progress: Progress<'_>,
) -> Result<Unpublished, SealBoxError> {
    let (key, ephemeral) = BoxKey::to_seal(recipient)?;
    let (cipher, mut authenticator) = BoxCipher::start(&key);
    let header = |tag| Header { ephemeral, tag }.to_bytes();
    let interrupt = input.interrupt()?;
    let size = input.rest();
    let mut seal = |expected, write: &mut (dyn FnMut(&[u8]) -> Result<(), TargetError> + Send)| {
        pipeline::run(
            threads,
            expected,
            || signal(interrupt.as_ref()),
            |chunk| fill(input, chunk, progress, |_| ()),
            |position, chunk| cipher.apply(position, chunk),
            |chunk| authenticator.update(chunk),
            |chunk| Ok::<_, SealBoxError>(write(chunk)?),
        )
    };
    let (length, pending) = match output {
        Output::File {
            target,
            overwrite,
            inputs,
        } => {
            let mut pending = target.start(Privacy::Umask, overwrite, inputs)?;
            // The tag stands in front and is known last.
            pending.write(&header([0; 16]))?;
            let length = seal(
                Expected {
                    size,
                    before: HEADER_BYTES,
                },
                &mut |chunk| pending.write(chunk),
            )?;
            pending.write_at_start(&header(authenticator.finish()))?;
            (length, Some(pending))
        }
        Output::Stdout { spool } => {
            let mut spool = Spool::create(spool)?;
            // The spool wants whole chunks.
            let length = seal(Expected::default(), &mut |chunk| spool.write(chunk))?;
            write_out(&mut stdout()?, &header(authenticator.finish()))?;
            pour_out(spool, threads, |_, _| ())?;
            (length, None)
        }
    };
    Ok(Unpublished::new(length + HEADER_BYTES as u64, pending))
}

/// A box whose header was read.
struct Opening {
    cipher: BoxCipher,
    authenticator: Authenticator,
    tag: [u8; 16],
}

impl Opening {
    fn begin(input: &mut Input, recipient: &KeyPair, progress: Progress<'_>) -> Result<Self, OpenBoxError> {
        let mut header = [0; HEADER_BYTES];
        let found = input.fill(&mut header)?;
        if found < HEADER_BYTES {
            return Err(OpenBoxError::TooShort {
                name: input.name().to_owned(),
                found,
            });
        }
        progress(HEADER_BYTES as u64);
        let Header { ephemeral, tag } = Header::from_bytes(&header);
        let key = BoxKey::to_open(recipient, &ephemeral).map_err(|LowOrder| OpenBoxError::LowOrder {
            name: input.name().to_owned(),
        })?;
        let (cipher, authenticator) = BoxCipher::start(&key);
        Ok(Self {
            cipher,
            authenticator,
            tag,
        })
    }

    /// The cipher, if the tag is that of what was authenticated.
    fn verify(self, input: &Input) -> Result<BoxCipher, OpenBoxError> {
        match self.authenticator.verify(&self.tag) {
            true => Ok(self.cipher),
            false => Err(OpenBoxError::DoesNotOpen {
                name: input.name().to_owned(),
            }),
        }
    }
}

/// Fills a chunk from the input and shows it to `see`.
fn fill<E: From<InputError>>(
    input: &mut Input,
    chunk: &mut [u8],
    progress: Progress<'_>,
    see: impl FnOnce(&[u8]),
) -> Result<usize, E> {
    let length = input.fill(chunk)?;
    see(chunk.get(..length).unwrap_or_default());
    progress(length as u64);
    Ok(length)
}

/// Writes what was spooled to standard output, each chunk after `work`.
fn pour_out(spool: Spool, threads: Threads, work: impl Fn(u64, &mut [u8]) + Sync) -> Result<(), TargetError> {
    let mut stdout = stdout()?;
    let mut spool = spool.read_again()?;
    let write = |chunk: &[u8]| write_out(&mut stdout, chunk);
    pipeline::run(threads, Expected::default(), || (), |chunk| spool.fill(chunk), work, |_| (), write)?;
    Ok(())
}

/// Ends waiting for an input, if it is one that is waited for.
fn signal(interrupt: Option<&Interrupt>) {
    if let Some(interrupt) = interrupt {
        interrupt.signal();
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
