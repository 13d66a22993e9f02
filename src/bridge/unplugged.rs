//! Whether the device is there: the system tells when one is plugged in and out.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::event::Event;
use super::state::Bridge;
use crate::ledger::usb::{Change, Port, UsbDevice, Watch};

/// How long a device may be away that opens or closes an app: Ledger's take up to 6 s (measured). One that stays away
/// longer was unplugged.
const RETURNS_WITHIN: Duration = Duration::from_secs(8);

/// Watches from now on, on a thread of its own that ends with the process. An emulator is not plugged in and out.
pub(super) fn watch(bridge: &Arc<Bridge>) {
    if !bridge.device.endpoint().is_usb() {
        return;
    }
    let bridge = Arc::downgrade(bridge);
    // Without the thread the bridge works all the same; keys then stay until their time is over.
    let _ = std::thread::Builder::new()
        .name("unplugged".into())
        .spawn(move || follow(&bridge));
}

fn follow(bridge: &Weak<Bridge>) {
    let mut changes = Watch::start();
    let mut away: BTreeMap<Port, Instant> = BTreeMap::new();
    loop {
        let first = away.values().min();
        let left = first.map(|since| RETURNS_WITHIN.saturating_sub(since.elapsed()));
        let change = changes.next(left);
        let Some(bridge) = bridge.upgrade() else { return };
        let is_meant = |device: &UsbDevice| bridge.device.endpoint().means(device);
        match change {
            Ok(Some(Change::Plugged(device))) if is_meant(&device) => {
                away.remove(&device.port);
                bridge.device.is_now("plugged-in");
                bridge.listeners().tell_all(&Event::Plugged);
            }
            Ok(Some(Change::Unplugged(device))) if is_meant(&device) => {
                away.entry(device.port).or_insert_with(Instant::now);
            }
            Ok(_) => {}
            // Nobody tells any more what is unplugged: nothing is kept that would have to be forgotten then.
            Err(_) => return bridge.unplugged(),
        }
        let before = away.len();
        away.retain(|_, since| since.elapsed() < RETURNS_WITHIN);
        if away.len() < before {
            bridge.unplugged();
        }
    }
}
