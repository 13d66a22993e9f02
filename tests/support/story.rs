//! What pages do over and over: unlock, listen, wait, leave; and a bridge in this process whose clock a test moves.
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
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::page::{Body, Page, SignedRequest};
use crate::served::{Answer, Served, read_answer};
use crate::stage::{PATIENCE, Stage, approving};
use crate::support::{Desk, Vectors, text, unbase64};

/// The recorded envelope of a desk, its public key and its address, and a box sealed for it.
pub const ENVELOPE: &str = "env-speculos-44h_60h_0h_0_0-v27";
pub const SEALED: &str = "sealed-web-env-speculos-44h_60h_0h_0_0-v27-1000";

/// The envelope as a page has it in the profile.
pub fn envelope(desk: &Desk) -> String {
    String::from_utf8(desk.read("envelope.json")).unwrap()
}

/// What was recorded of it: `public_key`, `private_key`, `signature`, `salt_message` and more.
pub fn recorded() -> Value {
    Vectors::numerbay().entry("envelopes", ENVELOPE).clone()
}

pub fn recorded_address() -> String {
    let vectors = Vectors::numerbay();
    text(vectors.wallet(&recorded()), "address").to_owned()
}

pub fn post(page: &Page, target: &str, body: Value) -> SignedRequest {
    page.request("POST", target, Body::Json(body))
}

/// `POST /v1/unwrap` of the desk's envelope.
pub fn unwrap(page: &Page, desk: &Desk) -> SignedRequest {
    post(page, "/v1/unwrap", json!({ "envelope": envelope(desk) }))
}

/// Unlocks the desk's envelope for a page, the person approving; its handle.
pub fn unlock(served: &Served, page: &Page) -> String {
    let answer = approving(&[&served.stage], || served.ask(page, &unwrap(page, &served.desk)));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["handle"].as_str().unwrap().to_owned()
}

/// `POST /v1/keys/{handle}/decrypt` of the desk's sealed box.
pub fn decrypt(page: &Page, desk: &Desk, handle: &str) -> SignedRequest {
    page.request("POST", &format!("/v1/keys/{handle}/decrypt"), Body::Bytes(desk.read("report.csv.sealed")))
}

/// Whether a handle opens the desk's sealed box, and if not, the code of the refusal.
pub fn opens(served: &Served, page: &Page, handle: &str) -> Result<(), String> {
    let answer = served.ask(page, &decrypt(page, &served.desk, handle));
    match answer.status {
        200 => {
            let vectors = Vectors::numerbay();
            assert_eq!(answer.body, crate::support::plaintext(vectors.entry("sealed", SEALED)));
            Ok(())
        }
        _ => Err(answer.code()),
    }
}

pub fn status(served: &Served, page: &Page) -> Value {
    served.ask(page, &page.request("GET", "/v1/status", Body::None)).json()
}

/// How often the device has been asked for a signature.
pub fn questions(stage: &Stage) -> usize {
    let commands = stage.commands();
    commands.split(' ').filter(|command| *command == "e008").count()
}

/// What `work` gives, the person approving everything, and how many approvals that took.
pub fn with_approvals<T>(stage: &Stage, work: impl FnOnce() -> T) -> (T, usize) {
    let before = questions(stage);
    let result = approving(&[stage], work);
    (result, questions(stage) - before)
}

/// The public key of the recorded box's recipient.
pub fn recorded_public_key() -> [u8; 32] {
    unbase64(text(&recorded(), "public_key")).try_into().unwrap()
}

/// A request that was sent, whose answer is waited for. Whoever drops it has left.
pub struct InFlight(TcpStream);

impl InFlight {
    pub fn send(served: &Served, request: &SignedRequest) -> Self {
        let mut stream = TcpStream::connect(&served.authority).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(&request.bytes()).unwrap();
        Self(stream)
    }

    pub fn answer(mut self) -> Answer {
        read_answer(&mut self.0).unwrap_or_else(|error| panic!("no answer: {error}"))
    }

    /// The answer if it comes at once.
    pub fn has_answer(&self) -> bool {
        self.0.set_nonblocking(true).unwrap();
        let found = self.0.peek(&mut [0]);
        self.0.set_nonblocking(false).unwrap();
        found.is_ok()
    }

    /// Whether an answer with this status came before the connection ended.
    pub fn has_answer_of(mut self, status: u16) -> bool {
        read_answer(&mut self.0).is_ok_and(|answer| answer.status == status)
    }

