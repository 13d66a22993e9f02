//! Who gets to a Ledger's node by the rules of the machine, and what keeps this person from it.

use super::remedy;
use super::{Effect, Finding, Grant, Group, Node, Person, Place, Seat, Seen, Survey, Variant};
use crate::text::{printable, printable_path};

/// What is known before a device is plugged in.
pub(super) fn before_it_is_there(survey: &Survey) -> Vec<Finding> {
    let effect = survey.rules.effect(None, false);
    let around = &survey.surroundings;
    if survey.person().is_exempt {
        return vec![Finding::ok("rules", "You are root, who needs no udev rule.")];
    }
    // The rules are those of the machine around it.
    if around.container.is_some() || around.sandbox.is_some() {
        return Vec::new();
    }
    if !around.has_udev {
        return vec![no_udev(survey)];
    }
    if let Some(risk) = open_to_all(survey, &effect, None) {
        return vec![risk];
    }
    match gives(survey, &effect) {
        Gives::ToSeat(_) if around.seat == Seat::Active => {
            vec![Finding::ok("rules", "udev gives a Ledger to you while you sit at this machine.")]
        }
        Gives::ToGroup(group) if survey.person().groups.contains(&group.group.id) => {
            vec![Finding::ok("rules", format!("udev gives a Ledger to the group {}; you are in it.", group.group.name))]
        }
        gives => vec![not_given(survey, &effect, &gives, None)],
    }
}

/// What is between the person and a node.
pub(super) fn to(survey: &Survey, seen: &Seen, node: &Node) -> Vec<Finding> {
    let is_wallet = seen.ledger.noted.is_some_and(|noted| noted.hardware_wallet);
    let effect = survey.rules.effect(seen.ledger.product_id, is_wallet);
    let path = printable_path(&node.path);
    if !node.opens {
        return vec![kept_from(survey, seen, node, &effect)];
    }
    let why = match node.grant_to(survey.person()) {
        Some(Grant::Exempt) => "you are root".to_owned(),
        Some(Grant::Owner) => "it is yours".to_owned(),
        Some(Grant::Listed) => "it was given to you".to_owned(),
        Some(Grant::Group(id)) => format!("you are in the group {}", survey.group_name(id)),
        Some(Grant::Everyone) => "everybody may".to_owned(),
        None => "the system lets you".to_owned(),
    };
    let mut findings = vec![Finding::ok("permission", format!("You may open {path}: {why}."))];
    findings.extend(open_to_all(survey, &effect, Some(node)));
    if let Some(usb) = seen.usb_node.as_ref().filter(|usb| !usb.opens) {
        let message = format!(
            "You may not open {}, so a Ledger that has stopped answering cannot be reset: plug it out and in then.",
            printable_path(&usb.path)
        );
        let is_container = survey.surroundings.container.is_some();
        let commands = if is_container {
            Vec::new()
        } else {
            remedy::install(survey.variant(), survey.user())
        };
        findings.push(Finding::note("permission", message, commands));
    }
    findings
}

