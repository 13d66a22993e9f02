//! Ctrl-C ends the bridge in order; what it kept is there when it starts again, keys and old requests are not.
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

use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use page::Body;
use rustix::process::{Pid, Signal, kill_process};
use saltbridge::emulator::Device;
use served::{NUMERBAY, Served};
use story::{Events, InFlight, opens, restart, status, unlock, unwrap, with_approvals};

fn interrupt(served: &Served) {
    kill_process(Pid::from_child(&served.child), Signal::INT).unwrap();
}

#[test]
fn at_rest_it_ends_at_once() {
    let mut served = Served::new();
    let page = served.paired(NUMERBAY, None);
    unlock(&served, &page);
    let events = Events::open(&served, &page);
    let start = Instant::now();
    let status = served.stop();
    assert!(status.success(), "{status}");
    assert!(start.elapsed() < Duration::from_secs(10), "an open stream keeps nobody waiting");
    events.wait_for_end();
    let log = served.log();
    assert!(log.contains("One key was forgotten: the bridge is stopping."), "{log}");
    assert!(log.trim_end().ends_with("Stopped."), "{log}");
    assert!(!served.socket().exists());
    assert!(std::net::TcpStream::connect(&served.authority).is_err());
}

#[test]
fn it_waits_for_the_answer_to_what_the_device_asks() {
    let mut served = Served::new();
    let page = served.paired(NUMERBAY, None);
    let call = InFlight::send(&served, &unwrap(&page, &served.desk));
    served.stage.wait_for_question();
    interrupt(&served);
    // Longer than any call has once it is to end.
    std::thread::sleep(Duration::from_secs(7));
    assert!(served.child.try_wait().unwrap().is_none(), "it has gone: {}", served.log());
    assert!(served.stage.emulator.look(Device::is_asking), "the question is left to the person");
    assert!(std::net::TcpStream::connect(&served.authority).is_err(), "nobody new is let in");
    assert!(served.log().contains("The device is still asking: answer it there."), "{}", served.log());
    served.stage.emulator.decide(true);
    let ended = served.child.wait().unwrap();
    assert!(ended.success(), "{ended}: {}", served.log());
    assert!(!call.has_answer_of(200), "who waited was not given a key by a bridge that ends");
    assert!(served.log().trim_end().ends_with("Stopped."));
}

#[test]
fn pairings_and_identity_stay_but_no_key_and_no_request() {
    let mut served = Served::new();
    let page = served.paired(NUMERBAY, None);
    let handle = unlock(&served, &page);
    assert_eq!(opens(&served, &page, &handle), Ok(()));
    // Two that were heard: one was answered by the old process, one never reached it.
    let answered = page.request("GET", "/v1/status", Body::None);
    assert_eq!(served.ask(&page, &answered).status, 200);
    let kept_back = page.request("DELETE", "/v1/keys", Body::None);
    assert!(served.stop().success());

    restart(&mut served);
    assert_eq!(served.authority, page.authority, "at the same address");
    for old in [&answered, &kept_back] {
        let answer = served.ask(&page, old);
        assert_eq!((answer.status, answer.code()), (401, "stale".to_owned()), "{}", old.target);
    }
    served.past_the_first_second(&page);
    for old in [&answered, &kept_back] {
        assert_eq!(served.ask(&page, old).code(), "stale", "and it stays so");
    }
    // The answers are signed by the key that was pinned, and nobody has to pair again.
    assert_eq!(status(&served, &page)["keys"], 0);
    assert_eq!(opens(&served, &page, &handle), Err("no-such-key".to_owned()));
    let (_, approvals) = with_approvals(&served.stage, || unlock(&served, &page));
    assert_eq!(approvals, 1);
}

#[test]
fn a_revoked_pairing_stays_revoked() {
    let mut served = Served::new();
    let page = served.paired(NUMERBAY, None);
    let other = served.paired("https://signals.example", None);
    support::Run::of(served.command(&["pairings", "revoke", NUMERBAY]).output().unwrap()).succeeded();
    assert!(served.stop().success());
    restart(&mut served);
    served.past_the_first_second(&page);
    assert_eq!(served.send(&page.request("GET", "/v1/status", Body::None)).code(), "origin-unknown");
    assert_eq!(status(&served, &other)["keys"], 0);
}

#[test]
fn what_it_keeps_is_the_users_alone() {
    let mut served = Served::new();
    let page = served.paired(NUMERBAY, None);
    unlock(&served, &page);
    assert!(served.stop().success());
    let state = served.desk.locks().join("state/saltbridge");
    let names = support::names_in(&state);
    assert!(names.contains(&"pairings.json".to_owned()), "{names:?}");
    for name in names {
        let mode = std::fs::metadata(state.join(&name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}: {mode:o}");
    }
    let pairings = std::fs::read_to_string(state.join("pairings.json")).unwrap();
    assert!(pairings.contains(NUMERBAY) && pairings.contains("decrypt"), "{pairings}");
}
