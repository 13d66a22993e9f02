//! Keys: made, unlocked, given away, forgotten.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{BadRequest, Called, Failed, wanted};
use crate::bridge::answer::{Answer, empty, json, secret_json};
use crate::bridge::caller::Owner;
use crate::bridge::clock::unix_now;
use crate::bridge::device::{Purpose, Subject};
use crate::bridge::keyring::{Held, Unlock};
use crate::bridge::notice::Notice;
use crate::bridge::problem::Problem;
use crate::bridge::protocol::Scope;
use crate::bridge::refusal::Refusal;
use crate::encryption::sealed_box::BoxOpener as _;
use crate::encryption::{Document, Envelope, EnvelopeError, Kdf, KeyPair, PrivateKey, PublicKey};
use crate::ledger::Wanted;
use crate::unlock::{Expected, SaltPolicy, unlock, wrap};

/// What a key is unlocked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UnwrapFor {
    /// To open sealed boxes with it here.
    #[default]
    Decrypt,
    /// To be given away as well, once, without another approval. Needs the scope `export`; the person is told so.
    Export,
}

/// What is asked of `POST /v1/unwrap`.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnwrapRequest {
    /// The text of the envelope: the profile's `encrypted_private_key_v2`.
    pub envelope: String,
    /// The public key that must come out, 44 characters of base64: the profile's `public_key_v2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    /// The address that made the envelope. Its path is found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The derivation path, where it is an unusual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What it is unlocked for.
    #[serde(default, rename = "for")]
    pub purpose: UnwrapFor,
}

/// A key that is held.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UnwrapAnswer {
    /// Names it in other calls. It is worth nothing to others.
    pub handle: String,
    /// The public key, 44 characters of base64.
    pub public_key: String,
    /// The address that signed.
    pub address: String,
    /// The form of the v byte that the envelope was made with: `1b/1c`, or `00/01`, which NumerBay's own page may not open.
    pub v_form: String,
    /// When it is forgotten unless it is used before: seconds since 1970.
    pub expires_at: i64,
}

/// What is asked of `POST /v1/keys`.
#[derive(Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateRequest {
    /// The address under which the key is put; the device's first account if none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The derivation path, where it is an unusual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// A new key pair, as NumerBay's profile stores it.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CreateAnswer {
    /// The profile's `public_key_v2`.
    pub public_key: String,
    /// The profile's `encrypted_private_key_v2`.
    pub encrypted_private_key: String,
    /// The address that opens it.
    pub address: String,
}

/// What is asked of `POST /v1/keys/{handle}/box-key`.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BoxKeyRequest {
    /// The ephemeral public key: the first 32 bytes of the sealed box, in base64.
    pub ephemeral: String,
}

/// The key of one sealed box.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct BoxKeyAnswer {
    /// 32 bytes in base64. It opens this one box, and nothing else.
    #[schema(value_type = String)]
    pub key: Zeroizing<String>,
}

impl BoxKeyAnswer {
    /// Its 32 bytes. Wiped on drop.
    pub fn bytes(&self) -> Option<Zeroizing<[u8; 32]>> {
        let bytes = Zeroizing::new(STANDARD.decode(self.key.as_bytes()).ok()?);
        let mut key = Zeroizing::new([0; 32]);
        (bytes.len() == key.len()).then(|| key.copy_from_slice(&bytes))?;
        Some(key)
    }
}

/// Opens an envelope with the device, unless this owner holds its key already.
pub(super) async fn unwrap(called: &Called, request: UnwrapRequest) -> Result<Answer, Problem> {
    let Called { bridge, caller, .. } = called;
    let owner = called.owner()?;
    let for_export = request.purpose == UnwrapFor::Export;
    if for_export && !caller.may(Scope::Export) {
        return Err(Refusal::ScopeMissing { scope: Scope::Export }.problem());
    }
    let envelope = envelope_in(&request.envelope)?;
    // Nothing else is put before the device, whoever asks; and nobody is made to wait for that.
    envelope.message_to_sign()?;
    let wanted = wanted(request.address.as_deref(), request.path.as_deref())?;
    let public_key = request.public_key.as_deref().map(str::parse::<PublicKey>).transpose()?;
    let expected = Expected {
        address: wanted.address,
        public_key,
    };
    if !for_export {
        let fits = |held: &Held| {
            expected.address.is_none_or(|address| address == held.address)
                && expected.public_key.is_none_or(|key| key == held.public_key)
        };
        if let Some(held) = bridge
            .keyring()
            .find(bridge.clock.now(), owner, &request.envelope, fits)
        {
            return Ok(json(&told(&held)));
        }
    }
    bridge.keyring().check_room(owner)?;
    let purpose = if for_export { Purpose::Export } else { Purpose::Open };
    let (key_pair, address, v_form) = open(called, envelope.clone(), wanted, expected, purpose).await?;
    let unlock = Unlock {
        key_pair,
        address,
        v_form,
        envelope,
        text: request.envelope,
        for_export,
    };
    let held = hold(called, owner, unlock)?;
    (bridge.teller)(&Notice::Unlocked {
        who: caller.name(),
        public_key: held.public_key.to_string(),
    });
    Ok(json(&told(&held)))
}

