//! Opening and sealing files.

use super::interrupt::Interrupt;
use super::pending::Unpublished;
use super::pipeline::{self, Expected, Threads};
use super::spool::Spool;
use super::spooled::Spooled;
use super::stdout::pour_to_stdout;
use super::stream::BoxCipher;
use super::target::Privacy;
use super::{Folder, Input, InputError, Inputs, Overwrite, Target, TargetError};
use crate::authenticator::Authenticator;
use crate::encryption::PublicKey;
use crate::encryption::sealed_box::{BoxKey, BoxKeyError, BoxOpener, HEADER_BYTES, Header, SealError};
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

/// Opens a sealed box. The result has its name once it is published, and standard output has all of it when this
/// returns.
///
/// Not a byte of plaintext can be published, or leaves for standard output, before the tag was found right.
///
/// # Errors
/// [`OpenBoxError`], one variant per reason.
pub fn open_box(
    input: &mut Input,
    output: Output<'_>,
    recipient: &(impl BoxOpener + ?Sized),
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
            let expected = Expected {
                size: input.rest(),
                before: 0,
            };
            let decrypt = |cipher: &BoxCipher, position, chunk: &mut [u8]| cipher.apply(position, chunk);
            let length = opening.carry(input, threads, expected, progress, decrypt, |chunk| pending.write(chunk))?;
            opening.verify(input)?;
            Ok(Unpublished::new(length, Some(pending)))
        }
        Output::Stdout { spool } => {
            let spooled = open_to_spool(input, recipient, spool, threads, progress)?;
            Ok(pour_to_stdout(spooled, threads)?)
        }
    }
}

/// Opens a sealed box as far as its verdict: the tag was found right, and not a byte of plaintext has been made yet. The
/// ciphertext waits in an unnamed file in the folder `spool`.
///
/// # Errors
/// [`OpenBoxError`], one variant per reason.
pub fn open_to_spool(
    input: &mut Input,
    recipient: &(impl BoxOpener + ?Sized),
    spool: &Folder,
    threads: Threads,
    progress: Progress<'_>,
) -> Result<Spooled, OpenBoxError> {
    let mut opening = Opening::begin(input, recipient, progress)?;
    let mut spool = Spool::create(spool)?;
    // The spool wants whole chunks.
    let expected = Expected::default();
    let length = opening.carry(input, threads, expected, progress, |_, _, _| (), |chunk| spool.write(chunk))?;
    let cipher = opening.verify(input)?;
    Ok(Spooled::opened(spool, length, cipher))
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
    match output {
        Output::File {
            target,
            overwrite,
            inputs,
        } => {
            let mut sealing = Sealing::begin(recipient)?;
            let mut pending = target.start(Privacy::Umask, overwrite, inputs)?;
            // The tag stands in front and is known last.
            pending.write(&[0; HEADER_BYTES])?;
            let expected = Expected {
                size: input.rest(),
                before: HEADER_BYTES,
            };
            let length = sealing.carry(input, threads, expected, progress, |chunk| pending.write(chunk))?;
            pending.write_at_start(&sealing.header())?;
            Ok(Unpublished::new(length + HEADER_BYTES as u64, Some(pending)))
        }
        Output::Stdout { spool } => {
            let spooled = seal_to_spool(input, recipient, spool, threads, progress)?;
            Ok(pour_to_stdout(spooled, threads)?)
        }
    }
}

/// Seals what is read for `recipient`. It is sealed as it comes: the ciphertext waits in an unnamed file in the folder
/// `spool`, and no plaintext touches the disk.
///
/// # Errors
/// [`SealBoxError`], one variant per reason.
pub fn seal_to_spool(
    input: &mut Input,
    recipient: &PublicKey,
    spool: &Folder,
    threads: Threads,
    progress: Progress<'_>,
) -> Result<Spooled, SealBoxError> {
    let mut sealing = Sealing::begin(recipient)?;
    let mut spool = Spool::create(spool)?;
    // The spool wants whole chunks.
    let expected = Expected::default();
    let length = sealing.carry(input, threads, expected, progress, |chunk| spool.write(chunk))?;
    Ok(Spooled::sealed(spool, length, sealing.header()))
}

