//! Whom nobody named gets in by no way that is known: each row of these tables is a request that differs from one that
//! passes, or one that once got into a service like this. Each is refused for its reason, and nothing comes of it.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "guard/arrivals.rs"]
mod arrivals;
#[path = "guard/bodies.rs"]
mod bodies;
#[path = "guard/handed_on.rs"]
mod handed_on;
#[path = "guard/heads.rs"]
mod heads;
#[path = "guard/origins.rs"]
mod origins;
#[path = "support/page.rs"]
mod page;
#[path = "guard/scene.rs"]
mod scene;
#[path = "support/served.rs"]
mod served;
#[path = "guard/signatures.rs"]
mod signatures;
#[path = "support/stage.rs"]
mod stage;
mod support;

use scene::Scene;

#[test]
fn requests_as_browsers_send_them() {
    let scene = Scene::new();
    scene.check(arrivals::hostile(&scene));
    scene.check(arrivals::everywhere(&scene));
    scene.check(arrivals::incidents(&scene));
    arrivals::what_is_let_in(&scene);
}

#[test]
fn near_misses_of_the_head() {
    let scene = Scene::new();
    scene.check(heads::hosts(&scene));
    scene.check(heads::methods(&scene));
    scene.check(heads::paths(&scene));
    scene.check(heads::other_protocols(&scene));
}

#[test]
fn near_misses_of_the_page() {
    let scene = Scene::new();
    scene.check(origins::origins(&scene));
    scene.check(origins::fetch_metadata(&scene));
    scene.check(origins::preflights(&scene));
}

#[test]
fn near_misses_of_the_handoff_window() {
    let scene = Scene::new();
    scene.check(handed_on::near_misses(&scene));
    scene.check(handed_on::openings(&scene));
    handed_on::what_is_let_in(&scene);
}

#[test]
fn near_misses_of_the_body() {
    let scene = Scene::new();
    scene.check(bodies::types(&scene));
    scene.check(bodies::lengths(&scene));
}

#[test]
fn near_misses_of_the_signature() {
    let scene = Scene::new();
    scene.check(signatures::forms(&scene));
    scene.check(signatures::of_something_else(&scene));
    scene.check(signatures::of_somebody_else(&scene));
    signatures::replays(&scene);
    scene.check(signatures::scopes(&scene));
    signatures::of_a_key_that_was_revoked(&scene);
}
