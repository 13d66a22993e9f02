//! Who has a device's node open.
//!
//! Every program that has it open reads everything that the device answers: a signature is the key to everything.

use std::ffi::OsStr;
use std::fs::Metadata;
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::Path;

use super::{Host, Person};
use crate::text::printable;

/// The length to which the kernel cuts the name of a process, in bytes (proc_pid_comm(5)).
const CUT: usize = 15;

/// The flag of threads of the kernel itself in the ninth field of `/proc/PID/stat` (`PF_KTHREAD`). They open nothing.
const KERNEL_THREAD: u64 = 0x0020_0000;

/// A process that has a node open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its number.
    pub pid: u32,
    /// Its name, made printable. The process chose it.
    pub name: String,
    /// Whether it runs as the user of this process.
    pub same_user: bool,
}

/// Who has a node open, as far as it can be seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holders {
    /// Those that are seen, by their number. This process is not among them.
    pub seen: Vec<Holder>,
    /// How many processes may not be looked into: those of other users, and those that forbid it, as saltbridge itself
    /// does. Processes that `/proc` hides altogether (`hidepid`) are not counted.
    pub unseen: usize,
}

/// Who has the node at this path open, on this machine. It takes some milliseconds; the node is not opened.
pub fn holders_of(node: &Path) -> Holders {
    Host::new("/").holders_of(node)
}

impl Host {
    /// Who has the node at this path open.
    pub fn holders_of(&self, node: &Path) -> Holders {
        let person = self.person().unwrap_or_default();
        let number = std::fs::metadata(self.path(node))
            .ok()
            .and_then(|found| device_number(&found));
        let mut holders = Holders::default();
        for name in self.names("proc") {
            let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
                continue;
            };
            if pid == person.pid {
                continue;
            }
            match self.holds(pid, node, number) {
                Ok(true) => holders.seen.push(self.holder(pid, &person)),
                Err(ErrorKind::PermissionDenied) if !self.is_of_the_kernel(pid) => holders.unseen += 1,
                // Without it, or gone meanwhile.
                Ok(false) | Err(_) => {}
            }
        }
        holders.seen.sort_by_key(|holder| holder.pid);
        holders
    }

    /// Whether a process has the node open: by the number of the device, because in a container the same node can have
    /// another path; by the path where there is no number.
    fn holds(&self, pid: u32, node: &Path, number: Option<u64>) -> Result<bool, ErrorKind> {
        let folder = self.path(format!("proc/{pid}/fd"));
        for entry in std::fs::read_dir(folder).map_err(|error| error.kind())? {
            let link = entry.map_err(|error| error.kind())?.path();
            // Closed meanwhile.
            let Ok(target) = std::fs::read_link(&link) else {
                continue;
            };
            // No other file is looked at more closely: one on a dead network drive would be waited for.
            let may_be = target.starts_with("/dev")
                || target.parent() == Some(Path::new("/"))
                || target.file_name() == node.file_name();
            let held = || std::fs::metadata(&link).ok().and_then(|found| device_number(&found));
            let is_it = match number {
                Some(number) => may_be && held() == Some(number),
                None => target == node,
            };
            if is_it {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) fn holder(&self, pid: u32, person: &Person) -> Holder {
        let status = self.text(format!("proc/{pid}/status")).unwrap_or_default();
        let user = status.lines().find_map(|line| line.strip_prefix("Uid:"));
        let effective = user.and_then(|ids| ids.split_whitespace().nth(1)?.parse().ok());
        let name = self.text(format!("proc/{pid}/comm")).unwrap_or_default();
        let name = name.trim_end_matches('\n');
        let program = std::fs::read_link(self.path(format!("proc/{pid}/exe"))).ok();
        let program = program.as_deref().and_then(Path::file_name).and_then(OsStr::to_str);
        // The name of the program is that of the process where that was cut.
        let whole = program.filter(|program| name.len() >= CUT && program.starts_with(name));
        Holder {
            pid,
            name: printable(whole.unwrap_or(name)),
            same_user: effective == Some(person.uid),
        }
    }

    fn is_of_the_kernel(&self, pid: u32) -> bool {
        let stat = self.text(format!("proc/{pid}/stat")).unwrap_or_default();
        // The second field, the name, may hold anything and ends with the last bracket.
        let flags = stat
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split_whitespace().nth(6)?.parse::<u64>().ok());
        flags.is_some_and(|flags| flags & KERNEL_THREAD != 0)
    }
}

/// The number of a character device.
fn device_number(found: &Metadata) -> Option<u64> {
    found.file_type().is_char_device().then(|| found.rdev())
}
