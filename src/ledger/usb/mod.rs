//! A Ledger on a cable, by Linux's hidraw.
//!
//! Promises: an answer is that of its command or an error, whatever signals, other programs and pulled cables do; a
//! device that another process left in the middle of a request is noticed and freed; a node is open no longer than one
//! conversation; what was read is wiped.
//!
//! Refuses: to talk to a node that another saltbridge has locked, of whichever user; to free a device by filling up the
//! other's request, which would put a review of nonsense on its screen.

mod discovery;
pub mod framing;
mod link;
mod node;
mod reset;
mod watch;
#[cfg(feature = "zondax-hid")]
mod zondax;

pub use discovery::{Port, UsbDevice, list};
pub(in crate::ledger) use link::{UsbLink, others};
pub use node::finish_writes;
pub(in crate::ledger) use watch::Doorbell;
pub use watch::{Change, Watch};
#[cfg(feature = "zondax-hid")]
pub(super) use zondax::ZondaxLink;
