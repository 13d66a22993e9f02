//! From the arguments to an unlocked key pair: the part that `export`, `decrypt` and `wrap` share.

use saltbridge::encryption::{Document, Envelope, EnvelopeError, Mechanism, PublicKey, TEXT_LIMIT};
use saltbridge::ethereum::{Address, Signature, VForm};
use saltbridge::files::Source;
use saltbridge::ledger::Wanted;
use saltbridge::text::{printable, printable_whole};
use saltbridge::unlock::{Expected, SaltPolicy, SignatureMadeElsewhere, Unlocked, Wallet, unlock};

use super::args::{self, Unlocking};
use super::device::{self, Device, Purpose};
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

impl Found {
    /// Reads what the person named as the envelope: the text itself, or a profile that holds it.
    pub(super) fn read(source: &Source, report: &Report) -> Result<Self, Failure> {
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
}

/// Unlocks the envelope as the arguments say: with the signature that the person brought, or with a device.
/// `public_key` and `--address` come before what a profile says.
pub(super) fn unlock_with(
    envelope: &Source,
    unlocking: &Unlocking,
    public_key: Option<PublicKey>,
    command: &str,
    report: &Report,
) -> Result<Opened, Failure> {
    let insist = unlocking.sign_unusual_salt;
    let Some(signature_file) = &unlocking.signature_file else {
        // Before the envelope is read, which may be typed.
        let device = Device::named(&unlocking.device, command, report)?;
        let subject = Subject::read(envelope, &unlocking.account, public_key, insist, report)?;
        return subject.unlock_on(&device, 1);
    };
    if *envelope == Source::Stdin && *signature_file == Source::Stdin {
        return Err(CliError::StdinTwice.into());
    }
    let subject = Subject::read(envelope, &unlocking.account, public_key, insist, report)?;
    let mut wallet = signature_made_elsewhere(signature_file, report)?;
    subject.unlock(&mut wallet, None)
}

/// An envelope whose message was judged, and what is expected of its opening.
pub(super) struct Subject {
    envelope: Envelope,
    wanted: Wanted,
    public_key: Option<PublicKey>,
    policy: SaltPolicy,
    warnings: Vec<String>,
}

impl Subject {
    /// Reads the envelope. What the arguments say comes before what a profile says.
    pub(super) fn read(
        source: &Source,
        account: &args::Account,
        public_key: Option<PublicKey>,
        insist: bool,
        report: &Report,
    ) -> Result<Self, Failure> {
        let mut wanted = device::wanted(account)?;
        let found = Found::read(source, report)?;
        wanted.address = wanted.address.or(found.address);
        let warnings = judge_message(&found.envelope, insist, report)?;
        Ok(Self {
            envelope: found.envelope,
            wanted,
            public_key: public_key.or(found.public_key),
            policy: if insist {
                SaltPolicy::PersonInsists
            } else {
                SaltPolicy::KnownForms
            },
            warnings,
        })
    }

    /// Opens it with a device; `requests` is how many signatures the command will ask for, of which this is the first.
    pub(super) fn unlock_on(self, device: &Device, requests: usize) -> Result<Opened, Failure> {
        let purpose = Purpose {
            verb: "to open",
            public_key: self.public_key.or(self.envelope.message().named_public_key()),
            first: 1,
            requests,
        };
        let mut wallet = device.wallet(self.wanted.clone(), purpose);
        self.unlock(&mut wallet, Some(device.endpoint()))
    }

    fn unlock<W: Wallet>(self, wallet: &mut W, device: Option<String>) -> Result<Opened, Failure> {
        let expected = Expected {
            address: self.wanted.address,
            public_key: self.public_key,
        };
        let unlocked = unlock(&self.envelope, wallet, &expected, self.policy)?;
        Ok(Opened {
            unlocked,
            warnings: self.warnings,
            device,
        })
    }
}

/// Judges the envelope's message before anybody is asked to sign it; what to warn of.
fn judge_message(envelope: &Envelope, insist: bool, report: &Report) -> Result<Vec<String>, Failure> {
    report.detail(&format!("message: \"{}\"", printable(&envelope.message().to_string())));
    report.detail(&format!("key derivation: {}", envelope.kdf()));
    match envelope.message_to_sign() {
        Ok(_) => Ok(Vec::new()),
        Err(_) if insist => {
            let whole = printable_whole(&envelope.message().to_string());
            let warning = format!(
                "the envelope asks for a signature over an unusual message: \"{whole}\"; going on, as you insist"
            );
            report.warn(&warning);
            Ok(vec![warning])
        }
        Err(unusual) => Err(unusual.into()),
    }
}

fn signature_made_elsewhere(source: &Source, report: &Report) -> Result<SignatureMadeElsewhere, Failure> {
    let text = terminal::read_secret(source, "the signature", SIGNATURE_LIMIT, report)?;
    let signature = Signature::from_hex(unquoted(&text)).map_err(|error| Failure::about(source)(error.into()))?;
    report.detail(&format!("the signature's v byte is {}", signature.v_form()));
    Ok(SignatureMadeElsewhere::new(signature))
}

/// A browser's console shows a text in quotes.
fn unquoted(text: &str) -> &str {
    let text = text.trim_ascii();
    let inner = ['"', '\'']
        .iter()
        .find_map(|quote| text.strip_prefix(*quote)?.strip_suffix(*quote));
    inner.unwrap_or(text)
}

/// An unlocked envelope.
pub(super) struct Opened {
    pub(super) unlocked: Unlocked,
    warnings: Vec<String>,
    /// Where the device is that signed.
    device: Option<String>,
}

impl Opened {
    /// Tells whose signature opened the envelope, and what it holds.
    pub(super) fn tell(&self, report: &Report) {
        let public_key = self.unlocked.key_pair.public_key();
        report.say(&format!("Opened the envelope with the signature by {}.", self.unlocked.address));
        report.say(&format!("It holds the key of {public_key}."));
    }

    /// Warns of the other v byte, and offers the way out.
    pub(super) fn warn(&mut self, report: &Report) {
        if self.unlocked.v_form != VForm::Bare {
            return;
        }
        let warning = "the envelope was made with the v byte 00/01; NumerBay's web app does not open it with a wallet that \
                       returns 1b/1c";
        report.warn(warning);
        self.warnings.push(warning.to_owned());
        if let Some(device) = &self.device {
            let address = self.unlocked.address;
            report.say("To put its key into a new envelope, which opens everywhere:");
            report.say(&format!(
                "  saltbridge wrap --envelope ENVELOPE --envelope-out NEW --address {address} --device {device}"
            ));
        }
    }

    /// What the JSON object says of it.
    pub(super) fn to_json(&self) -> Facts {
        Facts::of("address", self.unlocked.address.to_string())
            .with("public_key", self.unlocked.key_pair.public_key().to_string())
            .with("v_form", self.unlocked.v_form.to_string())
            .with("warnings", self.warnings.clone())
    }
}
