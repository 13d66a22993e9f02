//! Sealed boxes and other private files on disk.
//!
//! Promises: nothing is seen under a target's name before it is whole, verified and synced; nothing is overwritten
//! unless that was asked for; when it fails, or is killed at any moment, what stood there before stands there still (or the
//! whole new file, if all that failed was to sync its name).
//! Until then a file has no name at all where the system allows that, and a hidden one elsewhere (`temporary.rs`).
//! Memory does not grow with the size of a file, and each byte of it is read once (`pipeline.rs`). What is poured out
//! instead, to standard output or anything else, waits as ciphertext until all of it has been judged (`spooled.rs`).
//! Refuses input that is neither a regular file nor a pipe that somebody is writing to, nor a reader in this process, and
//! targets that are neither absent nor a regular file
//! (or a link, which is replaced itself and never followed).
//!
//! Text from outside is read with a limit; plaintext and keys are written with mode 0600.

pub mod batch;
mod input;
mod interrupt;
mod pending;
mod pipeline;
mod sealed;
mod spool;
mod spooled;
mod stdout;
mod stream;
mod target;
mod temporary;

pub use input::{Input, InputError, Inputs, Source};
pub use pending::Unpublished;
pub use pipeline::{CHUNK_BYTES, Threads};
pub use sealed::{OpenBoxError, Output, Progress, SealBoxError, open_box, open_to_spool, seal_box, seal_to_spool};
pub use spooled::Spooled;
pub use stdout::write_text_to_stdout;
pub use stream::BoxCipher;
pub use target::{Folder, Overwrite, Privacy, Target, TargetError, write_private_text};
pub use temporary::remove_named_before_exit;
