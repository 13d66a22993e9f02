//! What the signatures of requests and answers have in common (RFC 9421): the two headers, the covered components, the
//! parameters, and the text that is signed.

use http::HeaderMap;
use sfv::{BareItem, FieldType as _, Item, ListEntry, Parameters};

use super::fields::{self, header};
use super::key::KeyId;
use super::{ALGORITHM, LABEL, SignatureError};
use crate::text::printable;

/// The identifiers of components as they stand in the signed text.
pub(super) const METHOD: &str = "\"@method\"";
pub(super) const AUTHORITY: &str = "\"@authority\"";
pub(super) const PATH: &str = "\"@path\"";
pub(super) const QUERY: &str = "\"@query\"";
pub(super) const STATUS: &str = "\"@status\"";
pub(super) const CONTENT_DIGEST: &str = "\"content-digest\"";
pub(super) const REQUEST_SIGNATURE: &str = "\"signature\";req;key=\"saltbridge\"";

/// `Signature-Input`: which components are covered, in which order, and the parameters.
#[derive(Clone, Debug)]
pub(super) struct Input {
    covered: Vec<&'static str>,
    parameters: Parameters,
    /// The list with its parameters as it stands in the header, and as the last line of the signed text.
    text: String,
}

impl Input {
    /// Reads the header. It covers exactly `wanted`, in any order, and has no other parameters than `known`.
    pub(super) fn read(
        headers: &HeaderMap,
        wanted: &[&'static str],
        known: &[&'static str],
    ) -> Result<Self, SignatureError> {
        const HEADER: &str = "Signature-Input";
        let text = header(headers, HEADER, SignatureError::Missing { header: HEADER })?;
        let (member, own) = fields::member(text, LABEL).map_err(SignatureError::Input)?;
        let ListEntry::InnerList(list) = member else {
            return Err(SignatureError::Input("its member is not a list of components"));
        };
        let mut covered = Vec::with_capacity(wanted.len());
        for item in &list.items {
            let identifier = item.serialize();
            match wanted.iter().find(|name| **name == identifier) {
                Some(name) if !covered.contains(name) => covered.push(*name),
                _ => {
                    return Err(SignatureError::UnknownComponent {
                        shown: printable(&identifier),
                    });
                }
            }
        }
        if let Some(name) = wanted.iter().find(|name| !covered.contains(name)) {
            return Err(SignatureError::MissingComponent { name });
        }
        if let Some(name) = list.params.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(SignatureError::UnknownParameter {
                shown: printable(name.as_str()),
            });
        }
        Ok(Self {
            covered,
            parameters: list.params,
            text: own.to_owned(),
        })
    }

    /// The parameter `created`: seconds since 1970.
    pub(super) fn created(&self) -> Result<i64, SignatureError> {
        match self.parameter("created")? {
            BareItem::Integer(seconds) => Ok(i64::from(*seconds)),
            _ => Err(SignatureError::Parameter {
                name: "created",
                expected: "a whole number of seconds",
            }),
        }
    }

    /// The parameter `keyid`.
    pub(super) fn key_id(&self) -> Result<KeyId, SignatureError> {
        self.string("keyid", "the name of a key: 43 characters of base64", |text| text.parse().ok())
    }

    /// The parameter `tag` is `wanted`, and `alg`, if it is there, is the one that there is.
    pub(super) fn check_kind(&self, wanted: &'static str) -> Result<(), SignatureError> {
        self.string("tag", wanted, |text| (text == wanted).then_some(()))?;
        if self.parameters.contains_key("alg") {
            self.string("alg", ALGORITHM, |text| (text == ALGORITHM).then_some(()))?;
        }
        Ok(())
    }

    /// What `read` makes of the parameter `name`, which is a string.
    pub(super) fn string<T>(
        &self,
        name: &'static str,
        expected: &'static str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, SignatureError> {
        let text = self.parameter(name)?.as_string();
        text.and_then(|text| read(text.as_str()))
            .ok_or(SignatureError::Parameter { name, expected })
    }

    fn parameter(&self, name: &'static str) -> Result<&BareItem, SignatureError> {
        self.parameters
            .get(name)
            .ok_or(SignatureError::MissingParameter { name })
    }

    /// The text that is signed (RFC 9421, section 2.5), given the value of each component.
    pub(super) fn base<'a>(&self, value: impl Fn(&str) -> &'a str) -> String {
        base(&self.covered, &self.text, value)
    }
}

/// The text that is signed, for components and parameters that are written here.
pub(super) fn base<'a>(covered: &[&'static str], parameters: &str, value: impl Fn(&str) -> &'a str) -> String {
    let mut text = String::new();
    for name in covered {
        text.extend([name, ": ", value(name), "\n"]);
    }
    text + "\"@signature-params\": " + parameters
}

/// The 64 bytes r ‖ s in the header `Signature`.
pub(super) fn signature(headers: &HeaderMap) -> Result<[u8; 64], SignatureError> {
    const HEADER: &str = "Signature";
    let fault = SignatureError::Bytes;
    let text = header(headers, HEADER, SignatureError::Missing { header: HEADER })?;
    match fields::member(text, LABEL).map_err(fault)?.0 {
        ListEntry::Item(Item {
            bare_item: BareItem::ByteSequence(bytes),
            params,
        }) if params.is_empty() => bytes.try_into().map_err(|_| fault("it has not 64 bytes")),
        _ => Err(fault("its member is not a byte sequence alone")),
    }
}
