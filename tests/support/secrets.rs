//! The secrets of recorded entries, as they might be printed.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use serde_json::Value;

use crate::support::{base64, hex, unbase64, unhex_any};

/// The secrets of an entry in every spelling in which they might be printed.
pub fn secrets(entry: &Value) -> Vec<String> {
    let private_key = ["private_key"]
        .into_iter()
        .filter_map(|field| entry[field].as_str())
        .map(unbase64);
    let expected = entry["expect"]["private_key"].as_str().map(unbase64);
    let in_hex = ["storage_key_hex", "signature", "signature_over_salt", "signature_low_v"];
    let in_hex = in_hex
        .into_iter()
        .filter_map(|field| entry[field].as_str())
        .map(unhex_any);
    let mut all = Vec::new();
    for secret in private_key.chain(expected).chain(in_hex) {
        // Of a signature, r and s alone are enough to make the key.
        let parts: Vec<&[u8]> = if secret.len() == 65 {
            vec![&secret, &secret[..64], &secret[..32]]
        } else {
            vec![&secret]
        };
        for part in parts {
            let decimal = part.iter().map(u8::to_string).collect::<Vec<_>>();
            all.extend([hex(part), hex(part).to_uppercase(), decimal.join(","), decimal.join(", ")]);
            // Base64 of a longer text that begins with it differs in the last character.
            all.push(
                base64(part)
                    .trim_end_matches('=')
                    .split_at(base64(part).len() * 9 / 10)
                    .0
                    .to_owned(),
            );
        }
    }
    all
}
