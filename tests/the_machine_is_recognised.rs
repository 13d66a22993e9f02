//! Containers, sandboxes, sessions and the people of a machine are recognised, and near misses of them are not.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/machine.rs"]
mod machine;
mod support;

use machine::{Machine, USER};
use saltbridge::host::{Entry, Grant, Named, Node, Person, Sandbox, Seat, Wsl};

#[test]
fn containers() {
    for (file, content, expected) in [
        ("run/systemd/container", "systemd-nspawn\n", Some("systemd-nspawn")),
        ("run/systemd/container", "lxc", Some("lxc")),
        ("run/systemd/container", "wsl", None),
        ("run/systemd/container", "", None),
        // Left over in a virtual machine.
        (".dockerenv", "", None),
        ("run/.containerenv", "engine=\"podman-4.3.1\"\n", Some("podman")),
        ("proc/1/environ", "PATH=/bin\0container=lxc\0", Some("lxc")),
        ("proc/1/environ", "PATH=/bin\0my_container=lxc\0", None),
        ("proc/1/environ", "container=\0", None),
        ("proc/1/cgroup", "12:cpu:/kubepods/besteffort/pod1/2\n", Some("kubernetes")),
        ("proc/1/cgroup", "0::/system.slice/docker-3f.scope\n", Some("docker")),
        ("proc/1/cgroup", "4:memory:/lxc/web\n", Some("lxc")),
        ("proc/1/cgroup", "0::/init.scope\n", None),
        ("proc/2/cgroup", "0::/docker/3f\n", None),
    ] {
        let machine = Machine::new().put(file, content);
        assert_eq!(machine.host().surroundings().container.as_deref(), expected, "{file} {content}");
    }
    let docker = Machine::new().put(".dockerenv", "").without("run/udev/control");
    assert_eq!(docker.host().surroundings().container.as_deref(), Some("docker"));
    let pod = Machine::new().variable("KUBERNETES_SERVICE_HOST", "10.0.0.1");
    assert_eq!(pod.host().surroundings().container.as_deref(), Some("kubernetes"));
}

#[test]
fn sandboxes() {
    let label = "proc/self/attr/current";
    let snap = |name: &str| Some(Sandbox::Snap(name.to_owned()));
    let in_snap = || {
        Machine::new()
            .variable("SNAP", "/snap/code/1")
            .variable("SNAP_NAME", "code")
    };
    for (machine, expected) in [
        (in_snap().put(label, "snap.firefox.firefox (enforce)\n"), snap("firefox")),
        (in_snap(), snap("code")),
        // A terminal that a snap without confinement has started.
        (in_snap().put(label, "snap.code.code (complain)\n"), None),
        (in_snap().put(label, "unconfined\n"), None),
        (Machine::new().put(label, "firefox (enforce)\n"), None),
        (Machine::new().variable("SNAP", ""), None),
        (
            Machine::new().put(".flatpak-info", "[Application]\nname=org.example.A\n"),
            Some(Sandbox::Flatpak("org.example.A".to_owned())),
        ),
        (Machine::new(), None),
    ] {
        assert_eq!(machine.host().surroundings().sandbox, expected);
    }
}

#[test]
fn kernels_and_sessions() {
    for (kernel, wsl) in [
        ("5.15.167.4-microsoft-standard-WSL2", Some(Wsl::Two)),
        ("6.6.36.3-microsoft-standard-WSL2+", Some(Wsl::Two)),
        ("4.4.0-19041-Microsoft", Some(Wsl::One)),
        ("6.1.0-25-amd64", None),
        // Virtual machines in Microsoft's cloud are none.
        ("6.5.0-1025-azure", None),
    ] {
        let machine = Machine::new().put("proc/sys/kernel/osrelease", format!("{kernel}\n"));
        let around = machine.host().surroundings();
        assert_eq!((around.kernel.as_str(), around.wsl), (kernel, wsl));
    }
    for (machine, seat) in [
        (Machine::new(), Seat::Active),
        (Machine::new().away_from_seat(), Seat::Inactive),
        (Machine::new().put("run/systemd/seats/seat0", "IS_SEAT0=1\n"), Seat::Inactive),
        (Machine::new().put("run/systemd/seats/seat0", format!("ACTIVE_UID={USER}1\n")), Seat::Inactive),
        (
            Machine::new()
                .away_from_seat()
                .put("run/systemd/seats/seat1", format!("ACTIVE_UID={USER}\n")),
            Seat::Active,
        ),
        (Machine::new().without("run/systemd"), Seat::Unknown),
        (Machine::new().without("proc/self/status"), Seat::Unknown),
    ] {
        assert_eq!(machine.host().surroundings().seat, seat);
    }
    assert!(
        Machine::new()
            .variable("SSH_CONNECTION", "a 1 b 2")
            .host()
            .surroundings()
            .is_ssh
    );
    assert!(
        !Machine::new()
            .variable("SSH_AUTH_SOCK", "/run/x")
            .host()
            .surroundings()
            .is_ssh,
        "an agent is no session"
    );
}

