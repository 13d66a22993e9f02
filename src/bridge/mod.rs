//! The bridge: a service on this machine through which web pages, and the user's programs, have a Ledger unlock and open.
//!
//! Promises: nobody is let in whom the person did not name; every request of a page is signed, and every answer to it;
//! the device asks nothing without its being told, at the terminal and to who asks, who asks for what; a page learns of no
//! other one; keys stay in memory alone, each with its owner, for a time. A signature and a storage key never leave the
//! process, and a private key only after an approval that was asked for that.
//!
//! Refuses: every request that the guard (`guard/`) does not find right. There is no call that it does not stand in front of.
//!
//! `docs/bridge-protocol.md` describes what is said, `docs/threats.md` what is defended against and what is not.

#![forbid(unsafe_code)]

mod answer;
mod call;
mod caller;
mod calls;
pub mod client;
mod clock;
mod device;
mod door;
mod event;
mod guard;
mod identity_file;
mod invitations;
mod keyring;
mod manner;
mod notice;
mod openapi;
mod own_page;
mod pages;
mod pairings;
mod problem;
pub mod protocol;
mod refusal;
mod server;
mod service;
mod socket;
mod state;
mod stay;
mod unplugged;

pub use call::{Audience, BodyRule, Call};
pub use caller::Owner;
pub use calls::{
    AddressAnswer, BadRequest, BoxKeyAnswer, BoxKeyRequest, CreateAnswer, CreateRequest, DevicesAnswer, InviteAnswer,
    InviteRequest, ListedDevice, ListedOwnPage, ListedPairing, OpenAnswer, OwnPagesAnswer, PairingsAnswer,
    StatusAnswer, UnwrapAnswer, UnwrapFor, UnwrapRequest,
};
pub use clock::{Clock, Instant, SystemClock};
pub use device::DeviceState;
pub use event::{Event, Prompt};
pub use keyring::{Handle, Held, InUse, Keeping, Keyring, KeyringError, NoSuchKey, Unlock};
pub use manner::Manner;
pub use notice::{Notice, Teller};
pub use openapi::text as contract;
pub use pairings::{Pairing, Pairings, PairingsError, ToKeep};
pub use problem::{Problem, ProblemBody};
pub use refusal::Refusal;
pub use server::{PORT, bind, is_loopback, serve};
pub use socket::{Listening, SocketError, listen};
pub use state::{Bridge, Config, StartError};
