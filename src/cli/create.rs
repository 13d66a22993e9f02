//! `saltbridge create`: a new key pair under the device.

use saltbridge::encryption::{KeyPair, PrivateKey};

use super::Outcome;
use super::device::{self, Device};
use super::failure::Failure;
use super::report::Report;
use super::wrapping::Wrapping;

/// Make a new key pair in an envelope that your Ledger opens
///
/// Prints the public key, for which others seal files. The private key is nowhere but in the envelope. In a NumerBay
/// profile, the public key is public_key_v2 and the text of the envelope is encrypted_private_key_v2.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    wrapping: Wrapping,
}

pub(super) fn run(args: &Args, report: &Report) -> Result<Outcome, Failure> {
    let wrapping = &args.wrapping;
    let output = wrapping.output(&[], report)?;
    let wanted = device::wanted(&wrapping.account)?;
    let device = Device::named(&wrapping.device, "create", report)?;
    let key_pair = KeyPair::new(PrivateKey::generate()?);
    let json = wrapping.wrap(&key_pair, &device, wanted, 0, output, report)?;
    Ok(Outcome::done(json))
}
