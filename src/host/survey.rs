//! Everything that is known of the machine, at one moment.

use super::{Holders, Host, Ledger, Named, Node, Person, Rules, Surroundings};
use crate::text::printable;

/// What a machine is like, at one moment. The fields are facts; [`Survey::findings`] says what they mean.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// Who runs this process.
    pub person: Option<Person>,
    /// His name, made printable, as far as it stands in the machine's own file.
    pub person_name: Option<String>,
    /// What stands around this process.
    pub surroundings: Surroundings,
    /// The udev rules about Ledgers.
    pub rules: Rules,
    /// The groups of the machine.
    pub groups: Vec<Group>,
    /// The Ledgers.
    pub ledgers: Vec<Seen>,
}

/// A Ledger with its nodes.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The device.
    pub ledger: Ledger,
    /// The node of its wallet interface, if it is in `/dev`.
    pub node: Option<Node>,
    /// The node of the USB device itself, with which it can be reset.
    pub usb_node: Option<Node>,
    /// Who has the node of the wallet interface open.
    pub holders: Holders,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Number and name.
    pub group: Named,
    /// The names of its members, made printable.
    pub members: Vec<String>,
}

impl Host {
    /// What the machine is like, with these Ledgers.
    pub fn survey(&self, ledgers: Vec<Ledger>) -> Survey {
        let person = self.person();
        let name = person.as_ref().map(|person| self.named("etc/passwd", person.uid));
        let seen = ledgers.into_iter().map(|ledger| {
            let node = ledger.hidraw.as_deref().and_then(|path| self.node(path));
            Seen {
                usb_node: ledger.usb.as_deref().and_then(|path| self.node(path)),
                holders: node
                    .as_ref()
                    .map(|node| self.holders_of(&node.path))
                    .unwrap_or_default(),
                node,
                ledger,
            }
        });
        Survey {
            ledgers: seen.collect(),
            person_name: name.map(|user| user.name),
            person,
            surroundings: self.surroundings(),
            rules: self.rules(),
            groups: self.groups(),
        }
    }

    fn groups(&self) -> Vec<Group> {
        let entries = self.text("etc/group").unwrap_or_default();
        let groups = entries.lines().filter_map(|entry| {
            let mut fields = entry.split(':');
            let name = printable(fields.next()?);
            let id = fields.nth(1)?.parse().ok()?;
            let members = fields
                .next()?
                .split(',')
                .map(str::trim)
                .filter(|member| !member.is_empty());
            Some(Group {
                group: Named { id, name },
                members: members.map(printable).collect(),
            })
        });
        groups.collect()
    }
}
