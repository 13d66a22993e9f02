//! The Ledgers on the machine's USB, as the kernel lists them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::Host;
use crate::text::printable;

/// Where the kernel lists what is on USB: devices and their interfaces.
const LIST: &str = "sys/bus/usb/devices";

/// A device of Ledger's vendor number, 2c97.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    /// The port that it is plugged into, as sysfs calls it: `1-2`. It stays when the device opens an app.
    pub port: String,
    /// The model and what it offers at the moment.
    pub product_id: Option<u16>,
    /// What it calls itself, made printable.
    pub name: String,
    /// Whether the machine uses it; USB guards switch this off.
    pub authorized: bool,
    /// Whether the kernel has a driver for the wallet's interface, number 0.
    pub has_driver: bool,
    /// The node of that interface by the kernel's list, whether or not it is in `/dev`.
    pub hidraw: Option<PathBuf>,
    /// The node of the USB device itself, `/dev/bus/usb/001/007`, with which it can be reset.
    pub usb: Option<PathBuf>,
    /// What udev has noted of the node of the wallet's interface.
    pub noted: Option<Noted>,
}

/// What udev has noted of a node when it came, or when its rules were last run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Noted {
    /// The tag `uaccess`: it is given to who sits at the machine.
    pub uaccess: bool,
    /// It is a hardware wallet by the hardware database.
    pub hardware_wallet: bool,
}

impl Host {
    /// The Ledgers on USB, sorted by their port.
    pub fn ledgers(&self) -> Vec<Ledger> {
        let names = self.names(LIST);
        let ports = names.into_iter().filter_map(|name| name.into_string().ok());
        ports.filter_map(|port| self.ledger(port)).collect()
    }

    fn ledger(&self, port: String) -> Option<Ledger> {
        let folder = Path::new(LIST).join(&port);
        let attribute = |name| Some(self.text(folder.join(name))?.trim().to_owned());
        if attribute("idVendor")? != "2c97" {
            return None;
        }
        let wallet = self.wallet_interface(&folder, &port);
        let hidraw = wallet.as_deref().and_then(|interface| self.hidraw_below(interface));
        let said = ["manufacturer", "product"].map(|name| attribute(name).unwrap_or_default());
        let name = said.join(" ");
        Some(Ledger {
            product_id: attribute("idProduct").and_then(|id| u16::from_str_radix(&id, 16).ok()),
            name: printable(if name.trim().is_empty() { "Ledger" } else { name.trim() }),
            authorized: attribute("authorized").is_none_or(|authorized| authorized != "0"),
            has_driver: wallet.is_some_and(|interface| self.path(interface.join("driver")).exists()),
            noted: hidraw.as_ref().and_then(|(folder, _)| self.noted(folder)),
            hidraw: hidraw.map(|(_, name)| Path::new("/dev").join(name)),
            usb: usb_node(attribute("busnum"), attribute("devnum")),
            port: printable(&port),
        })
    }

    /// The folder of interface 0.
    fn wallet_interface(&self, folder: &Path, port: &str) -> Option<PathBuf> {
        let prefix = format!("{port}:");
        let mut interfaces = self
            .names(folder)
            .into_iter()
            .filter(|name| name.to_string_lossy().starts_with(&prefix));
        let is_first = |interface: &OsString| {
            let number = self.text(folder.join(interface).join("bInterfaceNumber"));
            number.is_some_and(|number| number.trim() == "00")
        };
        Some(folder.join(interfaces.find(is_first)?))
    }

    /// Folder and name of the node below an interface: `0003:2C97:5011.0001/hidraw/hidraw0`.
    fn hidraw_below(&self, interface: &Path) -> Option<(PathBuf, OsString)> {
        self.names(interface).into_iter().find_map(|device| {
            let folder = interface.join(device).join("hidraw");
            let name = self.names(&folder).into_iter().next()?;
            Some((folder.join(&name), name))
        })
    }

    /// From udev's own record, whose name is the number of the device. Its format is private to systemd, but as old as
    /// udev's tags: `G:` for a tag, `Q:` for one that is still in force, `E:` for a property.
    fn noted(&self, folder: &Path) -> Option<Noted> {
        let number = self.text(folder.join("dev"))?;
        let record = self.text(format!("run/udev/data/c{}", number.trim()))?;
        let has = |line: &str| record.lines().any(|other| other == line);
        let tells_force = record.lines().any(|line| line.starts_with("Q:"));
        Some(Noted {
            uaccess: has(if tells_force { "Q:uaccess" } else { "G:uaccess" }),
            hardware_wallet: has("E:ID_HARDWARE_WALLET=1"),
        })
    }
}

/// The path of a device's own node: bus and number with three digits each.
fn usb_node(bus: Option<String>, number: Option<String>) -> Option<PathBuf> {
    let [bus, number] = [bus?.parse::<u16>().ok()?, number?.parse::<u16>().ok()?];
    Some(PathBuf::from(format!("/dev/bus/usb/{bus:03}/{number:03}")))
}
