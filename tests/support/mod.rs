//! What the tests share: the recorded data, and small conveniences.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing
)]

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

pub struct Vectors(Value);

impl Vectors {
    /// tests/vectors/numerbay-v2.json, recorded from NumerBay's own clients.
    pub fn numerbay() -> Self {
        let vectors = Self::read("numerbay-v2.json");
        assert_eq!(vectors.0["format"], "numerbay-v2-vectors");
        assert_eq!(vectors.0["version"], 1);
        vectors
    }

    /// tests/vectors/ledger-ethereum-app.json, recorded from Ledger's own Ethereum app.
    pub fn ledger() -> Self {
        let vectors = Self::read("ledger-ethereum-app.json");
        assert_eq!(vectors.0["schema"], "ledger-ethereum-app-recordings/1");
        vectors
    }

    fn read(name: &str) -> Self {
        let path = format!("{}/tests/vectors/{name}", env!("CARGO_MANIFEST_DIR"));
        Self(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
    }

    pub fn section(&self, name: &str) -> &[Value] {
        self.0[name].as_array().unwrap()
    }

    /// Runs `check` over every entry of a section. A failure names the entry; nothing is skipped.
    pub fn for_each(&self, section: &str, check: impl Fn(&Value)) {
        let entries = self.section(section);
        assert!(!entries.is_empty());
        for (index, entry) in entries.iter().enumerate() {
            let id = entry["id"].as_str().map_or_else(|| format!("#{index}"), str::to_owned);
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(entry)));
            assert!(result.is_ok(), "{section}: {id} does not hold");
            println!("{section}: {id} holds");
        }
        println!("{section}: {} entries, none skipped", entries.len());
    }

    pub fn entry(&self, section: &str, id: &str) -> &Value {
        let found = self.section(section).iter().find(|entry| entry["id"] == id);
        found.unwrap_or_else(|| panic!("{section} has no {id}"))
    }

    pub fn wallet(&self, entry: &Value) -> &Value {
        self.entry("wallets", text(entry, "wallet"))
    }
}

pub fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_else(|| panic!("{field} is no text"))
}

pub fn unbase64(text: &str) -> Vec<u8> {
    BASE64_STANDARD.decode(text).unwrap()
}

pub fn base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

pub fn unhex<const N: usize>(text: &str) -> [u8; N] {
    unhex_any(text).try_into().unwrap()
}

pub fn unhex_any(text: &str) -> Vec<u8> {
    base16ct::mixed::decode_vec(text.strip_prefix("0x").unwrap_or(text)).unwrap()
}

pub fn hex(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(bytes)
}

/// The plaintext of a recorded box, made from its label as tests/vectors/README.md says, and checked.
pub fn plaintext(entry: &Value) -> Vec<u8> {
    let spec = &entry["plaintext"];
    let length = usize::try_from(spec["length"].as_u64().unwrap()).unwrap();
    let mut bytes = Vec::new();
    for block in 0.. {
        if bytes.len() >= length {
            break;
        }
        bytes.extend(Sha256::digest(format!(
            "numerbay-vectors/{}/{block}",
            text(spec, "label")
        )));
    }
    bytes.truncate(length);
    assert_eq!(hex(&Sha256::digest(&bytes)), text(spec, "sha256"));
    bytes
}
