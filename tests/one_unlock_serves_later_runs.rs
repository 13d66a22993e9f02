//! While a bridge runs, the commands use it: one approval serves later runs, until the keys are locked; a key is given away
//! with an approval of its own; and what the person is told stands on the command's own terminal, too.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/page.rs"]
mod page;
#[path = "support/served.rs"]
mod served;
#[path = "support/stage.rs"]
mod stage;
mod support;

use saltbridge::emulator::Start;
use served::Served;
use stage::{Stage, approving};
use support::{Desk, Run, Vectors, plaintext};

/// Runs a command while the device approves; how many approvals it took.
fn run(served: &Served, args: &[&str]) -> (Run, usize) {
    let before = served.stage.commands().len();
    let run = approving(&[&served.stage], || Run::of(served.command(args).output().unwrap()));
    let asked = served.stage.commands()[before..].matches("e008").count();
    (run, asked)
}

const DECRYPT: [&str; 6] = ["decrypt", "report.csv.sealed", "--envelope", "envelope.json", "-o", "out.csv"];

fn the_report() -> Vec<u8> {
    let vectors = Vectors::numerbay();
    plaintext(vectors.entry("sealed", "sealed-web-env-speculos-44h_60h_0h_0_0-v27-1000"))
}

#[test]
fn decrypt_asks_once_until_the_keys_are_locked() {
    let served = Served::new();
    let (first, asked) = run(&served, &DECRYPT);
    assert_eq!(asked, 1, "{:?}", first.succeeded());
    assert_eq!(served.desk.read("out.csv"), the_report());
    for said in ["saltbridge decrypt asks your Ledger for a signature:", "to open", "Salt:c0SCi9IzmsCO"] {
        assert!(first.stderr.contains(said), "{said}: {}", first.stderr);
        assert!(served.log().contains(said), "{said}");
    }
    let again = [&DECRYPT[..], &["--force"]].concat();
    let (second, asked) = run(&served, &again);
    assert_eq!(asked, 0, "{:?}", second.succeeded());
    assert!(!second.stderr.contains("asks your Ledger"), "{}", second.stderr);

    let (locked, _) = run(&served, &["lock"]);
    locked.succeeded();
    let (third, asked) = run(&served, &again);
    assert_eq!(asked, 1, "{:?}", third.succeeded());
}

#[test]
fn a_file_that_was_changed_leaves_nothing() {
    let served = Served::new();
    let mut sealed = served.desk.read("report.csv.sealed");
    *sealed.last_mut().unwrap() ^= 1;
    served.desk.put("report.csv.sealed", &sealed);
    let (changed, _) = run(&served, &DECRYPT);
    changed.failed_with(5, "box-does-not-open");
    assert!(!served.desk.names().contains(&"out.csv".to_owned()));
    // Made to be opened by anybody.
    sealed[..32].fill(0);
    served.desk.put("report.csv.sealed", &sealed);
    let (forged, _) = run(&served, &DECRYPT);
    forged.failed_with(6, "low-order-box");
    assert!(!served.desk.names().contains(&"out.csv".to_owned()));
}

#[test]
fn export_has_an_approval_of_its_own_each_time() {
    let served = Served::new();
    run(&served, &DECRYPT).0.succeeded();
    let export = ["export", "--envelope", "envelope.json", "-o", "key.json", "--force"];
    for _ in 0..2 {
        let (exported, asked) = run(&served, &export);
        assert_eq!(asked, 1, "{:?}", exported.succeeded());
        assert!(exported.stderr.contains("to export"), "{}", exported.stderr);
        assert_eq!(served.desk.read("key.json"), served.desk.read("numerbay.json"));
    }
}

#[test]
fn the_bridge_can_be_left_out() {
    let served = Served::new();
    run(&served, &DECRYPT).0.succeeded();
    let device = served.stage.endpoint().to_string();
    let (own, asked) = run(&served, &[&DECRYPT[..], &["--force", "--no-bridge", "--device", &device]].concat());
    assert_eq!(asked, 1, "{:?}", own.succeeded());
    // Another device than the bridge's is not the bridge's business.
    let other = Stage::new(Start::App);
    let device = other.endpoint().to_string();
    let args = [&DECRYPT[..], &["--force", "--device", &device]].concat();
    let run = approving(&[&other], || Run::of(served.command(&args).output().unwrap()));
    run.succeeded();
    assert_eq!(other.commands().matches("e008").count(), 1);
}

#[test]
fn address_and_devices_go_through_it() {
    let served = Served::new();
    let device = served.stage.endpoint().to_string();
    let (direct, _) = run(&served, &["address", "--json", "--no-bridge", "--device", &device]);
    let (through, _) = run(&served, &["address", "--json"]);
    assert_eq!(through.succeeded().stdout, direct.succeeded().stdout);
    let (shown, _) = run(&served, &["address", "--verify"]);
    assert!(shown.succeeded().stderr.contains("Compare it"), "{}", shown.stderr);
    let (direct, _) = run(&served, &["devices", "--json", "--no-bridge", "--device", &device]);
    let (through, _) = run(&served, &["devices", "--json", "--device", &device]);
    assert_eq!(through.succeeded().stdout, direct.succeeded().stdout);
    assert!(served.log().contains("GET /v1/devices"), "{}", served.log());
}

