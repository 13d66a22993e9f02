//! Who runs this process, as the kernel sees it.

use super::Host;

/// The user and the groups with which this process opens files (proc_pid_status(5)).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// The process, 0 where it is not known.
    pub pid: u32,
    /// The user that counts for files.
    pub uid: u32,
    /// The groups that count for files, that of the process first.
    pub groups: Vec<u32>,
    /// Whether permissions are not asked of this process (`CAP_DAC_OVERRIDE`), as they are not of root.
    pub is_exempt: bool,
}

impl Person {
    /// `CAP_DAC_OVERRIDE` (capabilities(7)).
    const DAC_OVERRIDE: u64 = 1 << 1;

    /// From the text of `/proc/self/status`. Nothing if it does not tell the user.
    fn parse(status: &str) -> Option<Self> {
        let field = |name| {
            status
                .lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        };
        // Real, effective, saved, and that for files.
        let for_files = |name| field(name)?.split_whitespace().nth(3)?.parse().ok();
        let others = field("Groups").unwrap_or_default().split_whitespace();
        let capabilities = field("CapEff").and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        Some(Self {
            pid: field("Pid").and_then(|pid| pid.trim().parse().ok()).unwrap_or_default(),
            uid: for_files("Uid")?,
            groups: for_files("Gid")
                .into_iter()
                .chain(others.filter_map(|group| group.parse().ok()))
                .collect(),
            is_exempt: capabilities.is_some_and(|mask| mask & Self::DAC_OVERRIDE != 0),
        })
    }
}

impl Host {
    /// Who runs this process. Nothing where `/proc` cannot be read.
    pub fn person(&self) -> Option<Person> {
        Person::parse(&self.text("proc/self/status")?)
    }
}
