//! Another user of the machine reaches the port, as everybody does, and gets the contract there and nothing else; the
//! socket, what is kept, and the memory of the process are closed to him.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/own_page.rs"]
mod own_page;
#[path = "support/page.rs"]
mod page;
#[path = "guard/scene.rs"]
mod scene;
#[path = "support/served.rs"]
mod served;
#[path = "support/stage.rs"]
mod stage;
mod support;

use std::fs::{File, Permissions, read_dir, set_permissions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use own_page::Window;
use page::{Body, Page};
use rustix::process::geteuid;
use saltbridge::bridge::Call as Route;
use saltbridge::emulator::Start;
use scene::{Scene, plain};
use served::{Answer, NUMERBAY, read_answer};
use stage::{PATIENCE, Stage};
use support::skip;

/// Says to this test, run once more as another user, what it is to try: the bridge's address, its process, its socket
/// and the folder of what is kept, each on a line; whether the socket is open to him, on another.
const AS_ANOTHER: &str = "SALTBRIDGE_TEST_AS_ANOTHER";

/// Debian's nobody.
const NOBODY: &str = "65534";

#[test]
fn another_user_gets_nothing() {
    if let Ok(told) = std::env::var(AS_ANOTHER) {
        return Another::read(&told).tries();
    }
    let has_setpriv = Command::new("setpriv").arg("--version").output().is_ok();
    if !geteuid().is_root() || !has_setpriv {
        return skip("another user", "only root becomes another user, with setpriv");
    }
    let scene = Scene::new();
    let before = scene.kept();
    let ours = scene.served.child.id();
    let limits = std::fs::read_to_string(format!("/proc/{ours}/limits")).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "no core dumps: {core}");

    for name in ["identity.pem", "pairings.json"] {
        let kept = scene.served.desk.locks().join("state/saltbridge").join(name);
        assert_eq!(kept.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{name}");
    }

    let folder = tempfile::tempdir().unwrap();
    open_to_all(folder.path(), 0o755);
    // He may not be able to reach the one that runs.
    let program = folder.path().join("test");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let state = scene.served.desk.locks().join("state");
    let asked = "Content-Type: application/json\r\nContent-Length: 2\r\n";
    let opening = [plain("POST", "/v1/own-pages", "localhost", asked), b"{}".to_vec()].concat();
    let own_page = Window::of(&scene.served.send_to_socket(&opening).unwrap());
    let as_another = |socket_is_open: bool| {
        let told = [
            scene.served.authority.clone(),
            ours.to_string(),
            scene.served.socket().display().to_string(),
            state.display().to_string(),
            socket_is_open.to_string(),
            own_page.authority().to_owned(),
            own_page.code.clone(),
        ];
        let output = Command::new("setpriv")
            .args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--"])
            .arg(&program)
            .args(["--exact", "another_user_gets_nothing", "--nocapture"])
            .env(AS_ANOTHER, told.join("\n"))
            .current_dir("/")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        assert!(text.contains("tried everything"), "{text}");
    };
    as_another(false);
    // Even where the user opens to all what lies on the way to it.
    open_to_all(scene.served.desk.locks(), 0o777);
    open_to_all(&scene.served.socket(), 0o666);
    as_another(true);
    let mut own_page = own_page;
    own_page.come_in();
    let own = scene
        .served
        .send_to_socket(&plain("GET", "/v1/status", "localhost", ""));
    assert_eq!(own.unwrap().status, 200, "the user's own programs are heard there");
    assert_eq!(scene.kept(), before, "something came of it");
}

/// The system keeps the memory of a process that is not dumpable from its own user's other processes, too: what it shows
/// of such a one belongs to root (proc(5)).
#[test]
fn another_process_of_the_user_does_not_read_its_memory() {
    let has_setpriv = Command::new("setpriv").arg("--version").output().is_ok();
    if !geteuid().is_root() || !has_setpriv {
        return skip("the memory of a user's process", "only root starts one of another user, with setpriv");
    }
    let stage = Stage::new(Start::App);
    let folder = tempfile::tempdir().unwrap();
    let id = NOBODY.parse().ok();
    chown(folder.path(), id, id).unwrap();
    let program = folder.path().join("program");
    std::fs::copy(env!("CARGO_BIN_EXE_saltbridge"), &program).unwrap();
    open_to_all(&program, 0o755);
    let as_nobody = |args: &[&str]| {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--"])
            .args(args)
            .env("XDG_RUNTIME_DIR", folder.path())
            .env("XDG_STATE_HOME", folder.path().join("state"))
            .env("HOME", folder.path())
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    };
    let device = stage.endpoint().to_string();
    let serve = [program.to_str().unwrap(), "serve", "--port", "0", "--device", &device];
    let mut bridge = Ending(as_nobody(&serve).spawn().unwrap());
    let mut other = Ending(as_nobody(&["sleep", "600"]).spawn().unwrap());
    let start = Instant::now();
    while !folder.path().join("saltbridge.sock").exists() || is_root(&other.0) {
        assert!(start.elapsed() < PATIENCE, "never began");
        assert!(bridge.0.try_wait().unwrap().is_none() && other.0.try_wait().unwrap().is_none(), "ended");
        std::thread::sleep(Duration::from_millis(20));
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", bridge.0.id())).unwrap();
    assert!(status.contains(&format!("Uid:\t{NOBODY}\t{NOBODY}")), "{status}");
    assert!(is_root(&bridge.0), "the bridge is dumpable");
}

/// Whether what the system shows of a process is root's.
fn is_root(child: &Child) -> bool {
    std::fs::metadata(format!("/proc/{}/mem", child.id())).unwrap().uid() == 0
}

struct Ending(Child);

impl Drop for Ending {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn open_to_all(path: &Path, mode: u32) {
    set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// What another user knows.
struct Another {
    authority: String,
    process: PathBuf,
    socket: PathBuf,
    state: PathBuf,
    socket_is_open: bool,
    /// Where the bridge's own page is listened for.
    own_page: String,
    /// Its code, as if he had read it over the person's shoulder.
    code: String,
}

impl Another {
    fn read(told: &str) -> Self {
        let mut lines = told.lines();
        let mut next = || lines.next().unwrap();
        Self {
            authority: next().to_owned(),
            process: format!("/proc/{}", next()).into(),
            socket: next().into(),
            state: next().into(),
            socket_is_open: next() == "true",
            own_page: next().to_owned(),
            code: next().to_owned(),
        }
    }

    fn tries(&self) {
        assert!(!geteuid().is_root());
        self.tries_the_port();
        self.tries_the_socket();
        self.tries_the_own_page();
        self.tries_what_is_kept();
        self.tries_the_process();
        println!("tried everything");
    }

    fn asks(&self, method: &str, path: &str, more: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.authority).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(&plain(method, path, &self.authority, more)).unwrap();
        read_answer(&mut stream).unwrap()
    }

    fn tries_the_port(&self) {
        for call in Route::ALL {
            let (method, path) = call.route();
            let path = path
                .replace("{handle}", "AAAAAAAAAAAAAAAAAAAAAA")
                .replace("{origin}", "https%3A%2F%2Fnumerbay.ai");
            let (method, is_contract) = (method.as_str(), path == "/openapi.json");
            let nobody = self.asks(method, &path, "");
            let page = self.asks(method, &path, &format!("Origin: {NUMERBAY}\r\n"));
            if is_contract {
                assert_eq!((nobody.status, page.status), (200, 200));
                assert_eq!(nobody.body, page.body, "the contract is the same for everybody");
                continue;
            }
            assert_eq!((nobody.status, nobody.code().as_str()), (403, "no-origin"), "{method} {path}");
            let refused = (page.status, page.code());
            let expected = [(401, "no-signature"), (403, "not-invited"), (403, "socket-only")];
            assert!(
                expected
                    .iter()
                    .any(|(status, code)| refused == (*status, (*code).to_owned())),
                "{path}: {refused:?}"
            );
        }
    }

    fn tries_the_socket(&self) {
        let connected = UnixStream::connect(&self.socket);
        if !self.socket_is_open {
            let refused = connected.expect_err("the socket is closed to others");
            return assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
        }
        let mut stream = connected.expect("this socket was opened to all");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // It may be closed before that.
        let _ = stream.write_all(&plain("GET", "/v1/status", "localhost", ""));
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            Ok(_) => assert!(answer.is_empty(), "he is answered: {}", String::from_utf8_lossy(&answer)),
            Err(error) => {
                assert!([ErrorKind::ConnectionReset, ErrorKind::BrokenPipe].contains(&error.kind()), "{error}")
            }
        }
    }

    fn tries_the_own_page(&self) {
        let page = Page::new(&format!("http://{}", self.own_page), &self.own_page);
        let body = Body::Json(page.pairing_body(&self.code));
        let pairing = page
            .draft("POST", "/v1/pairings", body)
            .header("Sec-Fetch-Site", "same-origin");
        for request in [plain("GET", "/", &self.own_page, ""), pairing.sign().bytes()] {
            let mut stream = TcpStream::connect(&self.own_page).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            // It may be closed before that.
            let _ = stream.write_all(&request);
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer);
            assert!(answer.is_empty(), "he is answered: {}", String::from_utf8_lossy(&answer));
        }
    }

    fn tries_what_is_kept(&self) {
        let folder = self.state.join("saltbridge");
        let denied = |error: std::io::Error, what: &Path| {
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{}", what.display());
        };
        denied(read_dir(&folder).expect_err("he lists what is kept"), &folder);
        for name in ["identity.pem", "pairings.json"] {
            let file = folder.join(name);
            denied(File::open(&file).expect_err("he reads what is kept"), &file);
            denied(File::create(&file).expect_err("he writes what is kept"), &file);
        }
    }

    fn tries_the_process(&self) {
        for name in ["mem", "environ", "maps", "auxv", "stack", "syscall", "io"] {
            let file = self.process.join(name);
            let read = File::open(&file).and_then(|mut file| file.read(&mut [0; 16]));
            assert!(read.is_err(), "he reads {}: {read:?}", file.display());
        }
        for name in ["fd", "map_files"] {
            let folder = self.process.join(name);
            assert!(read_dir(&folder).is_err(), "he lists {}", folder.display());
        }
        // What he reads of a process of his own.
        let mut own = [0; 16];
        assert!(File::open("/proc/self/environ").unwrap().read(&mut own).unwrap() > 0);
    }
}
