//! One udev rule.

/// The vendor of Ledger's devices as the kernel writes it.
const VENDOR: &str = "2c97";

/// What a rule about Ledgers does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// Its line, from 1.
    pub line: usize,
    /// Whether it gives the node to who sits at the machine, or takes that back.
    pub uaccess: Option<bool>,
    /// The group that it sets.
    pub group: Option<String>,
    /// The mode that it sets.
    pub mode: Option<u32>,
    /// Whether it is about everything that the hardware database calls a wallet.
    pub needs_hwdb: bool,
    /// The models that it is about, as a pattern; nothing for all of them.
    products: Option<String>,
}

/// A part of a file that is jumped over for devices of other vendors; the label where it ends.
#[derive(Default)]
pub(super) struct Section(Option<String>);

/// One `key operator "value"` of a rule.
pub(super) struct Key<'a> {
    name: &'a str,
    operator: &'a str,
    value: &'a str,
}

impl<'a> Key<'a> {
    /// The keys of a rule. Nothing for a line that udev ignores because it makes no sense.
    pub(super) fn parse_all(line: &'a str) -> Option<Vec<Self>> {
        let mut keys = Vec::new();
        let mut rest = line.trim();
        while !rest.is_empty() {
            let end = rest.find(|c: char| c.is_whitespace() || "=!+-:".contains(c))?;
            let (name, after) = rest.split_at_checked(end)?;
            let after = after.trim_start();
            let operators = ["==", "!=", "+=", "-=", ":=", "="];
            let operator = operators.into_iter().find(|operator| after.starts_with(operator))?;
            let value = after.strip_prefix(operator)?.trim_start();
            // A prefix for escapes, and one for comparing without regard to case.
            let value = value.strip_prefix(['e', 'i']).unwrap_or(value).strip_prefix('"')?;
            let (value, after) = value.split_once('"')?;
            keys.push(Self { name, operator, value });
            rest = after.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        }
        Some(keys)
    }

    fn is(&self, name: &str, operator: &str) -> bool {
        self.name == name && self.operator == operator
    }

    /// Whether the key demands something that the wallet interface of a Ledger has, or demands nothing of that kind.
    fn fits(&self) -> bool {
        let wanted = match self.name {
            "SUBSYSTEM" => "hidraw",
            // Any number will do: the pattern is compared with a name that has one.
            "KERNEL" => "hidraw0",
            "ATTRS{idVendor}" | "ENV{ID_VENDOR_ID}" => VENDOR,
            "ATTRS{bInterfaceNumber}" | "ENV{ID_USB_INTERFACE_NUM}" => "00",
            "ENV{ID_HARDWARE_WALLET}" => "1",
            "ACTION" => "add",
            // What the node of a USB device or of its interface has, and hidraw has not.
            "ENV{DEVTYPE}" | "ATTR{idVendor}" | "ATTR{idProduct}" => "",
            _ => return true,
        };
        matches(self.value, wanted) == (self.operator == "==")
    }

    /// Whether the key demands that the device is Ledger's.
    fn names_ledgers(&self) -> bool {
        if self.operator != "==" {
            return false;
        }
        match self.name {
            "ATTRS{idVendor}" | "ENV{ID_VENDOR_ID}" => matches(self.value, VENDOR),
            "ATTRS{modalias}" | "ENV{MODALIAS}" => self.value.contains("v2C97") || self.value.contains("v00002C97"),
            "KERNELS" => self.value.contains(":2C97:"),
            _ => false,
        }
    }

    /// Whether it demands something by which devices are told apart.
    fn tells_apart(&self) -> bool {
        let is_match = ["==", "!="].contains(&self.operator);
        let is_general = ["SUBSYSTEM", "SUBSYSTEMS", "KERNEL", "ACTION", "TAG", "TAGS"].contains(&self.name);
        is_match && !is_general
    }
}

