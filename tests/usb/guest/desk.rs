//! What the buyer has on his desk: recorded envelopes, a sealed file, and the program.

use std::fs;
use std::os::unix::fs::chown;
use std::path::PathBuf;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::guest::{self, BUYER, Finished, Program, User};

const VECTORS: &str = include_str!("../../vectors/numerbay-v2.json");

/// The rules that ship for the members of a group, in whose lab nobody sits.
const PLUGDEV_RULES: &str = "70-saltbridge-ledger-plugdev.rules";

/// The account of the fake Ledger's seed that the recordings are of.
pub const ADDRESS: &str = "0xDad77910DbDFdE764fC21FCD4E74D71bBACA6D8D";

pub const DECRYPT: &str = "decrypt report.csv.sealed --envelope envelope.json --address \
                           0xDad77910DbDFdE764fC21FCD4E74D71bBACA6D8D --force";

/// An entry of the recordings of NumerBay's clients.
pub fn recorded(section: &str, id: &str) -> Value {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let all = vectors[section].as_array().unwrap();
    all.iter().find(|entry| entry["id"] == id).unwrap().clone()
}

/// Puts a file into the buyer's home.
pub fn put(name: &str, bytes: impl AsRef<[u8]>) {
    let path = home().join(name);
    fs::write(&path, bytes).unwrap();
    chown(&path, Some(1000), Some(1000)).unwrap();
}

fn home() -> PathBuf {
    "/home/buyer".into()
}

/// The buyer has bought a file: `report.csv.sealed`, 1000 bytes in it, and the envelope of its key.
pub fn buy() {
    let envelope = recorded("envelopes", "env-speculos-44h_60h_0h_0_0-v27");
    put("envelope.json", envelope["envelope"].as_str().unwrap());
    let sealed = recorded("sealed", "sealed-web-env-speculos-44h_60h_0h_0_0-v27-1000");
    let sealed = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, sealed["ciphertext"].as_str().unwrap());
    put("report.csv.sealed", sealed.unwrap());
    let _ = fs::remove_file(home().join("report.csv"));
}

/// What was sealed stands in `report.csv`, to the last byte.
pub fn is_decrypted() {
    let found = fs::read(home().join("report.csv")).unwrap();
    let sealed = recorded("sealed", "sealed-web-env-speculos-44h_60h_0h_0_0-v27-1000");
    let hash = base16ct::lower::encode_string(&Sha256::digest(&found));
    assert_eq!(hash, sealed["plaintext"]["sha256"].as_str().unwrap());
}

/// Nothing was opened.
pub fn nothing_is_decrypted() {
    assert!(!home().join("report.csv").exists());
}

/// The members of plugdev may use Ledgers, by the rules that ship.
pub fn admit_plugdev() {
    let rules = fs::read_to_string(PathBuf::from("/lab/udev").join(PLUGDEV_RULES)).unwrap();
    guest::write_rules(PLUGDEV_RULES, &rules);
}

/// The program with these arguments, as this user.
pub fn saltbridge_as(user: User, arguments: &str) -> Program {
    let words: Vec<_> = ["saltbridge"].into_iter().chain(arguments.split_whitespace()).collect();
    user.program(&words)
}

/// The same as the buyer.
pub fn saltbridge(arguments: &str) -> Program {
    saltbridge_as(BUYER, arguments)
}

impl Finished {
    /// It failed with this exit status and this code, and said how to go on.
    pub fn failed_with(&self, status: i32, code: &str) -> &Self {
        assert_eq!(self.status, Some(status), "{self:?}");
        assert!(self.stderr.contains(&format!("  code: {code}\n")), "not {code}: {}", self.stderr);
        assert!(self.stderr.contains("  help: "), "{}", self.stderr);
        self
    }

    pub fn says(&self, text: &str) -> &Self {
        assert!(self.stderr.contains(text), "it does not say {text:?}: {}", self.stderr);
        self
    }

    /// It succeeded, and printed this.
    pub fn printed(&self, text: &str) -> &Self {
        assert_eq!(self.succeeded(), text, "{}", self.stderr);
        self
    }
}
