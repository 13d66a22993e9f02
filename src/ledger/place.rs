//! How a conversation comes to its device: the choice among several, the claim on it, the link to it.

use std::collections::{HashMap, HashSet};
use std::thread::sleep;
use std::time::Duration;

use super::accounts::Wanted;
use super::apdu::AppInfo;
use super::claim::{Barred, Claim};
use super::conversation::{Conversation, Event, LOOK_AGAIN, Patience, Waiting};
use super::endpoint::Endpoint;
use super::fault::DeviceFault;
use super::leave::Leave;
use super::link::{Link, LinkError};
use super::speculos::SpeculosLink;
use super::usb::{Doorbell, Port, UsbDevice, UsbLink, list, others};

/// Where the device of a conversation is, and the right to talk to it.
pub(super) struct Place {
    pub(super) claim: Claim,
    /// Its port, if it is on a cable.
    port: Option<Port>,
}

/// What a session remembers from one conversation to the next.
#[derive(Default)]
pub(super) struct Memory {
    /// The port of the device that was used last.
    used: Option<Port>,
    /// The other devices that were there then. None of them takes its place when it is pulled.
    passed_over: Vec<Port>,
    /// Whether that device has the account that was wanted by its address.
    is_sure: bool,
    /// Whether one of this session had it.
    was_found: bool,
    /// Other programs that the person was told of.
    told: Vec<String>,
}

/// What a conversation has seen of devices on cables.
#[derive(Default)]
pub(super) struct Visited {
    /// Those that are not the wanted one, or cannot be asked, and why.
    strangers: HashMap<(Port, Option<u64>), Option<DeviceFault>>,
    /// Those that other programs have open, and were asked all the same: once, because it may spoil what they ask.
    held: HashSet<(Port, Option<u64>)>,
    doorbell: Option<Doorbell>,
}

