//! A query has the parameters of its call, each once, and no others: whatever else stands there was meant for another
//! program, or another version.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/page.rs"]
mod page;
#[path = "support/served.rs"]
mod served;
#[path = "support/stage.rs"]
mod stage;
mod support;

use page::{Body, Page};
use saltbridge::bridge::{BodyRule, Call};
use served::{NUMERBAY, Served};

#[test]
fn whichever_call_it_is() {
    let served = Served::new();
    let page = served.paired(NUMERBAY, Some("create,decrypt,encrypt,export"));
    let mut refused = 0;
    for call in Call::ALL {
        let (method, path) = call.route();
        let path = path
            .replace("{handle}", "AAAAAAAAAAAAAAAAAAAAAA")
            .replace("{origin}", "https%3A%2F%2Fother.example");
        // Below: programs do not pair.
        if call == Call::Pair {
            continue;
        }
        for query in ["a=1", "a", "a=1&b=2", "%61=1"] {
            let target = format!("{path}?{query}");
            let (kind, body) = match call.body() {
                BodyRule::Empty => ("", ""),
                BodyRule::Json(_) => ("Content-Type: application/json\r\nContent-Length: 2\r\n", "{}"),
                BodyRule::Octets(_) => ("Content-Type: application/octet-stream\r\nContent-Length: 2\r\n", "ab"),
            };
            let request = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n{kind}\r\n{body}");
            let answer = served.send_to_socket(request.as_bytes()).unwrap();
            assert_eq!((answer.status, answer.code().as_str()), (400, "bad-query"), "{method} {target}");
            refused += 1;
        }
    }
    assert!(refused > 60, "{refused}");
    let status = page.request("GET", "/v1/status?a=1", Body::None);
    assert_eq!(served.ask(&page, &status).code(), "bad-query", "a page is told so, and signed");
    let code = served.invite("https://other.example", &[]);
    let other = Page::new("https://other.example", &served.authority);
    let pairing = Body::Json(other.pairing_body(&code));
    let pairing = other.request("POST", "/v1/pairings?a=1", pairing);
    assert_eq!(served.send(&pairing).code(), "bad-query");
    // An empty one is none.
    assert_eq!(
        served
            .ask(&page, &page.request("GET", "/v1/status?", Body::None))
            .status,
        200
    );
}
