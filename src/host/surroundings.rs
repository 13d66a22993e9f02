//! What stands around this process: kernel, container, sandbox, session.
//!
//! Sources: systemd's container interface (<https://systemd.io/CONTAINER_INTERFACE/>), the marks that Docker, Podman and
//! Flatpak leave in the root, AppArmor's label of a process, the name of Microsoft's kernels. Files of logind below
//! `/run/systemd` are private to systemd by its own word; they are read because they need no message bus, and nothing
//! depends on them but the explanation why a node is not accessible.

use std::path::Path;

use super::Host;
use crate::text::printable;

/// What stands around this process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The release of the kernel, made printable; empty where it is not known.
    pub kernel: String,
    /// Which Windows Subsystem for Linux this is, if it is one.
    pub wsl: Option<Wsl>,
    /// The kind of the container, made printable: `docker`, `podman`, `lxc` ...; `container` if it is not told.
    pub container: Option<String>,
    /// The sandbox that confines this process.
    pub sandbox: Option<Sandbox>,
    /// Whether this is a session over ssh.
    pub is_ssh: bool,
    /// Who sits at the machine.
    pub seat: Seat,
    /// Whether udev runs here.
    pub has_udev: bool,
}

/// The Windows Subsystem for Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wsl {
    /// Without a Linux kernel: no USB device ever reaches it.
    One,
    /// In a virtual machine: Windows must hand a USB device over.
    Two,
}

/// A sandbox around one program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sandbox {
    /// A strictly confined snap of this name.
    Snap(String),
    /// A Flatpak application of this name.
    Flatpak(String),
}

/// Whether the user of this process sits at the machine. udev's tag `uaccess` gives devices to who does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Seat {
    /// Nobody keeps account: there is no logind.
    #[default]
    Unknown,
    /// His session is the active one of a seat.
    Active,
    /// Another user's session is, or none.
    Inactive,
}

impl Host {
    /// What stands around this process.
    pub fn surroundings(&self) -> Surroundings {
        let kernel = self.text("proc/sys/kernel/osrelease").unwrap_or_default();
        let wsl = wsl(kernel.trim());
        Surroundings {
            kernel: printable(kernel.trim()),
            wsl,
            container: self.container(),
            sandbox: self.sandbox(),
            is_ssh: ["SSH_CONNECTION", "SSH_TTY"]
                .iter()
                .any(|name| self.variable(name).is_some()),
            seat: self.seat(),
            has_udev: self.has_udev(),
        }
    }

    fn has_udev(&self) -> bool {
        self.path("run/udev/control").exists()
    }

    fn container(&self) -> Option<String> {
        let told = self.text("run/systemd/container").and_then(|kind| {
            // systemd counts WSL among the containers.
            let kind = kind.trim();
            (!kind.is_empty() && kind != "wsl").then(|| printable(kind))
        });
        let marked = |mark: &str, kind: &str| self.path(mark).exists().then(|| kind.to_owned());
        let in_environment = || {
            let environment = self.text("proc/1/environ")?;
            let kind = environment
                .split('\0')
                .find_map(|entry| entry.strip_prefix("container="))?;
            (!kind.is_empty() && kind != "wsl").then(|| printable(kind))
        };
        let in_groups = || {
            let groups = self.text("proc/1/cgroup")?;
            let kinds = [("kubepods", "kubernetes"), ("libpod", "podman"), ("docker", "docker"), ("/lxc", "lxc")];
            let (_, kind) = kinds.iter().find(|(part, _)| groups.contains(part))?;
            Some((*kind).to_owned())
        };
        let in_kubernetes = self
            .variable("KUBERNETES_SERVICE_HOST")
            .map(|_| "kubernetes".to_owned());
        // A virtual machine that was made of an image keeps Docker's mark; udev runs there, and in no container.
        let by_docker = || marked(".dockerenv", "docker").filter(|_| !self.has_udev());
        told.or(in_kubernetes)
            .or_else(|| marked("run/.containerenv", "podman"))
            .or_else(in_environment)
            .or_else(in_groups)
            .or_else(by_docker)
    }

    fn sandbox(&self) -> Option<Sandbox> {
        if let Some(info) = self.text(".flatpak-info") {
            let name = info.lines().find_map(|line| line.strip_prefix("name="));
            return Some(Sandbox::Flatpak(printable(name.unwrap_or("a Flatpak application").trim())));
        }
        // A terminal inside a snap hands its variables on to programs that it does not confine.
        let label = self.text("proc/self/attr/current");
        match label.as_deref().map(|label| label.trim_matches(['\n', '\0'])) {
            Some(label) => {
                let profile = label.strip_suffix(" (enforce)")?.strip_prefix("snap.")?;
                Some(Sandbox::Snap(printable(profile.split('.').next().unwrap_or(profile))))
            }
            None => {
                self.variable("SNAP")?;
                Some(Sandbox::Snap(printable(self.variable("SNAP_NAME").unwrap_or("a snap"))))
            }
        }
    }

    fn seat(&self) -> Seat {
        let folder = Path::new("run/systemd/seats");
        if !self.path(folder).is_dir() {
            return Seat::Unknown;
        }
        let Some(person) = self.person() else {
            return Seat::Unknown;
        };
        let is_his = |seat: &str| {
            let user = seat.lines().find_map(|line| line.strip_prefix("ACTIVE_UID="));
            user.and_then(|user| user.trim().parse().ok()) == Some(person.uid)
        };
        let mut seats = self.names(folder).into_iter();
        match seats.any(|seat| self.text(folder.join(seat)).is_some_and(|seat| is_his(&seat))) {
            true => Seat::Active,
            false => Seat::Inactive,
        }
    }
}

/// Microsoft's kernels are called `4.4.0-19041-Microsoft` (1, not a kernel at all) and
/// `5.15.167.4-microsoft-standard-WSL2`.
fn wsl(kernel: &str) -> Option<Wsl> {
    match kernel {
        _ if kernel.contains("WSL2") || kernel.contains("microsoft-standard") => Some(Wsl::Two),
        _ if kernel.ends_with("-Microsoft") => Some(Wsl::One),
        _ => None,
    }
}
