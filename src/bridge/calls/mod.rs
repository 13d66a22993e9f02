//! What each call does, once the guard has let it in.

pub(super) mod bodies;
mod device;
mod info;
mod keys;
mod own_pages;
pub(super) mod pairing;

use std::sync::Arc;

use bytes::Bytes;
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::answer::Answer;
use super::call::Call;
use super::caller::{Caller, Owner};
use super::keyring::{Handle, NoSuchKey};
use super::problem::Problem;
use super::state::Bridge;
use crate::fault::{Class, Explanation, Fault};
use crate::ledger::{DeviceFault, Wanted};

pub use device::{AddressAnswer, DevicesAnswer, ListedDevice};
pub use info::StatusAnswer;
pub use keys::{BoxKeyAnswer, BoxKeyRequest, CreateAnswer, CreateRequest, UnwrapAnswer, UnwrapFor, UnwrapRequest};
pub use own_pages::{ListedOwnPage, OpenAnswer, OwnPagesAnswer};
pub use pairing::{InviteAnswer, InviteRequest, ListedPairing, PairingsAnswer};

/// A call, with what it is made of.
pub(super) struct Called {
    pub(super) bridge: Arc<Bridge>,
    pub(super) caller: Caller,
    pub(super) path: String,
    pub(super) query: String,
    /// The announced length of the body in bytes.
    pub(super) length: Option<u64>,
}

/// The body of a call.
pub(super) enum Taken {
    Nothing,
    Json(Bytes),
    Octets(Incoming),
}

/// Makes a call.
pub(super) async fn make(call: Call, called: Called, body: Taken) -> Result<Answer, Problem> {
    // Those that have parameters read them.
    if !matches!(call, Call::Address | Call::Encrypt) {
        let [] = called.parameters([])?;
    }
    match (call, body) {
        (Call::Status, _) => Ok(info::status(&called)),
        (Call::Events, _) => info::events(&called),
        (Call::Contract, _) => Ok(info::contract()),
        (Call::Create, Taken::Json(json)) => keys::create(&called, read(&json)?).await,
        (Call::Unwrap, Taken::Json(json)) => keys::unwrap(&called, read(&json)?).await,
        (Call::Export, Taken::Json(json)) => {
            let Nothing {} = read(&json)?;
            keys::export(&called).await
        }
        (Call::BoxKey, Taken::Json(json)) => keys::box_key(&called, read(&json)?),
        (Call::Forget, _) => keys::forget(&called),
        (Call::ForgetAll, _) => keys::forget_all(&called),
        (Call::Decrypt, Taken::Octets(body)) => bodies::decrypt(called, body).await,
        (Call::Encrypt, Taken::Octets(body)) => bodies::encrypt(called, body).await,
        (Call::Devices, _) => device::devices(&called).await,
        (Call::Address, _) => device::address(&called).await,
        (Call::Pairings, _) => Ok(pairing::list(&called)),
        (Call::Invite, Taken::Json(json)) => pairing::invite(&called, read(&json)?),
        (Call::Revoke, _) => pairing::revoke(&called).await,
        (Call::Open, Taken::Json(json)) => {
            let Nothing {} = read(&json)?;
            own_pages::open(&called)
        }
        (Call::OwnPages, _) => Ok(own_pages::list(&called)),
        // The guard takes the body that the call wants, and sends those who want to pair elsewhere.
        (_, _) => Err(BadRequest::Json {
            reason: "another body was expected".to_owned(),
        }
        .into()),
    }
}

/// A JSON object without fields.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, BadRequest> {
    serde_json::from_slice(json).map_err(|error| BadRequest::Json {
        // Where, and of which kind; the text of serde quotes values.
        reason: format!("line {}, column {}", error.line(), error.column()),
    })
}

impl Called {
    fn owner(&self) -> Result<Owner, NoSuchKey> {
        self.caller.owner().ok_or(NoSuchKey)
    }

    /// The handle in the path: `/v1/keys/{handle}/…`.
    fn handle(&self) -> Result<Handle, NoSuchKey> {
        self.path.split('/').nth(3).unwrap_or_default().parse()
    }

    /// The last segment of the path, decoded.
    fn last_segment(&self) -> String {
        let last = self.path.rsplit('/').next().unwrap_or_default();
        percent_decode_str(last).decode_utf8_lossy().into_owned()
    }

    /// The values of these parameters of the query. There may be no others, and none twice.
    fn parameters<const N: usize>(&self, names: [&'static str; N]) -> Result<[Option<String>; N], BadRequest> {
        let mut values = [const { None }; N];
        for (name, value) in form_urlencoded::parse(self.query.as_bytes()) {
            let found = names
                .iter()
                .position(|known| *known == name)
                .and_then(|place| values.get_mut(place));
            match found {
                Some(empty @ None) => *empty = Some(value.into_owned()),
                _ => return Err(BadRequest::Query),
            }
        }
        Ok(values)
    }
}

/// The account that an address and a path name.
fn wanted(address: Option<&str>, path: Option<&str>) -> Result<Wanted, Problem> {
    Ok(Wanted {
        address: address.map(str::parse).transpose()?,
        path: path.map(str::parse).transpose()?,
    })
}

/// The request is let in, but makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRequest {
    /// The body is not the JSON object that the call takes.
    #[error("the body is not the JSON object that this call takes: {reason}")]
    Json {
        /// Where.
        reason: String,
    },
    /// The query has other parameters than the call takes, or one of them twice.
    #[error("the query has a parameter that this call does not take, or one twice")]
    Query,
    /// A parameter is missing.
    #[error("the query lacks the parameter {name}")]
    Missing {
        /// Which.
        name: &'static str,
    },
    /// The envelope is something else.
    #[error("the field envelope holds {kind}, not an envelope")]
    NoEnvelope {
        /// What it is.
        kind: &'static str,
    },
    /// The bridge is doing as much as it does at once.
    #[error("the bridge is opening and sealing as much as it does at once")]
    Busy,
    /// Too many streams are open.
    #[error("too many streams of events are open")]
    TooManyStreams,
}

impl Fault for BadRequest {
    fn explain(&self) -> Explanation {
        match self {
            Self::Json { .. } => Explanation::new(
                "bad-json",
                Class::Usage,
                "GET /openapi.json tells the fields of each call; there may be no others",
            ),
            Self::Query => {
                Explanation::new("bad-query", Class::Usage, "GET /openapi.json tells the parameters of each call")
            }
            Self::Missing { .. } => {
                Explanation::new("missing-query-parameter", Class::Usage, "add it to the query, percent-encoded")
            }
            Self::NoEnvelope { .. } => Explanation::new(
                "no-envelope-text",
                Class::Usage,
                "send the text of the profile's encrypted_private_key_v2",
            ),
            Self::Busy => Explanation::new("bridge-busy", Class::Policy, "wait until one is done"),
            Self::TooManyStreams => {
                Explanation::new("too-many-streams", Class::Policy, "close those that nobody reads")
            }
        }
    }
}

/// The device's thread is gone.
impl From<DeviceFault> for Failed {
    fn from(fault: DeviceFault) -> Self {
        Self::of(&fault)
    }
}

/// Any fault of a call that was done on another thread.
#[derive(Debug, thiserror::Error)]
#[error("{sentence}")]
pub(super) struct Failed {
    sentence: String,
    explanation: Explanation,
}

impl Failed {
    pub(super) fn of(fault: &impl Fault) -> Self {
        Self {
            sentence: fault.to_string(),
            explanation: fault.explain(),
        }
    }
}

impl Fault for Failed {
    fn explain(&self) -> Explanation {
        self.explanation.clone()
    }
}
