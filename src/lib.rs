//! saltbridge: a hardware wallet unlocks NumerBay's client-side encryption.
//!
//! The wallet `personal_sign`s a random salt message; the storage key is derived from that signature; the storage key
//! opens the envelope that holds the user's X25519 private key; that key opens the files.
//!
//! # The map of the house
//!
//! A room uses only rooms below it; nothing below knows what is above.
//!
//! | room | what it does | uses |
//! | --- | --- | --- |
//! | [`bridge`] | the service on this machine: guard, pairings, keyring, calls | `unlock`, `files`, `ledger`, `encryption`, `ethereum`, `sodium`, `host`, `own_folders` |
//! | [`unlock`] | envelope + wallet → key pair; new key pair → envelope | `ledger`, `encryption`, `ethereum` |
//! | [`files`] | sealed boxes on disk: temporary file, verify, publish or pour out, progress | `encryption`, `authenticator`, `sodium` |
//! | [`ledger`] | one Ledger: session, conversation, Speculos transport, faults | `ethereum`, `host`, `own_folders` |
//! | [`emulator`] | a Ledger in software: the Ethereum app as a state machine, behind TCP and HID reports | `ethereum` |
//! | [`encryption`] | messages, storage key, envelope, key pair, sealed-box format: pure, no I/O | `ethereum`, `sodium` |
//! | [`ethereum`] | address, derivation path, personal message (EIP-191), signature and its v forms | |
//! | [`authenticator`] | Poly1305, fast | |
//! | [`sodium`] | libsodium's X25519, stream cipher, authenticator and locked memory as safe types; the one room with `unsafe` | |
//! | [`host`] | the machine: who may open a device's node, who has it or a port open, which udev rules there are | |
//! | [`own_folders`] | the folders of this user alone: for locks, for the bridge's socket, for what is kept | |
//! | [`fault`] | what every error can say: code, class, remedy | `text` |
//! | [`text`] | text from outside, made safe to print | |
//!
//! All of them but `authenticator` and `sodium` use `fault` and `text`, too.
//!
//! The command line stands above all of them, in the binary.
//!
//! # Secrets
//!
//! [`ethereum::Signature`], [`encryption::StorageKey`] and [`encryption::PrivateKey`] are wiped on drop and have neither
//! `Debug`, `Display`, `Clone` nor `Serialize`. The signature is as secret as the key that is derived from it.

pub mod authenticator;
pub mod bridge;
pub mod emulator;
pub mod encryption;
pub mod ethereum;
pub mod fault;
pub mod files;
pub mod host;
pub mod ledger;
pub mod own_folders;
pub mod sodium;
pub mod text;
pub mod unlock;
