//! The contract of the bridge's interface, docs/openapi.json: `cargo run --example bridge_contract`.
#![allow(missing_docs)]

use std::io::{self, Write as _};

fn main() -> io::Result<()> {
    io::stdout().write_all(saltbridge::bridge::contract().as_bytes())
}
