//! Headers that are structured fields (RFC 9651), read in their one canonical spelling.
//!
//! A structured field may be spelled in many ways, and one that names a thing twice means the last. Here it must stand
//! as RFC 9651 writes it (section 4.1), so that what was signed and what is read can never differ.

use http::{HeaderMap, HeaderValue};
use sfv::{Dictionary, FieldType as _, ListEntry, Parser};

use super::SignatureError;

/// The text of the header `name`, which stands exactly once.
pub(super) fn header<'a>(
    headers: &'a HeaderMap,
    name: &'static str,
    missing: SignatureError,
) -> Result<&'a str, SignatureError> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().ok_or(missing)?;
    if values.next().is_some() {
        return Err(SignatureError::Repeated { header: name });
    }
    value.to_str().map_err(|_| SignatureError::NotAscii { header: name })
}

/// The one member of a dictionary, which must be called `label`, and its own text. On failure, what is wrong.
pub(super) fn member<'a>(text: &'a str, label: &str) -> Result<(ListEntry, &'a str), &'static str> {
    let dictionary: Dictionary = Parser::new(text)
        .parse()
        .map_err(|_| "it is not a dictionary (RFC 9651)")?;
    let mut members = dictionary.iter();
    let (Some((key, member)), None) = (members.next(), members.next()) else {
        return Err("it has not exactly one member");
    };
    if key.as_str() != label {
        return Err("its member is called otherwise");
    }
    // Spaces, leading zeros, unused bits, and whatever stood twice are gone when it is written again.
    if dictionary.serialize().as_deref() != Some(text) {
        return Err("it is not spelled canonically (RFC 9651, section 4.1)");
    }
    let own = text.strip_prefix(label).and_then(|rest| rest.strip_prefix('='));
    Ok((member.clone(), own.ok_or("its member has no value")?))
}

/// A header's value of text that is made here: printable ASCII always.
pub(super) fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| unreachable!("structured fields are ASCII"))
}
