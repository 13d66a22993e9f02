//! The bridge: the service on this computer that a web page asks.
//!
//! [`protocol`] is its lower half: what page and bridge say to each other, without any I/O.

pub mod protocol;