impl Section {
    /// Goes on behind a rule.
    pub(super) fn pass(&mut self, keys: &[Key<'_>]) {
        let value = |name, operator| keys.iter().find(|key| key.is(name, operator)).map(|key| key.value);
        let skips_others = keys.iter().any(|key| {
            let is_vendor = ["ATTRS{idVendor}", "ENV{ID_VENDOR_ID}"].contains(&key.name);
            is_vendor && key.operator == "!=" && matches(key.value, VENDOR)
        });
        if skips_others && let Some(label) = value("GOTO", "=") {
            self.0 = Some(label.to_owned());
        }
        if self.0.is_some() && value("LABEL", "=") == self.0.as_deref() {
            self.0 = None;
        }
    }
}

impl Rule {
    /// The rule, if it is about Ledgers and does something about who may open their node.
    pub(super) fn about_ledgers(line: usize, keys: &[Key<'_>], section: &Section) -> Option<Self> {
        if !keys.iter().all(Key::fits) {
            return None;
        }
        // All that a rule demands of parents must be met by one of them; these stand at different ones.
        let demands = |names: &[&str]| keys.iter().any(|key| key.operator == "==" && names.contains(&key.name));
        if demands(&["ATTRS{bInterfaceNumber}"]) && demands(&["ATTRS{idVendor}", "ATTRS{idProduct}"]) {
            return None;
        }
        let needs_hwdb = keys.iter().any(|key| key.is("ENV{ID_HARDWARE_WALLET}", "=="));
        let is_of_hidraw = || {
            let names_it = |key: &Key<'_>| key.is("SUBSYSTEM", "==") || key.is("KERNEL", "==");
            keys.iter().any(names_it) && !keys.iter().any(Key::tells_apart)
        };
        let is_about = needs_hwdb || section.0.is_some() || keys.iter().any(Key::names_ledgers) || is_of_hidraw();
        if !is_about {
            return None;
        }
        let set = |name| {
            let mut set = keys.iter().filter(|key| key.is(name, "=") || key.is(name, ":="));
            set.next_back().map(|key| key.value)
        };
        let tag = |operators: &[&str]| {
            let mut tags = keys
                .iter()
                .filter(|key| key.name == "TAG" && operators.contains(&key.operator));
            tags.any(|key| key.value == "uaccess")
        };
        let rule = Self {
            line,
            uaccess: match (tag(&["+=", "=", ":="]), tag(&["-="])) {
                (true, _) => Some(true),
                (false, true) => Some(false),
                (false, false) => None,
            },
            group: set("GROUP").map(str::to_owned),
            mode: set("MODE").and_then(|mode| u32::from_str_radix(mode, 8).ok()),
            needs_hwdb,
            products: keys
                .iter()
                .find(|key| key.is("ATTRS{idProduct}", "=="))
                .map(|key| key.value.to_owned()),
        };
        (rule.uaccess.is_some() || rule.group.is_some() || rule.mode.is_some()).then_some(rule)
    }

    /// Whether it is about this model. One that is not known is taken for one that it is about.
    pub(super) fn is_for(&self, product_id: Option<u16>) -> bool {
        match (&self.products, product_id) {
            (Some(products), Some(id)) => matches(products, &format!("{id:04x}")),
            _ => true,
        }
    }
}

/// Whether a text fits one of the patterns that `|` separates (glob(7)). What stands in brackets is not looked at: any
/// character will do.
fn matches(patterns: &str, text: &str) -> bool {
    patterns.split('|').any(|pattern| {
        let mut simple = String::new();
        let mut rest = pattern;
        while let Some((before, inside)) = rest.split_once('[') {
            simple.push_str(before);
            simple.push('?');
            rest = inside.split_once(']').map_or("", |(_, after)| after);
        }
        simple.push_str(rest);
        fits(simple.as_bytes(), text.as_bytes())
    })
}

/// Without recursion: a pattern of many stars must not take forever.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while read < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(c) if *c == b'?' || text.get(read) == Some(c) => {
                at += 1;
                read += 1;
            }
            _ => match star {
                Some((behind, from)) => {
                    star = Some((behind, from + 1));
                    at = behind + 1;
                    read = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(at..).is_some_and(|rest| rest.iter().all(|c| *c == b'*'))
}
