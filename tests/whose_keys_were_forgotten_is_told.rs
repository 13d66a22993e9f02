//! Who held a key is told that it was forgotten, and nobody else.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/page.rs"]
mod page;
#[path = "support/served.rs"]
mod served;
#[path = "support/stage.rs"]
mod stage;
mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use page::{Body, Page};
use serde_json::json;
use served::{NUMERBAY, Served};
use stage::{PATIENCE, approving};

const OTHER: &str = "https://other.example";

/// An open stream of events.
struct Events(TcpStream, String);

impl Events {
    fn open(served: &Served, page: &Page) -> Self {
        let mut stream = TcpStream::connect(&served.authority).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
            .write_all(&page.request("GET", "/v1/events", Body::None).bytes())
            .unwrap();
        let mut events = Self(stream, String::new());
        events.read_until(": events");
        events
    }

    /// All that was told so far, once this was.
    fn read_until(&mut self, wanted: &str) -> &str {
        while !self.1.contains(wanted) {
            let mut piece = [0; 4096];
            let length = self.0.read(&mut piece).unwrap();
            assert!(length > 0, "the stream ended: {}", self.1);
            self.1 += &String::from_utf8_lossy(&piece[..length]);
        }
        &self.1
    }
}

fn unlock(served: &Served, page: &Page) {
    let envelope = String::from_utf8(served.desk.read("envelope.json")).unwrap();
    let request = page.request("POST", "/v1/unwrap", Body::Json(json!({ "envelope": envelope })));
    let answer = approving(&[&served.stage], || served.ask(page, &request));
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn a_pairing_that_ends_is_nothing_to_another_page() {
    let served = Served::new();
    let (mine, other) = (served.paired(NUMERBAY, None), served.paired(OTHER, None));
    let mut events = Events::open(&served, &mine);
    unlock(&served, &other);
    assert!(
        served
            .command(&["pairings", "revoke", OTHER])
            .status()
            .unwrap()
            .success()
    );
    // What comes after it shows that nothing came before.
    unlock(&served, &mine);
    let told = events.read_until("answered").to_owned();
    assert!(!told.contains("forgotten"), "{told}");

    assert!(served.command(&["lock"]).status().unwrap().success());
    assert_eq!(events.read_until("forgotten").matches("forgotten").count(), 1);
}
