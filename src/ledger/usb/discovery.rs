//! Which Ledgers are plugged in.
//!
//! Promises: every model, with and without an app open, by its vendor; the interface that takes commands, never the
//! FIDO one; a name that stays when an app is opened and the device comes back under another node: the USB port.
//!
//! hidapi's calls that are not about an open device corrupt memory if two are made at once (measured), so that they
//! all happen on one thread of the process.

use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};

use coins_ledger::Model;
use hidapi::{DeviceInfo, HidApi};
use rustix::fs::{Access, AtFlags, CWD, accessat};

/// Ledger's USB vendor number.
pub(super) const VENDOR: u16 = 0x2c97;

/// The HID usage page of the interface that takes commands.
const COMMANDS: u16 = 0xffa0;

/// The USB port at which a device is, as the system names it: `1-2` is port 2 of bus 1, `1-2.4` port 4 of a hub there.
/// It stays when the device comes back under another node; serial numbers do not tell devices apart, they all read 0001.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port(String);

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Digits, points and hyphens, or the name of a node where there is no port.
impl FromStr for Port {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_port = text
            .split_once('-')
            .is_some_and(|(bus, ports)| digits(bus) && ports.split('.').all(digits));
        let is_node = text.strip_prefix("hidraw").is_some_and(digits);
        // No kernel's name is as long as that, and a name of a lock file is made of it.
        let is_short = text.len() <= 40;
        if is_short && (is_port || is_node) {
            Ok(Self(text.to_owned()))
        } else {
            Err(())
        }
    }
}

impl Port {
    /// The name.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is one of a hub.
    pub(super) fn is_at_a_hub(&self) -> bool {
        self.0.contains('.')
    }

    /// Whether the hub at which it is has gone. A device behind one that has its own power does not notice.
    pub(super) fn hub_is_gone(&self) -> bool {
        let hub = self.0.rsplit_once('.').map(|(hub, _)| hub);
        hub.is_some_and(|hub| !Path::new("/sys/bus/usb/devices").join(hub).exists())
    }
}

/// A Ledger that is plugged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsbDevice {
    /// Where it is.
    pub port: Port,
    /// The node that takes its reports.
    pub node: PathBuf,
    /// Its USB product number: the model, and which interfaces it shows at the moment.
    pub product_id: u16,
}

impl UsbDevice {
    /// The model's name, as Ledger writes it; `Ledger` for one that is not known yet.
    pub fn model(&self) -> &'static str {
        // Before firmware told its interfaces in the low byte, the model was the whole number.
        match (self.product_id, self.product_id >> 8) {
            (0x0008, _) | (_, 0x80) => "Nano Gen5",
            (id, _) => match Model::from_product_id(id) {
                Model::Blue => "Blue",
                Model::NanoS => "Nano S",
                Model::NanoX => "Nano X",
                Model::NanoSPlus => "Nano S Plus",
                Model::Stax => "Stax",
                Model::Flex => "Flex",
                _ => "Ledger",
            },
        }
    }

    /// Whether it goes on without the cable, and may show a question still when it is plugged in again.
    pub(super) fn has_battery(&self) -> bool {
        !matches!(self.model(), "Nano S" | "Nano S Plus")
    }

    /// The number of the node's file. A node that comes back under the same name has another one.
    pub(in crate::ledger) fn inode(&self) -> Option<u64> {
        std::fs::metadata(&self.node).ok().map(|node| node.ino())
    }

    /// The number that the bus has given it.
    pub(super) fn number(&self) -> Option<String> {
        let device = Path::new("/sys/bus/usb/devices").join(self.port.as_str());
        std::fs::read_to_string(device.join("devnum")).ok()
    }

    /// Whether the node is still that of a device at this port.
    pub(super) fn is_there(&self) -> bool {
        port_of(&self.node).as_ref() == Some(&self.port) && self.node.exists()
    }

    /// Whether this user may read and write its node. The node is not opened for that.
    pub fn is_allowed(&self) -> bool {
        accessat(CWD, &self.node, Access::READ_OK | Access::WRITE_OK, AtFlags::EACCESS).is_ok()
    }

    fn of(info: &DeviceInfo) -> Option<Self> {
        let takes_commands = match info.usage_page() {
            COMMANDS => true,
            // Where the report descriptor cannot be read, as under WSL, the first interface is the one.
            0 => info.interface_number() == 0,
            _ => false,
        };
        if info.vendor_id() != VENDOR || !takes_commands {
            return None;
        }
        let node = PathBuf::from(info.path().to_str().ok()?);
        Some(Self {
            port: port_of(&node)?,
            node,
            product_id: info.product_id(),
        })
    }
}

