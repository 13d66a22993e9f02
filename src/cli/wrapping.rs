//! From a key pair to an envelope in a file: the part that `create` and `wrap` share.

use clap::ValueHint;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use saltbridge::encryption::{Kdf, KeyPair};
use saltbridge::files::Source;
use saltbridge::ledger::Wanted;
use saltbridge::unlock::{Wrapped, wrap};

use super::args::{self, Destination, Force, destination};
use super::device::{Device, Purpose};
use super::facts::Facts;
use super::failure::Failure;
use super::report::Report;
use super::text_output::TextOutput;

/// A new envelope is signed for twice: to seal it, and to see that it opens.
const REQUESTS: usize = 2;

/// Where the envelope goes, and how it is made.
#[derive(clap::Args)]
pub(super) struct Wrapping {
    /// Write the envelope here, - for standard output
    #[arg(long, value_name = "OUT", value_parser = destination(), value_hint = ValueHint::FilePath)]
    envelope_out: Destination,

    /// How the storage key is derived from the signature. NumerBay knows keccak256 alone; envelopes with hkdf-sha256 are
    /// opened by saltbridge only
    #[arg(long, value_name = "KDF", default_value = "keccak256", value_parser = kdf())]
    kdf: Kdf,

    #[command(flatten)]
    force: Force,

    #[command(flatten)]
    pub(super) device: args::Device,

    #[command(flatten)]
    pub(super) account: args::Account,
}

fn kdf() -> impl TypedValueParser<Value = Kdf> {
    let unknown = |()| std::io::Error::from(std::io::ErrorKind::InvalidInput);
    PossibleValuesParser::new(Kdf::ALL.map(Kdf::name)).try_map(move |name| name.parse().map_err(unknown))
}

impl Wrapping {
    /// Where the envelope goes, checked before anybody is asked. `inputs` are never replaced.
    pub(super) fn output(&self, inputs: &[&Source], report: &Report) -> Result<TextOutput, Failure> {
        TextOutput::check(&self.envelope_out, self.force.overwrite(), inputs, true, report)
    }

    /// Puts the key pair under the wanted account of the device and writes the envelope. What the JSON object says of
    /// it. `before` is how many signatures the command has asked for already.
    pub(super) fn wrap(
        &self,
        key_pair: &KeyPair,
        device: &Device,
        wanted: Wanted,
        before: usize,
        output: TextOutput,
        report: &Report,
    ) -> Result<Facts, Failure> {
        let public_key = key_pair.public_key();
        let purpose = Purpose {
            verb: "to seal",
            public_key: Some(public_key),
            first: before + 1,
            requests: before + REQUESTS,
        };
        let expected = wanted.address;
        let is_named = wanted != Wanted::default();
        let mut wallet = device.wallet(wanted, purpose);
        let Wrapped { envelope, address } = wrap(key_pair, &mut wallet, expected, self.kdf)?;
        report.say("Signed twice with the same result, and opened again.");

        let path = wallet.account()?.path.to_string();
        let text = envelope.to_text();
        let mut json = Facts::of("public_key", public_key.to_string())
            .with("address", address.to_string())
            .with("path", path.as_str())
            .with("kdf", self.kdf.name())
            .with("envelope", text.as_str());
        match output.write(&format!("{text}\n"), &mut json)? {
            None => report.say(&format!("The envelope holds the key of {public_key}.")),
            Some(name) => {
                report.say(&format!("Wrote {name}: the envelope with the key of {public_key}."));
                report.show(&format!("{public_key}\n"))?;
            }
        }
        report.say(&format!("The account that opens it is {address} ({path})."));
        if is_named {
            report.say(&format!("Unless a profile names it, give --address {address} to open the envelope."));
        }
        Ok(json)
    }
}
