//! What the bridge and the device are doing.

use http_body_util::{BodyExt as _, channel::Channel};
use serde::{Deserialize, Serialize};
use std::time::Duration;

use super::{BadRequest, Called};
use crate::bridge::answer::{Answer, json, of_type};
use crate::bridge::caller::Caller;
use crate::bridge::device::DeviceState;
use crate::bridge::openapi;
use crate::bridge::own_page::OwnPage;
use crate::bridge::problem::Problem;

/// How often a stream says that it is still there, so that one who has gone is noticed.
const STILL_THERE: Duration = Duration::from_secs(15);

/// The same for the own page, which is over when its stream is.
const OWN_PAGE_STILL_THERE: Duration = Duration::from_secs(3);

/// What `GET /v1/status` tells.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StatusAnswer {
    /// The version of saltbridge.
    pub version: String,
    /// The version of this interface: 1.
    pub interface: u32,
    /// The device, as far as it is known without asking it.
    pub device: DeviceState,
    /// What the caller may do.
    pub scopes: Vec<String>,
    /// How many keys of the caller are held.
    pub keys: usize,
    /// Where the device is looked for; told to the user's programs and the own page alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
}

pub(super) fn status(called: &Called) -> Answer {
    let Called { bridge, caller, .. } = called;
    let (scopes, endpoint) = match caller {
        Caller::Page { scopes, .. } => (scopes.iter().map(|scope| scope.to_string()).collect(), None),
        Caller::OwnPage { .. } => {
            let scopes = OwnPage::scopes();
            let names = scopes.iter().map(|scope| scope.to_string());
            (names.collect(), Some(bridge.device.endpoint().to_string()))
        }
        Caller::User(_) | Caller::Anyone => (Vec::new(), Some(bridge.device.endpoint().to_string())),
    };
    json(&StatusAnswer {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        interface: 1,
        device: bridge.device.state_for(caller),
        scopes,
        keys: caller.owner().map_or(0, |owner| bridge.keyring().count_of(owner)),
        endpoint,
    })
}

/// A stream of events (text/event-stream), open until the caller closes it.
pub(super) fn events(called: &Called) -> Result<Answer, Problem> {
    let owner = called.owner()?;
    let mut events = called
        .bridge
        .listeners()
        .open(owner)
        .ok_or(BadRequest::TooManyStreams)?;
    let (mut sender, body) = Channel::new(8);
    let standing = called.caller.standing();
    let still_there = match called.caller {
        Caller::OwnPage { .. } => OWN_PAGE_STILL_THERE,
        _ => STILL_THERE,
    };
    let streaming = async move {
        // Begins with a comment: the caller knows that he misses nothing from now on.
        let mut next = ": events\n\n".into();
        loop {
            if sender.send_data(next).await.is_err() {
                return;
            }
            next = match tokio::time::timeout(still_there, events.recv()).await {
                Ok(Some(event)) => event.to_stream(),
                Ok(None) => return,
                Err(_) => ":\n\n".into(),
            };
        }
    };
    tokio::spawn(async move {
        tokio::select! {
            // Also if it ended before the stream was open, and whoever reads slowly.
            () = standing.over() => {}
            () = streaming => {}
        }
    });
    Ok(of_type("text/event-stream", body.boxed_unsync()))
}

pub(super) fn contract() -> Answer {
    of_type("application/json", crate::bridge::answer::full(openapi::text()))
}
