//! A device that runs: several hands reach it at once, and one face carries what it sends.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::device::{Device, Effect};
use super::screens::Screen;

/// A running device. Clones are handles of the same one.
#[derive(Clone)]
pub struct Emulator(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    device: Device,
    face: Option<Sender<Effect>>,
}

impl Emulator {
    /// Switches the device on.
    pub fn new(device: Device) -> Self {
        let state = State { device, face: None };
        Self(Arc::new(Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
        }))
    }

    /// What the device sends from now on, in its order. The last one who asked gets it.
    pub fn attach(&self) -> Receiver<Effect> {
        let (sender, receiver) = channel();
        self.lock().face = Some(sender);
        receiver
    }

    /// Nobody gets what the device sends any more.
    pub fn detach(&self) {
        self.lock().face = None;
    }

    /// A command arrives at the device.
    pub fn command(&self, apdu: &[u8]) {
        self.touch(|device| device.command(apdu));
    }

    /// Something is done to the device: a press, the PIN, the cable.
    pub fn touch(&self, action: impl FnOnce(&mut Device) -> Vec<Effect>) {
        let mut state = self.lock();
        let effects = action(&mut state.device);
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
        view(&self.lock().device)
    }

    /// Waits until the device is as `wanted`, at most for this time; whether it is.
    pub fn wait_until(&self, patience: Duration, mut wanted: impl FnMut(&Device) -> bool) -> bool {
        let end = Instant::now() + patience;
        let mut state = self.lock();
        while !wanted(&state.device) {
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

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
