//! Whether the device is there: the system tells when one is plugged in and out.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::event::Event;
use super::state::Bridge;
use crate::ledger::usb::{Change, Watch};

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
    let mut away: Option<Instant> = None;
    loop {
        let left = away.map(|since| RETURNS_WITHIN.saturating_sub(since.elapsed()));
        let Ok(change) = changes.next(left) else { return };
        let Some(bridge) = bridge.upgrade() else { return };
        let is_meant = |device| bridge.device.endpoint().means(device);
        match change {
            Some(Change::Plugged(device)) if is_meant(&device) => {
                away = None;
                bridge.device.is_now("plugged-in");
                bridge.listeners().tell_all(&Event::Plugged);
            }
            Some(Change::Unplugged(device)) if is_meant(&device) => {
                away.get_or_insert_with(Instant::now);
            }
            None if away.is_some_and(|since| since.elapsed() >= RETURNS_WITHIN) => {
                away = None;
                bridge.unplugged();
            }
            _ => {}
        }
    }
}
