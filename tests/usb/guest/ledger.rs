//! A fake Ledger: the emulator as a USB device on a port of the guest.
//!
//! Promises: what the emulator does shows on USB as with a real one. When it opens or closes an app it leaves the port
//! and comes back with the product id of its new state; unplugged, it stays away until it is plugged in. Dropped, it
//! is gone.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use saltbridge::emulator::{Device, Emulator, HidDevice, HidEffect, Model, SeedName, Start};

use super::faults::{Fault, Faults, FromHost};
use super::guest::{self, PATIENCE};
use super::identity::{Identity, Interface};
use super::vhci::{self, Attached, Function};

/// How long a device is away when it re-enumerates, unless it is told otherwise. A real one takes up to 6 s.
const ABSENCE: Duration = Duration::from_millis(300);

/// How long the host may take to fetch an answer before the device re-enumerates.
const FETCHING: Duration = Duration::from_secs(5);

/// How long a person reads, at the least.
const READING: Duration = Duration::from_millis(200);

/// A fake Ledger.
pub struct Ledger {
    shared: Arc<Shared>,
    carrier: Option<JoinHandle<()>>,
}

struct Shared {
    emulator: Emulator<HidDevice>,
    identity: Identity,
    state: Mutex<State>,
}

struct State {
    port: u8,
    absence: Duration,
    faults: Faults,
    attached: Option<Attached>,
    /// What came on other interfaces than the one for APDUs.
    elsewhere: Vec<(Interface, Vec<u8>)>,
    resets: u32,
    /// What came last for the interface for APDUs, or is about to be taken.
    last_report: Option<Vec<u8>>,
}

impl Ledger {
    /// A Nano S Plus with the Ethereum app open, plugged into the first port.
    pub fn in_app() -> Self {
        Self::start(Start::App)
    }

    /// A Nano S Plus plugged into the first port.
    pub fn start(start: Start) -> Self {
        let device = Device::new(Model::NanoSPlus, SeedName::Speculos, start);
        Self::plugged_into(0, Identity::of(Model::NanoSPlus), device)
    }

