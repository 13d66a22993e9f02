//! What is plugged in and out, without asking again and again: the system tells of every change below /dev (inotify(7)).

use std::collections::{BTreeMap, VecDeque};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};
use rustix::io::Errno;

use super::discovery::{Port, UsbDevice, list};
use crate::ledger::leave::Leave;

/// How long after it appeared a node may be without its permissions: udev sets them late, by 0.2 to 1.8 s (measured).
pub(super) const LATE_PERMISSIONS: Duration = Duration::from_secs(3);

/// How often it is looked where the system tells nothing.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Rings when a node of a HID device comes, goes or gets other permissions.
pub(in crate::ledger) struct Doorbell(Option<OwnedFd>);

impl Doorbell {
    /// Watches /dev from now on. Where the system has no more watches to give, it is looked every second.
    pub(in crate::ledger) fn new() -> Self {
        let watch = || -> Result<OwnedFd, Errno> {
            let watch = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
            let changes = WatchFlags::CREATE | WatchFlags::DELETE | WatchFlags::ATTRIB | WatchFlags::MOVED_TO;
            inotify::add_watch(&watch, "/dev", changes)?;
            Ok(watch)
        };
        Self(watch().ok())
    }

    /// Waits until it rings or the asker leaves, at most for this time. It may ring without a reason.
    pub(in crate::ledger) fn wait(&self, at_most: Option<Duration>, leave: &Leave) {
        let Some(watch) = &self.0 else {
            return leave.sleep(at_most.unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN));
        };
        let end = at_most.and_then(|time| Instant::now().checked_add(time));
        loop {
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            let timeout = soonest(left, leave.look_again()).and_then(|time| Timespec::try_from(time).ok());
            let mut events = [PollFd::new(watch, PollFlags::IN)];
            match poll(&mut events, timeout.as_ref()) {
                Ok(0) if left.is_none_or(|left| !left.is_zero()) && !leave.has_come() => {}
                Ok(0) => return,
                Ok(_) if rang(watch) => return,
                Ok(_) | Err(Errno::INTR) => {}
                Err(_) => return std::thread::sleep(LOOK_AGAIN),
            }
        }
    }
}

/// Reads what happened below /dev; whether any of it was about a HID device.
fn rang(watch: &OwnedFd) -> bool {
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut reader = Reader::new(watch, &mut buffer);
    let mut rang = false;
    loop {
        match reader.next() {
            // Without a name: more happened than the system could keep.
            Ok(event) => {
                rang |= event
                    .file_name()
                    .is_none_or(|name| name.to_bytes().starts_with(b"hidraw"))
            }
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return rang,
            Err(_) => return true,
        }
    }
}

/// What happened to a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is plugged in, or has come back after an app was opened or closed.
    Plugged(UsbDevice),
    /// This user may talk to it.
    Ready(UsbDevice),
    /// It has been there for three seconds, and this user may not talk to it.
    NoPermission(UsbDevice),
    /// It is gone, for good or because an app is being opened or closed.
    Unplugged(UsbDevice),
}

/// Tells of every change, from those devices on that are there already.
pub struct Watch {
    doorbell: Doorbell,
    known: BTreeMap<Port, Known>,
    changes: VecDeque<Change>,
}

struct Known {
    device: UsbDevice,
    /// A node that came back under the same name is another one.
    inode: Option<u64>,
    since: Instant,
    told: Option<Permission>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Permission {
    Given,
    Missing,
}

impl Watch {
    /// Begins to watch. What is plugged in already is told first.
    pub fn start() -> Self {
        Self {
            // Before the first look, so that nothing is missed in between.
            doorbell: Doorbell::new(),
            known: BTreeMap::new(),
            changes: VecDeque::new(),
        }
    }

    /// Waits for the next change, at most for this time, without an end if there is none. Nothing if the time is over.
    ///
    /// # Errors
    /// What the system said when the devices were listed.
    pub fn next(&mut self, at_most: Option<Duration>) -> Result<Option<Change>, String> {
        let end = at_most.and_then(|time| Instant::now().checked_add(time));
        loop {
            if let Some(change) = self.changes.pop_front() {
                return Ok(Some(change));
            }
            self.look(list()?);
            if !self.changes.is_empty() {
                continue;
            }
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(None);
            }
            self.doorbell.wait(soonest(left, self.next_verdict()), &Leave::never());
        }
    }

    /// Compares what is there with what was.
    fn look(&mut self, mut found: Vec<UsbDevice>) {
        // One whose node is gone is leaving: the system removes that first.
        found.retain(|device| device.inode().is_some());
        self.known.retain(|_, known| {
            let stays = found.contains(&known.device) && known.inode == known.device.inode();
            if !stays {
                self.changes.push_back(Change::Unplugged(known.device.clone()));
            }
            stays
        });
        for device in found {
            let known = self.known.entry(device.port.clone()).or_insert_with(|| {
                self.changes.push_back(Change::Plugged(device.clone()));
                Known {
                    inode: device.inode(),
                    device: device.clone(),
                    since: Instant::now(),
                    told: None,
                }
            });
            let (permission, change) = if device.is_allowed() {
                (Permission::Given, Change::Ready(device))
            } else if known.since.elapsed() >= LATE_PERMISSIONS {
                (Permission::Missing, Change::NoPermission(device))
            } else {
                continue;
            };
            if known.told != Some(permission) {
                known.told = Some(permission);
                self.changes.push_back(change);
            }
        }
    }

    /// In how much time it is to be said of a device that the user may not talk to it.
    fn next_verdict(&self) -> Option<Duration> {
        let waiting = self.known.values().filter(|known| known.told.is_none());
        let left = waiting.map(|known| LATE_PERMISSIONS.saturating_sub(known.since.elapsed()));
        left.min()
    }
}

/// The shorter of two times of which either may have no end.
fn soonest(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    one.into_iter().chain(other).min()
}