/// The port of a node, from where the system has it in its tree of devices. A device that has none (one that a program
/// plays with uhid) goes by the name of its node.
fn port_of(node: &Path) -> Option<Port> {
    let name = node.file_name()?.to_str()?;
    let device = Path::new("/sys/class/hidraw").join(name).canonicalize().ok()?;
    // …/usb1/1-2/1-2:1.0/0003:2C97:5011.0001/hidraw/hidraw0
    let interface = device.iter().filter_map(|part| part.to_str()).find_map(|part| {
        let (port, _interface) = part.split_once(':')?;
        port.contains('-').then(|| port.parse().ok())?
    });
    interface.or_else(|| name.parse().ok())
}

/// The Ledgers that are plugged in, sorted by port. No node is opened, and nothing is sent.
///
/// # Errors
/// What the system said.
pub fn list() -> Result<Vec<UsbDevice>, String> {
    with_hidapi(|hidapi| {
        rescan(hidapi)?;
        let mut found: Vec<_> = hidapi.device_list().filter_map(UsbDevice::of).collect();
        found.sort_by(|one, other| (&one.port, &one.node).cmp(&(&other.port, &other.node)));
        found.dedup();
        Ok(found)
    })?
}

/// Reads the list of Ledgers anew: hidapi never does it by itself.
pub(super) fn rescan(hidapi: &mut HidApi) -> Result<(), String> {
    let scanned = hidapi.reset_devices().and_then(|()| hidapi.add_devices(VENDOR, 0));
    scanned.map_err(|error| error.to_string())
}

type Job = Box<dyn FnOnce(&mut HidApi) + Send>;

/// Does something with hidapi's context, on the one thread that owns it.
pub(super) fn with_hidapi<T: Send + 'static>(
    work: impl FnOnce(&mut HidApi) -> T + Send + 'static,
) -> Result<T, String> {
    static OWNER: Mutex<Option<Sender<Job>>> = Mutex::new(None);
    let jobs = {
        let mut owner = OWNER.lock().unwrap_or_else(PoisonError::into_inner);
        match &*owner {
            Some(jobs) => jobs.clone(),
            None => owner.insert(start_owner()?).clone(),
        }
    };
    let ended = || "the thread that lists devices has ended".to_owned();
    let (reply, replied) = channel();
    let job = move |hidapi: &mut HidApi| {
        let _ = reply.send(work(hidapi));
    };
    jobs.send(Box::new(job)).map_err(|_| ended())?;
    replied.recv().map_err(|_| ended())
}

fn start_owner() -> Result<Sender<Job>, String> {
    let (jobs, queue) = channel::<Job>();
    let (tell, started) = channel();
    let owner = move || match HidApi::new() {
        Ok(mut hidapi) => {
            let _ = tell.send(Ok(()));
            queue.into_iter().for_each(|job| job(&mut hidapi));
        }
        Err(error) => {
            let _ = tell.send(Err(error.to_string()));
        }
    };
    let spawned = std::thread::Builder::new().name("hidapi".into()).spawn(owner);
    spawned.map_err(|error| error.to_string())?;
    started.recv().map_err(|error| error.to_string())??;
    Ok(jobs)
}
