//! What the scenarios run as the guest's users runs as it is meant to.

use std::path::Path;

use rustix::process::Signal;

use crate::guest::{BUYER, OTHER, PATIENCE};
use crate::scenarios::Scenario;

pub fn all() -> Vec<Scenario> {
    vec![
        Scenario::plain("programs-run-as-their-users", users),
        Scenario::plain("programs-run-in-the-background", background),
        Scenario::plain("saltbridge-runs-in-the-guest", saltbridge),
    ]
}

fn users() {
    assert_eq!(BUYER.run(&["id", "-nG"]).succeeded(), "buyer plugdev\n");
    assert_eq!(OTHER.run(&["id", "-nG"]).succeeded(), "other\n");
    let script = "cat; echo $USER $HOME $PWD $SEEN >&2; touch made; exit 3";
    let program = OTHER
        .program(&["sh", "-c", script])
        .env("SEEN", "yes")
        .folder(Path::new("/tmp"));
    let done = program.input("read").run();
    assert_eq!((done.status, done.stdout.as_slice()), (Some(3), b"read".as_slice()));
    assert_eq!(done.stderr, "other /home/other /tmp yes\n");
    assert_ne!(OTHER.run(&["ls", "/home/buyer"]).status, Some(0), "homes are their owners'");
    let terminal = BUYER
        .program_at_terminal("test -t 0 && test -t 1 && test -t 2 && echo so it is")
        .run();
    assert_eq!(terminal.succeeded(), "so it is\r\n");
}

fn background() {
    let script = "trap 'echo caught >&2; exit 4' INT; echo ready >&2; while :; do sleep 0.1; done";
    let mut running = BUYER.program(&["sh", "-c", script]).start();
    running.wait_until_it_says("ready");
    assert!(!running.has_ended());
    running.signal(Signal::INT);
    let done = running.wait(PATIENCE);
    assert_eq!((done.status, done.stderr.as_str()), (Some(4), "ready\ncaught\n"));
    let mut running = BUYER.program(&["sh", "-c", script]).start();
    running.wait_until_it_says("ready");
    let done = running.kill();
    assert_eq!((done.status, done.signal), (None, Some(9)));
}

fn saltbridge() {
    let version = format!("saltbridge {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(BUYER.run(&["saltbridge", "--version"]).succeeded(), version);
}