/// acl(5): the owner's bits count for the owner alone, then the list's, then those of all his groups, then everybody's.
#[test]
fn permissions_are_checked_as_the_kernel_does() {
    let named = |id: u32| Named {
        id,
        name: id.to_string(),
    };
    let person = |uid, groups: &[u32]| Person {
        pid: 1,
        uid,
        groups: groups.to_vec(),
        is_exempt: false,
    };
    let ada = || person(1000, &[1000, 46]);
    for (who, owner, group, mode, list, expected) in [
        (ada(), 0, 0, 0o600, vec![], None),
        (ada(), 1000, 0, 0o600, vec![], Some(Grant::Owner)),
        (ada(), 1000, 46, 0o066, vec![], None),
        (ada(), 0, 46, 0o660, vec![], Some(Grant::Group(46))),
        (ada(), 0, 46, 0o640, vec![], None),
        (ada(), 0, 46, 0o606, vec![], None),
        (ada(), 0, 47, 0o660, vec![], None),
        (ada(), 0, 0, 0o666, vec![], Some(Grant::Everyone)),
        (ada(), 0, 0, 0o664, vec![], None),
        (
            ada(),
            0,
            0,
            0o660,
            vec![Entry::User(1000, 6), Entry::OwnGroup(0), Entry::Mask(6)],
            Some(Grant::Listed),
        ),
        (ada(), 0, 0, 0o660, vec![Entry::User(1001, 6), Entry::OwnGroup(0), Entry::Mask(6)], None),
        (ada(), 0, 0, 0o640, vec![Entry::User(1000, 6), Entry::Mask(4)], None),
        (ada(), 0, 0, 0o666, vec![Entry::User(1000, 0), Entry::Mask(6)], None),
        // With a list the group's bits in the mode are the mask.
        (ada(), 0, 46, 0o660, vec![Entry::User(1001, 6), Entry::OwnGroup(0), Entry::Mask(6)], None),
        (
            ada(),
            0,
            46,
            0o660,
            vec![Entry::User(1001, 6), Entry::OwnGroup(6), Entry::Mask(6)],
            Some(Grant::Group(46)),
        ),
        (
            ada(),
            0,
            0,
            0o660,
            vec![Entry::Group(46, 6), Entry::OwnGroup(0), Entry::Mask(6)],
            Some(Grant::Group(46)),
        ),
        (person(0, &[0]), 0, 0, 0o600, vec![], Some(Grant::Owner)),
        (
            Person {
                is_exempt: true,
                ..ada()
            },
            0,
            0,
            0,
            vec![],
            Some(Grant::Exempt),
        ),
    ] {
        let node = Node {
            path: "/dev/hidraw0".into(),
            owner: named(owner),
            group: named(group),
            mode,
            list,
            opens: false,
        };
        assert_eq!(node.grant_to(&who), expected, "{node:?}");
    }
}

#[test]
fn the_kernel_is_asked_whether_a_node_opens() {
    let machine = Machine::with_ledger().mode(0o000);
    let node = || machine.host().node("/dev/hidraw0".as_ref()).unwrap();
    assert_eq!(node().opens, rustix::process::geteuid().is_root());
    assert_eq!((node().mode, node().owner.name.as_str(), node().group.name.as_str()), (0, "root", "root"));
    std::fs::set_permissions(machine.path("dev/hidraw0"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    assert!(node().opens);
    assert_eq!(machine.host().node("/dev/hidraw9".as_ref()), None);
}

/// As udev makes it for the tag `uaccess`: the node's own entries, a user, the mask.
#[test]
fn the_list_is_read_as_the_kernel_keeps_it() {
    let machine = Machine::with_ledger().mode(0o600);
    let mut list = vec![2, 0, 0, 0];
    for (kind, bits, id) in [
        (0x01_u16, 6_u16, u32::MAX),
        (0x02, 6, USER),
        (0x04, 0, u32::MAX),
        (0x08, 4, 46),
        (0x10, 6, u32::MAX),
        (0x20, 0, u32::MAX),
    ] {
        list.extend([&kind.to_le_bytes()[..], &bits.to_le_bytes(), &id.to_le_bytes()].concat());
    }
    let path = machine.path("dev/hidraw0");
    let set = rustix::fs::setxattr(&path, "system.posix_acl_access", &list, rustix::fs::XattrFlags::empty());
    if set == Err(rustix::io::Errno::OPNOTSUPP) {
        support::skip("reading an access control list", "the file system of the temporary folder keeps none");
        return;
    }
    set.unwrap();
    let node = machine.host().node("/dev/hidraw0".as_ref()).unwrap();
    assert_eq!(node.list, [Entry::User(USER, 6), Entry::OwnGroup(0), Entry::Group(46, 4), Entry::Mask(6)]);
    assert_eq!(node.grant_to(&machine.host().person().unwrap()), Some(Grant::Listed));
    assert!(node.is_given_to_somebody());
}

#[test]
fn the_wallets_interface_is_told_from_others() {
    let machine = Machine::with_ledger();
    let ledgers = machine.host().ledgers();
    let [ledger] = ledgers.as_slice() else {
        panic!("{ledgers:?}")
    };
    assert_eq!(ledger.port, "1-2");
    assert_eq!(ledger.product_id, Some(0x5011));
    assert_eq!(ledger.hidraw.as_deref(), Some("/dev/hidraw0".as_ref()), "interface 1 is FIDO");
    assert_eq!(ledger.usb.as_deref(), Some("/dev/bus/usb/001/007".as_ref()));
    let device = "sys/devices/pci0000:00/usb1/1-2";
    for vendor in ["2c98", "2C97", "", "2c97 2c97"] {
        let machine = Machine::with_ledger().put(&format!("{device}/idVendor"), vendor);
        assert_eq!(machine.host().ledgers(), [], "{vendor}");
    }
}
