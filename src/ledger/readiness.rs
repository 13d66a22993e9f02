//! Until the Ethereum app is open on an unlocked device.

use std::time::{Duration, Instant};

use super::accounts::Wanted;
use super::apdu::{self, AppInfo};
use super::conversation::{Conversation, Event, LOOK_AGAIN, Patience, Waiting, accepted};
use super::fault::DeviceFault;
use super::place::not_ethereum;
use super::status::Cause;

/// How long the link may be away after an app was opened or closed: Ledger's devices take up to 6 s.
const REENUMERATION: Duration = Duration::from_secs(10);

/// How long a device that was told to open or to close an app may take to leave the bus.
const LEAVING: Duration = Duration::from_secs(2);

/// How often in a row the link to a device that is there may break.
const BROKEN_LINKS: u32 = 5;

/// What has been tried to bring the device there.
#[derive(Default)]
struct Tried {
    /// Since when the link may be away because the device opens or closes an app.
    away: Option<Instant>,
    /// The firmware, or the app, does not do what it was asked, and leaves it to the person.
    in_vain: bool,
    /// How often in a row the link broke although the device was there.
    broken: u32,
}

impl Conversation<'_> {
    /// Waits, if the asker does, until the Ethereum app is open on an unlocked device, and opens it where the firmware
    /// can, the person agreeing. Another app is closed for that. Of several devices on cables it is the one that has the
    /// wanted account, if an address is wanted.
    ///
    /// # Errors
    /// [`DeviceFault`]: the state that was found, if it is not waited for.
    pub fn ready(&mut self, wanted: &Wanted) -> Result<AppInfo, DeviceFault> {
        let mut tried = Tried::default();
        loop {
            let fault = match self.app_info() {
                Err(DeviceFault::SeveralDevices { .. }) if wanted.address.is_some() && self.choose(wanted)? => continue,
                Err(fault) => fault,
                Ok(info) => match not_ethereum(info.clone()) {
                    Some(fault) => fault,
                    None if self.leave_stranger(wanted)? => continue,
                    None => {
                        (self.asker.tell)(&Event::Ready(info.clone()));
                        return Ok(info);
                    }
                },
            };
            if !fault.is_absence() {
                tried.broken = 0;
            }
            let waiting = self.toward_ready(fault, wanted, &mut tried)?;
            self.waits(waiting.clone());
            let returns = tried.away.map(|since| REENUMERATION.saturating_sub(since.elapsed()));
            // One that went away just now, or only broke the link, may be there again by now.
            let broken = (tried.broken > 0).then_some(LOOK_AGAIN);
            self.pause(&waiting, returns.into_iter().chain(broken).min());
        }
    }

    /// Does what can be done about the state that was found; what is to be waited for then.
    fn toward_ready(&mut self, fault: DeviceFault, wanted: &Wanted, tried: &mut Tried) -> Result<Waiting, DeviceFault> {
        let returns = tried.away.is_some_and(|since| since.elapsed() < REENUMERATION);
        match &fault {
            fault if returns && fault.is_absence() => return Ok(Waiting::ForReturn),
            _ if self.asker.patience == Patience::NoWait => return Err(fault),
            _ => {}
        }
        let done = match fault {
            fault if fault.is_absence() => return self.toward_return(fault, tried),
            DeviceFault::Locked | DeviceFault::AppNotOpen | DeviceFault::OtherApp { .. }
                if self.is_in_doubt(wanted) && self.leave_for_another()? =>
            {
                return for_account(fault, wanted);
            }
            DeviceFault::SeveralDevices { .. } => return for_account(fault, wanted),
            DeviceFault::Busy { holder } => return Ok(Waiting::ForOtherProcess { holder }),
            DeviceFault::Locked => {
                tried.in_vain = false;
                return Ok(Waiting::ForUnlocking);
            }
            DeviceFault::AppNotOpen | DeviceFault::OtherApp { .. } if tried.in_vain => return Ok(Waiting::ForApp),
            DeviceFault::AppNotOpen => self.open_ethereum(),
            DeviceFault::OtherApp { name } => self.close_app(name),
            other => return Err(other),
        };
        match done {
            Ok(true) => {
                // The device goes away now, and comes back.
                if let Some(link) = self.link.take() {
                    link.wait_until_left(LEAVING);
                }
                tried.away = Some(Instant::now());
                Ok(Waiting::ForReturn)
            }
            Ok(false) => {
                tried.in_vain = true;
                Ok(Waiting::ForApp)
            }
            // It may still ask whether to open the app when it is there again.
            Err(fault @ DeviceFault::LinkLost { asking: true }) if self.asks_on => Err(fault),
            // It went away before it could answer.
            Err(fault @ DeviceFault::LinkLost { .. }) => self.toward_return(fault, tried),
            Err(fault) => Err(fault),
        }
    }

    /// The device is gone, or the link to it broke.
    fn toward_return(&mut self, fault: DeviceFault, tried: &mut Tried) -> Result<Waiting, DeviceFault> {
        let is_there = self.endpoint.is_usb() && matches!(fault, DeviceFault::LinkLost { .. });
        let broken = if is_there { tried.broken + 1 } else { 0 };
        if broken > BROKEN_LINKS {
            return Err(fault);
        }
        *tried = Tried {
            broken,
            ..Tried::default()
        };
        self.leave_empty_place();
        Ok(Waiting::ForDevice {
            endpoint: self.endpoint.to_string(),
        })
    }

    /// Asks the dashboard to open the app, which asks the person. Whether it does: firmware that cannot leaves it to the
    /// person, and so does a device that was locked meanwhile.
    fn open_ethereum(&mut self) -> Result<bool, DeviceFault> {
        self.waits(Waiting::ForOpening);
        let answer = self.asking(apdu::open_ethereum(), <[u8]>::is_empty)?;
        match Cause::of(answer.status) {
            Some(Cause::AppNotOpen | Cause::Locked) => Ok(false),
            _ => accepted(&answer, None, "to open the Ethereum app").map(|_| true),
        }
    }

    /// Tells another app to close. Whether it does: one that does not know the command is left to the person.
    fn close_app(&mut self, name: String) -> Result<bool, DeviceFault> {
        (self.asker.tell)(&Event::ClosingApp { name });
        let answer = self.command(apdu::close_app())?;
        Ok(Cause::of(answer.status).is_none())
    }
}

/// For the one of several devices that has the wanted account, if one is wanted.
fn for_account(fault: DeviceFault, wanted: &Wanted) -> Result<Waiting, DeviceFault> {
    let waiting = wanted.address.map(|address| Waiting::ForAccount { address });
    waiting.ok_or(fault)
}
