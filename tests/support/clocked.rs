//! A bridge in this process, over an emulated Ledger, with a clock that a test moves.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Write as _;
use std::net::TcpStream;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use saltbridge::bridge::{self, Bridge, Clock, Config, Instant, Keeping};
use saltbridge::emulator::{Device, Start};
use saltbridge::files::Folder;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::page::{Page, SignedRequest, now};
use crate::served::{Answer, read_answer};
use crate::stage::{PATIENCE, Stage};

/// Hands on a clock: how long the machine runs, and how long of that it was suspended.
#[derive(Default)]
pub struct Hands(Mutex<(Duration, Duration)>);

impl Hands {
    pub fn pass(&self, time: Duration) {
        self.0.lock().unwrap().0 += time;
    }

    /// The machine is suspended for so long.
    pub fn suspend(&self, time: Duration) {
        let mut hands = self.0.lock().unwrap();
        hands.0 += time;
        hands.1 += time;
    }
}

impl Clock for Hands {
    fn now(&self) -> Instant {
        Instant::at(self.0.lock().unwrap().0)
    }

    fn suspended(&self) -> Duration {
        self.0.lock().unwrap().1
    }
}

/// The bridge. It ends with this.
pub struct Clocked {
    pub stage: Stage,
    pub clock: Arc<Hands>,
    pub authority: String,
    socket: PathBuf,
    folder: tempfile::TempDir,
    stop: Arc<Notify>,
    serving: Option<JoinHandle<()>>,
}

impl Clocked {
    pub fn new(keeping: Keeping) -> Self {
        let (stage, clock) = (Stage::new(Start::App), Arc::new(Hands::default()));
        let folder = tempfile::tempdir().unwrap();
        let config = Config {
            endpoint: stage.endpoint().clone(),
            keeping,
            spool: Folder::open(folder.path()).unwrap(),
            teller: Arc::new(|_| ()),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
        };
        // As if it had listened for some seconds: what pages sign is good at once.
        let bridge = Arc::new(Bridge::new(folder.path(), config, now() - 10).unwrap());
        let loopback = bridge::bind(0).unwrap();
        let authority = loopback.local_addr().unwrap().to_string();
        let socket = folder.path().join("socket");
        let programs = UnixListener::bind(&socket).unwrap();
        let stop = Arc::new(Notify::new());
        let stopping = Arc::clone(&stop);
        let serving = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build();
            let served = bridge::serve(bridge, loopback, Some(programs), async move { stopping.notified().await });
            runtime.unwrap().block_on(served).unwrap();
        });
        Self {
            stage,
            clock,
            authority,
            socket,
            folder,
            stop,
            serving: Some(serving),
        }
    }

    /// What a program of the user is answered.
    pub fn program(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let about = if body.is_empty() {
            String::new()
        } else {
            format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len())
        };
        let mut stream = UnixStream::connect(&self.socket).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{about}\r\n{body}").unwrap();
        read_answer(&mut stream).unwrap()
    }

    /// A code for an origin.
    pub fn invite(&self, origin: &str) -> String {
        let answer = self.program("POST", "/v1/pairings/codes", Some(json!({ "origin": origin })));
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["code"].as_str().unwrap().to_owned()
    }

    pub fn send(&self, request: &SignedRequest) -> Answer {
        let mut stream = TcpStream::connect(&self.authority).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(&request.bytes()).unwrap();
        read_answer(&mut stream).unwrap()
    }

    /// The same, and the answer must be signed.
    pub fn ask(&self, page: &Page, request: &SignedRequest) -> Answer {
        let answer = self.send(request);
        let verified = page.verify(request, answer.status, &answer.headers, &answer.body);
        verified.unwrap_or_else(|error| panic!("{error}: {answer:?}"));
        answer
    }

    /// A page that has paired.
    pub fn paired(&self, origin: &str) -> Page {
        let code = self.invite(origin);
        let mut page = Page::new(origin, &self.authority);
        let request = page.pairing_request(&code);
        let answer = self.send(&request);
        page.pair(&code, &request, answer.status, &answer.headers, &answer.body)
            .unwrap();
        page
    }
}

impl Drop for Clocked {
    fn drop(&mut self) {
        self.stop.notify_one();
        // A question that a test left open would be waited for.
        if self.stage.emulator.look(Device::is_asking) {
            self.stage.emulator.decide(false);
        }
        let _ = self.serving.take().map(JoinHandle::join);
    }
}