#[test]
fn a_refusal_keeps_its_code_and_exit_status() {
    let served = Served::new();
    let refusing = std::thread::scope(|scope| {
        let answering = scope.spawn(|| {
            served.stage.wait_for_question();
            served.stage.emulator.decide(false);
        });
        let run = Run::of(served.command(&DECRYPT).output().unwrap());
        answering.join().unwrap();
        run
    });
    refusing.failed_with(4, "refused");
    let (wrong, _) =
        run(&served, &[&DECRYPT[..], &["--address", "0x0000000000000000000000000000000000000001"]].concat());
    wrong.failed_with(5, "account-not-found");
}

#[test]
fn who_does_not_want_to_wait_need_not() {
    let served = Served::over(Stage::new(Start::Locked), Desk::new(), &[]);
    let no_wait = [&DECRYPT[..], &["--no-wait"]].concat();
    run(&served, &no_wait).0.failed_with(3, "device-locked");
    // Another run has the device's turn, and waits for the PIN.
    let mut waiting = served.command(&DECRYPT).spawn().unwrap();
    served.stage.wait_for_commands(2);
    run(&served, &no_wait).0.failed_with(3, "device-busy");
    let device = served.stage.endpoint().to_string();
    let (listed, _) = run(&served, &["devices", "--device", &device]);
    assert!(String::from_utf8_lossy(&listed.succeeded().stdout).contains("device-busy"), "{listed:?}");
    waiting.kill().unwrap();
    waiting.wait().unwrap();
}

#[test]
fn a_question_of_a_dead_program_is_settled_through_it() {
    let served = Served::new();
    let device = served.stage.endpoint().to_string();
    let mut killed = served
        .command(&[&DECRYPT[..], &["--no-bridge", "--device", &device]].concat())
        .spawn()
        .unwrap();
    served.stage.wait_for_question();
    killed.kill().unwrap();
    killed.wait().unwrap();
    run(&served, &DECRYPT).0.failed_with(3, "prompt-pending");
    let (settled, _) = run(&served, &[&DECRYPT[..], &["--device-idle"]].concat());
    settled.succeeded();
    assert_eq!(served.desk.read("out.csv"), the_report());
}

#[test]
fn there_is_one_bridge_of_a_user_at_a_time() {
    let mut served = Served::new();
    let device = served.stage.endpoint().to_string();
    let second = Run::of(
        served
            .command(&["serve", "--port", "0", "--device", &device])
            .output()
            .unwrap(),
    );
    second.failed_with(7, "bridge-running");
    // A socket that a killed bridge left is taken over.
    served.child.kill().unwrap();
    served.child.wait().unwrap();
    assert!(served.socket().exists());
    let desk = std::mem::replace(&mut served.desk, Desk::empty());
    let again = Served::over(Stage::new(Start::App), desk, &[]);
    run(&again, &DECRYPT).0.succeeded();
}

/// Each would keep the pairings that it knows, and undo what the other one revoked.
#[test]
fn what_is_kept_is_one_bridges_alone() {
    let served = Served::new();
    let elsewhere = Desk::empty();
    let mut command = elsewhere.command(&["serve", "--port", "0"]);
    command.env("XDG_STATE_HOME", served.desk.locks().join("state"));
    Run::of(command.output().unwrap()).failed_with(7, "bridge-running");
}

/// What the machine says names files and the user; a page is told that something is wrong, and the terminal what.
#[test]
fn a_page_is_not_told_the_machines_paths() {
    let spool = tempfile::tempdir().unwrap();
    let mut served = Served::with(&["--spool-dir", spool.path().to_str().unwrap()]);
    let page = served.paired(served::NUMERBAY, None);
    std::fs::remove_dir(spool.path()).unwrap();
    let target = "/v1/encrypt?public_key=j9X3FWlUV2tgymJykO0JwfiuYr5yfJMiGLQdCkvA5Us%3D";
    let answer = served.ask(&page, &page.request("POST", target, page::Body::Bytes(vec![1; 100])));
    assert_eq!(answer.status, 500, "{answer:?}");
    let (told, path) = (String::from_utf8_lossy(&answer.body).into_owned(), spool.path().to_str().unwrap());
    assert!(!told.contains(path), "{told}");
    // A terminal is written to by a thread of its own.
    served.wait_for_log(path, |_| Some(()));
}

#[test]
fn a_port_that_is_taken_is_said_by_whom() {
    let served = Served::new();
    let port = served.authority.rsplit_once(':').unwrap().1;
    let elsewhere = Desk::empty();
    let mut command = elsewhere.command(&["serve", "--port", port]);
    command.env("XDG_STATE_HOME", elsewhere.path("state"));
    let run = Run::of(command.output().unwrap());
    run.failed_with(7, "port-taken");
    assert!(run.stderr.contains(&format!("port {port} is taken by ")), "{}", run.stderr);
}