/// Has the device sign for an envelope, and opens it.
async fn open(
    called: &Called,
    envelope: Envelope,
    wanted: Wanted,
    expected: Expected,
    purpose: Purpose,
) -> Result<(KeyPair, crate::ethereum::Address, crate::ethereum::VForm), Problem> {
    let Called { bridge, caller, .. } = called;
    bridge.count_prompts(caller, 1)?;
    let subject = Subject {
        purpose,
        public_key: expected.public_key.or(envelope.message().named_public_key()),
        requests: 1,
    };
    let opened = bridge.device.talk(caller, move |talk| {
        let mut wallet = talk.wallet(wanted.clone(), subject);
        unlock(&envelope, &mut wallet, &expected, SaltPolicy::KnownForms).map_err(|error| Failed::of(&error))
    });
    let unlocked = opened.await?;
    Ok((unlocked.key_pair, unlocked.address, unlocked.v_form))
}

/// Holds a key, unless its owner's pairing has ended meanwhile.
fn hold(called: &Called, owner: Owner, unlock: Unlock) -> Result<Held, Problem> {
    let Called { bridge, caller, .. } = called;
    let held = bridge.keyring().hold(bridge.clock.now(), owner, unlock)?;
    if caller.standing().is_over() {
        let _ = bridge.keyring().forget(owner, held.handle);
        return Err(Refusal::Revoked.problem());
    }
    bridge.holds.notify_one();
    Ok(held)
}

fn told(held: &Held) -> UnwrapAnswer {
    let left = i64::try_from(held.expires_in.as_secs()).unwrap_or(i64::MAX);
    UnwrapAnswer {
        handle: held.handle.to_string(),
        public_key: held.public_key.to_string(),
        address: held.address.to_string(),
        v_form: held.v_form.to_string(),
        expires_at: unix_now().saturating_add(left),
    }
}

fn envelope_in(text: &str) -> Result<Envelope, Problem> {
    let kind = match Document::parse(text)? {
        Document::Envelope(envelope) => return Ok(envelope),
        Document::Legacy(_) => return Err(EnvelopeError::Legacy.into()),
        Document::Profile(_) => "a profile",
        Document::KeyFile(_) => "a key file",
    };
    Err(BadRequest::NoEnvelope { kind }.into())
}

/// Makes a key pair and puts it under the device.
pub(super) async fn create(called: &Called, request: CreateRequest) -> Result<Answer, Problem> {
    let Called { bridge, caller, .. } = called;
    let wanted = wanted(request.address.as_deref(), request.path.as_deref())?;
    let key_pair = Arc::new(KeyPair::new(PrivateKey::generate()?));
    let public_key = key_pair.public_key();
    // The same message is signed twice, so that the envelope is sure to open again.
    const REQUESTS: usize = 2;
    bridge.count_prompts(caller, REQUESTS)?;
    let subject = Subject {
        purpose: Purpose::Seal,
        public_key: Some(public_key),
        requests: REQUESTS,
    };
    let made = bridge.device.talk(caller, move |talk| {
        let expected = wanted.address;
        let mut wallet = talk.wallet(wanted.clone(), subject);
        wrap(&key_pair, &mut wallet, expected, Kdf::Keccak256).map_err(|error| Failed::of(&error))
    });
    let wrapped = made.await?;
    Ok(json(&CreateAnswer {
        public_key: public_key.to_string(),
        encrypted_private_key: wrapped.envelope.to_text(),
        address: wrapped.address.to_string(),
    }))
}

/// Gives a key away, after an approval of its own.
pub(super) async fn export(called: &Called) -> Result<Answer, Problem> {
    let Called { bridge, caller, .. } = called;
    let (owner, handle) = (called.owner()?, called.handle()?);
    let granted = bridge.keyring().key_to_export(owner, handle)?;
    let text = match granted {
        Some(key_pair) => key_pair.to_key_file_text(),
        None => {
            let (envelope, address, public_key) = bridge.keyring().envelope(owner, handle)?;
            let wanted = Wanted {
                address: Some(address),
                path: None,
            };
            let expected = Expected {
                address: Some(address),
                public_key: Some(public_key),
            };
            let (key_pair, ..) = open(called, envelope, wanted, expected, Purpose::Export).await?;
            // It may have been taken back while the device asked.
            if caller.standing().is_over() {
                return Err(Refusal::Revoked.problem());
            }
            key_pair.to_key_file_text()
        }
    };
    let public_key = bridge
        .keyring()
        .envelope(owner, handle)
        .map(|(_, _, key)| key.to_string());
    (bridge.teller)(&Notice::Exported {
        who: caller.name(),
        public_key: public_key.unwrap_or_default(),
    });
    Ok(secret_json(text))
}

/// Forgets one key.
pub(super) fn forget(called: &Called) -> Result<Answer, Problem> {
    called.bridge.keyring().forget(called.owner()?, called.handle()?)?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// Forgets all keys of the caller; from the socket, all keys.
pub(super) fn forget_all(called: &Called) -> Result<Answer, Problem> {
    let owner = called.owner()?;
    if owner == Owner::User {
        called.bridge.forget_all("saltbridge lock");
    } else {
        called.bridge.keyring().forget_all_of(|other| other == owner);
    }
    Ok(empty(StatusCode::NO_CONTENT))
}

/// Tells the key of one box, which the caller opens himself.
pub(super) fn box_key(called: &Called, request: BoxKeyRequest) -> Result<Answer, Problem> {
    let ephemeral = request.ephemeral.parse::<PublicKey>()?;
    let (owner, handle) = (called.owner()?, called.handle()?);
    let key_pair = called.bridge.keyring().key(called.bridge.clock.now(), owner, handle)?;
    let key = key_pair.box_key(&ephemeral)?;
    let mut text = Zeroizing::new(String::with_capacity(64));
    text.push_str("{\"key\":\"");
    text.push_str(&Zeroizing::new(STANDARD.encode(key.expose_key())));
    text.push_str("\"}");
    Ok(secret_json(text))
}
