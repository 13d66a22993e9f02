//! A machine that is made up: files as the kernel, udev and systemd write them, below a folder.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs::{create_dir_all, write};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use saltbridge::host::{Finding, Host, Survey};

/// Where the USB device lies.
const DEVICE: &str = "sys/devices/pci0000:00/usb1/1-2";

/// Who runs the program there. Nobody else has this number.
pub const USER: u32 = 54_321;

pub struct Machine {
    folder: tempfile::TempDir,
    variables: Vec<(&'static str, &'static str)>,
}

impl Machine {
    /// A machine with udev, at which the user `ada` sits, without rules and without a Ledger. Its `root` is who runs the
    /// test, so that the files that the test makes are root's there.
    pub fn new() -> Self {
        let machine = Self {
            folder: tempfile::tempdir().unwrap(),
            variables: Vec::new(),
        };
        let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        machine
            .put("proc/sys/kernel/osrelease", "6.12.5-amd64\n")
            .person(&[USER], false)
            .put(
                "etc/passwd",
                format!("root:x:{uid}:{gid}:root:/root:/bin/sh\nada:x:{USER}:{USER}::/home/ada:/bin/sh\n"),
            )
            .put("etc/group", format!("root:x:{gid}:\nada:x:{USER}:\nplugdev:x:46:\n"))
            .put("run/udev/control", "")
            .put("run/systemd/seats/seat0", format!("IS_SEAT0=1\nACTIVE=2\nACTIVE_UID={USER}\n"))
            .put("sys/class/hidraw/.keep", "")
    }

    /// With a Ledger whose node belongs to root alone, as without a rule.
    pub fn with_ledger() -> Self {
        let machine = Self::new();
        machine.link("sys/bus/usb/devices/1-2", "../../../devices/pci0000:00/usb1/1-2");
        for (file, content) in [
            ("idVendor", "2c97"),
            ("idProduct", "5011"),
            ("manufacturer", "Ledger"),
            ("product", "Nano S Plus"),
            ("busnum", "1"),
            ("devnum", "7"),
            ("authorized", "1"),
        ] {
            machine.put_in(&format!("{DEVICE}/{file}"), format!("{content}\n"));
        }
        for number in [0, 1] {
            let interface = format!("{DEVICE}/1-2:1.{number}");
            machine.put_in(&format!("{interface}/bInterfaceNumber"), format!("0{number}\n"));
            // Where the driver is does not matter, only that it is.
            machine.put_in(&format!("{interface}/driver/module"), "");
            let node = format!("{interface}/0003:2C97:5011.000{number}/hidraw/hidraw{number}");
            machine.put_in(&format!("{node}/dev"), format!("240:{number}\n"));
            machine.put_in(&format!("dev/hidraw{number}"), "");
        }
        machine.put_in("dev/bus/usb/001/007", "");
        machine.noted("I:12345\nG:seat\nQ:seat\nV:1\n").mode(0o600)
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    fn put_in(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        create_dir_all(path.parent().unwrap()).unwrap();
        write(path, content).unwrap();
    }

    pub fn put(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.put_in(path, content);
        self
    }

    pub fn link(&self, path: &str, target: &str) {
        let path = self.path(path);
        create_dir_all(path.parent().unwrap()).unwrap();
        symlink(target, path).unwrap();
    }

    /// A file that is a link to /dev/null.
    pub fn switched_off(self, path: &str) -> Self {
        self.link(path, "/dev/null");
        self
    }

    pub fn without(self, path: &str) -> Self {
        let path = self.path(path);
        if path.is_dir() {
            std::fs::remove_dir_all(path).unwrap();
        } else {
            std::fs::remove_file(path).unwrap();
        }
        self
    }

    /// The groups of the program, and whether it has the powers of root.
    pub fn person(self, groups: &[u32], is_exempt: bool) -> Self {
        let groups: Vec<_> = groups.iter().map(u32::to_string).collect();
        let capabilities = if is_exempt {
            "000001ffffffffff"
        } else {
            "0000000000000000"
        };
        let status = format!(
            "Name:\tsaltbridge\nPid:\t4000\nUid:\t{USER}\t{USER}\t{USER}\t{USER}\nGid:\t{USER}\t{USER}\t{USER}\t{USER}\n\
             Groups:\t{} \nCapEff:\t{capabilities}\n",
            groups.join(" ")
        );
        self.put("proc/self/status", status)
    }

    /// A member of plugdev, whose login knows it or not.
    pub fn member_of_plugdev(self, logged_in: bool) -> Self {
        let gid = rustix::process::getegid().as_raw();
        let groups: &[u32] = if logged_in { &[USER, 46] } else { &[USER] };
        self.person(groups, false)
            .put("etc/group", format!("root:x:{gid}:\nada:x:{USER}:\nplugdev:x:46:grace,ada\n"))
    }

    /// Another user's session is in front.
    pub fn away_from_seat(self) -> Self {
        self.put("run/systemd/seats/seat0", "IS_SEAT0=1\nACTIVE=2\nACTIVE_UID=1001\n")
    }

    pub fn rules(self, name: &str, text: &str) -> Self {
        self.put(&format!("etc/udev/rules.d/{name}"), text)
    }

    /// udev's record of the wallet's node.
    pub fn noted(self, record: &str) -> Self {
        self.put("run/udev/data/c240:0", record)
    }

    pub fn mode(self, mode: u32) -> Self {
        std::fs::set_permissions(self.path("dev/hidraw0"), std::fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    /// A process that has a file open.
    pub fn process(self, pid: u32, name: &str, file: &str) -> Self {
        let machine = self
            .put(&format!("proc/{pid}/comm"), format!("{name}\n"))
            .put(&format!("proc/{pid}/status"), format!("Uid:\t{USER}\t{USER}\t{USER}\t{USER}\n"));
        create_dir_all(machine.path(&format!("proc/{pid}/fd"))).unwrap();
        machine.link(&format!("proc/{pid}/fd/9"), file);
        machine
    }

    pub fn variable(mut self, name: &'static str, value: &'static str) -> Self {
        self.variables.push((name, value));
        self
    }

    pub fn host(&self) -> Host {
        let variables = self.variables.iter().map(|(name, value)| (name.into(), value.into()));
        Host::new(self.root()).with_variables(variables)
    }

    /// What is found there. The kernel is asked for the user who runs the test, so its answers are given here.
    pub fn survey(&self, opens: bool) -> Survey {
        let host = self.host();
        let mut survey = host.survey(host.ledgers());
        for node in survey
            .ledgers
            .iter_mut()
            .flat_map(|seen| [&mut seen.node, &mut seen.usb_node])
            .flatten()
        {
            node.opens = opens;
        }
        survey
    }

    pub fn findings(&self, opens: bool) -> Vec<Finding> {
        self.survey(opens).findings()
    }
}

/// Findings as text: state, what was looked at, the message; the commands below.
pub fn shown(findings: &[Finding]) -> String {
    let lines = findings.iter().map(|finding| {
        let commands: String = finding
            .commands
            .iter()
            .map(|command| format!("  $ {command}\n"))
            .collect();
        format!("{} {}: {}\n{commands}", finding.state.as_str(), finding.check, finding.message)
    });
    lines.collect()
}
