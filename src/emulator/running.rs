//! A device that runs: several hands reach it at once, and one face carries what it sends.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::device::{Device, Effect};
use super::hid::{HidDevice, HidEffect, REPORT};
use super::screens::Screen;

/// What an [`Emulator`] runs: a [`Device`] by itself, or one behind reports.
pub trait Machine: Send + 'static {
    /// What it sends.
    type Effect: Send + 'static;

    /// The device.
    fn device(&self) -> &Device;

    /// Something is done to the device itself.
    fn touch(&mut self, action: impl FnOnce(&mut Device) -> Vec<Effect>) -> Vec<Self::Effect>;
}

impl Machine for Device {
    type Effect = Effect;

    fn device(&self) -> &Device {
        self
    }

    fn touch(&mut self, action: impl FnOnce(&mut Device) -> Vec<Effect>) -> Vec<Effect> {
        action(self)
    }
}

impl Machine for HidDevice {
    type Effect = HidEffect;

    fn device(&self) -> &Device {
        HidDevice::device(self)
    }

    fn touch(&mut self, action: impl FnOnce(&mut Device) -> Vec<Effect>) -> Vec<HidEffect> {
        HidDevice::touch(self, action)
    }
}

/// A running device. Clones are handles of the same one.
pub struct Emulator<M: Machine = Device>(Arc<Shared<M>>);

struct Shared<M: Machine> {
    state: Mutex<State<M>>,
    changed: Condvar,
}

struct State<M: Machine> {
    machine: M,
    face: Option<Sender<M::Effect>>,
}

impl<M: Machine> Clone for Emulator<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl Emulator {
    /// A command arrives at the device.
    pub fn command(&self, apdu: &[u8]) {
        self.act(|device| device.command(apdu));
    }
}

impl Emulator<HidDevice> {
    /// A report arrives from the host.
    pub fn report(&self, report: &[u8; REPORT]) {
        self.act(|hid| hid.report(report));
    }

    /// The host resets the port, see [`HidDevice::reset`].
    pub fn reset(&self) {
        self.act(|hid| {
            hid.reset();
            Vec::new()
        });
    }
}

impl<M: Machine> Emulator<M> {
    /// Switches the device on.
    pub fn new(machine: M) -> Self {
        let state = State { machine, face: None };
        Self(Arc::new(Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
        }))
    }

    /// What the device sends from now on, in its order. The last one who asked gets it.
    pub fn attach(&self) -> Receiver<M::Effect> {
        let (sender, receiver) = channel();
        self.lock().face = Some(sender);
        receiver
    }

    /// Nobody gets what the device sends any more.
    pub fn detach(&self) {
        self.lock().face = None;
    }

    /// Something is done to the device: a press, the PIN, the cable.
    pub fn touch(&self, action: impl FnOnce(&mut Device) -> Vec<Effect>) {
        self.act(|machine| machine.touch(action));
    }

    fn act(&self, action: impl FnOnce(&mut M) -> Vec<M::Effect>) {
        let mut state = self.lock();
        let effects = action(&mut state.machine);
        if let Some(face) = &state.face {
            for effect in effects {
                // A face that left is not told.
                let _ = face.send(effect);
            }
        }
        self.0.changed.notify_all();
    }

    /// Looks at the device.
    pub fn look<T>(&self, view: impl FnOnce(&Device) -> T) -> T {
        view(self.lock().machine.device())
    }

    /// Waits until the device is as `wanted`, at most for this time; whether it is.
    pub fn wait_until(&self, patience: Duration, mut wanted: impl FnMut(&Device) -> bool) -> bool {
        let end = Instant::now() + patience;
        let mut state = self.lock();
        while !wanted(state.machine.device()) {
            let Some(left) = end
                .checked_duration_since(Instant::now())
                .filter(|left| !left.is_zero())
            else {
                return false;
            };
            let waited = self.0.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Walks through what the device asks, up to the decision, as a person would; the screens passed.
    pub fn decide(&self, approve: bool) -> Vec<Screen> {
        let mut seen = Vec::new();
        while let Some((screen, press)) = self.look(|device| Some((device.screen(), device.toward(approve)?))) {
            seen.push(screen);
            self.touch(|device| device.press(press));
        }
        seen
    }

    fn lock(&self) -> MutexGuard<'_, State<M>> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
