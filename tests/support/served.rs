//! A bridge that serves an emulated Ledger, in folders of its own, and plain HTTP to talk to it.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use saltbridge::emulator::Start;
use serde_json::Value;

use crate::page::{Page, SignedRequest};
use crate::stage::{PATIENCE, Stage};
use crate::support::Desk;

/// The origin of NumerBay's web app.
pub const NUMERBAY: &str = "https://numerbay.ai";

/// A running bridge.
pub struct Served {
    pub desk: Desk,
    pub stage: Stage,
    /// Host and port.
    pub authority: String,
    pub child: Child,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} stands there twice");
        value
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The code of a refusal.
    pub fn code(&self) -> String {
        self.json()["code"]
            .as_str()
            .unwrap_or_else(|| panic!("no problem: {self:?}"))
            .to_owned()
    }
}

impl Served {
    pub fn new() -> Self {
        Self::with(&[])
    }

    /// With these arguments more.
    pub fn with(args: &[&str]) -> Self {
        Self::over(Stage::new(Start::App), Desk::new(), args)
    }

    /// Over this device, with what is kept in this desk's folders.
    pub fn over(stage: Stage, desk: Desk, args: &[&str]) -> Self {
        let log = File::create(desk.path("serve.log")).unwrap();
        let device = stage.endpoint().to_string();
        let usual = ["serve", "-vvv", "--port", "0", "--device", &device];
        let child = own(&desk, desk.command(&[&usual, args].concat()))
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut served = Self {
            desk,
            stage,
            authority: String::new(),
            child,
        };
        // The line may be seen before all of it is written.
        let authority = |rest: &str| rest.split_once(' ').map(|(authority, _)| authority.to_owned());
        served.authority = served.wait_for_log("Listening at http://", authority);
        served
    }

    /// Everything that it has written so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&self.desk.read("serve.log")).into_owned()
    }

    /// Waits until it has written this; what `found` makes of what follows.
    pub fn wait_for_log<T>(&mut self, text: &str, found: impl Fn(&str) -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            let log = self.log();
            if let Some(value) = log.split_once(text).and_then(|(_, rest)| found(rest)) {
                return value;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the bridge ended with {status}: {log}");
            }
            assert!(start.elapsed() < PATIENCE, "never written: {text}\n{log}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn socket(&self) -> PathBuf {
        self.desk.locks().join("saltbridge.sock")
    }

    /// The program, as the user who serves.
    pub fn command(&self, args: &[&str]) -> Command {
        own(&self.desk, self.desk.command(args))
    }

    /// The code that `saltbridge pair` prints.
    pub fn invite(&self, origin: &str, more: &[&str]) -> String {
        let output = self.command(&[&["pair", origin], more].concat()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// A page of this origin that has paired, with these scopes if any are named.
    pub fn paired(&self, origin: &str, scopes: Option<&str>) -> Page {
        let more: Vec<_> = scopes.iter().flat_map(|scopes| ["--scope", *scopes]).collect();
        let code = self.invite(origin, &more);
        let mut page = Page::new(origin, &self.authority);
        self.past_the_first_second(&page);
        let request = page.pairing_request(&code);
        let answer = self.send(&request);
        page.pair(&code, &request, answer.status, &answer.headers, &answer.body)
            .unwrap_or_else(|error| panic!("{error}: {answer:?}"));
        page
    }

    /// What is signed in the second in which the bridge began to listen is stale.
    pub fn past_the_first_second(&self, _: &Page) {
        let log = std::fs::metadata(self.desk.path("serve.log")).unwrap();
        let started = log.created().or_else(|_| log.modified()).unwrap();
        while started.elapsed().unwrap_or_default() < Duration::from_secs(2) {
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Sends a page's request, whole, and reads the answer to its end.
    pub fn send(&self, request: &SignedRequest) -> Answer {
        self.send_raw(&request.bytes())
            .unwrap_or_else(|error| panic!("no answer: {error}"))
    }

    /// The same, and the answer must be signed by the bridge that the page has paired with.
    pub fn ask(&self, page: &Page, request: &SignedRequest) -> Answer {
        let answer = self.send(request);
        let verified = page.verify(request, answer.status, &answer.headers, &answer.body);
        verified.unwrap_or_else(|error| panic!("{error}: {answer:?}"));
        answer
    }

    /// Sends these bytes to the port, and reads what comes until the connection ends.
    pub fn send_raw(&self, bytes: &[u8]) -> io::Result<Answer> {
        let stream = TcpStream::connect(&self.authority)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        exchange(stream, bytes)
    }

    /// Sends these bytes to the socket.
    pub fn send_to_socket(&self, bytes: &[u8]) -> io::Result<Answer> {
        let stream = UnixStream::connect(self.socket())?;
        stream.set_read_timeout(Some(PATIENCE))?;
        exchange(stream, bytes)
    }

    /// Stops it as Ctrl-C does, and waits for its end.
    pub fn stop(&mut self) -> ExitStatus {
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
        self.child.wait().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("what the bridge wrote:\n{}", self.log());
        }
    }
}

fn own(desk: &Desk, mut command: Command) -> Command {
    command.env("XDG_STATE_HOME", desk.locks().join("state"));
    command
}

fn exchange(mut stream: impl Read + Write, bytes: &[u8]) -> io::Result<Answer> {
    // Who is refused early may find the connection closed while he still sends.
    let written = stream.write_all(bytes);
    let answer = read_answer(&mut stream);
    match (written, answer) {
        (_, Ok(answer)) => Ok(answer),
        (Err(error), Err(_)) | (Ok(()), Err(error)) => Err(error),
    }
}

/// Reads one answer: its head, and its body by the length that it tells, or to the end.
pub fn read_answer(stream: &mut impl Read) -> io::Result<Answer> {
    let cut = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    let head = String::from_utf8(head).map_err(|_| cut())?;
    let mut lines = head.trim_end().split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.split(' ').nth(1)?.parse().ok())
        .ok_or_else(cut)?;
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers: Vec<_> = headers
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let mut answer = Answer {
        status,
        headers,
        body: Vec::new(),
    };
    match answer
        .header("content-length")
        .map(|length| length.parse::<usize>().unwrap())
    {
        Some(length) => {
            answer.body.resize(length, 0);
            stream.read_exact(&mut answer.body)?;
        }
        None if status == 204 || status == 304 => {}
        None => {
            stream.read_to_end(&mut answer.body)?;
        }
    }
    Ok(answer)
}
