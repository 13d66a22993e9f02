//! A page that a person has paired unlocks with one approval, opens files, makes keys, and is given nothing else.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/page.rs"]
mod page;
#[path = "support/served.rs"]
mod served;
#[path = "support/stage.rs"]
mod stage;
mod support;

use page::Body;
use serde_json::json;
use served::{NUMERBAY, Served};
use stage::approving;
use support::{Vectors, plaintext, text};

#[test]
fn from_the_code_to_the_file() {
    let served = Served::new();
    let page = served.paired(NUMERBAY, None);
    let envelope = String::from_utf8(served.desk.read("envelope.json")).unwrap();
    let request = page.request("POST", "/v1/unwrap", Body::Json(json!({ "envelope": envelope })));
    let before = served.stage.commands();
    let answer = approving(&[&served.stage], || served.ask(&page, &request));
    assert_eq!(answer.status, 200, "{answer:?}");
    let handle = answer.json()["handle"].as_str().unwrap().to_owned();
    let asked = served.stage.commands()[before.len()..].matches("e008").count();
    assert_eq!(asked, 1, "one approval");

    let sealed = served.desk.read("report.csv.sealed");
    let decrypt = page.request("POST", &format!("/v1/keys/{handle}/decrypt"), Body::Bytes(sealed));
    let answer = served.ask(&page, &decrypt);
    let vectors = Vectors::numerbay();
    let entry = vectors.entry("sealed", "sealed-web-env-speculos-44h_60h_0h_0_0-v27-1000");
    assert_eq!(answer.status, 200, "{}", text(entry, "id"));
    assert_eq!(answer.body, plaintext(entry));
}
