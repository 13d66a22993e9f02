//! What is there, and in which state: every device is asked once, and nobody is waited for.

use std::sync::Arc;

use super::apdu::AppInfo;
use super::conversation::{Asker, Patience};
use super::endpoint::Endpoint;
use super::fault::DeviceFault;
use super::session::Session;
use super::usb::{UsbDevice, list, others};
use crate::fault::Fault as _;

/// A device as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenDevice {
    /// Where it is.
    pub endpoint: Endpoint,
    /// What the system lists, if it is on a cable.
    pub device: Option<UsbDevice>,
    /// What it is like.
    pub state: DeviceState,
}

/// What a device is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceState {
    /// It has named the app that is open.
    Open(AppInfo),
    /// Other programs have it open, so it was not asked: the answer might be taken for that to one of them, or spoil what
    /// the device asks for it.
    InUse {
        /// Their names and numbers, made printable.
        programs: Vec<String>,
    },
    /// It is in a state that a person or another saltbridge brings to its end: locked, not set up, busy, or with a
    /// question that may be on its screen.
    Passing(DeviceFault),
    /// It could not be asked.
    Failed(DeviceFault),
}

impl DeviceState {
    /// The stable code: `ready`, `app-not-open`, `other-app`, `in-use`, or that of the fault.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Open(app) if app.is_ethereum() => "ready",
            Self::Open(app) if app.is_dashboard() => "app-not-open",
            Self::Open(_) => "other-app",
            Self::InUse { .. } => "in-use",
            Self::Passing(fault) | Self::Failed(fault) => fault.explain().code,
        }
    }

    /// The app that is open. The dashboard is none.
    pub fn app(&self) -> Option<&AppInfo> {
        match self {
            Self::Open(app) if !app.is_dashboard() => Some(app),
            _ => None,
        }
    }
}

/// The devices that an endpoint means, each in its state. What is wrong with one on a cable does not hide the others. Of
/// the asker's it counts who he is, what he is told, and whether he has left.
///
/// # Errors
/// [`DeviceFault`] if there is none, and with an emulator also if it could not be asked.
pub fn survey(endpoint: &Endpoint, asker: &Asker) -> Result<Vec<SeenDevice>, DeviceFault> {
    if endpoint.is_usb() {
        let devices = plugged_in(endpoint)?;
        let seen = devices.into_iter().map(|device| {
            let seen = look_at(endpoint, device, asker);
            asker.leave.not_yet()?;
            Ok(seen)
        });
        return seen.collect();
    }
    match state_of(endpoint, asker) {
        DeviceState::Failed(fault) => Err(fault),
        state => Ok(vec![SeenDevice {
            endpoint: endpoint.clone(),
            device: None,
            state,
        }]),
    }
}

/// The state of one device on a cable. `endpoint` tells by which driver it is reached.
pub fn look_at(endpoint: &Endpoint, device: UsbDevice, asker: &Asker) -> SeenDevice {
    let endpoint = endpoint.at(device.port.clone());
    let programs = others(&device);
    let state = if programs.is_empty() {
        state_of(&endpoint, asker)
    } else {
        DeviceState::InUse { programs }
    };
    SeenDevice {
        endpoint,
        device: Some(device),
        state,
    }
}

fn plugged_in(endpoint: &Endpoint) -> Result<Vec<UsbDevice>, DeviceFault> {
    let mut found = list().map_err(|reason| DeviceFault::UsbUnavailable { reason })?;
    found.retain(|device| endpoint.means(device));
    if found.is_empty() {
        let port = endpoint.port().cloned();
        return Err(DeviceFault::NotPluggedIn { port });
    }
    Ok(found)
}

fn state_of(endpoint: &Endpoint, asker: &Asker) -> DeviceState {
    let asker = Asker {
        patience: Patience::NoWait,
        // Nobody has looked at its screen for this.
        is_idle: Arc::new(|_| false),
        ..asker.clone()
    };
    let asked = Session::start(endpoint.clone())
        .map_err(|_| DeviceFault::SessionEnded)
        .and_then(|session| session.converse(asker, |device| device.app_info()));
    match asked {
        Ok(app) => DeviceState::Open(app),
        Err(
            fault @ (DeviceFault::Locked
            | DeviceFault::AppNotOpen
            | DeviceFault::NotSetUp
            | DeviceFault::Busy { .. }
            | DeviceFault::PromptPending { .. }),
        ) => DeviceState::Passing(fault),
        Err(fault) => DeviceState::Failed(fault),
    }
}
