//! A node of the kernel's hidraw driver, opened as any program may: reports in and out, and nothing else.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::faults::frames;
use super::guest::PATIENCE;

/// An open node.
pub struct Hidraw(File);

impl Hidraw {
    pub fn open(node: &Path) -> io::Result<Self> {
        OpenOptions::new().read(true).write(true).open(node).map(Self)
    }

    pub fn send(&mut self, report: &[u8]) -> io::Result<()> {
        // The first byte is the report's number; these devices have no numbered reports.
        self.0.write_all(&[&[0], report].concat())
    }

    /// The next report, or none within this time.
    pub fn receive(&mut self, limit: Duration) -> io::Result<Option<Vec<u8>>> {
        let limit = Timespec::try_from(limit).unwrap();
        let mut polled = [PollFd::new(&self.0, PollFlags::IN)];
        if poll(&mut polled, Some(&limit))? == 0 {
            return Ok(None);
        }
        let mut report = [0; 256];
        let count = self.0.read(&mut report)?;
        Ok(Some(report[..count].to_vec()))
    }

    /// Sends a command in frames.
    pub fn command(&mut self, apdu: &[u8]) {
        for report in frames([1, 1], apdu) {
            self.send(&report).unwrap();
        }
    }

    /// The next report, which must come.
    pub fn report(&mut self) -> Vec<u8> {
        self.receive(PATIENCE).unwrap().expect("no report came")
    }

    /// The answer to a command, of any number of reports: data and status word.
    pub fn answer(&mut self) -> Vec<u8> {
        let first = self.report();
        let length = usize::from(u16::from_be_bytes([first[5], first[6]]));
        let mut bytes = first[7..].to_vec();
        while bytes.len() < length {
            bytes.extend(&self.report()[5..]);
        }
        bytes.truncate(length);
        bytes
    }
}
