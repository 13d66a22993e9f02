//! A window of the bridge's own page, as a browser opens it at the listener that was made for it.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::page::{Body, Draft, Page, SignedRequest};
use crate::served::{Answer, read_answer};
use crate::stage::PATIENCE;

/// The window, and the code that lets it in.
pub struct Window {
    pub page: Page,
    pub code: String,
}

impl Window {
    /// From the answer to `POST /v1/own-pages`.
    pub fn of(opened: &Answer) -> Self {
        assert_eq!(opened.status, 200, "{opened:?}");
        let opened = opened.json();
        let address = opened["address"].as_str().unwrap();
        Self {
            page: Page::new(address, address.strip_prefix("http://").unwrap()),
            code: opened["code"].as_str().unwrap().to_owned(),
        }
    }

    pub fn authority(&self) -> &str {
        &self.page.authority
    }

    /// A request as a browser sends it from there.
    pub fn draft(&self, method: &str, target: &str, body: Body) -> Draft<'_> {
        let draft = self.page.draft(method, target, body);
        let draft = if method == "GET" {
            draft.without("Origin")
        } else {
            draft
        };
        let told = [("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Mode", "cors"), ("Sec-Fetch-Dest", "empty")];
        told.into_iter()
            .fold(draft, |draft, (name, value)| draft.header(name, value))
    }

    pub fn send(&self, request: &SignedRequest) -> Answer {
        self.send_raw(&request.bytes())
    }

    pub fn send_raw(&self, bytes: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.authority()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(bytes).unwrap();
        read_answer(&mut stream).unwrap()
    }

    /// Comes in with the code; the scopes.
    pub fn come_in(&mut self) -> Vec<String> {
        let body = Body::Json(self.page.pairing_body(&self.code));
        let request = self.draft("POST", "/v1/pairings", body).sign();
        let answer = self.send(&request);
        assert_eq!(answer.status, 200, "{answer:?}");
        self.page
            .pair(&self.code, &request, answer.status, &answer.headers, &answer.body)
            .unwrap()
    }

    /// Asks, and the answer must be signed by the bridge.
    pub fn ask(&self, method: &str, target: &str, body: Body) -> Answer {
        let request = self.draft(method, target, body).sign();
        let answer = self.send(&request);
        let verified = self.page.verify(&request, answer.status, &answer.headers, &answer.body);
        verified.unwrap_or_else(|error| panic!("{error}: {answer:?}"));
        answer
    }

    /// Opens the stream of events, and reads how it begins.
    pub fn listen(&self) -> TcpStream {
        let request = self.draft("GET", "/v1/events", Body::None).sign();
        let mut stream = TcpStream::connect(self.authority()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(&request.bytes()).unwrap();
        let mut begun = Vec::new();
        while !begun.windows(8).any(|part| part == b": events") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            begun.extend(byte);
        }
        stream
    }

    /// Whether nobody listens there any more.
    pub fn is_over(&self) -> bool {
        TcpStream::connect(self.authority()).is_err()
    }
}