    /// A device plugged into a port, 0 to 7. Its node is there on return.
    pub fn plugged_into(port: u8, identity: Identity, device: Device) -> Self {
        let emulator = Emulator::new(HidDevice::new(device));
        let effects = emulator.attach();
        let shared = Arc::new(Shared {
            emulator,
            identity,
            state: Mutex::new(State {
                port,
                absence: ABSENCE,
                faults: Faults::default(),
                attached: None,
                elsewhere: Vec::new(),
                resets: 0,
                last_report: None,
            }),
        });
        shared.attach();
        let carrier = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.carry(&effects))
        };
        let ledger = Self {
            shared,
            carrier: Some(carrier),
        };
        ledger.wait_for_node();
        ledger
    }

    /// The device, to be looked at and touched.
    pub fn emulator(&self) -> &Emulator<HidDevice> {
        &self.shared.emulator
    }

    /// Waits until the device asks the person something, and fails if it does not.
    pub fn wait_until_asking(&self) {
        assert!(self.emulator().wait_until(PATIENCE, Device::is_asking), "the device asks nothing");
    }

    /// The person's answer to what the device asks, or will ask. A person takes his time to read it.
    pub fn decide(&self, approve: bool) {
        self.wait_until_asking();
        thread::sleep(READING);
        self.emulator().decide(approve);
    }

    /// The person locks it.
    pub fn lock(&self) {
        self.emulator().touch(|device| {
            device.lock();
            Vec::new()
        });
    }

    /// The person types the PIN.
    pub fn unlock(&self) {
        self.emulator().touch(|device| {
            device.unlock();
            Vec::new()
        });
    }

    /// Pulls the cable. The nodes are gone on return.
    pub fn unplug(&self) {
        self.emulator().touch(Device::unplug);
        guest::eventually("the device goes", || (!self.sysfs().exists()).then_some(()));
    }

    /// Plugs it in again. It is locked, its node is there.
    pub fn plug_in(&self) {
        self.emulator().touch(Device::plug_in);
        self.wait_for_node();
    }

    /// It will come back at this port, 0 to 7.
    pub fn move_to(&self, port: u8) {
        self.shared.lock().port = port;
    }

    /// How long it is away when it re-enumerates from now on; 300 ms unless this was called.
    pub fn set_absence(&self, absence: Duration) {
        self.shared.lock().absence = absence;
    }

    /// This goes wrong from now on.
    pub fn set_fault(&self, fault: Fault) {
        self.shared.lock().faults.set(Some(fault), false);
    }

    /// This goes wrong with the next answer.
    pub fn set_fault_once(&self, fault: Fault) {
        self.shared.lock().faults.set(Some(fault), true);
    }

    /// Nothing goes wrong from now on.
    pub fn clear_fault(&self) {
        self.shared.lock().faults.set(None, false);
    }

    /// Sends a report that nobody asked for; whether the host was waiting for one.
    pub fn send(&self, report: Vec<u8>) -> bool {
        let state = self.shared.lock();
        state.attached.as_ref().is_some_and(|attached| attached.send(report))
    }

    /// What was written to the FIDO interface, and everything else that was not for the APDU interface.
    pub fn elsewhere(&self) -> Vec<(Interface, Vec<u8>)> {
        self.shared.lock().elsewhere.clone()
    }

    /// How often the host has reset it.
    pub fn resets(&self) -> u32 {
        self.shared.lock().resets
    }

    /// Whether the host has begun a command of more than one report, and sent no other report yet.
    pub fn is_sent_a_long_command(&self) -> bool {
        let state = self.shared.lock();
        let first = state.last_report.as_ref();
        first.is_some_and(|report| report[3..6] == [0, 0, 0] && report[6] > 57)
    }

    /// The port in sysfs, such as `1-1`.
    pub fn port_name(&self) -> String {
        vhci::port_name(self.shared.lock().port)
    }

    /// The folder of the USB device in sysfs.
    pub fn sysfs(&self) -> PathBuf {
        vhci::sysfs(self.shared.lock().port)
    }

    /// The product id under which it is seen now.
    pub fn product_id(&self) -> Option<u16> {
        let text = std::fs::read_to_string(self.sysfs().join("idProduct")).ok()?;
        u16::from_str_radix(text.trim(), 16).ok()
    }

    /// The node of its interface for APDUs, such as `/dev/hidraw0`.
    pub fn node(&self) -> Option<PathBuf> {
        self.node_of(Interface::Hid)
    }

    /// The node of an interface.
    pub fn node_of(&self, interface: Interface) -> Option<PathBuf> {
        let face = self.shared.face();
        let number = face.interfaces().iter().position(|other| *other == interface)?;
        guest::hidraw_node(&self.sysfs(), number)
    }

    /// Waits for the node and until udev is done with it.
    pub fn wait_for_node(&self) -> PathBuf {
        let node = guest::eventually("a node comes", || self.node());
        guest::settle();
        node
    }

    /// Waits until it is seen under this product id, and its node is there.
    pub fn wait_for_product_id(&self, product_id: u16) -> PathBuf {
        let what = format!("product id {product_id:04x}");
        guest::eventually(&what, || (self.product_id() == Some(product_id)).then_some(()));
        self.wait_for_node()
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        // Ends the carrier, which takes the device off the port.
        self.emulator().detach();
        if let Some(carrier) = self.carrier.take() {
            let _ = carrier.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn face(&self) -> super::identity::Face {
        self.identity.face(self.emulator.look(|device| device.app() != "BOLOS"))
    }

    fn attach(self: &Arc<Self>) {
        let face = self.face();
        let mut state = self.lock();
        if state.attached.is_none() && self.emulator.look(|device| device.is_plugged_in()) {
            let function: Arc<dyn Function> = Arc::clone(self) as _;
            state.attached = Some(Attached::new(state.port, &self.identity, face, function));
        }
    }

    fn detach(&self) {
        // Without the lock: the controller may be waiting for an answer from it.
        let attached = self.lock().attached.take();
        drop(attached);
    }

    /// Carries what the emulator does to the bus, until the emulator lets go of it.
    fn carry(self: &Arc<Self>, effects: &Receiver<HidEffect>) {
        let mut away = None;
        loop {
            let effect = match away {
                Some(absence) => effects.recv_timeout(absence),
                None => effects.recv().map_err(RecvTimeoutError::from),
            };
            match effect {
                Ok(HidEffect::Report(report)) => self.answer(report),
                Ok(HidEffect::LinkDrops) => away = self.leave(),
                Ok(HidEffect::PluggedIn) | Err(RecvTimeoutError::Timeout) => {
                    self.attach();
                    away = None;
                }
                Err(RecvTimeoutError::Disconnected) => return self.detach(),
            }
        }
    }

    /// Off the port; for how long, if it comes back by itself.
    fn leave(&self) -> Option<Duration> {
        let is_plugged = self.emulator.look(|device| device.is_plugged_in());
        let mut state = self.lock();
        let attached = state.attached.take();
        let absence = is_plugged.then_some(state.absence);
        drop(state);
        if let (Some(attached), Some(_)) = (&attached, absence) {
            attached.drain(FETCHING);
        }
        drop(attached);
        absence
    }

    fn answer(&self, report: [u8; 64]) {
        let delay = self.lock().faults.delay();
        thread::sleep(delay);
        let mut state = self.lock();
        let reports = state.faults.give(report);
        if let Some(attached) = &state.attached {
            for report in reports {
                attached.send(report);
            }
        }
    }
}

impl Function for Shared {
    fn is_about_to_take(&self, bytes: &[u8]) {
        let mut state = self.lock();
        state.last_report = Some(bytes.to_vec());
        let time = state.faults.taking();
        drop(state);
        thread::sleep(time);
    }

    fn report(&self, bytes: &[u8]) {
        let Ok(report) = <[u8; 64]>::try_from(bytes) else {
            return self.lock().elsewhere.push((Interface::Hid, bytes.to_vec()));
        };
        let mut state = self.lock();
        match state.faults.take(&report) {
            FromHost::Passes => {
                drop(state);
                self.emulator.report(&report);
            }
            FromHost::IsLost => {}
            FromHost::IsAnswered(reports) => {
                if let Some(attached) = &state.attached {
                    for report in reports {
                        attached.send(report);
                    }
                }
            }
        }
    }

    fn elsewhere(&self, interface: Interface, bytes: &[u8]) {
        self.lock().elsewhere.push((interface, bytes.to_vec()));
    }

    fn reset(&self) {
        self.lock().resets += 1;
        self.emulator.reset();
    }
}
