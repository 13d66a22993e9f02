//! From the arguments to an unlocked key pair: the part that `export`, `decrypt` and `wrap` share.

use http::Method;
use saltbridge::bridge::client::{Client, ClientError, HeldKey};
use saltbridge::bridge::{UnwrapAnswer, UnwrapFor, UnwrapRequest};
use saltbridge::encryption::sealed_box::{BoxKey, BoxKeyError, BoxOpener};
use saltbridge::encryption::{Document, Envelope, EnvelopeError, KeyFile, KeyPair, Mechanism, PublicKey, TEXT_LIMIT};
use saltbridge::ethereum::{Address, Signature, VForm};
use saltbridge::files::Source;
use saltbridge::ledger::Wanted;
use saltbridge::text::{printable, printable_whole};
use saltbridge::unlock::{Expected, SaltPolicy, SignatureMadeElsewhere, Wallet, unlock};
use zeroize::Zeroizing;

use super::args::{self, Unlocking};
use super::bridge;
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
) -> Result<Opened<Key>, Failure> {
    let insist = unlocking.sign_unusual_salt;
    if let Some(client) = bridge_for(unlocking, command, report)? {
        let subject = Subject::read(envelope, &unlocking.account, public_key, insist, report)?;
        let path = unlocking.account.path.clone();
        return subject.unlock_through(client, path, command == "export", report);
    }
    let Some(signature_file) = &unlocking.signature_file else {
        // Before the envelope is read, which may be typed.
        let device = Device::named(&unlocking.device, command, report)?;
        let subject = Subject::read(envelope, &unlocking.account, public_key, insist, report)?;
        return Ok(subject.unlock_on(&device, 1)?.into_any());
    };
    if *envelope == Source::Stdin && *signature_file == Source::Stdin {
        return Err(CliError::StdinTwice.into());
    }
    let subject = Subject::read(envelope, &unlocking.account, public_key, insist, report)?;
    let mut wallet = signature_made_elsewhere(signature_file, report)?;
    Ok(subject.unlock(&mut wallet, None)?.into_any())
}

/// The running bridge, if it is to be used. It signs no unusual message, whoever insists.
fn bridge_for(unlocking: &Unlocking, command: &str, report: &Report) -> Result<Option<Client>, Failure> {
    match unlocking.signature_file.is_some() || unlocking.sign_unusual_salt {
        true => Ok(None),
        false => bridge::for_device(&unlocking.bridge, &unlocking.device, command, report),
    }
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
    pub(super) fn unlock_on(self, device: &Device, requests: usize) -> Result<Opened<KeyPair>, Failure> {
        let purpose = Purpose {
            verb: "to open",
            public_key: self.public_key.or(self.envelope.message().named_public_key()),
            first: 1,
            requests,
        };
        let mut wallet = device.wallet(self.wanted.clone(), purpose);
        self.unlock(&mut wallet, Some(device.endpoint()))
    }

    /// Has the running bridge open it, which keeps the key. `path` is the one that the person named.
    fn unlock_through(
        self,
        client: Client,
        path: Option<String>,
        for_export: bool,
        report: &Report,
    ) -> Result<Opened<Key>, Failure> {
        let request = UnwrapRequest {
            envelope: self.envelope.to_text(),
            public_key: self.public_key.map(|key| key.to_string()),
            address: self.wanted.address.map(|address| address.to_string()),
            path,
            purpose: if for_export {
                UnwrapFor::Export
            } else {
                UnwrapFor::Decrypt
            },
        };
        let held: UnwrapAnswer =
            bridge::telling(&client, report, |client| client.call(Method::POST, "/v1/unwrap", Some(&request)))?;
        let public_key = held.public_key.parse()?;
        let v_form = match held.v_form == VForm::Bare.to_string() {
            true => VForm::Bare,
            false => VForm::Offset27,
        };
        Ok(Opened {
            address: held.address.parse()?,
            v_form,
            key: Key::Held(HeldKey::new(client, held.handle, public_key)),
            public_key,
            warnings: self.warnings,
            device: None,
        })
    }

    fn unlock<W: Wallet>(self, wallet: &mut W, device: Option<String>) -> Result<Opened<KeyPair>, Failure> {
        let expected = Expected {
            address: self.wanted.address,
            public_key: self.public_key,
        };
        let unlocked = unlock(&self.envelope, wallet, &expected, self.policy)?;
        Ok(Opened {
            address: unlocked.address,
            v_form: unlocked.v_form,
            public_key: unlocked.key_pair.public_key(),
            key: unlocked.key_pair,
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

/// A key that opens boxes: unlocked by this program, or held by the bridge.
pub(super) enum Key {
    Own(KeyPair),
    Held(HeldKey),
}

impl Key {
    /// The text of numerbay.json. Wiped on drop.
    pub(super) fn to_key_file_text(&self) -> Result<Zeroizing<String>, Failure> {
        match self {
            Self::Own(key_pair) => Ok(key_pair.to_key_file_text()),
            Self::Held(held) => {
                let text = held.export()?;
                // What came is written nowhere before it is what it should be.
                let file = KeyFile::parse(&text)?;
                match file.key_pair.public_key() == held.public_key() {
                    true => Ok(text),
                    false => Err(ClientError::Nonsense.into()),
                }
            }
        }
    }
}

impl BoxOpener for Key {
    fn box_key(&self, ephemeral: &PublicKey) -> Result<BoxKey, BoxKeyError> {
        match self {
            Self::Own(key_pair) => key_pair.box_key(ephemeral),
            Self::Held(held) => held.box_key(ephemeral),
        }
    }
}

/// An unlocked envelope.
pub(super) struct Opened<K> {
    pub(super) key: K,
    public_key: PublicKey,
    pub(super) address: Address,
    v_form: VForm,
    warnings: Vec<String>,
    /// Where the device is that signed.
    device: Option<String>,
}

impl Opened<KeyPair> {
    /// The same, as a key of either kind.
    fn into_any(self) -> Opened<Key> {
        Opened {
            key: Key::Own(self.key),
            public_key: self.public_key,
            address: self.address,
            v_form: self.v_form,
            warnings: self.warnings,
            device: self.device,
        }
    }
}

impl<K> Opened<K> {
    /// Tells whose signature opened the envelope, and what it holds.
    pub(super) fn tell(&self, report: &Report) {
        let public_key = self.public_key;
        report.say(&format!("Opened the envelope with the signature by {}.", self.address));
        report.say(&format!("It holds the key of {public_key}."));
    }

    /// Warns of the other v byte, and offers the way out.
    pub(super) fn warn(&mut self, report: &Report) {
        if self.v_form != VForm::Bare {
            return;
        }
        let warning = "the envelope was made with the v byte 00/01; NumerBay's web app does not open it with a wallet that \
                       returns 1b/1c";
        report.warn(warning);
        self.warnings.push(warning.to_owned());
        if let Some(device) = &self.device {
            let address = self.address;
            report.say("To put its key into a new envelope, which opens everywhere:");
            report.say(&format!(
                "  saltbridge wrap --envelope ENVELOPE --envelope-out NEW --address {address} --device {device}"
            ));
        }
    }

    /// The public key of what it holds.
    pub(super) fn public_key(&self) -> PublicKey {
        self.public_key
    }

    /// What the JSON object says of it.
    pub(super) fn to_json(&self) -> Facts {
        Facts::of("address", self.address.to_string())
            .with("public_key", self.public_key.to_string())
            .with("v_form", self.v_form.to_string())
            .with("warnings", self.warnings.clone())
    }
}
