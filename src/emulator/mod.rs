//! A Ledger in software, for tests, demonstrations, and developers without one.
//!
//! Promises: the Ethereum app answers as Ledger's own app 1.22.0 was recorded to (`tests/vectors/README.md`), screens
//! included; the states around it, which cannot be recorded with Ledger's emulator, follow Ledger's documentation.
//! Reached through Speculos's TCP protocol ([`SpeculosServer`]), as 64-byte HID reports ([`HidDevice`]), or directly
//! ([`Device`]).
//!
//! Refuses: every seed that is not one of four well-known test seeds. It must never hold a real one.

#![forbid(unsafe_code)]

mod app;
mod device;
mod fonts;
mod hid;
mod layout;
mod model;
mod points;
mod running;
mod screens;
mod seed;
mod speculos;
mod steps;

pub use device::{Device, Effect, Start};
pub use hid::{HidDevice, HidEffect, REPORT};
pub use model::{Model, UnknownModel};
pub use running::{Emulator, Machine};
pub use screens::Screen;
pub use seed::{SeedName, UnknownSeed};
pub use speculos::SpeculosServer;
pub use steps::Press;
