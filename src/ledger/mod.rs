//! One Ledger: how it is reached, what is said to it, and what its answers mean.
//!
//! Promises: one owner talks to a device at a time, in this process ([`Session`]) and between processes (an advisory
//! lock); nothing is sent while the device asks a person something; a command is sent whole and its answer read whole;
//! every status word has one cause and one remedy ([`Cause`], [`DeviceFault`]); nothing of an answer reaches a log.
//! There is no deadline on what a person does, and one on everything else. Who asked may leave ([`Leave`]): nothing
//! is begun or waited for any more for his sake, but what the device asks is brought to its end.
//!
//! Refuses: every command that the bridge does not need. There is none that signs a transaction.

#![forbid(unsafe_code)]

mod accounts;
mod apdu;
mod claim;
mod conversation;
mod endpoint;
mod fault;
mod leave;
mod link;
mod place;
mod readiness;
mod session;
mod speculos;
mod status;
mod survey;
pub mod usb;

pub use accounts::{Account, Wanted};
pub use apdu::AppInfo;
pub use conversation::{Asker, Conversation, Event, Patience, Waiting};
pub use endpoint::{Endpoint, EndpointError};
pub use fault::DeviceFault;
pub use leave::Leave;
pub use session::Session;
pub use status::Cause;
pub use survey::{DeviceState, SeenDevice, look_at, survey};
