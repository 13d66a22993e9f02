//! `saltbridge inspect`: what an envelope, profile or key file holds, without a wallet.

use clap::ValueHint;
use saltbridge::encryption::{Document, Envelope, Kdf, LegacyEnvelope, Mechanism, Message, Profile, TEXT_LIMIT};
use saltbridge::ethereum::{Address, personal_message_hash};
use saltbridge::files::Source;
use saltbridge::text::printable;

use super::Outcome;
use super::args::source;
use super::facts::Facts;
use super::failure::{CliError, Failure};
use super::report::Report;
use super::terminal;

/// Say what an envelope, profile or key file holds, and what would open it
///
/// Needs no wallet and no signature, and prints no key but public ones.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The file; - for standard input
    #[arg(value_name = "FILE", value_parser = source(), value_hint = ValueHint::FilePath)]
    file: Source,

    /// Print the message to sign and nothing else, byte for byte, without a line end
    #[arg(long, conflicts_with = "json")]
    message: bool,

    /// With --message: print it although it has an unknown form
    #[arg(long, requires = "message")]
    sign_unusual_salt: bool,
}

pub(super) fn run(args: &Args, report: &Report) -> Result<Outcome, Failure> {
    if args.message {
        let envelope = super::unlocking::Found::read(&args.file, report)?.envelope;
        let message = match envelope.message_to_sign() {
            Ok(message) => message,
            Err(_) if args.sign_unusual_salt => envelope.message().insisted_on(),
            Err(unusual) => return Err(unusual.into()),
        };
        report.check_stdout(envelope.message_to_sign().is_ok())?;
        report.show(message.as_str())?;
        return Ok(Outcome::done(Facts::default()));
    }
    let text = terminal::open(&args.file, "the envelope, profile or key file", report)?.read_text(TEXT_LIMIT)?;
    let mut page = Page::default();
    match Document::parse(&text).map_err(|error| Failure::about(&args.file)(error.into()))? {
        Document::Envelope(envelope) => page.envelope(&envelope, None),
        Document::Legacy(envelope) => page.legacy(&envelope),
        Document::Profile(profile) => page.profile(&profile)?,
        Document::KeyFile(file) => {
            page.title("key-file", "Key file (numerbay.json): a key pair, not encrypted");
            page.row("public_key", "public key", &file.key_pair.public_key().to_string());
            page.row(
                "opens_with",
                "opens with",
                "nothing else: whoever has this file can open what is sealed for this key",
            );
        }
    }
    report.show(&page.text)?;
    Ok(Outcome::done(page.json))
}

/// The same facts as lines for a person and as a JSON object.
#[derive(Default)]
struct Page {
    text: String,
    json: Facts,
}

impl Page {
    fn title(&mut self, kind: &str, title: &str) {
        self.text.push_str(title);
        self.text.push('\n');
        self.json.set("kind", kind);
    }

    fn line(&mut self, label: &str, value: &str) {
        self.text.push_str(&format!("  {label:<12} {value}\n"));
    }

    fn row(&mut self, key: &str, label: &str, value: &str) {
        self.line(label, value);
        self.json.set(key, value);
    }

    fn envelope(&mut self, envelope: &Envelope, address: Option<Address>) {
        let message = envelope.message();
        let exact = message.to_string();
        self.title("envelope", "Envelope, v2: a private key that a wallet's signature opens");
        self.line("message", &format!("\"{}\"", printable(&exact)));
        self.json.set("message", exact.as_str());
        let (form, words) = match message {
            Message::NumerBay { .. } => ("numerbay", "NumerBay's"),
            Message::Saltbridge { .. } => ("saltbridge", "saltbridge's"),
            Message::Unusual(_) => ("unusual", "unknown: read it before you sign it"),
        };
        self.line("form", words);
        self.json.set("message_form", form);
        if let Message::Saltbridge { public_key, .. } = message {
            self.row("public_key", "public key", &public_key.to_string());
        }
        let hash = hex(&personal_message_hash(exact.as_bytes()));
        self.row("message_hash", "hash to sign", &hash);
        self.json.set("message_hex", hex(exact.as_bytes()));
        let kdf = match envelope.kdf() {
            Kdf::Keccak256 => "keccak256 (NumerBay's)",
            Kdf::HkdfSha256 => "hkdf-sha256 (saltbridge's)",
        };
        self.line("kdf", kdf);
        self.json.set("kdf", envelope.kdf().name());
        let length = envelope.data_length();
        let inner = length.saturating_sub(40);
        self.line("data", &format!("{length} bytes: nonce 24, tag 16, ciphertext {inner}"));
        self.json.set("data_bytes", length);
        let wallet = match address {
            Some(address) => format!("the wallet of {address}"),
            None => "the wallet that made it".to_owned(),
        };
        let opens_with = match envelope.message_to_sign() {
            Ok(_) => format!("a signature over the message (personal_sign, EIP-191) by {wallet}"),
            Err(_) => format!("a signature over the message by {wallet}, and only with --sign-unusual-salt"),
        };
        self.row("opens_with", "opens with", &opens_with);
    }

    fn legacy(&mut self, envelope: &LegacyEnvelope) {
        self.title(
            "legacy-envelope",
            "Legacy envelope, v1 (before 2022-09-24): a private key under a wallet's encryption key",
        );
        self.row("version", "version", &printable(&envelope.version));
        self.line("data", &format!("{} bytes", envelope.ciphertext_length));
        self.json.set("data_bytes", envelope.ciphertext_length);
        self.row(
            "opens_with",
            "opens with",
            "eth_decrypt of the software wallet that it was made with; no signature and no Ledger opens it",
        );
    }

    fn profile(&mut self, profile: &Profile) -> Result<(), Failure> {
        let title = match profile.mechanism {
            Mechanism::V2 { .. } => "NumerBay profile with a key pair, v2",
            Mechanism::Legacy { .. } => "NumerBay profile with a legacy key pair, v1",
            Mechanism::None => "NumerBay profile without a key pair",
        };
        self.title("profile", title);
        let mechanism = match profile.mechanism {
            Mechanism::V2 { .. } => "v2",
            Mechanism::Legacy { .. } => "legacy",
            Mechanism::None => "none",
        };
        self.json.set("mechanism", mechanism);
        if let Some(key) = profile.order_public_key() {
            self.row("public_key", "public key", &key.to_string());
        }
        if let Some(address) = profile.address {
            self.row("address", "address", &address.to_string());
        }
        let (Mechanism::V2 { envelope, .. } | Mechanism::Legacy { envelope, .. }) = &profile.mechanism else {
            self.row("opens_with", "opens with", "nothing: sellers cannot seal files for this account yet");
            return Ok(());
        };
        let mut inner = Self::default();
        match envelope.as_deref().map(Document::parse).transpose()? {
            Some(Document::Envelope(envelope)) => inner.envelope(&envelope, profile.address),
            Some(Document::Legacy(envelope)) => inner.legacy(&envelope),
            Some(_) => {
                return Err(CliError::NoMessage {
                    name: "the profile's encrypted private key".to_owned(),
                    kind: "no envelope",
                }
                .into());
            }
            None => {
                self.row(
                    "opens_with",
                    "opens with",
                    "an exported numerbay.json alone: the encrypted private key is missing",
                );
                return Ok(());
            }
        }
        self.text.push('\n');
        self.text.push_str(&inner.text);
        self.json.set("envelope", inner.json);
        Ok(())
    }
}

fn hex(bytes: &[u8]) -> String {
    format!("0x{}", base16ct::lower::encode_string(bytes))
}