    /// Closes the connection.
    pub fn leave(self) {
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

#[derive(Default)]
struct Heard {
    bytes: Vec<u8>,
    has_ended: bool,
}

/// An open `GET /v1/events`, read by a thread of its own.
pub struct Events {
    heard: Arc<(Mutex<Heard>, Condvar)>,
    stream: TcpStream,
}

impl Events {
    /// Opens it, checks that the bridge signed its head, and that it has begun.
    pub fn open(served: &Served, page: &Page) -> Self {
        let request = page.request("GET", "/v1/events", Body::None);
        let mut stream = TcpStream::connect(&served.authority).unwrap();
        stream.write_all(&request.bytes()).unwrap();
        let heard = Arc::<(Mutex<Heard>, Condvar)>::default();
        let (mut reading, hearing) = (stream.try_clone().unwrap(), Arc::clone(&heard));
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = reading.read(&mut piece) {
                let mut heard = hearing.0.lock().unwrap();
                heard.bytes.extend(&piece[..length]);
                // The last chunk; the connection may stay open for another request.
                heard.has_ended |= heard.bytes.ends_with(b"\r\n0\r\n\r\n");
                drop(heard);
                hearing.1.notify_all();
            }
            hearing.0.lock().unwrap().has_ended = true;
            hearing.1.notify_all();
        });
        let events = Self { heard, stream };
        events.wait_for(|heard| String::from_utf8_lossy(heard).contains(": events\n\n"));
        let bytes = events.bytes();
        // The head ends before what is asserted to be there.
        let length = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(bytes[..length].to_vec()).unwrap();
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        let headers = head.lines().filter_map(|line| line.split_once(": "));
        let headers: Vec<_> = headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        page.verify(&request, 200, &headers, b"").unwrap();
        events
    }

    fn wait_for(&self, wanted: impl Fn(&[u8]) -> bool) {
        let heard = self.heard.0.lock().unwrap();
        let missing = |heard: &mut Heard| !wanted(&heard.bytes);
        let (heard, waited) = self.heard.1.wait_timeout_while(heard, PATIENCE, missing).unwrap();
        assert!(!waited.timed_out(), "never told; told was {}", String::from_utf8_lossy(&heard.bytes));
    }

    /// Waits until an event of this name has come as often.
    pub fn wait(&self, name: &str, times: usize) {
        let event = format!("data: {{\"event\":\"{name}\"");
        self.wait_for(|heard| String::from_utf8_lossy(heard).matches(&event).count() >= times);
    }

    pub fn wait_for_end(&self) {
        let heard = self.heard.0.lock().unwrap();
        let (heard, _) = self
            .heard
            .1
            .wait_timeout_while(heard, PATIENCE, |heard| !heard.has_ended)
            .unwrap();
        assert!(heard.has_ended, "the stream does not end");
    }

    /// Everything that came, head and all.
    pub fn bytes(&self) -> Vec<u8> {
        self.heard.0.lock().unwrap().bytes.clone()
    }

    /// The events so far.
    pub fn all(&self) -> Vec<Value> {
        let bytes = self.bytes();
        let text = String::from_utf8(bytes).unwrap();
        let events = text.lines().filter_map(|line| line.strip_prefix("data: "));
        events.map(|json| serde_json::from_str(json).unwrap()).collect()
    }

    /// Their names.
    pub fn names(&self) -> Vec<String> {
        self.all().iter().map(|event| text(event, "event").to_owned()).collect()
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// Starts the bridge that was stopped anew, at the same port, over what it kept. Its log begins anew, too.
pub fn restart(served: &mut Served) {
    restart_with(served, |_| ());
}

/// The same, with these changes to its command.
pub fn restart_with(served: &mut Served, change: impl FnOnce(&mut Command)) {
    let log = served.desk.path("serve.log");
    // A new file: its age is the bridge's.
    std::fs::remove_file(&log).unwrap();
    let log = std::fs::File::create(log).unwrap();
    let device = served.stage.endpoint().to_string();
    let port = served.authority.rsplit(':').next().unwrap().to_owned();
    let mut command = served.command(&["serve", "-vvv", "--port", &port, "--device", &device]);
    change(command.stdout(log.try_clone().unwrap()).stderr(log));
    served.child = command.spawn().unwrap();
    served.wait_for_log("Listening at http://", |_| Some(()));
}

/// The files without a name that the bridge has open: what of bodies waits on the disk. None, loudly, where that cannot
/// be seen.
pub fn spools(served: &Served) -> Option<Vec<PathBuf>> {
    if !rustix::process::geteuid().is_root() {
        crate::support::skip("the spool files", "only root sees another process's open files");
        return None;
    }
    let fds = std::fs::read_dir(format!("/proc/{}/fd", served.child.id())).unwrap();
    let fds = fds.filter_map(|fd| Some(fd.ok()?.path()));
    let is_spool = |fd: &PathBuf| {
        let link = std::fs::read_link(fd);
        link.is_ok_and(|link| link.to_string_lossy().ends_with("(deleted)"))
    };
    Some(fds.filter(is_spool).collect())
}

/// Waits for what comes about without a sign; how long a machine may take that is loaded.
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = std::time::Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
