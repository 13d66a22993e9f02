//! How a conversation comes to its device: the choice among several, the claim on it, the link to it.

use std::collections::HashSet;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use super::accounts::Wanted;
use super::claim::{Barred, Claim};
use super::conversation::{Conversation, Event, LOOK_AGAIN, Patience, Waiting};
use super::endpoint::Endpoint;
use super::fault::DeviceFault;
use super::link::{Link, LinkError};
use super::speculos::SpeculosLink;
use super::usb::{Doorbell, Port, UsbDevice, UsbLink, list};

/// Where the device of a conversation is, and the right to talk to it.
pub(super) struct Place {
    pub(super) claim: Claim,
    /// Its port, if it is on a cable.
    port: Option<Port>,
    /// It was chosen among several, by its account: no other one may take its place.
    chosen: bool,
}

/// What a conversation remembers about places that it has looked at.
#[derive(Default)]
pub(super) struct Visited {
    /// Those that do not have the wanted account.
    strangers: HashSet<(Port, PathBuf)>,
    /// Other programs that were told of.
    pub(super) others: Vec<String>,
    doorbell: Option<Doorbell>,
}

impl Conversation<'_> {
    /// Takes the device at this endpoint for this process, and waits for another one if the asker does.
    pub(super) fn claim(&mut self, endpoint: &Endpoint, patience: Patience) -> Result<Claim, DeviceFault> {
        let mut settled = None;
        loop {
            match Claim::take(endpoint, &self.asker.who, settled.as_ref()) {
                Ok(claim) => return Ok(claim),
                Err(Barred::Busy { holder }) if patience == Patience::Wait => {
                    self.waits(Waiting::ForOtherProcess { holder });
                    sleep(LOOK_AGAIN);
                }
                Err(Barred::Busy { holder }) => return Err(DeviceFault::Busy { holder }),
                Err(Barred::NoLock { reason }) => return Err(DeviceFault::NoLock { reason }),
                Err(Barred::Pending { holder, note }) => {
                    let fault = DeviceFault::PromptPending { holder };
                    // Said of this question. Another one that comes meanwhile is asked about anew.
                    if !(self.asker.is_idle)(&fault) {
                        return Err(fault);
                    }
                    settled = Some(note);
                }
            }
        }
    }

    /// Takes the place of the endpoint, if it names one.
    pub(super) fn take_named_place(&mut self) -> Result<(), DeviceFault> {
        let port = self.endpoint.port().cloned();
        if port.is_some() || !self.endpoint.is_usb() {
            let claim = self.claim(self.endpoint, self.asker.patience)?;
            self.place = Some(Place {
                claim,
                port,
                chosen: false,
            });
        }
        Ok(())
    }

    /// Opens the link, if there is none. Without a place the device that is plugged in is it, if it is the only one.
    pub(super) fn connect(&mut self) -> Result<&mut Box<dyn Link>, DeviceFault> {
        if self.link.is_none() {
            let link = match self.endpoint {
                Endpoint::Speculos(address) => open_speculos(self.endpoint, SpeculosLink::open(*address))?,
                _ => self.open_usb()?,
            };
            *self.link = Some(link);
        }
        // Just now it was there.
        self.link.as_mut().ok_or(DeviceFault::SessionEnded)
    }

    fn open_usb(&mut self) -> Result<Box<dyn Link>, DeviceFault> {
        let device = self.usb_device()?;
        if self.place.is_none() {
            self.go_to(&device, false, self.asker.patience)?;
        }
        let link = open_driver(self.endpoint, device)?;
        let others = link.other_programs();
        if !others.is_empty() && others != self.visited.others {
            (self.asker.tell)(&Event::OthersListen {
                programs: others.clone(),
            });
            self.visited.others = others;
        }
        Ok(link)
    }

    /// The device at the place, or the only one if there is no place yet.
    fn usb_device(&self) -> Result<UsbDevice, DeviceFault> {
        let found = list().map_err(|reason| DeviceFault::UsbUnavailable { reason })?;
        let port = self.place.as_ref().and_then(|place| place.port.as_ref());
        if let Some(port) = port {
            let there = found.into_iter().find(|device| device.port == *port);
            return there.ok_or_else(|| DeviceFault::NotPluggedIn {
                port: Some(port.clone()),
            });
        }
        match <[UsbDevice; 1]>::try_from(found) {
            Ok([device]) => Ok(device),
            Err(none) if none.is_empty() => Err(DeviceFault::NotPluggedIn { port: None }),
            Err(several) => Err(DeviceFault::SeveralDevices {
                ports: several.into_iter().map(|device| device.port).collect(),
            }),
        }
    }

    /// Makes the place of a device that of the conversation.
    fn go_to(&mut self, device: &UsbDevice, chosen: bool, patience: Patience) -> Result<(), DeviceFault> {
        *self.link = None;
        self.place = None;
        let claim = self.claim(&self.endpoint.at(device.port.clone()), patience)?;
        self.place = Some(Place {
            claim,
            port: Some(device.port.clone()),
            chosen,
        });
        Ok(())
    }

    /// Forgets a place that was taken only because one device was there: it may come back at another port.
    pub(super) fn leave_empty_place(&mut self) {
        let is_free = self.endpoint.is_usb() && self.endpoint.port().is_none();
        if is_free && self.place.as_ref().is_some_and(|place| !place.chosen) {
            self.place = None;
        }
    }

    /// Looks among several devices for the one that has the wanted account, and goes there. Only those are asked that
    /// are ready; whether it was found.
    ///
    /// # Errors
    /// [`DeviceFault::AccountNotFound`] if all are ready and none has it.
    pub(super) fn choose(&mut self, wanted: &Wanted) -> Result<bool, DeviceFault> {
        let found = list().map_err(|reason| DeviceFault::UsbUnavailable { reason })?;
        for device in &found {
            let name = (device.port.clone(), device.node.clone());
            if self.visited.strangers.contains(&name) {
                continue;
            }
            let asked = self.go_to(device, true, Patience::NoWait).and_then(|()| {
                let is_ready = self.app_info()?.is_ethereum();
                is_ready.then(|| self.find(wanted)).transpose()
            });
            match asked {
                Ok(Some(_)) => return Ok(true),
                Err(DeviceFault::AccountNotFound { .. } | DeviceFault::WrongAccount { .. }) => {
                    self.visited.strangers.insert(name);
                }
                // A question may be on its screen, and the person does not say that there is none.
                Err(fault @ DeviceFault::PromptPending { .. }) => return Err(fault),
                Ok(None) | Err(_) => {}
            }
        }
        *self.link = None;
        self.place = None;
        let is_stranger = |device: &UsbDevice| {
            self.visited
                .strangers
                .contains(&(device.port.clone(), device.node.clone()))
        };
        match wanted.address {
            Some(expected) if found.iter().all(is_stranger) => Err(DeviceFault::AccountNotFound { expected }),
            _ => Ok(false),
        }
    }

    /// Waits a moment before it is looked again whether what is waited for has come. For a device on a cable that is when
    /// the system says so, at most for `at_most`.
    pub(super) fn pause(&mut self, waiting: &Waiting, at_most: Option<Duration>) {
        let is_away = matches!(waiting, Waiting::ForDevice { .. } | Waiting::ForReturn);
        if !is_away || !self.endpoint.is_usb() {
            return sleep(LOOK_AGAIN);
        }
        match &self.visited.doorbell {
            Some(doorbell) => doorbell.wait(at_most),
            // It may have come before there was anybody to hear it.
            None => self.visited.doorbell = Some(Doorbell::new()),
        }
    }
}

fn open_speculos(endpoint: &Endpoint, opened: Result<SpeculosLink, LinkError>) -> Result<Box<dyn Link>, DeviceFault> {
    match opened {
        Ok(link) => Ok(Box::new(link)),
        Err(LinkError::Silent(_)) => Err(DeviceFault::Silent),
        Err(error) => Err(DeviceFault::NoDevice {
            endpoint: endpoint.to_string(),
            reason: error.to_string(),
        }),
    }
}

fn open_driver(endpoint: &Endpoint, device: UsbDevice) -> Result<Box<dyn Link>, DeviceFault> {
    #[cfg(feature = "zondax-hid")]
    if matches!(endpoint, Endpoint::ZondaxHid(_)) {
        return Ok(Box::new(super::usb::ZondaxLink::open(device)?));
    }
    let _ = endpoint;
    Ok(Box::new(UsbLink::open(device)?))
}
