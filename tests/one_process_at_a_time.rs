//! Two processes of one user meet at one lock, whatever their environment says, and no lock lies where others could
//! replace it.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/scripted.rs"]
mod scripted;
#[path = "support/stage.rs"]
mod stage;
mod support;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Stdio};

use saltbridge::emulator::{Device, Emulator, Model, SeedName, SpeculosServer, Start};
use scripted::{ADDRESS, ETHEREUM, Reply, ScriptedServer};
use stage::Stage;
use support::{Desk, Run};

/// Asks the device for its address, with these variables and no others that name folders.
fn address(desk: &Desk, device: &str, folders: &[(&str, &Path)]) -> Run {
    let mut command = desk.command(&["address", "--no-wait", "--device", device]);
    command.env_remove("XDG_RUNTIME_DIR").env_remove("HOME");
    command.envs(folders.iter().copied());
    Run::of(command.output().unwrap())
}

fn asking(stage: &Stage, desk: &Desk) -> Child {
    let device = stage.endpoint().to_string();
    let mut command = desk.command(&["address", "--verify", "--device", &device]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    stage.wait_for_question();
    child
}

#[test]
fn a_folder_that_is_not_the_users_own_is_passed_over() {
    let stage = Stage::new(Start::App);
    let device = stage.endpoint().to_string();
    let desk = Desk::empty();
    let home = tempfile::tempdir().unwrap();
    let missing = home.path().join("missing");
    let open_to_all = home.path().join("open");
    std::fs::create_dir(&open_to_all).unwrap();
    std::fs::set_permissions(&open_to_all, std::fs::Permissions::from_mode(0o777)).unwrap();
    for runtime in [missing.as_path(), &open_to_all, Path::new("/"), Path::new("relative"), Path::new("/proc")] {
        let is_root = rustix::process::geteuid().is_root();
        if is_root && runtime == Path::new("/") {
            continue;
        }
        address(&desk, &device, &[("XDG_RUNTIME_DIR", runtime), ("HOME", home.path())]).succeeded();
        assert!(!runtime.join("saltbridge").exists(), "{}", runtime.display());
    }
    assert!(!missing.exists());
}

/// Where a login has made a folder, that is the meeting place for processes that do not know its variable, as those
/// that cron starts. Where there is none, nothing is sent without a folder of one's own.
#[test]
fn without_the_sessions_variable_there_is_the_logins_folder_or_none() {
    let stage = Stage::new(Start::App);
    let device = stage.endpoint().to_string();
    let desk = Desk::empty();
    let of_login = format!("/run/user/{}", rustix::process::geteuid().as_raw());
    if Path::new(&of_login).exists() {
        let mut command = desk.command(&["address", "--verify", "--device", &device]);
        let command = command.env("XDG_RUNTIME_DIR", &of_login).stderr(Stdio::null());
        let first = command.stdout(Stdio::null()).spawn().unwrap();
        stage.wait_for_question();
        address(&desk, &device, &[]).failed_with(3, "device-busy");
        stage.emulator.decide(true);
        assert!(first.wait_with_output().unwrap().status.success());
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let missing = home.path().join("missing");
    for folders in [&[][..], &[("HOME", missing.as_path())]] {
        address(&desk, &device, folders).failed_with(7, "no-lock");
    }
    let run = address(&desk, &device, &[("HOME", &missing)]);
    assert!(run.stderr.contains("missing"), "it names the folder: {run:?}");
    assert!(!missing.exists());
    assert_eq!(stage.commands(), "");
}

#[test]
fn a_lock_that_is_a_link_is_not_followed() {
    let stage = Stage::new(Start::App);
    let device = stage.endpoint().to_string();
    let desk = Desk::empty();
    let runtime = [("XDG_RUNTIME_DIR", desk.locks())];
    address(&desk, &device, &runtime).succeeded();
    let folder = desk.locks().join("saltbridge");
    let lock = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    assert_eq!(std::fs::metadata(&lock).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::remove_file(&lock).unwrap();
    desk.put("precious", "content");
    std::os::unix::fs::symlink(desk.path("precious"), &lock).unwrap();
    address(&desk, &device, &runtime).failed_with(7, "no-lock");
    assert_eq!(desk.read("precious"), b"content");
}

/// What comes is the answer to another program's command: the question is still there, and word of it stays.
#[test]
fn an_answer_to_something_else_does_not_end_the_question() {
    let server = ScriptedServer::of_three(Reply::hex(ETHEREUM), Reply::hex(ADDRESS), Reply::hex(ETHEREUM));
    let desk = Desk::new();
    let device = server.endpoint().to_string();
    let decrypt = ["decrypt", "report.csv.sealed", "--envelope", "envelope.json", "--device", &device];
    desk.run(&decrypt).failed_with(3, "unexpected-answer");
    let heard = server.heard();
    desk.run(&decrypt).failed_with(3, "prompt-pending");
    assert_eq!(server.heard(), heard);
}

#[test]
fn an_address_that_the_device_shows_and_did_not_say_is_not_verified() {
    let server = ScriptedServer::start(|command| match command {
        [0xe0, 0x02, 0x01, ..] => {
            let digits = base16ct::lower::encode_string(b"0000000000000000000000000000000000000001");
            Reply::hex(&format!("{}{digits}9000", &ADDRESS[..134]))
        }
        [0xe0, 0x02, ..] => Reply::hex(ADDRESS),
        _ => Reply::hex(ETHEREUM),
    });
    let desk = Desk::empty();
    let device = server.endpoint().to_string();
    let run = desk.run(&["address", "--verify", "--device", &device]);
    run.failed_with(5, "wrong-account");
    assert_eq!(run.stdout, b"");
}

#[test]
fn what_listens_there_may_be_no_ledger_at_all() {
    let banner = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let device = format!("speculos://{}", banner.local_addr().unwrap());
    std::thread::spawn(move || {
        for client in banner.incoming() {
            let _ = std::io::Write::write_all(&mut client.unwrap(), b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n");
        }
    });
    // It is not waited for: no waiting makes a Ledger of it.
    let run = Desk::empty().run(&["address", "--device", &device]);
    run.failed_with(3, "unexpected-answer");
}

#[test]
fn the_emulator_is_not_reached_from_other_machines() {
    let emulator = Emulator::new(Device::new(Model::Stax, SeedName::Junk, Start::App));
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let refused = SpeculosServer::start(&emulator, address.parse().unwrap()).map(|_| ());
        assert_eq!(refused.unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
    }
}

#[test]
fn who_is_asked_for_something_is_named_to_the_others() {
    let stage = Stage::new(Start::App);
    let desk = Desk::empty();
    let device = stage.endpoint().to_string();
    let first = asking(&stage, &desk);
    let run = desk.run(&["devices", "--device", &device]);
    assert_eq!(String::from_utf8(run.stdout).unwrap(), format!("{device}  device-busy\n"));
    stage.emulator.decide(true);
    Run::of(first.wait_with_output().unwrap()).succeeded();
}
