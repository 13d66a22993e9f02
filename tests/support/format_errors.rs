//! The reasons why a text does not have the form it should have, shortly.
#![allow(dead_code, unreachable_pub, missing_docs)]

use std::borrow::Cow;

use saltbridge::encryption::FormatError;

pub fn duplicate(field: &'static str) -> FormatError {
    FormatError::DuplicateField { field }
}

pub fn missing(field: &'static str) -> FormatError {
    FormatError::MissingField { field }
}

pub fn bad_base64(field: &'static str) -> FormatError {
    FormatError::BadBase64 { field }
}

pub fn wrong_type(field: &'static str, found: &'static str) -> FormatError {
    FormatError::WrongType {
        what: Cow::Owned(format!(r#"the field "{field}""#)),
        expected: "a string",
        found,
    }
}

pub fn wrong_length(field: &'static str, found: usize) -> FormatError {
    FormatError::WrongLength {
        field,
        expected: 32,
        found,
    }
}
