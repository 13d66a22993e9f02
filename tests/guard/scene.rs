//! A bridge with two paired pages, one of which holds a key; and requests that must leave all of that as it was.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::page::{Body, Draft, Page, SignedRequest};
use crate::served::{Answer, NUMERBAY, Served};
use crate::stage::{PATIENCE, approving};
use crate::support::base64;

/// Paired for `encrypt` alone.
pub const OTHER: &str = "https://other.example";

/// Named by the person, not yet paired.
pub const INVITED: &str = "https://invited.example";

/// Nobody knows it.
pub const HOSTILE: &str = "https://evil.example";

/// What hyper answers itself, to what it cannot read, has no body.
pub const NO_CODE: &str = "";

/// A request that is refused.
pub struct Row {
    pub name: String,
    pub bytes: Vec<u8>,
    pub status: u16,
    pub code: &'static str,
    /// The request beside it that passes.
    pub good: Option<Vec<u8>>,
}

pub fn row(name: impl Into<String>, bytes: impl Into<Vec<u8>>, status: u16, code: &'static str) -> Row {
    let (name, bytes) = (name.into(), bytes.into());
    Row {
        name,
        bytes,
        status,
        code,
        good: None,
    }
}

impl Row {
    /// The same row; this one passes.
    pub fn beside(mut self, good: impl Into<Vec<u8>>) -> Self {
        self.good = Some(good.into());
        self
    }
}

/// What is called: each leaves everything as it is, and asks the device nothing.
#[derive(Clone, Copy)]
pub enum Call {
    /// No body.
    Status,
    /// JSON: the envelope whose key the page holds already.
    Unwrap,
    /// Bytes.
    Encrypt,
}

/// What must not change.
#[derive(Debug, PartialEq, Eq)]
pub struct Kept {
    commands: String,
    files: Vec<(PathBuf, Vec<u8>)>,
    pairings: Value,
    keys: [Value; 2],
}

pub struct Scene {
    pub served: Served,
    pub page: Page,
    pub other: Page,
    pub invited: Page,
    /// Nobody knows it, but it knows how requests are signed.
    pub hostile: Page,
    /// A key that `page` holds.
    pub handle: String,
    envelope: String,
    public_key: String,
}

impl Scene {
    pub fn new() -> Self {
        let served = Served::new();
        let (page, other) = (served.paired(NUMERBAY, None), served.paired(OTHER, Some("encrypt")));
        served.invite(INVITED, &[]);
        let [invited, hostile] = [INVITED, HOSTILE].map(|origin| Page::new(origin, &served.authority));
        let envelope = String::from_utf8(served.desk.read("envelope.json")).unwrap();
        let mut scene = Self {
            served,
            page,
            other,
            invited,
            hostile,
            handle: String::new(),
            envelope,
            public_key: base64(&[9; 32]),
        };
        let unwrap = scene.draft(Call::Unwrap).sign();
        let answer = approving(&[&scene.served.stage], || scene.served.ask(&scene.page, &unwrap));
        assert_eq!(answer.status, 200, "{answer:?}");
        scene.handle = answer.json()["handle"].as_str().unwrap().to_owned();
        scene
    }

