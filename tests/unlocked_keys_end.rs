//! A key is forgotten after its time, when the machine was suspended, when the device is gone, and when the person says
//! so; a call that uses it to its end.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/clocked.rs"]
mod clocked;
#[path = "support/page.rs"]
mod page;
#[path = "support/served.rs"]
mod served;
#[path = "support/stage.rs"]
mod stage;
#[path = "support/story.rs"]
mod story;
mod support;

use std::time::Duration;

use clocked::Clocked;
use page::Page;
use saltbridge::bridge::{Handle, Instant, Keeping, Keyring, NoSuchKey, Owner, Unlock};
use saltbridge::encryption::{Envelope, KeyPair, PrivateKey};
use saltbridge::ethereum::VForm;
use serde_json::json;
use served::{NUMERBAY, Served};
use stage::approving;
use story::{Events, eventually, opens, post, recorded, status, unlock, with_approvals};
use support::{Run, text};

const SECOND: Duration = Duration::from_secs(1);

fn at(seconds: u64) -> Instant {
    Instant::at(Duration::from_secs(seconds))
}

fn keeping(idle: u64, at_most: u64) -> Keeping {
    Keeping {
        idle: Duration::from_secs(idle),
        at_most: Duration::from_secs(at_most),
        when_unplugged: false,
    }
}

fn unlocked() -> Unlock {
    let recorded = recorded();
    let private_key = support::unbase64(text(&recorded, "private_key")).try_into().unwrap();
    Unlock {
        key_pair: KeyPair::new(PrivateKey::from_bytes(&private_key)),
        address: story::recorded_address().parse().unwrap(),
        v_form: VForm::Offset27,
        envelope: Envelope::parse(text(&recorded, "envelope")).unwrap(),
        text: text(&recorded, "envelope").to_owned(),
        for_export: false,
    }
}

/// A keyring with a key of the user's that was unlocked at second 0.
fn with_one(keeping: Keeping) -> (Keyring, Handle) {
    let mut keyring = Keyring::new(keeping, Duration::ZERO);
    let handle = keyring.hold(at(0), Owner::User, unlocked()).unwrap().handle;
    (keyring, handle)
}

fn used(keyring: &mut Keyring, now: Instant, handle: Handle) -> bool {
    keyring.tend(now, Duration::ZERO);
    keyring.key(now, Owner::User, handle).is_ok()
}

#[test]
fn after_its_idle_time() {
    let (mut keyring, handle) = with_one(keeping(300, 3600));
    assert!(used(&mut keyring, at(299), handle));
    assert!(used(&mut keyring, at(299 + 299), handle), "each use begins it anew");
    assert_eq!(keyring.tend(at(598 + 299), Duration::ZERO), 1);
    assert_eq!(keyring.tend(at(598 + 300), Duration::ZERO), 0);
    assert!(!used(&mut keyring, at(598 + 300), handle));
}

#[test]
fn not_for_idleness_while_a_call_uses_it() {
    let (mut keyring, handle) = with_one(keeping(300, 3600));
    let in_use = keyring.key(at(1), Owner::User, handle).unwrap();
    assert_eq!(keyring.tend(at(1000), Duration::ZERO), 1);
    drop(in_use);
    assert_eq!(keyring.tend(at(1299), Duration::ZERO), 1);
    assert_eq!(keyring.tend(at(1300), Duration::ZERO), 0);
    let (mut keyring, handle) = with_one(keeping(300, 3600));
    let _in_use = keyring.key(at(1), Owner::User, handle).unwrap();
    assert_eq!(keyring.tend(at(3600), Duration::ZERO), 0, "its hour is over all the same");
}

#[test]
fn after_an_hour_however_much_it_is_used() {
    let (mut keyring, handle) = with_one(keeping(300, 3600));
    for minute in 1..60 {
        assert!(used(&mut keyring, at(60 * minute), handle), "minute {minute}");
    }
    assert!(used(&mut keyring, at(3599), handle));
    assert!(!used(&mut keyring, at(3600), handle));
}

#[test]
fn after_one_use() {
    for keeping in [keeping(300, 0), keeping(0, 3600), keeping(0, 0)] {
        let (mut keyring, handle) = with_one(keeping);
        let found = keyring.find(at(1), Owner::User, text(&recorded(), "envelope"), |_| true);
        assert_eq!(found, None, "it is asked for each time");
        assert!(used(&mut keyring, at(1), handle));
        assert!(!used(&mut keyring, at(1), handle));
        assert_eq!(keyring.count(), 0);
        // And not for ever if it is never used.
        let (mut keyring, handle) = with_one(keeping);
        assert!(!used(&mut keyring, at(300), handle));
    }
}

#[test]
fn when_the_machine_was_suspended() {
    let (mut keyring, handle) = with_one(keeping(300, 3600));
    // The two clocks are not read in the same moment: that is no suspend.
    assert_eq!(keyring.tend(at(1), Duration::from_millis(400)), 1);
    assert_eq!(keyring.tend(at(2), Duration::from_millis(800)), 1);
    assert_eq!(keyring.tend(at(5), Duration::from_millis(3800)), 0, "three seconds");
    assert_eq!(keyring.key(at(5), Owner::User, handle).err(), Some(NoSuchKey));
    // What is unlocked after that stays.
    keyring.hold(at(5), Owner::User, unlocked()).unwrap();
    assert_eq!(keyring.tend(at(6), Duration::from_millis(3800)), 1);
}

