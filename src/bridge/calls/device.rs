//! The device's accounts, and which devices there are.

use serde::{Deserialize, Serialize};

use super::{Called, Failed, wanted};
use crate::bridge::answer::{Answer, json};
use crate::bridge::problem::Problem;
use crate::fault::Fault as _;
use crate::ledger::usb::UsbDevice;
use crate::ledger::{self, Endpoint, SeenDevice};

/// What `GET /v1/address` tells.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AddressAnswer {
    /// The address.
    pub address: String,
    /// Its derivation path.
    pub path: String,
    /// Whether the person compared it on the device.
    pub verified: bool,
}

/// What `GET /v1/devices` tells.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DevicesAnswer {
    /// Each device that is plugged in, or the emulator.
    pub devices: Vec<ListedDevice>,
}

/// A device as it was found, as `saltbridge devices --json` tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ListedDevice {
    /// Where it is, as `--device` takes it.
    pub device: String,
    /// Its model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Its USB product id, four hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product_id: Option<String>,
    /// Its node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// `ready`, `app-not-open`, `other-app`, `in-use`, or a code of docs/errors.md.
    pub state: String,
    /// The app that is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_version: Option<String>,
    /// Why it could not be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What can be done about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl ListedDevice {
    /// A device at an endpoint, in this state, of which nothing else is known.
    pub fn of(endpoint: &Endpoint, device: Option<&UsbDevice>, state: &str) -> Self {
        Self {
            device: endpoint.to_string(),
            model: device.map(UsbDevice::model).map(str::to_owned),
            product_id: device.map(|device| format!("{:04x}", device.product_id)),
            node: device.map(|device| device.node.display().to_string()),
            state: state.to_owned(),
            app: None,
            app_version: None,
            message: None,
            help: None,
        }
    }
}

impl From<&SeenDevice> for ListedDevice {
    fn from(seen: &SeenDevice) -> Self {
        let app = seen.state.app();
        let failure = match &seen.state {
            ledger::DeviceState::Failed(fault) => Some(fault),
            _ => None,
        };
        Self {
            app: app.map(|app| app.name.clone()),
            app_version: app.map(|app| app.version.clone()),
            message: failure.map(ToString::to_string),
            help: failure.map(|fault| fault.explain().help.into_owned()),
            ..Self::of(&seen.endpoint, seen.device.as_ref(), seen.state.code())
        }
    }
}

pub(super) async fn address(called: &Called) -> Result<Answer, Problem> {
    let [address, path, verify] = called.parameters(["address", "path", "verify"])?;
    let wanted = wanted(address.as_deref(), path.as_deref())?;
    let verified = verify.as_deref() == Some("true");
    let device = &called.bridge.device;
    let found =
        device.talk(&called.caller, move |talk| talk.address(&wanted, verified).map_err(|fault| Failed::of(&fault)));
    let (address, path) = found.await?;
    Ok(json(&AddressAnswer {
        address: address.to_string(),
        path,
        verified,
    }))
}

pub(super) async fn devices(called: &Called) -> Result<Answer, Problem> {
    let found = called
        .bridge
        .device
        .talk(&called.caller, |talk| talk.survey().map_err(|fault| Failed::of(&fault)));
    Ok(json(&DevicesAnswer {
        devices: found.await?.iter().map(ListedDevice::from).collect(),
    }))
}
