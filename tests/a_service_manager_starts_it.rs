//! A service manager hands the bridge its listeners (sd_listen_fds(3)) and is told when it is ready and when it stops
//! (sd_notify(3)).
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use support::{Desk, skip};

/// Listens as a service manager does, then becomes the program.
const MANAGER: &str = r#"
import os, socket, sys
loopback = socket.socket(socket.AF_INET)
loopback.bind((sys.argv[1], 0))
loopback.listen()
programs = socket.socket(socket.AF_UNIX)
programs.bind(sys.argv[2])
programs.listen()
print(loopback.getsockname()[1], flush=True)
for number, handed in ((3, loopback), (4, programs)):
    if handed.fileno() != number:
        os.dup2(handed.fileno(), number)
    os.set_inheritable(number, True)
os.environ.update(LISTEN_FDS="2", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[3], sys.argv[3:])
"#;

struct Started {
    child: Child,
    told: UnixDatagram,
    desk: Desk,
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(address: &str) -> Option<Started> {
    if Command::new("python3").arg("-V").output().is_err() {
        skip("a service manager", "python3 is not installed");
        return None;
    }
    let desk = Desk::empty();
    let told = UnixDatagram::bind(desk.path("notify")).unwrap();
    told.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let child = Command::new("python3")
        .args(["-c", MANAGER, address])
        .arg(desk.path("programs.sock"))
        .arg(env!("CARGO_BIN_EXE_saltbridge"))
        .args(["serve", "--device", "speculos://127.0.0.1:1"])
        .env("XDG_RUNTIME_DIR", desk.locks())
        .env("XDG_STATE_HOME", desk.path("state"))
        .env("NOTIFY_SOCKET", desk.path("notify"))
        .stdout(std::fs::File::create(desk.path("port")).unwrap())
        .stderr(std::fs::File::create(desk.path("log")).unwrap())
        .spawn()
        .unwrap();
    Some(Started { child, told, desk })
}

fn next_state(started: &Started) -> String {
    let mut buffer = [0; 4096];
    let length = started.told.recv(&mut buffer).unwrap();
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

#[test]
fn it_serves_at_what_it_is_handed_and_says_when() {
    let Some(mut started) = start("127.0.0.1") else { return };
    assert!(next_state(&started).contains("READY=1"));
    let port = String::from_utf8(started.desk.read("port")).unwrap();
    let log = String::from_utf8(started.desk.read("log")).unwrap();
    assert!(log.contains(&format!("Listening at http://127.0.0.1:{}", port.trim())), "{log}");
    // The socket is the manager's: nothing is made beside it, and it stays.
    assert!(!started.desk.locks().join("saltbridge.sock").exists());
    let programs = std::os::unix::net::UnixStream::connect(started.desk.path("programs.sock"));
    assert!(programs.is_ok());
    let pid = rustix::process::Pid::from_child(&started.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(next_state(&started).contains("STOPPING=1"));
    let since = Instant::now();
    let status = loop {
        if let Some(status) = started.child.try_wait().unwrap() {
            break status;
        }
        assert!(since.elapsed() < Duration::from_secs(60), "it does not stop");
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(status.code(), Some(0));
    assert!(started.desk.path("programs.sock").exists());
}

#[test]
fn a_listener_that_others_reach_is_refused() {
    let Some(mut started) = start("0.0.0.0") else { return };
    let status = started.child.wait().unwrap();
    let log = String::from_utf8(started.desk.read("log")).unwrap();
    assert_eq!(status.code(), Some(2), "{log}");
    assert!(log.contains("code: handed-not-loopback"), "{log}");
}