/// A box whose header was read.
struct Opening {
    cipher: BoxCipher,
    authenticator: Authenticator,
    tag: [u8; 16],
}

impl Opening {
    fn begin(
        input: &mut Input,
        recipient: &(impl BoxOpener + ?Sized),
        progress: Progress<'_>,
    ) -> Result<Self, OpenBoxError> {
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
        let key = recipient.box_key(&ephemeral);
        let key = key.map_err(|error| OpenBoxError::without_key(input.name(), error))?;
        let (cipher, authenticator) = BoxCipher::start(&key);
        Ok(Self {
            cipher,
            authenticator,
            tag,
        })
    }

    /// Reads and authenticates all that follows; each chunk is written after `work`. How many bytes that were.
    fn carry(
        &mut self,
        input: &mut Input,
        threads: Threads,
        expected: Expected,
        progress: Progress<'_>,
        work: impl Fn(&BoxCipher, u64, &mut [u8]) + Sync,
        mut write: impl FnMut(&[u8]) -> Result<(), TargetError> + Send,
    ) -> Result<u64, OpenBoxError> {
        let Self {
            cipher, authenticator, ..
        } = self;
        let interrupt = input.interrupt()?;
        pipeline::run(
            threads,
            expected,
            || signal(interrupt.as_ref()),
            |chunk| fill(input, chunk, progress, |part| authenticator.update(part)),
            |position, chunk| work(cipher, position, chunk),
            |_| (),
            |chunk| Ok(write(chunk)?),
        )
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

/// A box that is being made.
struct Sealing {
    cipher: BoxCipher,
    authenticator: Authenticator,
    ephemeral: PublicKey,
}

impl Sealing {
    fn begin(recipient: &PublicKey) -> Result<Self, SealBoxError> {
        let (key, ephemeral) = BoxKey::to_seal(recipient)?;
        let (cipher, authenticator) = BoxCipher::start(&key);
        Ok(Self {
            cipher,
            authenticator,
            ephemeral,
        })
    }

    /// Reads, encrypts and authenticates all of the input, and writes it. How many bytes that were.
    fn carry(
        &mut self,
        input: &mut Input,
        threads: Threads,
        expected: Expected,
        progress: Progress<'_>,
        mut write: impl FnMut(&[u8]) -> Result<(), TargetError> + Send,
    ) -> Result<u64, SealBoxError> {
        let Self {
            cipher, authenticator, ..
        } = self;
        let interrupt = input.interrupt()?;
        pipeline::run(
            threads,
            expected,
            || signal(interrupt.as_ref()),
            |chunk| fill(input, chunk, progress, |_| ()),
            |position, chunk| cipher.apply(position, chunk),
            |chunk| authenticator.update(chunk),
            |chunk| Ok(write(chunk)?),
        )
    }

    /// What stands in front of the ciphertext that was written.
    fn header(self) -> [u8; HEADER_BYTES] {
        let header = Header {
            ephemeral: self.ephemeral,
            tag: self.authenticator.finish(),
        };
        header.to_bytes()
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

/// Ends waiting for an input, if it is one that is waited for.
fn signal(interrupt: Option<&Interrupt>) {
    if let Some(interrupt) = interrupt {
        interrupt.signal();
    }
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
    /// Whoever holds the key pair did not give the key of this box.
    #[error("{name} was not opened: {message}")]
    NoKey {
        /// The input.
        name: String,
        /// The reason, in one sentence.
        message: String,
        /// What else there is to say of it.
        explanation: Explanation,
    },
    /// The tag is wrong: sealed for another key, or changed.
    #[error("{name} does not open with this key")]
    DoesNotOpen {
        /// The input.
        name: String,
    },
}

impl OpenBoxError {
    fn without_key(name: &str, error: BoxKeyError) -> Self {
        let name = name.to_owned();
        match error {
            BoxKeyError::LowOrder => Self::LowOrder { name },
            BoxKeyError::NotGiven { message, explanation } => Self::NoKey {
                name,
                message,
                explanation,
            },
        }
    }
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
            Self::LowOrder { .. } => BoxKeyError::LowOrder.explain(),
            Self::NoKey { explanation, .. } => explanation.clone(),
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
