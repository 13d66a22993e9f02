//! A link to a device on USB: the framing over a node, and what is done before a node is trusted.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, Instant, SystemTime};

use coins_ledger::common::ApduCommand;
use zeroize::Zeroizing;

use super::discovery::{UsbDevice, list};
use super::framing::{Assembly, Channel, Progress, REPORT, Request};
use super::node::{Node, NodeError, OpenError};
use super::reset::reset;
use super::watch::{Doorbell, LATE_PERMISSIONS};
use crate::host::holders_of;
use crate::ledger::apdu;
use crate::ledger::fault::DeviceFault;
use crate::ledger::leave::Leave;
use crate::ledger::link::{Answer, Link, LinkError};

/// How long a node that was just opened must be quiet. What a process before us did not read comes at once, one report a
/// millisecond.
const QUIET: Duration = Duration::from_millis(20);

/// How long the first answer may take. It takes 2 ms (measured); one that does not come is for the rest of a request
/// that another process did not finish.
const FIRST_ANSWER: Duration = Duration::from_secs(3);

/// How long after the link broke the node may take to go, if the device is gone.
const LEAVING: Duration = Duration::from_millis(500);

/// How long a device, and then a hub, may stay in the system's list after the node has gone.
const LEAVING_THE_LIST: Duration = Duration::from_secs(1);

/// How often it is looked whether a node that is missing has come.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// An open device.
pub(in crate::ledger) struct UsbLink {
    device: UsbDevice,
    /// Its number on the bus, which it gets anew whenever it is plugged in.
    number: Option<String>,
    node: Node,
}

impl UsbLink {
    /// Opens a device, waits for its permissions if it was plugged in just now, empties what is left of others'
    /// conversations, and sees that it answers; resets its port if it does not and nobody else has it open. Permissions
    /// are not waited for if the asker leaves.
    pub(in crate::ledger) fn open(device: UsbDevice, leave: &Leave) -> Result<Self, DeviceFault> {
        let mut link = Self::open_quiet(&device, leave)?;
        match link.greet() {
            Ok(_) => return Ok(link),
            Err(LinkError::Silent(_) | LinkError::Disturbed) => {}
            Err(error) => return Err(DeviceFault::of_link(&error)),
        }
        // To reset a port under another program's conversation would break that off.
        if let Some(holder) = others(&device).into_iter().next() {
            return Err(DeviceFault::Busy { holder });
        }
        // The node stays open, and locked. Older apps lose one request only and need no reset, so it is tried again even if
        // none is allowed.
        let _ = reset(device.port.as_str());
        if link.node.drain(QUIET).is_err() {
            drop(link);
            link = Self::open_quiet(&device, leave)?;
        }
        match link.greet() {
            Ok(_) => Ok(link),
            Err(error) => Err(DeviceFault::of_link(&error)),
        }
    }

    fn open_quiet(device: &UsbDevice, leave: &Leave) -> Result<Self, DeviceFault> {
        let node = open_permitted(device, leave)?;
        node.drain(QUIET).map_err(|error| match error {
            NodeError::Gone(_) => DeviceFault::LinkLost { asking: false },
            // It never stops sending.
            NodeError::Silent => match others(device).into_iter().next() {
                Some(holder) => DeviceFault::Busy { holder },
                None => DeviceFault::Silent,
            },
        })?;
        Ok(Self {
            device: device.clone(),
            number: device.number(),
            node,
        })
    }

    /// Any answer will do: a locked device gives a status word.
    fn greet(&mut self) -> Result<Answer, LinkError> {
        let app_info = apdu::app_info().map_err(|error| LinkError::OtherProtocol(error.to_string()))?;
        self.exchange(app_info, Some(FIRST_ANSWER))
    }

    fn answer(&self, channel: Channel, end: Option<Instant>) -> Result<Answer, LinkError> {
        let mut assembly = Assembly::new(channel);
        let mut report = Zeroizing::new([0; REPORT + 1]);
        let mut foreign = false;
        loop {
            let length = match self.node.read(&mut report, end) {
                Ok(length) => length,
                // The device answers whoever spoke last.
                Err(NodeError::Silent) if foreign && !others(&self.device).is_empty() => {
                    return Err(LinkError::Disturbed);
                }
                Err(error) => return Err(lost(error)),
            };
            let bytes = report.get(..length).unwrap_or_default();
            match assembly.take(bytes) {
                Ok(Progress::More) => {}
                Ok(Progress::Done(mut data)) => {
                    let split = data.len().saturating_sub(2);
                    let status = data.split_off(split);
                    let status = status.try_into().map_or(0, u16::from_be_bytes);
                    return Ok(Answer { data, status });
                }
                // A late answer to somebody who left.
                Ok(Progress::OtherChannel) if end.is_some() => foreign = true,
                // Nobody may talk to the device while it asks: it answers the other one, and then never us (recorded).
                Ok(Progress::OtherChannel) => return Err(LinkError::Disturbed),
                Err(error) => return Err(LinkError::OtherProtocol(error.to_string())),
            }
        }
    }
}

