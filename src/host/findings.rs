//! What the facts mean for somebody who wants to use his Ledger, in the order in which to mend them.

use super::remedy;
use super::{Node, Sandbox, Seen, Survey, Wsl, access};
use crate::text::printable_path;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at: `machine`, `device`, `rules`, `session`, `permission`, `programs` or `app`.
    pub check: &'static str,
    /// What it means for the person.
    pub state: State,
    /// A sentence or two.
    pub message: String,
    /// What to run to mend it, one command each, in their order. Nothing where it is done by hand.
    pub commands: Vec<String>,
}

/// What a finding means for the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// All is well.
    Ok,
    /// It works all the same, but he should know.
    Note,
    /// It stands between him and his device.
    Problem,
}

impl State {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Problem => "problem",
        }
    }
}

impl Finding {
    /// That all is well.
    pub fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(check, State::Ok, message.into(), Vec::new())
    }

    /// Something to know.
    pub fn note(check: &'static str, message: impl Into<String>, commands: Vec<String>) -> Self {
        Self::new(check, State::Note, message.into(), commands)
    }

    /// Something to mend.
    pub fn problem(check: &'static str, message: impl Into<String>, commands: Vec<String>) -> Self {
        Self::new(check, State::Problem, message.into(), commands)
    }

    fn new(check: &'static str, state: State, message: String, commands: Vec<String>) -> Self {
        Self {
            check,
            state,
            message,
            commands,
        }
    }
}

impl Survey {
    /// What the facts mean, in the order in which to mend them. The app on the device is not among them: nothing is sent
    /// from here.
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings = vec![self.machine()];
        if self.surroundings.wsl == Some(Wsl::One) {
            return findings;
        }
        if self.ledgers.is_empty() {
            findings.push(self.no_device());
            findings.extend(access::before_it_is_there(self));
        }
        for seen in &self.ledgers {
            match self.device(seen) {
                Ok((node, finding)) => {
                    findings.push(finding);
                    findings.extend(access::to(self, seen, node));
                    findings.extend(programs(seen, node));
                }
                Err(problem) => findings.push(problem),
            }
        }
        findings
    }

    fn machine(&self) -> Finding {
        let around = &self.surroundings;
        if around.wsl == Some(Wsl::One) {
            let message =
                "This is WSL 1, which no USB device ever reaches: change it to WSL 2, in PowerShell on Windows.";
            return Finding::problem("machine", message, remedy::to_wsl_2());
        }
        let mut words = vec![match around.kernel.as_str() {
            "" => "Linux".to_owned(),
            kernel => format!("Linux {kernel}"),
        }];
        words.extend(around.wsl.map(|_| "in WSL 2".to_owned()));
        words.extend(around.container.as_ref().map(|kind| format!("in a container ({kind})")));
        words.extend(around.sandbox.as_ref().map(|sandbox| match sandbox {
            Sandbox::Snap(name) => format!("confined by the snap {name}"),
            Sandbox::Flatpak(name) => format!("confined by the Flatpak {name}"),
        }));
        words.extend(around.is_ssh.then(|| "over ssh".to_owned()));
        Finding::ok("machine", format!("{}.", words.join(", ")))
    }

    fn no_device(&self) -> Finding {
        let around = &self.surroundings;
        let (message, commands) = match (around.wsl, &around.sandbox, &around.container) {
            (Some(_), None, None) => (
                "No Ledger is on USB. Plug it in, and have Windows hand it over, in PowerShell as administrator (usbipd-win); \
                 BUSID is what the list says.",
                remedy::attach_to_wsl(),
            ),
            (_, Some(sandbox), _) => (
                "No Ledger is seen from within this sandbox. Plug it in, and run saltbridge outside of it.",
                remedy::outside(sandbox),
            ),
            (_, None, Some(_)) => (
                "No Ledger is on USB, or the container does not see it. Plug it in before the container is started; if this \
                 is a virtual machine, too, hand the device over to it.",
                Vec::new(),
            ),
            (None, None, None) => (
                "No Ledger is on USB. Plug it in, with a cable that carries data, and unlock it. If this is a virtual \
                 machine, hand the device over to it.",
                Vec::new(),
            ),
        };
        Finding::problem("device", message, commands)
    }

    /// The node of a device, or why there is none.
    fn device<'a>(&self, seen: &'a Seen) -> Result<(&'a Node, Finding), Finding> {
        let ledger = &seen.ledger;
        let what = format!("{} at USB port {}", ledger.name, ledger.port);
        let problem = |message: String, commands| Err(Finding::problem("device", message, commands));
        if !ledger.authorized {
            let message = format!("{what}: the kernel was told not to use it, as USB guards do.");
            return problem(message, remedy::authorize(&ledger.port));
        }
        let Some(path) = &ledger.hidraw else {
            return match ledger.has_driver {
                false => problem(format!("{what}: the kernel has no driver for it."), remedy::load_driver()),
                true => problem(
                    format!("{what}: there is a driver for it, but no hidraw node. The kernel needs CONFIG_HIDRAW."),
                    remedy::look_for_hidraw(),
                ),
            };
        };
        let shown = printable_path(path);
        match (&seen.node, &self.surroundings.sandbox, &self.surroundings.container) {
            (Some(node), _, _) => Ok((node, Finding::ok("device", format!("{what}, node {shown}.")))),
            (None, Some(sandbox), _) => problem(
                format!("{what}: the sandbox hides its node {shown}. Run saltbridge outside of it."),
                remedy::outside(sandbox),
            ),
            (None, None, Some(kind)) => problem(
                format!(
                    "{what}: the machine has its node {shown}, but this container has not. Start the container with it."
                ),
                remedy::into_container(kind, path),
            ),
            (None, None, None) => {
                problem(format!("{what}: its node {shown} is missing. Plug the device out and in."), Vec::new())
            }
        }
    }
}

/// The programs that have a node open.
fn programs(seen: &Seen, node: &Node) -> Option<Finding> {
    let path = printable_path(&node.path);
    if seen.holders.seen.is_empty() {
        return None;
    }
    let names = seen.holders.seen.iter().map(|holder| {
        let whose = if holder.same_user { "" } else { " of another user" };
        format!("{} (process {}{whose})", holder.name, holder.pid)
    });
    let names: Vec<_> = names.collect();
    let pids: Vec<_> = seen.holders.seen.iter().map(|holder| holder.pid.to_string()).collect();
    let message = format!(
        "{path} is open in {}, which can read everything that the device answers, signatures included. Close what you do not \
         trust or do not need; answers may get mixed up.",
        names.join(", ")
    );
    Some(Finding::note("programs", message, vec![format!("ps -fp {}", pids.join(","))]))
}