    /// A good request of the page.
    pub fn draft(&self, call: Call) -> Draft<'_> {
        self.draft_of(&self.page, call)
    }

    /// The same of another page.
    pub fn draft_of<'a>(&self, page: &'a Page, call: Call) -> Draft<'a> {
        let encrypt = format!("/v1/encrypt?public_key={}", self.public_key.replace('+', "%2B").replace('=', "%3D"));
        match call {
            Call::Status => page.draft("GET", "/v1/status", Body::None),
            Call::Unwrap => page.draft("POST", "/v1/unwrap", Body::Json(json!({ "envelope": self.envelope }))),
            Call::Encrypt => page.draft("POST", &encrypt, Body::Bytes(b"a few bytes".to_vec())),
        }
    }

    /// A row that differs from a good request in what `change` does to it, and that good request beside it.
    pub fn near(
        &self,
        name: impl Into<String>,
        call: Call,
        change: impl FnOnce(Draft<'_>) -> Draft<'_>,
        status: u16,
        code: &'static str,
    ) -> Row {
        let changed = change(self.draft(call)).sign().bytes();
        row(name, changed, status, code).beside(self.draft(call).sign().bytes())
    }

    /// The same; `change` is done to the text of its head once it is signed.
    pub fn near_head(
        &self,
        name: impl Into<String>,
        call: Call,
        change: impl FnOnce(&str) -> String,
        status: u16,
        code: &'static str,
    ) -> Row {
        let changed = with_head(&self.draft(call).sign(), change);
        row(name, changed, status, code).beside(self.draft(call).sign().bytes())
    }

    /// Every row is refused as it says, the request beside it passes, and nothing else comes of any of them.
    pub fn check(&self, rows: Vec<Row>) {
        self.check_by(|bytes| self.send(bytes), rows);
    }

    /// The same at the socket.
    pub fn check_at_socket(&self, rows: Vec<Row>) {
        self.check_by(|bytes| self.served.send_to_socket(bytes), rows);
    }

    fn check_by(&self, send: impl Fn(&[u8]) -> std::io::Result<Answer>, rows: Vec<Row>) {
        let before = self.kept();
        for Row {
            name,
            bytes,
            status,
            code,
            good,
        } in rows
        {
            if let Some(good) = good {
                let answer = send(&good).unwrap_or_else(|error| panic!("{name}, unchanged: {error}"));
                assert!((200..300).contains(&answer.status), "{name}, unchanged: {answer:?}");
                self.check_reader(&name, &good, &answer);
            }
            let answer = send(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
            let shown = String::from_utf8_lossy(&bytes);
            assert_eq!(answer.status, status, "{name}: {shown}");
            let is_head = bytes.starts_with(b"HEAD ");
            let found = if answer.body.is_empty() || is_head {
                NO_CODE.to_owned()
            } else {
                answer.code()
            };
            assert_eq!(found, code, "{name}: {shown}");
            self.check_reader(&name, &bytes, &answer);
            self.check_body(&name, &answer);
        }
        assert_eq!(self.kept(), before, "something came of it");
    }

    /// Only an origin that a person has named may read an answer, and only its own.
    fn check_reader(&self, name: &str, request: &[u8], answer: &Answer) {
        let Some(reader) = answer.header("access-control-allow-origin") else {
            return;
        };
        let request = String::from_utf8_lossy(request).to_lowercase();
        assert!([NUMERBAY, OTHER, INVITED].contains(&reader), "{name}: {reader} may read the answer");
        // Itself, or through the handoff window.
        let asks = ["origin", "saltbridge-opener"].map(|header| format!("\r\n{header}: {reader}\r\n"));
        assert!(asks.iter().any(|line| request.contains(line)), "{name}: {reader} did not ask");
        assert_eq!(answer.header("access-control-allow-credentials"), None, "{name}");
        assert_eq!(answer.header("vary"), Some("origin"), "{name}");
    }

    /// A refusal tells of nobody.
    fn check_body(&self, name: &str, answer: &Answer) {
        let body = String::from_utf8_lossy(&answer.body);
        let ids = [&self.page, &self.other].map(Page::key_id);
        let told = [NUMERBAY, OTHER, INVITED, HOSTILE, &self.handle, &ids[0], &ids[1]];
        for told in told.into_iter().filter(|told| !told.is_empty()) {
            assert!(!body.contains(told), "{name} is told of {told}: {body}");
        }
        assert!(answer.header("set-cookie").is_none() && answer.header("location").is_none(), "{name}");
    }

    /// Everything that a request could change.
    pub fn kept(&self) -> Kept {
        let at_socket = |target: &str| {
            let answer = self.served.send_to_socket(&plain("GET", target, "localhost", ""));
            answer.unwrap().json()
        };
        let keys_of = |page: &Page| {
            let request = self.draft_of(page, Call::Status).sign();
            self.served.ask(page, &request).json()["keys"].clone()
        };
        let mut files = Vec::new();
        collect(&self.served.desk.locks().join("state"), &mut files);
        assert!(files.len() >= 2, "identity and pairings are kept: {files:?}");
        Kept {
            commands: self.served.stage.commands(),
            files,
            pairings: at_socket("/v1/pairings"),
            keys: [keys_of(&self.page), keys_of(&self.other)],
        }
    }

    /// Sends a request to the port, whole, and reads the answer.
    pub fn send(&self, bytes: &[u8]) -> std::io::Result<Answer> {
        match bytes.starts_with(b"HEAD ") {
            false => self.served.send_raw(bytes),
            true => head_only(&self.served.authority, bytes),
        }
    }
}

/// An answer to HEAD, which tells the length of a body that does not come.
fn head_only(authority: &str, bytes: &[u8]) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect(authority)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let closing = String::from_utf8_lossy(bytes).replacen("\r\n", "\r\nConnection: close\r\n", 1);
    stream.write_all(closing.as_bytes())?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let head = text.strip_suffix("\r\n\r\n").expect("a head and nothing else");
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.filter_map(|line| line.split_once(": "));
    Ok(Answer {
        status,
        headers: headers
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect(),
        body: Vec::new(),
    })
}

/// A signed request whose head is changed as a text.
pub fn with_head(request: &SignedRequest, change: impl FnOnce(&str) -> String) -> Vec<u8> {
    let head = String::from_utf8(request.head.clone()).unwrap();
    let changed = change(&head);
    assert_ne!(changed, head, "nothing was changed");
    [changed.as_bytes(), &request.body].concat()
}

/// A request without a signature. `more`: header lines, each with its line end.
pub fn plain(method: &str, target: &str, host: &str, more: &str) -> Vec<u8> {
    format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n").into_bytes()
}

fn collect(folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        match path.is_dir() {
            true => collect(&path, files),
            false => files.push((path.clone(), std::fs::read(&path).unwrap())),
        }
    }
}
