//! The commands that mend what was found. They are for the shell of a person who reads them before he runs them.

use std::path::Path;

use super::{Sandbox, Variant};
use crate::text::printable_path;

/// The rules for one kind of machine, and what makes udev follow them.
pub(super) fn install(variant: Variant, user: &str) -> Vec<String> {
    let (option, group) = match variant {
        Variant::Seat => ("", Vec::new()),
        Variant::Plugdev => ("=plugdev", [make_group("plugdev"), join("plugdev", user)].concat()),
    };
    let file = variant.file_name();
    let write = format!("saltbridge doctor --print-rules{option} | sudo tee /etc/udev/rules.d/{file}");
    [vec![write], group, apply()].concat()
}

/// Has udev read its rules again, and apply them to what is there.
pub(super) fn apply() -> Vec<String> {
    lines(&["sudo udevadm control --reload", "sudo udevadm trigger --subsystem-match=usb --subsystem-match=hidraw"])
}

pub(super) fn rename(file: &Path) -> Vec<String> {
    let rest = file
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let earlier = file.with_file_name(format!("70{rest}"));
    let rename = format!("sudo mv {} {}", quoted(file), quoted(&earlier));
    [vec![rename], apply()].concat()
}

pub(super) fn remove(file: &Path) -> Vec<String> {
    [vec![format!("sudo rm {}", quoted(file))], apply()].concat()
}

/// The rules instead of a file whose rules are broader than need be.
pub(super) fn replace(file: &Path, variant: Variant, user: &str) -> Vec<String> {
    // A file of the distribution would come back; an empty one of the same name counts more.
    let off = match file.strip_prefix("/etc") {
        Ok(_) => format!("sudo rm {}", quoted(file)),
        Err(_) => {
            let name = file.file_name().map(Path::new).unwrap_or(file);
            format!("sudo ln -s /dev/null {}", quoted(&Path::new("/etc/udev/rules.d").join(name)))
        }
    };
    [vec![off], install(variant, user)].concat()
}

pub(super) fn make_group(group: &str) -> Vec<String> {
    let group = word(group);
    vec![format!("getent group {group} || sudo groupadd --system {group}")]
}

/// `user` is a word of the shell already: the name, or the variable that holds it.
pub(super) fn join(group: &str, user: &str) -> Vec<String> {
    vec![format!("sudo usermod --append --groups {} {user}", word(group))]
}

/// A shell in which a new group counts already.
pub(super) fn new_group(group: &str) -> Vec<String> {
    vec![format!("newgrp {}", word(group))]
}

pub(super) fn trigger(node: &Path) -> Vec<String> {
    vec![format!("sudo udevadm trigger --name-match={}", quoted(node))]
}

pub(super) fn start_udev() -> Vec<String> {
    lines(&["sudo systemctl start systemd-udevd-control.socket systemd-udevd-kernel.socket systemd-udevd.service"])
}

pub(super) fn systemd_in_wsl() -> Vec<String> {
    lines(&["printf '[boot]\\nsystemd=true\\n' | sudo tee -a /etc/wsl.conf", "wsl.exe --shutdown"])
}

pub(super) fn to_wsl_2() -> Vec<String> {
    lines(&["wsl --list --verbose", "wsl --set-version NAME 2"])
}

pub(super) fn attach_to_wsl() -> Vec<String> {
    lines(&["usbipd list", "usbipd bind --busid BUSID", "usbipd attach --wsl --busid BUSID"])
}

pub(super) fn authorize(port: &str) -> Vec<String> {
    let file = Path::new("/sys/bus/usb/devices").join(port).join("authorized");
    vec![format!("echo 1 | sudo tee {}", quoted(&file))]
}

pub(super) fn load_driver() -> Vec<String> {
    lines(&["sudo modprobe --all usbhid hid-generic"])
}

pub(super) fn look_for_hidraw() -> Vec<String> {
    lines(&["grep HIDRAW \"/boot/config-$(uname -r)\""])
}

pub(super) fn outside(sandbox: &Sandbox) -> Vec<String> {
    match sandbox {
        Sandbox::Flatpak(_) => lines(&["flatpak-spawn --host saltbridge doctor"]),
        Sandbox::Snap(_) => Vec::new(),
    }
}

/// How a container is started with a node, and with the group that the node belongs to.
pub(super) fn into_container(kind: &str, node: &Path) -> Vec<String> {
    let node = quoted(node);
    match kind {
        "docker" => vec![format!("docker run --device {node} --group-add \"$(stat -c %g {node})\" IMAGE")],
        "podman" => vec![format!("podman run --device {node} --group-add keep-groups IMAGE")],
        "systemd-nspawn" => {
            vec![format!("systemd-nspawn --bind={node} --property=DeviceAllow='{node} rw' --machine=NAME")]
        }
        "lxc" => vec![format!("lxc config device add NAME ledger unix-hotplug vendorid=2c97 subsystem=hidraw")],
        _ => Vec::new(),
    }
}

fn lines(commands: &[&str]) -> Vec<String> {
    commands.iter().map(|command| (*command).to_owned()).collect()
}

/// A path as a word of the shell.
fn quoted(path: &Path) -> String {
    word(&printable_path(path))
}

/// A text as a word of the shell.
fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}
