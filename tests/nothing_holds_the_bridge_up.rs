//! A terminal that nobody reads does not stop the bridge, and a second Ctrl-C always ends it.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/page.rs"]
mod page;
#[path = "support/served.rs"]
mod served;
#[path = "support/stage.rs"]
mod stage;
#[path = "support/story.rs"]
mod story;
mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use served::{NUMERBAY, Served, read_answer};
use stage::PATIENCE;
use story::{InFlight, eventually, unwrap};
use support::Desk;

#[test]
fn a_terminal_that_nobody_reads() {
    let desk = Desk::new();
    let mut command = desk.command(&["serve", "--json", "-vvv", "--port", "0", "--device", "speculos://127.0.0.1:1"]);
    command.env("XDG_STATE_HOME", desk.path("state"));
    let mut bridge = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut ready = String::new();
    BufReader::new(bridge.stdout.take().unwrap())
        .read_line(&mut ready)
        .unwrap();
    let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
    let authority = ready["url"].as_str().unwrap().trim_start_matches("http://").to_owned();
    // Each is told, in more bytes than a pipe holds in all.
    let mut stream = TcpStream::connect(&authority).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!("GET /v1/{} HTTP/1.1\r\nHost: {authority}\r\n\r\n", "x".repeat(200));
    for _ in 0..3000 {
        stream.write_all(request.as_bytes()).unwrap();
        assert_eq!(read_answer(&mut stream).unwrap().status, 403);
    }
    // The person's own programs are heard, and the bridge can be stopped.
    let mut lock = desk.command(&["lock"]);
    assert!(lock.output().unwrap().status.success());
    kill_process(Pid::from_child(&bridge), Signal::INT).unwrap();
    eventually("it ends", || bridge.try_wait().unwrap().is_some() || kill_again(&bridge));
    let _ = bridge.wait();
}

/// What is told last may find nobody either; then a second signal ends it.
fn kill_again(bridge: &std::process::Child) -> bool {
    std::thread::sleep(Duration::from_secs(2));
    kill_process(Pid::from_child(bridge), Signal::INT).unwrap();
    false
}

#[test]
fn a_second_ctrl_c_leaves_although_the_device_asks() {
    let mut served = Served::new();
    let page = served.paired(NUMERBAY, None);
    let call = InFlight::send(&served, &unwrap(&page, &served.desk));
    served.stage.wait_for_question();
    let interrupt = |served: &Served| kill_process(Pid::from_child(&served.child), Signal::INT).unwrap();
    interrupt(&served);
    served.wait_for_log("Press Ctrl-C again to leave without an answer.", |_| Some(()));
    interrupt(&served);
    let status = served.child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    assert!(!call.has_answer_of(200));
}
