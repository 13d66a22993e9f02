//! A USB device on the kernel's virtual host controller (vhci-hcd).
//!
//! Promises: to every program in the guest it is a device on a port. Its end of the socket answers endpoint 0, keeps
//! the transfers to the host waiting until there is a report, and drops reports that nobody waits for: a program that
//! opens the node later does not find them.

use std::collections::VecDeque;
use std::fs;
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::identity::{Face, Identity, Interface};
use super::usbip::{self, CONNECTION_RESET, Command, STALL, Submit};

const CONTROLLER: &str = "/sys/devices/platform/vhci_hcd.0";

/// In the words of the controller: 12 MBit/s, as all Ledgers.
const FULL_SPEED: u8 = 2;

/// How long the controller may take to free a port. Generous: machines are loaded.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the device does with what comes from the host.
pub trait Function: Send + Sync + 'static {
    /// The host has sent a report on the HID interface; it is taken when this returns.
    fn is_about_to_take(&self, bytes: &[u8]);
    /// A report arrives on the HID interface.
    fn report(&self, bytes: &[u8]);
    /// Something arrives on another interface.
    fn elsewhere(&self, interface: Interface, bytes: &[u8]);
    /// The host resets the port.
    fn reset(&self);
}

/// A device that is attached to a port. Dropped, it is detached.
pub struct Attached {
    port: u8,
    link: Arc<Link>,
}

struct Link {
    identity: Identity,
    face: Face,
    socket: UnixStream,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    is_configured: bool,
    /// Somebody has the node open: the host fetches reports.
    is_polled: bool,
    reports: VecDeque<Vec<u8>>,
    /// Transfers to the host on the HID interface: number and room.
    waiting: VecDeque<(u32, usize)>,
    /// The same on all other interfaces, which never send anything.
    in_vain: Vec<u32>,
}