impl Link for UsbLink {
    fn exchange(&mut self, command: ApduCommand, deadline: Option<Duration>) -> Result<Answer, LinkError> {
        let random = getrandom::u32().map_err(|error| LinkError::Lost(error.to_string()))?;
        // Other programs use 0101; zeros and ones have a meaning of their own elsewhere.
        let channel = Channel(u16::try_from(random % 0xfc00).unwrap_or_default() + 0x0200);
        let request =
            Request::new(channel, command.as_bytes()).map_err(|error| LinkError::OtherProtocol(error.to_string()))?;
        // What is there before a command was sent is no answer to it.
        self.node.drain(Duration::ZERO).map_err(lost)?;
        self.node.write(&request).map_err(lost)?;
        let end = deadline.map(|time| Instant::now() + time);
        self.answer(channel, end)
    }

    /// An answer that comes too late is known by its channel, and a node that was closed keeps none.
    fn is_owed_an_answer(&self) -> bool {
        false
    }

    /// A device without battery forgets what it asked when the cable is pulled; one that is still there never does.
    fn asks_on_when_lost(&self) -> bool {
        if self.device.has_battery() || !self.node.disappears(LEAVING) {
            return true;
        }
        // The system takes the device out of its list after the node, and a hub after what is at it.
        let end = Instant::now() + LEAVING_THE_LIST;
        let is_listed = || self.number.is_some() && self.device.number() == self.number;
        let may_change = || is_listed() || (self.device.port.is_at_a_hub() && !self.device.port.hub_is_gone());
        while may_change() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(20));
        }
        // Where only the node went, a program has taken the device from the kernel's driver, and it goes on.
        is_listed() || self.device.port.hub_is_gone()
    }

    fn wait_until_left(&self, at_most: Duration) {
        self.node.disappears(at_most);
    }

    fn other_programs(&self) -> Vec<String> {
        others(&self.device)
    }
}

/// What was not done in time is said with the time by the caller, who knows it.
fn lost(error: NodeError) -> LinkError {
    match error {
        NodeError::Gone(error) => LinkError::Lost(error.to_string()),
        NodeError::Silent => LinkError::Silent(Duration::ZERO),
    }
}

/// Opens a node, and waits for its permissions, or for itself, if it appeared just now.
fn open_permitted(device: &UsbDevice, leave: &Leave) -> Result<Node, DeviceFault> {
    let end = Instant::now() + LATE_PERMISSIONS;
    let doorbell = Doorbell::new();
    loop {
        leave.not_yet()?;
        let left = end.checked_duration_since(Instant::now());
        let cannot = |error: io::Error| DeviceFault::CannotOpen {
            node: device.node.clone(),
            reason: error.to_string(),
        };
        match Node::open(&device.node) {
            // Another device may have got the name meanwhile.
            Ok(node) if node.is_at(&device.node) && device.is_there() => return Ok(node),
            Ok(_) => return Err(DeviceFault::LinkLost { asking: false }),
            // It is not visible who: a saltbridge shows nobody what it has open.
            Err(OpenError::Locked) => {
                return Err(DeviceFault::Busy {
                    holder: "the saltbridge of another user".to_owned(),
                });
            }
            Err(OpenError::Denied) => {
                let no_permission = || DeviceFault::NoPermission {
                    node: device.node.clone(),
                };
                doorbell.wait(Some(left.filter(|_| is_new(device)).ok_or_else(no_permission)?), leave);
            }
            Err(OpenError::Absent(_)) if !is_listed(device) => {
                return Err(DeviceFault::NotPluggedIn {
                    port: Some(device.port.clone()),
                });
            }
            // The system lists it, so its node should be there: in a container it may never come.
            Err(OpenError::Absent(error)) => {
                doorbell.wait(Some(left.ok_or_else(|| cannot(error))?.min(LOOK_AGAIN)), leave);
            }
            Err(OpenError::Failed(error)) => return Err(cannot(error)),
        }
    }
}

fn is_listed(device: &UsbDevice) -> bool {
    list().is_ok_and(|found| found.contains(device))
}

/// Whether the node appeared, or its permissions changed, so recently that they may change still.
fn is_new(device: &UsbDevice) -> bool {
    let Ok(node) = std::fs::metadata(&device.node) else {
        return true;
    };
    let changed = Duration::from_secs(node.ctime().try_into().unwrap_or(0));
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    now.is_ok_and(|now| now.saturating_sub(changed) <= LATE_PERMISSIONS + Duration::from_secs(1))
}

/// The other programs that have the node open, as far as this user may see them.
pub(in crate::ledger) fn others(device: &UsbDevice) -> Vec<String> {
    let holders = holders_of(&device.node);
    let named = holders
        .seen
        .iter()
        .map(|holder| format!("{} (process {})", holder.name, holder.pid));
    named.collect()
}
