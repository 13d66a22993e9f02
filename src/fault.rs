//! What every error of the library can say of itself: a stable code, a class, a remedy.
//!
//! The sentence is the error's `Display`. The code never changes once released; scripts may rely on it. The class tells
//! the kind of failure without knowing the operation: the command line makes its exit status of it. Errors carry no
//! secret, and text from outside stands in them only as [`crate::text::printable`] made it.

use std::borrow::Cow;

/// The kind of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The request itself cannot be carried out as it was put.
    Usage,
    /// The device is not there, locked, in another app, busy or silent.
    Device,
    /// The person refused on the device.
    Declined,
    /// The right wallet, path or key is not at hand, or the mechanism is an old one.
    DoesNotOpen,
    /// The data is damaged, forged, or not what it was given out for.
    Damaged,
    /// The file system or another part of the machine refused.
    System,
    /// saltbridge could do it but will not without being told so explicitly.
    Policy,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Usage, Self::Device, Self::Declined, Self::DoesNotOpen, Self::Damaged, Self::System, Self::Policy];

    /// Its name, as the bridge tells it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::Device => "device",
            Self::Declined => "declined",
            Self::DoesNotOpen => "does-not-open",
            Self::Damaged => "damaged",
            Self::System => "system",
            Self::Policy => "policy",
        }
    }
}

/// What an error says beside its sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The stable code: lower-case words joined by hyphens.
    pub code: &'static str,
    /// The kind of failure.
    pub class: Class,
    /// What the person can do about it.
    pub help: Cow<'static, str>,
}

impl Explanation {
    /// An explanation of its three parts.
    pub fn new(code: &'static str, class: Class, help: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            class,
            help: help.into(),
        }
    }
}

/// An error that can be explained to the person who met it.
pub trait Fault: std::error::Error {
    /// The code, the class and the remedy.
    fn explain(&self) -> Explanation;
}

/// What cannot fail has nothing to explain.
impl Fault for std::convert::Infallible {
    fn explain(&self) -> Explanation {
        match *self {}
    }
}