impl Conversation<'_> {
    /// Takes the device at this endpoint for this process, and waits for another one if it is patient.
    fn claim(&mut self, endpoint: &Endpoint, patience: Patience) -> Result<Claim, DeviceFault> {
        let is_empty = |port: &Port| list().is_ok_and(|found| found.iter().all(|device| device.port != *port));
        let mut settled = Vec::new();
        loop {
            self.asker.leave.not_yet()?;
            match Claim::take(endpoint, &self.asker.who, &settled, &is_empty) {
                Ok(claim) => return Ok(claim),
                Err(Barred::Busy { holder }) if patience == Patience::Wait => {
                    self.waits(Waiting::ForOtherProcess { holder });
                    sleep(LOOK_AGAIN);
                }
                Err(Barred::Busy { holder }) => return Err(DeviceFault::Busy { holder }),
                Err(Barred::NoLock { reason }) => return Err(DeviceFault::NoLock { reason }),
                Err(Barred::Pending { holder, note }) => {
                    let device = endpoint.to_string();
                    let fault = DeviceFault::PromptPending { holder, device };
                    // Said of this question. Another one that comes meanwhile is asked about anew.
                    if !(self.asker.is_idle)(&fault) {
                        return Err(fault);
                    }
                    settled.push(note);
                }
            }
        }
    }

    /// Takes the place of the endpoint, if it names one.
    pub(super) fn take_named_place(&mut self) -> Result<(), DeviceFault> {
        let port = self.endpoint.port().cloned();
        if port.is_some() || !self.endpoint.is_usb() {
            let claim = self.claim(self.endpoint, self.asker.patience)?;
            self.place = Some(Place { claim, port });
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
        if self.place.is_none() {
            let device = self.usb_device()?;
            self.go_to(&device, self.asker.patience)?;
            self.remember(&device)?;
        }
        // Until the place was free the device may have gone, or come back under another node.
        let device = self.usb_device()?;
        self.tell_of_others(others(&device));
        open_driver(self.endpoint, device, &self.asker.leave)
    }

    /// Tells of other programs that can read what the device answers, of each once in a session.
    pub(super) fn tell_of_others(&mut self, mut programs: Vec<String>) {
        programs.retain(|program| !self.memory.told.contains(program));
        if !programs.is_empty() {
            self.memory.told.extend(programs.iter().cloned());
            (self.asker.tell)(&Event::OthersListen { programs });
        }
    }

    /// The device at the place, or without one that which is meant: the one that was used before, or the only one.
    fn usb_device(&mut self) -> Result<UsbDevice, DeviceFault> {
        let mut found = plugged_in()?;
        let at = |found: &[UsbDevice], port: &Port| found.iter().find(|device| device.port == *port).cloned();
        if let Some(port) = self.place.as_ref().and_then(|place| place.port.as_ref()) {
            return at(&found, port).ok_or_else(|| DeviceFault::NotPluggedIn {
                port: Some(port.clone()),
            });
        }
        let memory = &mut *self.memory;
        if let Some(device) = memory.used.as_ref().and_then(|port| at(&found, port)) {
            return Ok(device);
        }
        memory.passed_over.retain(|port| at(&found, port).is_some());
        found.retain(|device| !memory.passed_over.contains(&device.port));
        match <[UsbDevice; 1]>::try_from(found) {
            Ok([device]) => Ok(device),
            Err(none) if none.is_empty() => Err(DeviceFault::NotPluggedIn { port: None }),
            Err(several) => Err(DeviceFault::SeveralDevices {
                ports: several.into_iter().map(|device| device.port).collect(),
            }),
        }
    }

    /// Makes the place of a device that of the conversation.
    fn go_to(&mut self, device: &UsbDevice, patience: Patience) -> Result<(), DeviceFault> {
        self.leave_place();
        let claim = self.claim(&self.endpoint.at(device.port.clone()), patience)?;
        self.place = Some(Place {
            claim,
            port: Some(device.port.clone()),
        });
        Ok(())
    }

    /// Remembers which device is used, and which are not.
    fn remember(&mut self, device: &UsbDevice) -> Result<(), DeviceFault> {
        let found = plugged_in()?;
        let ports = found.into_iter().map(|other| other.port);
        self.memory.passed_over = ports.filter(|port| *port != device.port).collect();
        self.memory.used = Some(device.port.clone());
        Ok(())
    }

    /// Closes the link, and then gives the device up to others.
    fn leave_place(&mut self) {
        *self.link = None;
        self.place = None;
    }

    /// Whether the device may be at any port.
    fn is_free(&self) -> bool {
        self.endpoint.is_usb() && self.endpoint.port().is_none()
    }

    /// Forgets a place that nobody named, and whose device is gone: it may come back at another port.
    pub(super) fn leave_empty_place(&mut self) {
        // It may be there already: looked for at the old place alone, it was not seen.
        if self.is_free() && self.place.take().is_some() {
            self.visited.doorbell = None;
        }
    }

    /// Whether the device at the place may be another than the one with the wanted account.
    pub(super) fn is_in_doubt(&self, wanted: &Wanted) -> bool {
        self.is_free() && wanted.address.is_some() && !self.memory.is_sure
    }

    /// Leaves a place in doubt if there is another device to be looked at; whether there is.
    pub(super) fn leave_for_another(&mut self) -> Result<bool, DeviceFault> {
        let found = plugged_in()?;
        let memory = &mut *self.memory;
        let is_candidate = |port: &Port| Some(port) != memory.used.as_ref() && !memory.passed_over.contains(port);
        let is_there = found.iter().any(|device| is_candidate(&device.port));
        if is_there {
            memory.used = None;
            self.leave_place();
        }
        Ok(is_there)
    }

    /// Leaves a device that has not the wanted account, if another one had it before in this session: that one is waited
    /// for. Whether it did.
    ///
    /// # Errors
    /// Those of [`Conversation::find`], but for the account.
    pub(super) fn leave_stranger(&mut self, wanted: &Wanted) -> Result<bool, DeviceFault> {
        if !self.memory.was_found || !self.is_in_doubt(wanted) {
            return Ok(false);
        }
        match self.find(wanted) {
            Err(DeviceFault::AccountNotFound { .. } | DeviceFault::WrongAccount { .. }) => {
                self.memory.passed_over.extend(self.memory.used.take());
                self.leave_place();
                Ok(true)
            }
            found => found.map(|_| false),
        }
    }

    /// The wanted account is on the device at the place, or the link to that has closed.
    pub(super) fn be_sure(&mut self, is_sure: bool) {
        self.memory.is_sure = is_sure;
        self.memory.was_found |= is_sure;
    }

    /// Looks among several devices for the one that has the wanted account, and goes there. Only those are asked that
    /// are ready; whether it was found.
    ///
    /// # Errors
    /// If none has it, or can be asked, and waiting changes nothing: why.
    pub(super) fn choose(&mut self, wanted: &Wanted) -> Result<bool, DeviceFault> {
        let mut found = plugged_in()?;
        found.retain(|device| !self.memory.passed_over.contains(&device.port));
        let (mut passing, mut pending) = (None, None);
        for device in &found {
            let key = (device.port.clone(), device.inode());
            if self.visited.strangers.contains_key(&key) {
                continue;
            }
            if let Some(holder) = others(device).into_iter().next()
                && !self.visited.held.insert(key.clone())
            {
                passing = Some(DeviceFault::Busy { holder });
                continue;
            }
            let asked = self.go_to(device, Patience::NoWait).and_then(|()| {
                let info = self.app_info()?;
                not_ethereum(info).map_or_else(|| self.find(wanted), Err)
            });
            match asked {
                Ok(_) => {
                    self.remember(device)?;
                    return Ok(true);
                }
                // A question may be on its screen, and the person does not say that there is none.
                Err(fault @ DeviceFault::PromptPending { .. }) => pending = Some(fault),
                Err(fault @ DeviceFault::AskerLeft) => return Err(fault),
                Err(DeviceFault::AccountNotFound { .. } | DeviceFault::WrongAccount { .. }) => {
                    self.visited.strangers.insert(key, None);
                }
                Err(fault) if fault.may_pass() => passing = Some(fault),
                // It is asked no more, so that it is not reset again and again.
                Err(fault) => {
                    self.visited.strangers.insert(key, Some(fault));
                }
            }
        }
        self.leave_place();
        if let Some(fault) = pending {
            return Err(fault);
        }
        match (passing, wanted.address) {
            (Some(fault), _) if self.asker.patience == Patience::NoWait => Err(fault),
            // One that was found before is waited for.
            _ if self.memory.was_found => Ok(false),
            (Some(_), _) | (None, None) => Ok(false),
            (None, Some(expected)) => {
                let why = self.visited.strangers.values().flatten().next();
                Err(why.cloned().unwrap_or(DeviceFault::AccountNotFound { expected }))
            }
        }
    }

    /// Waits a moment before it is looked again whether what is waited for has come. For a device on a cable that is when
    /// the system says so, at most for `at_most`. It ends early if the asker leaves.
    pub(super) fn pause(&mut self, waiting: &Waiting, at_most: Option<Duration>) {
        let is_away = matches!(waiting, Waiting::ForDevice { .. } | Waiting::ForReturn);
        if !is_away || !self.endpoint.is_usb() {
            return sleep(LOOK_AGAIN);
        }
        match &self.visited.doorbell {
            Some(doorbell) => doorbell.wait(at_most, &self.asker.leave),
            // It may have come before there was anybody to hear it.
            None => {
                self.visited.doorbell = Some(Doorbell::new());
                // Unless it was there, and the link broke.
                if let (Waiting::ForDevice { .. }, Some(time)) = (waiting, at_most) {
                    sleep(time);
                }
            }
        }
    }
}

fn plugged_in() -> Result<Vec<UsbDevice>, DeviceFault> {
    list().map_err(|reason| DeviceFault::UsbUnavailable { reason })
}

/// What is in the way if this is not the Ethereum app.
pub(super) fn not_ethereum(info: AppInfo) -> Option<DeviceFault> {
    match info {
        info if info.is_ethereum() => None,
        info if info.is_dashboard() => Some(DeviceFault::AppNotOpen),
        info => Some(DeviceFault::OtherApp { name: info.name }),
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

fn open_driver(endpoint: &Endpoint, device: UsbDevice, leave: &Leave) -> Result<Box<dyn Link>, DeviceFault> {
    #[cfg(feature = "zondax-hid")]
    if matches!(endpoint, Endpoint::ZondaxHid(_)) {
        return Ok(Box::new(super::usb::ZondaxLink::open(device)?));
    }
    let _ = endpoint;
    Ok(Box::new(UsbLink::open(device, leave)?))
}
