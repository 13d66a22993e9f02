//! Who may open a device's node.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat, getxattr};

use super::{Host, Person};
use crate::text::printable;

/// To read and to write.
const BOTH: u32 = 0o6;

/// The longest list of access that is read, in bytes: some thousand entries.
const LONGEST_LIST: usize = 1 << 16;

/// A node and its permissions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its path on that machine.
    pub path: PathBuf,
    /// Number and name of the user whom it belongs to.
    pub owner: Named,
    /// Number and name of the group that it belongs to.
    pub group: Named,
    /// The permission bits.
    pub mode: u32,
    /// The entries of its access control list beyond those bits.
    pub list: Vec<Entry>,
    /// Whether the kernel would let this process open it for reading and writing. It was asked without opening it.
    pub opens: bool,
}

/// A user or group: its number and, made printable, its name. A number without a name is its own name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The number.
    pub id: u32,
    /// The name.
    pub name: String,
}

/// An entry of an access control list (acl(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A user with his permission bits.
    User(u32, u32),
    /// A group with its permission bits.
    Group(u32, u32),
    /// The permission bits of the node's own group, in place of those in its mode, which are the mask then.
    OwnGroup(u32),
    /// What users and groups of the list, and the node's group, may have at most.
    Mask(u32),
}

/// Why the permissions of a node let somebody open it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// Permissions do not count for him, as for root.
    Exempt,
    /// It is his.
    Owner,
    /// The list names him: so udev gives nodes to who sits at the machine.
    Listed,
    /// He is in this group.
    Group(u32),
    /// Everybody may.
    Everyone,
}

impl Node {
    /// Whether everybody on the machine may open it.
    pub fn is_open_to_all(&self) -> bool {
        self.mode & 0o006 != 0
    }

    /// Whether the list names any user.
    pub fn is_given_to_somebody(&self) -> bool {
        self.list.iter().any(|entry| matches!(entry, Entry::User(..)))
    }

    /// Why somebody may read and write it by its permissions, as acl(5) checks them. Nothing if he may not.
    pub fn grant_to(&self, person: &Person) -> Option<Grant> {
        let allows = |bits: u32| bits & BOTH == BOTH;
        if person.is_exempt {
            return Some(Grant::Exempt);
        }
        if person.uid == self.owner.id {
            return allows(self.mode >> 6).then_some(Grant::Owner);
        }
        let mask = self.list.iter().find_map(|entry| match entry {
            Entry::Mask(bits) => Some(*bits),
            _ => None,
        });
        let most = mask.unwrap_or(BOTH);
        let listed = self.list.iter().find_map(|entry| match entry {
            Entry::User(user, bits) if *user == person.uid => Some(*bits),
            _ => None,
        });
        if let Some(bits) = listed {
            return allows(bits & most).then_some(Grant::Listed);
        }
        let own = self.list.iter().find_map(|entry| match entry {
            Entry::OwnGroup(bits) => Some(*bits),
            _ => None,
        });
        let own = (self.group.id, own.unwrap_or(self.mode >> 3));
        let groups = self.list.iter().filter_map(|entry| match entry {
            Entry::Group(group, bits) => Some((*group, *bits)),
            _ => None,
        });
        let mut is_member = false;
        for (group, bits) in std::iter::once(own).chain(groups) {
            if person.groups.contains(&group) {
                if allows(bits & most) {
                    return Some(Grant::Group(group));
                }
                is_member = true;
            }
        }
        (!is_member && allows(self.mode)).then_some(Grant::Everyone)
    }
}

impl Host {
    /// The node at a path. Nothing if there is none.
    pub fn node(&self, path: &Path) -> Option<Node> {
        let place = self.path(path);
        let found = std::fs::metadata(&place).ok()?;
        let mut list = vec![0; LONGEST_LIST];
        let length = getxattr(&place, "system.posix_acl_access", &mut list).unwrap_or_default();
        let access = accessat(CWD, &place, Access::READ_OK | Access::WRITE_OK, AtFlags::EACCESS);
        Some(Node {
            path: path.to_owned(),
            owner: self.named("etc/passwd", found.uid()),
            group: self.named("etc/group", found.gid()),
            mode: found.mode() & 0o7777,
            list: parse(list.get(..length).unwrap_or_default()),
            opens: access.is_ok(),
        })
    }

    /// The name of a user (`etc/passwd`) or group (`etc/group`), as far as it stands in the machine's own files.
    pub(super) fn named(&self, file: &str, id: u32) -> Named {
        let entries = self.text(file).unwrap_or_default();
        let name = entries.lines().find_map(|entry| {
            let mut fields = entry.split(':');
            let name = fields.next()?;
            (fields.nth(1)?.parse() == Ok(id)).then(|| printable(name))
        });
        Named {
            id,
            name: name.unwrap_or_else(|| id.to_string()),
        }
    }
}

/// The entries of an access control list as the kernel hands it over (linux/posix_acl_xattr.h): a version, then for each
/// entry its kind and bits, two bytes each, and its number, four; all little-endian.
fn parse(list: &[u8]) -> Vec<Entry> {
    let Some((version, entries)) = list.split_first_chunk::<4>() else {
        return Vec::new();
    };
    if u32::from_le_bytes(*version) != 2 {
        return Vec::new();
    }
    let (entries, _) = entries.as_chunks::<8>();
    let entries = entries
        .iter()
        .filter_map(|[kind_low, kind_high, bits_low, bits_high, id @ ..]| {
            let bits = u32::from(u16::from_le_bytes([*bits_low, *bits_high]));
            let id = u32::from_le_bytes(*id);
            match u16::from_le_bytes([*kind_low, *kind_high]) {
                0x02 => Some(Entry::User(id, bits)),
                0x04 => Some(Entry::OwnGroup(bits)),
                0x08 => Some(Entry::Group(id, bits)),
                0x10 => Some(Entry::Mask(bits)),
                _ => None,
            }
        });
    entries.collect()
}