impl Attached {
    /// Plugs the device into a port, 0 to 7.
    pub fn new(port: u8, identity: &Identity, face: Face, function: Arc<dyn Function>) -> Self {
        wait_until_free(port);
        let (ours, kernels) = UnixStream::pair().unwrap();
        let link = Arc::new(Link {
            identity: identity.clone(),
            face,
            socket: ours.try_clone().unwrap(),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        // Any number but 0; it is not seen anywhere.
        let device = 0x0001_0000 | u32::from(port + 1);
        let line = format!("{port} {} {device} {FULL_SPEED}", kernels.as_raw_fd());
        fs::write(format!("{CONTROLLER}/attach"), line).unwrap();
        let server = Arc::clone(&link);
        thread::spawn(move || server.serve(ours, function.as_ref()));
        Self { port, link }
    }

    /// Sends a report to the host, if it waits for reports; whether it does.
    pub fn send(&self, report: Vec<u8>) -> bool {
        let mut state = self.link.lock();
        let is_polled = state.is_polled;
        if is_polled {
            state.reports.push_back(report);
            self.link.deliver(&mut state);
        }
        is_polled
    }

    /// Waits until the host has taken everything, at most for this time.
    pub fn drain(&self, patience: Duration) {
        let end = Instant::now() + patience;
        let mut state = self.link.lock();
        // A transfer that waits again was asked for after the last one had arrived.
        while state.is_polled && (!state.reports.is_empty() || state.waiting.is_empty()) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.link.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        detach(self.port);
        let _ = self.link.socket.shutdown(std::net::Shutdown::Both);
        wait_until_free(self.port);
    }
}

/// Pulls the device out of a port, if there is one.
pub fn detach(port: u8) {
    let _ = fs::write(format!("{CONTROLLER}/detach"), port.to_string());
}

/// The ports that are not free.
pub fn ports_in_use() -> Vec<u8> {
    let status = fs::read_to_string(format!("{CONTROLLER}/status")).unwrap_or_default();
    // hub port sta spd dev sockfd local_busid; state 004 is free.
    status
        .lines()
        .filter_map(|line| {
            let words: Vec<_> = line.split_whitespace().collect();
            let port = words.get(1)?.parse().ok()?;
            (words.first() == Some(&"hs") && words.get(2) != Some(&"004")).then_some(port)
        })
        .collect()
}

fn wait_until_free(port: u8) {
    let end = Instant::now() + PATIENCE;
    while ports_in_use().contains(&port) {
        assert!(Instant::now() < end, "port {port} is not freed");
        thread::sleep(Duration::from_millis(5));
    }
}

/// The name of a port in sysfs, such as `1-1`.
pub fn port_name(port: u8) -> String {
    let bus = fs::read_dir(CONTROLLER)
        .unwrap()
        .filter_map(|entry| {
            let path = entry.unwrap().path();
            let number: u32 = path.file_name()?.to_str()?.strip_prefix("usb")?.parse().ok()?;
            let speed = fs::read_to_string(path.join("speed")).ok()?;
            // Its other hub is for 5000 MBit/s.
            (speed.trim() == "480").then_some(number)
        })
        .min()
        .unwrap();
    format!("{bus}-{}", port + 1)
}

/// A device's folder in sysfs.
pub fn sysfs(port: u8) -> PathBuf {
    PathBuf::from("/sys/bus/usb/devices").join(port_name(port))
}

impl Link {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, message: &[u8]) {
        // The host may have let go of the device in this moment; that shows at the next read.
        let _ = (&self.socket).write_all(message);
    }

    fn deliver(&self, state: &mut State) {
        while !state.reports.is_empty() && !state.waiting.is_empty() {
            let (Some(report), Some((sequence, room))) = (state.reports.pop_front(), state.waiting.pop_front()) else {
                return;
            };
            self.write(&usbip::sent(sequence, &report[..room.min(report.len())]));
        }
    }

    fn serve(&self, mut socket: UnixStream, function: &dyn Function) {
        while let Ok(command) = usbip::read(&mut socket) {
            match command {
                Command::Submit(submit) => self.transfer(submit, function),
                Command::Unlink { sequence, victim } => self.unlink(sequence, victim),
            }
            self.changed.notify_all();
        }
        self.lock().is_polled = false;
        self.changed.notify_all();
    }

    fn unlink(&self, sequence: u32, victim: u32) {
        let mut state = self.lock();
        let before = state.waiting.len() + state.in_vain.len();
        if state.waiting.iter().any(|(number, _)| *number == victim) {
            // The last program has closed the node.
            state.is_polled = false;
            state.reports.clear();
        }
        state.waiting.retain(|(number, _)| *number != victim);
        state.in_vain.retain(|number| *number != victim);
        let was_waiting = state.waiting.len() + state.in_vain.len() < before;
        // Otherwise it was answered before.
        let status = if was_waiting { CONNECTION_RESET } else { 0 };
        self.write(&usbip::unlinked(sequence, status));
    }

    fn transfer(&self, submit: Submit, function: &dyn Function) {
        if submit.endpoint == 0 {
            return self.control(&submit, function);
        }
        let interfaces = self.face.interfaces();
        let found = interfaces
            .into_iter()
            .find(|interface| u32::from(interface.endpoint()) == submit.endpoint);
        let mut state = self.lock();
        match (found, submit.is_in) {
            (None, _) => self.write(&usbip::failed(submit.sequence, STALL)),
            (Some(Interface::Hid), true) => {
                state.is_polled = true;
                state.waiting.push_back((submit.sequence, submit.room));
                self.deliver(&mut state);
            }
            (Some(_), true) => state.in_vain.push(submit.sequence),
            (Some(interface), false) => {
                drop(state);
                if interface == Interface::Hid {
                    function.is_about_to_take(&submit.data);
                }
                self.write(&usbip::taken(submit.sequence, submit.data.len()));
                arrived(function, interface, &submit.data);
            }
        }
    }

    /// Endpoint 0: standard requests, and those of the HID class.
    fn control(&self, submit: &Submit, function: &dyn Function) {
        let [kind, request, value, what, index, ..] = submit.setup;
        let interface = self.face.interfaces().get(usize::from(index)).copied();
        let answer = match (kind, request, what) {
            // GET_STATUS
            (0x80..=0x82, 0x00, _) => Some(vec![0, 0]),
            // CLEAR_FEATURE, SET_FEATURE; SET_INTERFACE; SET_IDLE, SET_PROTOCOL
            (0x00..=0x02, 0x01 | 0x03, _) | (0x01, 0x0b, _) | (0x21, 0x0a | 0x0b, _) => Some(Vec::new()),
            // GET_DESCRIPTOR
            (0x80, 0x06, kind) => self.identity.descriptor(self.face, kind, value),
            (0x81, 0x06, 0x21) => interface.map(|interface| self.identity.hid(interface)),
            (0x81, 0x06, 0x22) => interface.map(|interface| self.identity.reports(interface)),
            // GET_CONFIGURATION
            (0x80, 0x08, _) => Some(vec![u8::from(self.lock().is_configured)]),
            // SET_CONFIGURATION
            (0x00, 0x09, _) => {
                self.configure(value != 0, function);
                Some(Vec::new())
            }
            // GET_INTERFACE; GET_IDLE, GET_PROTOCOL
            (0x81, 0x0a, _) | (0xa1, 0x02 | 0x03, _) => Some(vec![0]),
            // GET_REPORT
            (0xa1, 0x01, _) => Some(vec![0; 64]),
            // SET_REPORT
            (0x21, 0x09, _) => {
                if let Some(interface) = interface {
                    arrived(function, interface, &submit.data);
                }
                interface.map(|_| Vec::new())
            }
            _ => None,
        };
        let message = match answer {
            None => usbip::failed(submit.sequence, STALL),
            Some(mut data) if submit.is_in => {
                data.truncate(submit.room);
                usbip::sent(submit.sequence, &data)
            }
            Some(_) => usbip::taken(submit.sequence, submit.data.len()),
        };
        self.write(&message);
    }

    /// The second time within one attachment the host does it because the port was reset.
    fn configure(&self, on: bool, function: &dyn Function) {
        let mut state = self.lock();
        let was_on = std::mem::replace(&mut state.is_configured, on);
        if was_on && on {
            state.reports.clear();
            drop(state);
            function.reset();
        }
    }
}

fn arrived(function: &dyn Function, interface: Interface, bytes: &[u8]) {
    match interface {
        Interface::Hid => function.report(bytes),
        other => function.elsewhere(other, bytes),
    }
}
