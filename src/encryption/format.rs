//! Reading a JSON object of which a few fields matter: the one way in for every text from outside.
//!
//! Promises: unknown fields and spacing are of no account, as in the web app; a field that matters and stands twice is
//! refused, because two readers could take two different values; errors name the field and never its content.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use zeroize::Zeroizing;

use crate::fault::{Class, Explanation, Fault};

/// Why a text does not have the form it should have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// Not JSON: a syntax error, or bytes after the end.
    #[error("not JSON (line {line}, column {column})")]
    NotJson {
        /// Line of the first byte that does not fit, from 1.
        line: usize,
        /// Column of it in bytes, from 1.
        column: usize,
    },
    /// Nothing, or white space alone.
    #[error("empty")]
    Empty,
    /// A value of another JSON type than it should have.
    #[error("{what} is {found} where {expected} should be")]
    WrongType {
        /// The field, or `the text` for the whole.
        what: Cow<'static, str>,
        /// The type it should have.
        expected: &'static str,
        /// The type it has.
        found: &'static str,
    },
    /// A field that must be there is not.
    #[error("the field \"{field}\" is missing")]
    MissingField {
        /// Its name.
        field: &'static str,
    },
    /// A field stands twice.
    #[error("the field \"{field}\" stands there twice")]
    DuplicateField {
        /// Its name.
        field: &'static str,
    },
    /// A field is not base64 in the standard alphabet with padding.
    #[error("{field} is not base64 (standard alphabet, with padding, no white space)")]
    BadBase64 {
        /// Its name.
        field: &'static str,
    },
    /// A field is base64 of the wrong number of bytes.
    #[error("{field} holds {found} bytes where {expected} should be")]
    WrongLength {
        /// Its name.
        field: &'static str,
        /// How many bytes it should hold.
        expected: usize,
        /// How many it holds.
        found: usize,
    },
}

impl Fault for FormatError {
    fn explain(&self) -> Explanation {
        let damaged = |code, help| Explanation::new(code, Class::Damaged, help);
        match self {
            Self::NotJson { .. } => {
                damaged("not-json", "the whole text is needed, from the first { to the last }, and nothing else")
            }
            Self::Empty => damaged("empty", "check that the text was saved"),
            Self::WrongType { found: "a string", .. } => {
                damaged("wrong-type", "a text with \\\" in it was encoded twice: decode it once")
            }
            Self::WrongType { .. } => damaged("wrong-type", "check that the right text was saved"),
            Self::MissingField { .. } => damaged(
                "missing-field",
                "check that the right text was saved; `saltbridge inspect` says what a file holds",
            ),
            Self::DuplicateField { .. } => damaged(
                "duplicate-field",
                "two readers could take two different values: get the text again from where it came from",
            ),
            Self::BadBase64 { .. } => damaged("bad-base64", "copy the text again, whole and without line breaks"),
            Self::WrongLength { .. } => {
                damaged("wrong-length", "copy the text again, whole; keys are 32 bytes, 44 characters of base64")
            }
        }
    }
}

/// A JSON value, as far as it matters here.
pub(super) enum Value {
    /// `null`.
    Null,
    /// A string. Wiped on drop: it may be a key.
    Text(Zeroizing<String>),
    /// Anything else, by the name of its type.
    Other(&'static str),
}

impl Value {
    fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Text(_) => "a string",
            Self::Other(kind) => kind,
        }
    }
}

/// Lists of the names of fields that matter.
type Names = &'static [&'static [&'static str]];

/// The fields of a JSON object that matter.
pub(super) struct Object {
    fields: Vec<(&'static str, Value)>,
}

impl Object {
    /// Reads `text` as a JSON object and keeps the fields named in one of the lists of `names`.
    pub(super) fn parse(text: &str, names: Names) -> Result<Self, FormatError> {
        if text.trim_ascii().is_empty() {
            return Err(FormatError::Empty);
        }
        let mut reader = serde_json::Deserializer::from_str(text);
        let top = reader
            .deserialize_any(TopVisitor { names })
            .and_then(|top| reader.end().map(|()| top))
            .map_err(|error| FormatError::NotJson {
                line: error.line(),
                column: error.column(),
            })?;
        let fields = match top {
            Top::Object(fields) => fields,
            Top::Other(found) => {
                return Err(FormatError::WrongType {
                    what: Cow::Borrowed("the text"),
                    expected: "a JSON object",
                    found,
                });
            }
        };
        for (index, (field, _)) in fields.iter().enumerate() {
            if fields.iter().skip(index + 1).any(|(other, _)| other == field) {
                return Err(FormatError::DuplicateField { field });
            }
        }
        Ok(Self { fields })
    }

    /// Whether none of the fields that matter is there.
    pub(super) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Whether the field is there, whatever it holds.
    pub(super) fn has(&self, field: &'static str) -> bool {
        self.fields.iter().any(|(name, _)| *name == field)
    }

    /// The text of a field that must be there.
    pub(super) fn text(&mut self, field: &'static str) -> Result<Zeroizing<String>, FormatError> {
        match self.take(field) {
            None => Err(FormatError::MissingField { field }),
            Some(value) => expect_text(field, value),
        }
    }

    /// The text of a field that may be absent or null.
    pub(super) fn optional_text(&mut self, field: &'static str) -> Result<Option<Zeroizing<String>>, FormatError> {
        match self.take(field) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => expect_text(field, value).map(Some),
        }
    }

    fn take(&mut self, field: &'static str) -> Option<Value> {
        let index = self.fields.iter().position(|(name, _)| *name == field)?;
        Some(self.fields.swap_remove(index).1)
    }
}

fn expect_text(field: &'static str, value: Value) -> Result<Zeroizing<String>, FormatError> {
    match value {
        Value::Text(text) => Ok(text),
        other => Err(FormatError::WrongType {
            what: Cow::Owned(format!("the field \"{field}\"")),
            expected: "a string",
            found: other.kind(),
        }),
    }
}

enum Top {
    Object(Vec<(&'static str, Value)>),
    Other(&'static str),
}

struct TopVisitor {
    names: Names,
}

/// The visitor methods for the JSON types that carry nothing of use but their name.
macro_rules! kinds {
    ($result:path) => {
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok($result("a boolean"))
        }
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok($result("a number"))
        }
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok($result("a number"))
        }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok($result("a number"))
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok($result("an array"))
        }
    };
}

impl<'de> Visitor<'de> for TopVisitor {
    type Value = Top;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    kinds!(Top::Other);

    fn visit_unit<E>(self) -> Result<Top, E> {
        Ok(Top::Other("null"))
    }

    fn visit_str<E>(self, _: &str) -> Result<Top, E> {
        Ok(Top::Other("a string"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Top, A::Error> {
        let mut fields = Vec::new();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match self.names.iter().copied().flatten().find(|name| **name == key) {
                Some(name) => fields.push((*name, map.next_value()?)),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Top::Object(fields))
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    kinds!(Value::Other);

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(Zeroizing::new(text.to_owned())))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Other("an object"))
    }
}
