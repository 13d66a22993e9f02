//! A JSON object in the making: what `--json` prints.

use serde::Serialize;
use serde_json::{Map, Value};

#[derive(Default, Serialize)]
#[serde(transparent)]
pub(super) struct Facts(Map<String, Value>);

impl Facts {
    /// An object with one field.
    pub(super) fn of(field: &str, value: impl Into<Value>) -> Self {
        Self::default().with(field, value)
    }

    /// The same with one more field.
    pub(super) fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.set(field, value);
        self
    }

    pub(super) fn set(&mut self, field: &str, value: impl Into<Value>) {
        self.0.insert(field.to_owned(), value.into());
    }

    /// Takes over the fields of another object.
    pub(super) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

impl From<Facts> for Value {
    fn from(facts: Facts) -> Self {
        Self::Object(facts.0)
    }
}
