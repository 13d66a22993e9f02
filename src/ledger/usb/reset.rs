//! A reset of the device's USB port (USBDEVFS_RESET), which frees a device that waits for the rest of a request whose
//! process is gone. It takes 0.3 s and keeps the node (measured).

use std::io;

use nusb::MaybeFuture as _;

use super::discovery::VENDOR;

/// Resets the device at this port. Whoever may write to its node below /dev/bus/usb may do that.
pub(super) fn reset(port: &str) -> io::Result<()> {
    let mut devices = nusb::list_devices().wait()?;
    let device = devices.find(|device| {
        let is_there = device.sysfs_path().file_name().is_some_and(|name| name == port);
        is_there && device.vendor_id() == VENDOR
    });
    let device = device.ok_or(io::ErrorKind::NotFound)?;
    device.open().wait()?.reset().wait()?;
    Ok(())
}