/// Whom the rules give a node to, as far as it concerns this person.
enum Gives<'a> {
    ToSeat(&'a Place),
    ToGroup(&'a Group),
    /// A group that the machine does not have: udev ignores it.
    ToNoGroup(&'a str),
    Nobody,
}

fn gives<'a>(survey: &'a Survey, effect: &'a Effect) -> Gives<'a> {
    let group = effect.group_in_force();
    let found = group.and_then(|name| survey.groups.iter().find(|group| group.group.name == name));
    match (&effect.uaccess, group, found) {
        (Some(place), _, _) if survey.surroundings.seat == Seat::Active => Gives::ToSeat(place),
        (_, Some(_), Some(group)) => Gives::ToGroup(group),
        (Some(place), _, _) => Gives::ToSeat(place),
        (None, Some(name), None) => Gives::ToNoGroup(name),
        (None, None, _) => Gives::Nobody,
    }
}

/// Why a node does not open, and what opens it.
fn kept_from(survey: &Survey, seen: &Seen, node: &Node, effect: &Effect) -> Finding {
    let path = printable_path(&node.path);
    let around = &survey.surroundings;
    let owned = format!("it belongs to {}:{} with mode {:04o}", node.owner.name, node.group.name, node.mode);
    if let Some(sandbox) = &around.sandbox {
        let message = format!("You may not open {path} from within this sandbox. Run saltbridge outside of it.");
        return Finding::problem("permission", message, remedy::outside(sandbox));
    }
    if node.grant_to(survey.person()).is_some() {
        let message = format!(
            "The permissions of {path} would let you open it, but something else on this machine forbids it: the limits of a \
             container or service, or SELinux or AppArmor."
        );
        let commands = around
            .container
            .as_ref()
            .map(|kind| remedy::into_container(kind, &node.path));
        return Finding::problem("permission", message, commands.unwrap_or_default());
    }
    if let Some(kind) = &around.container {
        let message = format!(
            "You may not open {path}: {owned}. A container has the permissions of the machine around it: install the rules for \
             plugdev there, then start the container with the node and its group."
        );
        return Finding::problem("permission", message, remedy::into_container(kind, &node.path));
    }
    if !around.has_udev {
        return no_udev(survey);
    }
    let gives = gives(survey, effect);
    let is_noted = seen.ledger.noted.is_some_and(|noted| noted.uaccess) || node.is_given_to_somebody();
    match &gives {
        Gives::ToSeat(place) if !is_noted => Finding::problem(
            "rules",
            format!(
                "You may not open {path}: {owned}. There is a rule ({place}), but udev has not applied it to this device, \
                 which was there before. If the commands do not help, plug the device out and in."
            ),
            remedy::apply(),
        ),
        Gives::ToSeat(_) if around.seat == Seat::Active => Finding::problem(
            "session",
            format!(
                "You may not open {path}, although udev gives it to who sits at this machine, and you do. Have it given anew; \
                 if that does not help, log out and in."
            ),
            remedy::trigger(&node.path),
        ),
        Gives::ToGroup(group) if survey.person().groups.contains(&group.group.id) => Finding::problem(
            "rules",
            format!(
                "You may not open {path}: {owned}. There is a rule for the group {}, but udev has not applied it to this \
                 device, which was there before. If the commands do not help, plug the device out and in.",
                group.group.name
            ),
            remedy::apply(),
        ),
        gives => not_given(survey, effect, gives, Some(&format!("You may not open {path}: {owned}."))),
    }
}

/// The rules do not give a Ledger to this person; why, and what does.
fn not_given(survey: &Survey, effect: &Effect, gives: &Gives<'_>, fact: Option<&str>) -> Finding {
    let said = |sentence: String| match fact {
        Some(fact) => format!("{fact} {sentence}"),
        None => sentence,
    };
    let user = survey.user();
    match gives {
        Gives::ToSeat(_) => {
            let why = match (survey.surroundings.seat, survey.surroundings.is_ssh) {
                (_, true) => "you are here over ssh",
                (Seat::Unknown, false) => "this machine does not know who sits at it (no logind)",
                (_, false) => "the session in front is not yours",
            };
            let sentence = format!(
                "udev gives a Ledger to who sits at this machine, but {why}. Use the group plugdev, and log in again afterwards."
            );
            Finding::problem("session", said(sentence), remedy::install(Variant::Plugdev, user))
        }
        Gives::ToGroup(Group { group, members }) => {
            let name = &group.name;
            if members.iter().any(|member| member == user) {
                let sentence = format!(
                    "You were added to the group {name}, which gets the Ledger, but are logged in without it: log out and in, \
                     or begin a shell with it."
                );
                return Finding::problem("session", said(sentence), remedy::new_group(name));
            }
            let sentence =
                format!("udev gives a Ledger to the group {name}, and you are not in it. Log in again afterwards.");
            Finding::problem("session", said(sentence), remedy::join(name, user))
        }
        Gives::ToNoGroup(name) => {
            let name = printable(name);
            let sentence = format!(
                "udev gives a Ledger to the group {name}, but there is no such group. Make it, and log in again afterwards."
            );
            let commands = [remedy::make_group(&name), remedy::join(&name, user), remedy::apply()].concat();
            Finding::problem("rules", said(sentence), commands)
        }
        Gives::Nobody => no_rule(survey, effect, said),
    }
}

fn no_rule(survey: &Survey, effect: &Effect, said: impl Fn(String) -> String) -> Finding {
    if let Some(place) = &effect.too_late {
        let sentence = format!(
            "A rule gives a Ledger to who sits at this machine ({place}), but too late: the number of its file must be below 73."
        );
        return Finding::problem("rules", said(sentence), remedy::rename(&place.path));
    }
    let hidden = survey
        .rules
        .files
        .iter()
        .find_map(|file| Some((file, file.hidden_by.as_ref()?)));
    if let Some((file, by)) = hidden {
        let sentence = format!(
            "There are rules about Ledgers in {}, but {} is read instead. Remove it.",
            printable_path(&file.path),
            printable_path(by)
        );
        return Finding::problem("rules", said(sentence), remedy::remove(by));
    }
    let sentence = "No udev rule gives a Ledger to you. Install one, then plug the device out and in.".to_owned();
    Finding::problem("rules", said(sentence), remedy::install(survey.variant(), survey.user()))
}

fn no_udev(survey: &Survey) -> Finding {
    let sentence = "udev, which gives devices to users, does not run";
    match survey.surroundings.wsl {
        Some(_) => Finding::problem(
            "rules",
            format!("{sentence}: WSL starts it with systemd. The second command ends all of WSL."),
            remedy::systemd_in_wsl(),
        ),
        None => Finding::problem("rules", format!("{sentence}. Start it."), remedy::start_udev()),
    }
}

/// A node that everybody may open, by itself or by the rules.
fn open_to_all(survey: &Survey, effect: &Effect, node: Option<&Node>) -> Option<Finding> {
    let user = survey.user();
    let risk =
        "Every user and service of this machine may open a Ledger, and read what it answers, signatures included";
    match (effect.open_to_all(), node) {
        (Some(place), _) => {
            let message = format!("{risk} ({place}). These rules give it to you alone:");
            Some(Finding::note("rules", message, remedy::replace(&place.path, survey.variant(), user)))
        }
        (None, Some(node)) if node.is_open_to_all() => {
            let message = format!("{risk}: {} has mode {:04o}.", printable_path(&node.path), node.mode);
            Some(Finding::note("rules", message, remedy::install(survey.variant(), user)))
        }
        (None, _) => None,
    }
}

impl Survey {
    /// Where the kernel does not tell, nobody in particular.
    fn person(&self) -> &Person {
        static NOBODY: Person = Person {
            pid: 0,
            uid: u32::MAX,
            groups: Vec::new(),
            is_exempt: false,
        };
        self.person.as_ref().unwrap_or(&NOBODY)
    }

    /// His name, as a word of the shell.
    fn user(&self) -> &str {
        let is_plain = |name: &&str| name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
        let name = self.person_name.as_deref().filter(is_plain);
        name.unwrap_or("\"$USER\"")
    }

    /// The rules that fit this person's way of using the machine.
    fn variant(&self) -> Variant {
        match self.surroundings.seat {
            Seat::Active => Variant::Seat,
            Seat::Inactive if !self.surroundings.is_ssh => Variant::Seat,
            Seat::Inactive | Seat::Unknown => Variant::Plugdev,
        }
    }

    fn group_name(&self, id: u32) -> String {
        let found = self.groups.iter().find(|group| group.group.id == id);
        found.map_or_else(|| id.to_string(), |group| group.group.name.clone())
    }
}
