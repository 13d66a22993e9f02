//! A link by ledger-transport-hid, a second implementation of the framing, so that the same conversations can be held
//! through both. For tests: it knows no deadline, cannot empty a node, and does not wipe what it read.

use std::time::Duration;

use coins_ledger::common::ApduCommand;
use ledger_transport::APDUCommand;
use ledger_transport_hid::TransportNativeHID;
use zeroize::Zeroizing;

use super::discovery::{UsbDevice, rescan, with_hidapi};
use crate::ledger::fault::DeviceFault;
use crate::ledger::link::{Answer, Link, LinkError};

/// An open device.
pub(in crate::ledger) struct ZondaxLink(TransportNativeHID);

impl ZondaxLink {
    /// Opens a device.
    pub(in crate::ledger) fn open(device: UsbDevice) -> Result<Self, DeviceFault> {
        let node = device.node.clone();
        let opened = with_hidapi(move |hidapi| {
            rescan(hidapi)?;
            let found = hidapi.device_list().find(|info| {
                info.path()
                    .to_str()
                    .is_ok_and(|path| node == std::path::Path::new(path))
            });
            let found = found.ok_or("it is gone")?;
            TransportNativeHID::open_device(hidapi, found).map_err(|error| error.to_string())
        });
        let no_device = |reason| DeviceFault::NoDevice {
            endpoint: format!("usb:{}", device.port),
            reason,
        };
        Ok(Self(opened.and_then(|opened| opened).map_err(no_device)?))
    }
}

impl Link for ZondaxLink {
    fn exchange(&mut self, command: ApduCommand, _deadline: Option<Duration>) -> Result<Answer, LinkError> {
        // It writes the length of the data itself, and nothing behind them.
        let command = APDUCommand {
            cla: command.cla(),
            ins: command.ins(),
            p1: command.p1(),
            p2: command.p2(),
            data: command.data().to_vec(),
        };
        let answer = self
            .0
            .exchange(&command)
            .map_err(|error| LinkError::Lost(error.to_string()))?;
        Ok(Answer {
            data: Zeroizing::new(answer.apdu_data().to_vec()),
            status: answer.retcode(),
        })
    }

    fn is_owed_an_answer(&self) -> bool {
        false
    }
}
