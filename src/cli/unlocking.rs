//! From the arguments to an unlocked key pair: the part that `export` and `decrypt` share.

use saltbridge::encryption::{Document, Envelope, EnvelopeError, Mechanism, PublicKey, TEXT_LIMIT};
use saltbridge::ethereum::{Address, Signature, VForm};
use saltbridge::files::Source;
use saltbridge::text::printable;
use saltbridge::unlock::{Expected, SaltPolicy, SignatureMadeElsewhere, Unlocked, unlock};

use super::args::Unlocking;
use super::facts::Facts;
use super::failure::{CliError, Failure};
use super::report::Report;
use super::terminal;

/// The longest signature file: 132 characters and a generous line end.
const SIGNATURE_LIMIT: usize = 1024;

/// An envelope, and what a profile around it says.
pub(super) struct Found {
    pub(super) envelope: Envelope,
    pub(super) public_key: Option<PublicKey>,
    pub(super) address: Option<Address>,
}

/// Reads what the person named as the envelope: the text itself, or a profile that holds it.
pub(super) fn find_envelope(source: &Source, report: &Report) -> Result<Found, Failure> {
    let text = terminal::open(source, "the envelope", report)?.read_text(TEXT_LIMIT)?;
    let name = source.to_string();
    match Document::parse(&text).map_err(|error| Failure::about(source)(error.into()))? {
        Document::Envelope(envelope) => Ok(Found {
            envelope,
            public_key: None,
            address: None,
        }),
        Document::Legacy(_) => Err(EnvelopeError::Legacy.into()),
        Document::KeyFile(_) => Err(CliError::KeyFileAsEnvelope { name }.into()),
        Document::Profile(profile) => match profile.mechanism {
            Mechanism::None => Err(CliError::NoKeyPair { name }.into()),
            Mechanism::Legacy { .. } => Err(CliError::LegacyProfile { name }.into()),
            Mechanism::V2 { envelope: None, .. } => Err(CliError::NoEnvelope { name }.into()),
            Mechanism::V2 {
                public_key,
                envelope: Some(text),
            } => Ok(Found {
                envelope: Envelope::parse(&text).map_err(|error| Failure::about(source)(error.into()))?,
                public_key: Some(public_key),
                address: profile.address,
            }),
        },
    }
}

/// Unlocks the envelope with the signature that the person brought. `public_key` and `--address` come before what a
/// profile says.
pub(super) fn unlock_with(
    envelope: &Source,
    unlocking: &Unlocking,
    public_key: Option<PublicKey>,
    report: &Report,
) -> Result<Opened, Failure> {
    let signature_file = unlocking.signature_file.as_ref().unwrap_or(&Source::Stdin);
    if *envelope == Source::Stdin && *signature_file == Source::Stdin {
        return Err(CliError::StdinTwice.into());
    }
    let address = unlocking.address.as_deref().map(str::parse::<Address>).transpose()?;

    let found = find_envelope(envelope, report)?;
    let expected = Expected {
        address: address.or(found.address),
        public_key: public_key.or(found.public_key),
    };
    let message = found.envelope.message();
    report.detail(&format!("message: \"{}\"", printable(&message.to_string())));
    report.detail(&format!("key derivation: {}", found.envelope.kdf()));

    let mut warnings = Vec::new();
    // Judged before the person is asked for the signature.
    match found.envelope.message_to_sign() {
        Err(unusual) if !unlocking.sign_unusual_salt => return Err(unusual.into()),
        Err(unusual) => warnings.push(format!("{unusual}; going on, as you insist")),
        Ok(_) => {}
    }
    warnings.iter().for_each(|warning| report.warn(warning));
    let signature = terminal::read_secret(signature_file, "the signature", SIGNATURE_LIMIT, report)?;
    let signature =
        Signature::from_hex(unquoted(&signature)).map_err(|error| Failure::about(signature_file)(error.into()))?;
    report.detail(&format!("the signature's v byte is {}", signature.v_form()));
    let policy = if unlocking.sign_unusual_salt {
        SaltPolicy::PersonInsists
    } else {
        SaltPolicy::KnownForms
    };
    let mut wallet = SignatureMadeElsewhere::new(signature);
    let unlocked = unlock(&found.envelope, &mut wallet, &expected, policy)?;
    Ok(Opened::new(unlocked, warnings, report))
}

/// A browser's console shows a text in quotes.
fn unquoted(text: &str) -> &str {
    let text = text.trim_ascii();
    let inner = ['"', '\'']
        .iter()
        .find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
    inner.unwrap_or(text)
}

/// An unlocked envelope, told.
pub(super) struct Opened {
    pub(super) unlocked: Unlocked,
    warnings: Vec<String>,
}

impl Opened {
    fn new(unlocked: Unlocked, mut warnings: Vec<String>, report: &Report) -> Self {
        let public_key = unlocked.key_pair.public_key();
        report.say(&format!("Opened the envelope with the signature by {}.", unlocked.address));
        report.say(&format!("It holds the key of {public_key}."));
        if unlocked.v_form == VForm::Bare {
            let warning = "the envelope was made with the v byte 00/01; NumerBay's web app does not open it with a wallet \
                           that returns 1b/1c";
            report.warn(warning);
            warnings.push(warning.to_owned());
        }
        Self { unlocked, warnings }
    }

    /// What the JSON object says of it.
    pub(super) fn to_json(&self) -> Facts {
        Facts::of("address", self.unlocked.address.to_string())
            .with("public_key", self.unlocked.key_pair.public_key().to_string())
            .with("v_form", self.unlocked.v_form.to_string())
            .with("warnings", self.warnings.clone())
    }
}
