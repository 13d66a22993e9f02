//! Clients that do what comes into their heads, some of it well.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::page::{Body, Page, SignedRequest};
use crate::scene::{Call, HOSTILE, Scene, plain};
use crate::served::{Answer, NUMERBAY};
use crate::stage::PATIENCE;
use crate::support::base64;
use crate::work::Random;

/// What they have in common.
pub struct Crowd<'a> {
    scene: &'a Scene,
    pages: Vec<Page>,
    /// Plaintexts and their sealed boxes, for the key that the scene's page holds.
    boxes: Vec<(Vec<u8>, Vec<u8>)>,
    pub answered: AtomicUsize,
    pub busy: AtomicUsize,
    pub unanswered: AtomicUsize,
    pub refused: AtomicUsize,
    pub left: AtomicUsize,
}

impl<'a> Crowd<'a> {
    pub fn new(scene: &'a Scene) -> Self {
        let pages = ["https://a.example", "https://b.example"].map(|origin| scene.served.paired(origin, None));
        let unwrap = scene.draft(Call::Unwrap).sign();
        let key = scene.served.ask(&scene.page, &unwrap).json()["public_key"]
            .as_str()
            .unwrap()
            .to_owned();
        let target =
            format!("/v1/encrypt?public_key={}", key.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D"));
        let seal = |size: usize| {
            let plaintext = Random::new(size as u64).bytes(size);
            let answer = scene
                .served
                .ask(&scene.page, &scene.page.request("POST", &target, Body::Bytes(plaintext.clone())));
            assert_eq!(answer.status, 200, "{}", answer.status);
            (plaintext, answer.body)
        };
        Self {
            scene,
            pages: pages.into(),
            boxes: [0, 1, 1_000, 70_000, 1 << 20].map(seal).into(),
            answered: AtomicUsize::new(0),
            busy: AtomicUsize::new(0),
            unanswered: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            left: AtomicUsize::new(0),
        }
    }

    /// One client, until `end`.
    pub fn client(&self, mut random: Random, end: Instant) {
        while Instant::now() < end {
            match random.below(11) {
                0..3 => self.asks(&mut random),
                3 => self.seals(&mut random),
                4 => self.opens(&mut random),
                5 => self.listens(&mut random),
                6 => self.is_hostile(&mut random),
                7 => self.babbles(&mut random),
                8 => self.sends_half(&mut random),
                9 => self.sends_slowly(&mut random),
                _ => self.does_not_listen(&mut random),
            }
            thread::sleep(Duration::from_millis(random.below(300)));
        }
    }

    fn page(&self, random: &mut Random) -> &Page {
        match random.below(3) {
            0 => &self.scene.page,
            number => &self.pages[usize::try_from(number).unwrap() - 1],
        }
    }

    fn connect(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(&self.scene.served.authority)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(stream)
    }

    /// A good request: the page's own bridge does it, or says that it is busy. At a full house nobody answers.
    fn send(&self, page: &Page, request: &SignedRequest) -> Option<Answer> {
        let Ok(answer) = self.scene.send(&request.bytes()) else {
            self.unanswered.fetch_add(1, Ordering::Relaxed);
            return None;
        };
        let verified = page.verify(request, answer.status, &answer.headers, &answer.body);
        verified.unwrap_or_else(|error| panic!("{error}: {} {}", request.method, answer.status));
        if answer.status == 200 {
            self.answered.fetch_add(1, Ordering::Relaxed);
            return Some(answer);
        }
        let refusal = (answer.status, answer.code());
        assert_eq!(refusal, (403, "bridge-busy".to_owned()), "{} {}", request.method, request.target);
        self.busy.fetch_add(1, Ordering::Relaxed);
        None
    }

    fn asks(&self, random: &mut Random) {
        let page = self.page(random);
        self.send(page, &self.scene.draft_of(page, Call::Status).sign());
    }

    fn seals(&self, random: &mut Random) {
        let page = self.page(random);
        let length = usize::try_from(random.below(200_000)).unwrap();
        let target = format!("/v1/encrypt?public_key={}", base64(&[9; 32]).replace('=', "%3D"));
        let request = page.request("POST", &target, Body::Bytes(random.bytes(length)));
        if let Some(answer) = self.send(page, &request) {
            assert_eq!(answer.body.len(), length + 48, "a sealed box is 48 bytes longer");
        }
    }

    fn decryption(&self, random: &mut Random) -> (SignedRequest, &[u8]) {
        let (plaintext, sealed) = &self.boxes[usize::try_from(random.below(self.boxes.len() as u64)).unwrap()];
        let target = format!("/v1/keys/{}/decrypt", self.scene.handle);
        (self.scene.page.request("POST", &target, Body::Bytes(sealed.clone())), plaintext)
    }

    fn opens(&self, random: &mut Random) {
        let (request, plaintext) = self.decryption(random);
        if let Some(answer) = self.send(&self.scene.page, &request) {
            assert!(answer.body == plaintext, "another plaintext of {} bytes", answer.body.len());
        }
    }

    /// Opens a stream of events, and leaves it some time.
    fn listens(&self, random: &mut Random) {
        let request = self.page(random).request("GET", "/v1/events", Body::None);
        let Ok(mut stream) = self.connect() else { return };
        let (mut text, mut piece) = (Vec::new(), [0; 4096]);
        if stream.write_all(&request.bytes()).is_err() {
            return;
        }
        while let Ok(length @ 1..) = stream.read(&mut piece) {
            text.extend(&piece[..length]);
            let text = String::from_utf8_lossy(&text);
            if text.contains(": events") || text.contains("too-many-streams") {
                break;
            }
        }
        let text = String::from_utf8_lossy(&text);
        let is_answer = text.starts_with("HTTP/1.1 200 ") || text.contains("too-many-streams") || text.is_empty();
        assert!(is_answer, "{text}");
        thread::sleep(Duration::from_millis(random.below(3_000)));
        self.left.fetch_add(1, Ordering::Relaxed);
    }

    fn is_hostile(&self, random: &mut Random) {
        let host = self.scene.served.authority.as_str();
        let request = match random.below(4) {
            0 => plain("GET", "/v1/status", host, &format!("Origin: {HOSTILE}\r\n")),
            1 => plain("GET", "/v1/status", host, &format!("Origin: {NUMERBAY}\r\n")),
            2 => plain("GET", "/v1/status", "evil.test", ""),
            _ => self.scene.draft_of(&self.scene.hostile, Call::Unwrap).sign().bytes(),
        };
        if let Ok(answer) = self.scene.send(&request) {
            assert!([401, 403, 421].contains(&answer.status), "{answer:?}");
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Random bytes, some of them behind the beginning of a good request.
    fn babbles(&self, random: &mut Random) {
        let mut bytes = self.scene.draft(Call::Status).sign().bytes();
        bytes.truncate(usize::try_from(random.below(bytes.len() as u64 - 2)).unwrap());
        let length = usize::try_from(random.below(2_000)).unwrap();
        bytes.extend(random.bytes(length));
        bytes.extend(b"\r\n\r\n");
        if let Ok(answer) = self.scene.send(&bytes) {
            assert!((400..500).contains(&answer.status), "{answer:?}");
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A good request that ends somewhere, after some time.
    fn sends_half(&self, random: &mut Random) {
        let bytes = match random.below(2) {
            0 => self.scene.draft(Call::Unwrap).sign().bytes(),
            _ => self.decryption(random).0.bytes(),
        };
        let end = usize::try_from(random.below(bytes.len() as u64)).unwrap();
        self.leave(random, &bytes[..end]);
    }

    /// A body in pieces, not all of which come.
    fn sends_slowly(&self, random: &mut Random) {
        let request = self.decryption(random).0;
        let Ok(mut stream) = self.connect() else { return };
        let pieces = random.below(20);
        let mut sent = stream.write_all(&request.head);
        for piece in request.body.chunks(1_000).take(usize::try_from(pieces).unwrap()) {
            thread::sleep(Duration::from_millis(random.below(100)));
            sent = sent.and_then(|()| stream.write_all(piece));
        }
        self.left.fetch_add(1, Ordering::Relaxed);
    }

    /// A good request whose answer nobody reads, or not all of it.
    fn does_not_listen(&self, random: &mut Random) {
        let request = self.decryption(random).0;
        self.leave(random, &request.bytes());
    }

    fn leave(&self, random: &mut Random, bytes: &[u8]) {
        let Ok(mut stream) = self.connect() else { return };
        if stream.write_all(bytes).is_ok() && random.below(2) == 0 {
            let mut some = vec![0; 1 + usize::try_from(random.below(2_000)).unwrap()];
            let _ = stream.set_read_timeout(Some(Duration::from_millis(1 + random.below(1_000))));
            let _ = stream.read(&mut some);
        }
        self.left.fetch_add(1, Ordering::Relaxed);
    }
}