#[test]
fn when_the_device_is_gone_unless_it_is_to_stay() {
    let (mut keyring, handle) = with_one(keeping(300, 3600));
    assert_eq!(keyring.unplugged(), 1);
    assert!(!used(&mut keyring, at(1), handle));
    let (mut keyring, handle) = with_one(Keeping {
        when_unplugged: true,
        ..keeping(300, 3600)
    });
    assert_eq!(keyring.unplugged(), 0);
    assert!(used(&mut keyring, at(1), handle));
}

#[test]
fn a_call_that_uses_it_has_it_to_its_end() {
    let (mut keyring, handle) = with_one(keeping(300, 3600));
    let in_use = keyring.key(at(1), Owner::User, handle).unwrap();
    keyring.forget(Owner::User, handle).unwrap();
    assert_eq!(keyring.forget(Owner::User, handle), Err(NoSuchKey));
    assert_eq!(in_use.public_key().to_string(), text(&recorded(), "public_key"));
}

#[test]
fn there_are_so_many_and_no_more() {
    let (mut keyring, _) = with_one(keeping(300, 3600));
    for _ in 1..64 {
        keyring.hold(at(0), Owner::User, unlocked()).unwrap();
    }
    let error = keyring.hold(at(0), Owner::User, unlocked()).err().unwrap();
    assert_eq!(error, saltbridge::bridge::KeyringError::Full);
    assert_eq!(keyring.count_of(Owner::User), 64);
    assert_eq!(keyring.forget_all_of(|owner| owner == Owner::User), 64);
    keyring.hold(at(0), Owner::User, unlocked()).unwrap();
}

/// Through the bridge, with a clock that the test moves.
#[test]
fn a_page_finds_it_gone_after_its_time_and_after_suspend() {
    let bridge = Clocked::new(keeping(300, 3600));
    let page = bridge.paired(NUMERBAY);
    let unwrap = || post(&page, "/v1/unwrap", json!({ "envelope": text(&recorded(), "envelope") }));
    let decrypt = |handle: &str| {
        let target = format!("/v1/keys/{handle}/decrypt");
        let sealed = support::Desk::new().read("report.csv.sealed");
        bridge
            .ask(&page, &page.request("POST", &target, page::Body::Bytes(sealed)))
            .status
    };
    let lots: [(&str, &dyn Fn()); 3] = [
        ("idle", &|| bridge.clock.pass(300 * SECOND)),
        ("suspended", &|| bridge.clock.suspend(SECOND)),
        ("used all the time", &|| {
            for _ in 0..36 {
                let held = bridge.ask(&page, &unwrap());
                assert_eq!(held.status, 200);
                bridge.clock.pass(100 * SECOND);
            }
        }),
    ];
    for (lot, happens) in lots {
        let answer = approving(&[&bridge.stage], || bridge.ask(&page, &unwrap()));
        let handle = answer.json()["handle"].as_str().unwrap().to_owned();
        assert_eq!(decrypt(&handle), 200, "{lot}");
        happens();
        assert_eq!(decrypt(&handle), 400, "{lot}");
        assert_eq!(
            bridge
                .ask(&page, &page.request("GET", "/v1/status", page::Body::None))
                .json()["keys"],
            0
        );
    }
}

#[test]
fn as_the_arguments_say() {
    let served = Served::with(&["--forget-idle", "2s", "--forget-after", "4s"]);
    let page = served.paired(NUMERBAY, None);
    let events = Events::open(&served, &page);
    unlock(&served, &page);
    let start = std::time::Instant::now();
    // Nobody asks for it: it is forgotten all the same, and told.
    events.wait("forgotten", 1);
    assert!(start.elapsed() < 20 * SECOND);
    assert_eq!(status(&served, &page)["keys"], 0);
    assert!(served.log().contains("One key was forgotten: their time was over"), "{}", served.log());

    let handle = unlock(&served, &page);
    let start = std::time::Instant::now();
    eventually("forgotten although it is used", || opens(&served, &page, &handle).is_err());
    assert!(start.elapsed() >= 3 * SECOND, "it was used");
}

#[test]
fn for_one_use() {
    let served = Served::with(&["--forget-after", "0"]);
    let page = served.paired(NUMERBAY, None);
    let (handle, approvals) = with_approvals(&served.stage, || unlock(&served, &page));
    assert_eq!(approvals, 1);
    assert_eq!(opens(&served, &page, &handle), Ok(()));
    assert_eq!(opens(&served, &page, &handle), Err("no-such-key".to_owned()));
    let (_, approvals) = with_approvals(&served.stage, || unlock(&served, &page));
    assert_eq!(approvals, 1);
}

#[test]
fn saltbridge_lock_forgets_everybodys() {
    let served = Served::new();
    let pages: [Page; 2] = [served.paired(NUMERBAY, None), served.paired("https://signals.example", None)];
    let handles = pages.each_ref().map(|page| unlock(&served, page));
    let events = pages.each_ref().map(|page| Events::open(&served, page));
    Run::of(served.command(&["lock"]).output().unwrap()).succeeded();
    for ((page, handle), events) in pages.iter().zip(&handles).zip(&events) {
        events.wait("forgotten", 1);
        assert_eq!(opens(&served, page, handle), Err("no-such-key".to_owned()));
        assert_eq!(status(&served, page)["keys"], 0);
    }
    let (_, approvals) = with_approvals(&served.stage, || unlock(&served, &pages[0]));
    assert_eq!(approvals, 1, "it is paired as before");
}
