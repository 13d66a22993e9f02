//! What a paired site may ask for.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::fault::{Class, Explanation, Fault};
use crate::text::printable;

/// One thing that a site may ask for. In alphabetical order, which is the order in proofs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// To make new key pairs.
    Create,
    /// To have an envelope unlocked, and files opened with what it holds.
    Decrypt,
    /// To have files sealed.
    Encrypt,
    /// To be handed a private key, with an approval of its own on the device. Granted by name only.
    Export,
}

impl Scope {
    /// All of them, in alphabetical order.
    pub const ALL: [Self; 4] = [Self::Create, Self::Decrypt, Self::Encrypt, Self::Export];

    /// Its name, on the command line and in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Decrypt => "decrypt",
            Self::Encrypt => "encrypt",
            Self::Export => "export",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(name: &str) -> Result<Self, ScopeError> {
        let found = Self::ALL.into_iter().find(|scope| scope.name() == name);
        found.ok_or_else(|| ScopeError::Unknown { shown: printable(name) })
    }
}

/// A set of scopes, in alphabetical order. The default: create, decrypt, encrypt.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// Whether `scope` is among them.
    pub fn contains(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// Each of them, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = Scope> {
        self.0.iter().copied()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Default for Scopes {
    fn default() -> Self {
        [Scope::Create, Scope::Decrypt, Scope::Encrypt].into_iter().collect()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

/// Joined by commas.
impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{scope}")?;
        }
        Ok(())
    }
}

/// Parses names joined by commas, in any order, with spaces around them or none.
impl FromStr for Scopes {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, ScopeError> {
        text.split(',')
            .map(|name| match name.trim() {
                "" => Err(ScopeError::Empty),
                name => name.parse(),
            })
            .collect()
    }
}

/// Why a text names no scopes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// Nothing at all, or nothing between two commas.
    #[error("a scope is missing")]
    Empty,
    /// Another name.
    #[error("\"{shown}\" is not a scope")]
    Unknown {
        /// The name, made printable.
        shown: String,
    },
}

impl Fault for ScopeError {
    fn explain(&self) -> Explanation {
        Explanation::new("bad-scope", Class::Usage, "give some of decrypt, create, encrypt, export, joined by commas")
    }
}
