//! What the tests share: the recorded data, and small conveniences.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
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
        bytes.extend(Sha256::digest(format!("numerbay-vectors/{}/{block}", text(spec, "label"))));
    }
    bytes.truncate(length);
    assert_eq!(hex(&Sha256::digest(&bytes)), text(spec, "sha256"));
    bytes
}

/// A folder with the recorded data of one recipient as files, in which the program is run.
pub struct Desk {
    pub folder: tempfile::TempDir,
    /// Where the locks of devices lie.
    locks: tempfile::TempDir,
}

impl Default for Desk {
    fn default() -> Self {
        Self::new()
    }
}

impl Desk {
    pub fn empty() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            locks: tempfile::tempdir().unwrap(),
        }
    }

    /// With `envelope.json`, `signature.txt`, `numerbay.json` and `report.csv.sealed` (1000 bytes of plaintext).
    pub fn new() -> Self {
        let desk = Self::empty();
        let vectors = Vectors::numerbay();
        let envelope = vectors.entry("envelopes", "env-speculos-44h_60h_0h_0_0-v27");
        desk.put("envelope.json", text(envelope, "envelope"));
        desk.put("signature.txt", text(envelope, "signature"));
        desk.put("numerbay.json", text(envelope, "key_file"));
        let sealed = vectors.entry("sealed", "sealed-web-env-speculos-44h_60h_0h_0_0-v27-1000");
        desk.put("report.csv.sealed", unbase64(text(sealed, "ciphertext")));
        desk
    }

    pub fn locks(&self) -> &std::path::Path {
        self.locks.path()
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    pub fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// All names in the folder, sorted, the hidden ones too.
    pub fn names(&self) -> Vec<String> {
        names_in(self.folder.path())
    }

    /// The program with these arguments, to be run here.
    pub fn command<S: AsRef<std::ffi::OsStr>>(&self, args: &[S]) -> std::process::Command {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_saltbridge"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env("XDG_RUNTIME_DIR", self.locks.path())
            .env_remove("SALTBRIDGE_DEVICE")
            .stdin(std::process::Stdio::null());
        command
    }

    /// Exports the envelope with its signature, and these arguments more.
    pub fn export(&self, more: &[&str]) -> Run {
        let usual = ["export", "--envelope", "envelope.json", "--signature-file", "signature.txt"];
        self.run(&[&usual, more].concat())
    }

    /// Decrypts the sealed file with the key file, and these arguments more.
    pub fn decrypt(&self, more: &[&str]) -> Run {
        let usual = ["decrypt", "report.csv.sealed", "--key-file", "numerbay.json"];
        self.run(&[&usual, more].concat())
    }

    /// Runs it to its end.
    pub fn run<S: AsRef<std::ffi::OsStr>>(&self, args: &[S]) -> Run {
        Run::of(self.command(args).output().unwrap())
    }
}

pub fn names_in(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[derive(Debug)]
pub struct Run {
    pub status: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Run {
    pub fn of(output: std::process::Output) -> Self {
        Self {
            status: output.status.code(),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Fails unless it ended with this exit status and this error code.
    pub fn failed_with(&self, status: i32, code: &str) -> &Self {
        assert_eq!(self.status, Some(status), "{self:?}");
        assert!(self.stderr.contains(&format!("code: {code}\n")), "{code}: {self:?}");
        assert!(self.stderr.contains("  help: "), "{self:?}");
        self
    }

    pub fn succeeded(&self) -> &Self {
        assert_eq!(self.status, Some(0), "{self:?}");
        self
    }
}

/// Says loudly that something could not be tested here, and why. In CI that is a failure.
pub fn skip(what: &str, reason: &str) {
    assert!(std::env::var_os("CI").is_none(), "never skipped in CI: {what}: {reason}");
    eprintln!("\n*** SKIPPED: {what}: {reason} ***\n");
}
