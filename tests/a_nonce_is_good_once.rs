//! A request is accepted once, within a minute, and never again, whatever the clock does.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use proptest::collection::vec;
use proptest::prelude::*;
use saltbridge::bridge::protocol::{Freshness, Nonces};
use saltbridge::fault::Fault as _;

const START: i64 = 1_800_000_000;

fn nonce(number: u32) -> [u8; 16] {
    let mut nonce = [0; 16];
    nonce[..4].copy_from_slice(&number.to_be_bytes());
    nonce
}

#[test]
fn the_window_is_a_minute_to_both_sides() {
    let now = START + 1000;
    for (created, expected) in [
        (now, Ok(())),
        (now - 60, Ok(())),
        (now + 60, Ok(())),
        (now - 61, Err(Freshness::Stale)),
        (now + 61, Err(Freshness::Stale)),
        (0, Err(Freshness::Stale)),
        (-now, Err(Freshness::Stale)),
        (i64::MAX, Err(Freshness::Stale)),
        (i64::MIN, Err(Freshness::Stale)),
    ] {
        assert_eq!(Nonces::new(START).check(now, created, nonce(1)), expected, "{created}");
    }
    for now in [i64::MIN, i64::MAX] {
        assert_eq!(Nonces::new(START).check(now, START + 1, nonce(1)), Err(Freshness::Stale));
    }
}

#[test]
fn what_was_made_before_the_bridge_listened_is_stale() {
    for (created, expected) in [(START - 1, Err(Freshness::Stale)), (START, Err(Freshness::Stale)), (START + 1, Ok(()))]
    {
        assert_eq!(Nonces::new(START).check(START + 2, created, nonce(1)), expected, "{created}");
    }
}

#[test]
fn a_nonce_is_remembered_as_long_as_its_time_is_good() {
    let mut nonces = Nonces::new(START);
    let created = START + 100;
    assert_eq!(nonces.check(created, created, nonce(1)), Ok(()));
    for now in created - 60..=created + 60 {
        assert_eq!(nonces.check(now, created, nonce(1)), Err(Freshness::Replayed), "{now}");
    }
    assert_eq!(nonces.check(created + 61, created, nonce(1)), Err(Freshness::Stale));
    assert!(nonces.is_empty());
    // Under another time it is another request, which nobody but the key's owner can have made.
    assert_eq!(nonces.check(created + 61, created + 61, nonce(1)), Ok(()));
    assert_eq!(nonces.check(created + 61, created + 60, nonce(1)), Err(Freshness::Replayed));
}

#[test]
fn a_clock_that_goes_back_lets_nothing_in_again() {
    let mut nonces = Nonces::new(START);
    let created = START + 100;
    assert_eq!(nonces.check(created, created, nonce(1)), Ok(()));
    assert_eq!(nonces.check(created + 3600, created + 3600, nonce(2)), Ok(()));
    assert_eq!(nonces.len(), 1, "the first is forgotten");
    assert_eq!(nonces.check(created, created, nonce(1)), Err(Freshness::Stale));
    assert_eq!(nonces.check(created, created, nonce(3)), Err(Freshness::Stale));
    assert_eq!(
        nonces.check(created, created + 1, nonce(3)),
        Ok(()),
        "what is newer than what was forgotten is good"
    );
    assert_eq!(nonces.check(created + 3600, created + 3600, nonce(2)), Err(Freshness::Replayed));
}

#[test]
fn a_full_memory_refuses_and_forgets_nothing() {
    let mut nonces = Nonces::new(START);
    let now = START + 100;
    let most = u32::try_from(Nonces::MOST).unwrap();
    for number in 0..most {
        assert_eq!(nonces.check(now, now - i64::from(number % 60), nonce(number)), Ok(()));
    }
    assert_eq!(nonces.check(now, now, nonce(most)), Err(Freshness::TooMany));
    assert_eq!(nonces.check(now, now, nonce(0)), Err(Freshness::Replayed));
    assert_eq!(nonces.check(now, now - 59, nonce(59)), Err(Freshness::Replayed));
    assert_eq!(nonces.check(now, now - 61, nonce(most)), Err(Freshness::Stale));
    assert_eq!(nonces.len(), Nonces::MOST);
    // A second later there is room for those whose time is over.
    assert_eq!(nonces.check(now + 2, now, nonce(most)), Ok(()));
    assert!(nonces.len() < Nonces::MOST);
}

#[test]
fn each_reason_has_its_code() {
    for (reason, code) in
        [(Freshness::Stale, "stale"), (Freshness::Replayed, "replayed"), (Freshness::TooMany, "too-many-requests")]
    {
        assert_eq!(reason.explain().code, code);
    }
}

/// The same rules without any cleverness: everything that was ever accepted is kept.
struct Model {
    floor: i64,
    accepted: Vec<(i64, [u8; 16])>,
}

impl Model {
    fn check(&mut self, now: i64, created: i64, nonce: [u8; 16]) -> Result<(), Freshness> {
        let over = self
            .accepted
            .iter()
            .map(|entry| entry.0)
            .filter(|created| now - created > 60);
        self.floor = over.max().unwrap_or(self.floor).max(self.floor);
        if (now - created).abs() > 60 || created <= self.floor {
            return Err(Freshness::Stale);
        }
        if self
            .accepted
            .iter()
            .any(|entry| entry.0 > self.floor && entry.1 == nonce)
        {
            return Err(Freshness::Replayed);
        }
        assert!(!self.accepted.contains(&(created, nonce)), "accepted twice");
        self.accepted.push((created, nonce));
        Ok(())
    }
}

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(1024)
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_clock_and_any_requests_are_judged_as_by_the_simple_model(
        steps in vec((prop_oneof![4 => -3..8_i64, 1 => -200..200_i64], -70..70_i64, 0..6_u32), 1..120),
    ) {
        let mut nonces = Nonces::new(START);
        let mut model = Model { floor: START, accepted: Vec::new() };
        let mut now = START + 30;
        for (step, age, number) in steps {
            now += step;
            let expected = model.check(now, now - age, nonce(number));
            prop_assert_eq!(nonces.check(now, now - age, nonce(number)), expected);
        }
    }
}
