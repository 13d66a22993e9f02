//! The scenarios. A scenario is a function that panics if something is not as promised; it owns its fake Ledgers.

use std::time::Duration;

mod bridge;
mod conversation;
mod doctor;
mod drivers;
mod endings;
mod everyday;
mod exchanges;
mod nodes;
mod others;
mod permissions;
mod programs;
mod pulled;
mod seat;
mod wrongs;

/// The lab in which a scenario runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lab {
    /// Kernel and udev, nothing else.
    Plain,
    /// systemd runs, and user `buyer` is logged in at the seat.
    Systemd,
}

impl Lab {
    pub fn named(name: &str) -> Self {
        match name {
            "plain" => Self::Plain,
            "systemd" => Self::Systemd,
            other => panic!("there is no lab {other}"),
        }
    }
}

pub struct Scenario {
    pub name: &'static str,
    pub lab: Lab,
    pub limit: Duration,
    pub run: fn(),
}

impl Scenario {
    /// In the plain lab, with five minutes' time.
    pub const fn plain(name: &'static str, run: fn()) -> Self {
        Self {
            name,
            lab: Lab::Plain,
            limit: Duration::from_secs(300),
            run,
        }
    }

    /// In the lab with systemd.
    pub const fn at_the_seat(name: &'static str, run: fn()) -> Self {
        Self {
            lab: Lab::Systemd,
            ..Self::plain(name, run)
        }
    }

    pub fn all() -> Vec<Self> {
        let rooms = [
            nodes::all(),
            conversation::all(),
            permissions::all(),
            programs::all(),
            wrongs::all(),
            everyday::all(),
            bridge::all(),
            pulled::all(),
            endings::all(),
            others::all(),
            doctor::all(),
            drivers::all(),
            exchanges::all(),
            seat::all(),
        ];
        rooms.into_iter().flatten().collect()
    }
}
