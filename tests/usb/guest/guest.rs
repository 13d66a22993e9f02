//! The guest: its nodes, its udev, its users and what they run.

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long a scenario waits for something that will come. Generous: machines are loaded.
pub const PATIENCE: Duration = Duration::from_secs(60);

const RULES: &str = "/etc/udev/rules.d";

/// The rules that ship, as the lab put them into the guest.
#[allow(dead_code, reason = "nothing ships yet")]
const SHIPPED_RULES: &str = "/lab/udev";

/// Waits until there is something, and fails after [`PATIENCE`].
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited in vain for: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// The hidraw node of an interface of the USB device in this folder of sysfs.
pub fn hidraw_node(device: &Path, interface: usize) -> Option<PathBuf> {
    let name = device.file_name()?.to_str()?;
    let interface = device.join(format!("{name}:1.{interface}"));
    let hid = entries(&interface)
        .into_iter()
        .find(|path| path.join("hidraw").is_dir())?;
    let node = entries(&hid.join("hidraw")).into_iter().next()?;
    let node = Path::new("/dev").join(node.file_name()?);
    node.exists().then_some(node)
}

/// All hidraw nodes.
pub fn hidraw_nodes() -> Vec<PathBuf> {
    let mut nodes = entries(Path::new("/dev"));
    nodes.retain(|path| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("hidraw"))
    });
    nodes.sort();
    nodes
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(found) = fs::read_dir(folder) else {
        return Vec::new();
    };
    found.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

/// A node's permissions and its group's number.
pub fn mode_and_group(node: &Path) -> (u32, u32) {
    let meta = fs::metadata(node).unwrap();
    (meta.mode() & 0o7777, meta.gid())
}

/// The group of those who may use devices that they plugged in.
pub const PLUGDEV: u32 = 46;

/// Waits until udev has nothing to do.
pub fn settle() {
    udevadm(&["settle", "--timeout=60"]);
}

fn udevadm(args: &[&str]) {
    let done = Command::new("udevadm").args(args).status().unwrap();
    assert!(done.success(), "udevadm {args:?}: {done}");
}

/// Puts a rules file of this name in force, for devices that are there and that come.
pub fn write_rules(name: &str, rules: &str) {
    fs::create_dir_all(RULES).unwrap();
    fs::write(Path::new(RULES).join(name), rules).unwrap();
    apply_rules();
}

/// Puts every rules file that ships (`udev/*.rules`) in force; their names.
#[allow(dead_code, reason = "nothing ships yet")]
pub fn install_shipped_rules() -> Vec<String> {
    fs::create_dir_all(RULES).unwrap();
    let mut names = Vec::new();
    for path in entries(Path::new(SHIPPED_RULES)) {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        fs::copy(&path, Path::new(RULES).join(&name)).unwrap();
        names.push(name);
    }
    names.sort();
    apply_rules();
    names
}

/// Removes all rules but those of the guest's system.
pub fn remove_rules() {
    let rules = entries(Path::new(RULES));
    for path in &rules {
        fs::remove_file(path).unwrap();
    }
    if !rules.is_empty() {
        apply_rules();
    }
}

/// From now on udev takes this long for a node: it is there, and its permissions are not yet those of the rules.
pub fn slow_down_udev(delay: Duration) {
    let seconds = delay.as_secs_f32();
    let rule = format!("ACTION==\"add\", SUBSYSTEM==\"hidraw\", PROGRAM=\"/usr/bin/sleep {seconds}\"\n");
    fs::create_dir_all(RULES).unwrap();
    fs::write(Path::new(RULES).join("01-slow.rules"), rule).unwrap();
    udevadm(&["control", "--reload"]);
}

fn apply_rules() {
    udevadm(&["control", "--reload"]);
    udevadm(&["trigger", "--action=add", "--subsystem-match=usb", "--subsystem-match=hidraw"]);
    settle();
}

/// Waits until the buyer is logged in at the seat, and active there.
pub fn wait_for_the_person_at_the_seat() {
    let session = |args: &[&str]| {
        let done = Command::new("loginctl").args(args).output().unwrap();
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    };
    eventually("the buyer is at the seat", || {
        let active = session(&["show-seat", "seat0", "--property=ActiveSession", "--value"]);
        let facts = ["--property=Name", "--property=Active", "--property=Type"];
        let facts = session(&[&["show-session", active.as_str()], facts.as_slice()].concat());
        (facts.contains("Name=buyer") && facts.contains("Active=yes")).then_some(())
    });
}

/// Somebody who runs programs in the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    name: &'static str,
    id: u32,
}

/// In group plugdev; in the lab with systemd, logged in at the seat.
pub const BUYER: User = User {
    name: "buyer",
    id: 1000,
};
/// In no group, and nowhere logged in.
pub const OTHER: User = User {
    name: "other",
    id: 1001,
};

impl User {
    /// A program of this user's: its name and arguments. It has an environment of its own, and nothing to read.
    pub fn program<S: AsRef<OsStr>>(self, words: &[S]) -> Program {
        let mut command = Command::new("setpriv");
        let id = self.id.to_string();
        let home = format!("/home/{}", self.name);
        let runtime = format!("/run/user/{id}");
        command
            .args(["--reuid", &id, "--regid", &id, "--init-groups", "--"])
            .args(words)
            .env_clear()
            .env("PATH", "/usr/bin:/usr/sbin")
            .envs([("USER", self.name), ("LOGNAME", self.name), ("LANG", "C.UTF-8")])
            .env("HOME", &home)
            .current_dir(&home);
        // In the lab with systemd only who is logged in has one.
        if Path::new(&runtime).exists() {
            command.env("XDG_RUNTIME_DIR", &runtime);
        }
        Program {
            command,
            input: Some(Vec::new()),
        }
    }

    /// Runs a program to its end.
    pub fn run<S: AsRef<OsStr>>(self, words: &[S]) -> Finished {
        self.program(words).run()
    }

    /// Whether this user can open a node for reading and writing.
    pub fn can_open(self, node: &Path) -> bool {
        let open = format!("exec 3<>{}", node.display());
        self.run(&["sh", "-c", &open]).status == Some(0)
    }

    /// What `words` are, in a terminal of their own: output and errors both come as its output.
    pub fn program_at_terminal(self, words: &str) -> Program {
        self.program(&["script", "-qefc", words, "/dev/null"])
    }
}

/// A program that is about to run.
pub struct Program {
    command: Command,
    /// None if it is typed in later.
    input: Option<Vec<u8>>,
}

impl Program {
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// What it reads from its standard input, which ends after it.
    pub fn input(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.input = Some(bytes.as_ref().to_vec());
        self
    }

    /// What it reads is typed in later.
    pub fn keep_input_open(mut self) -> Self {
        self.input = None;
        self
    }

    /// Starts it in the background.
    pub fn start(mut self) -> Process {
        let command = self
            .command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = Stream::of(child.stdout.take().unwrap());
        let stderr = Stream::of(child.stderr.take().unwrap());
        let mut stdin = child.stdin.take().unwrap();
        let keyboard = match self.input {
            None => Some(stdin),
            Some(input) => {
                thread::spawn(move || stdin.write_all(&input));
                None
            }
        };
        Process {
            child,
            keyboard,
            stdout,
            stderr,
        }
    }

    /// Runs it to its end, which must come within [`PATIENCE`].
    pub fn run(self) -> Finished {
        self.start().wait(PATIENCE)
    }
}

/// What comes out of a program, as it comes.
struct Stream {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Stream {
    fn of(mut from: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let target = Arc::clone(&bytes);
        let reader = thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = from.read(&mut buffer) {
                let mut target = target.lock().unwrap_or_else(PoisonError::into_inner);
                target.extend(&buffer[..count]);
            }
        });
        Self { bytes, reader }
    }

    fn so_far(&self) -> Vec<u8> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All of it; what is held open by a grandchild is not waited for.
    fn all(self) -> Vec<u8> {
        let end = Instant::now() + Duration::from_secs(5);
        while !self.reader.is_finished() && Instant::now() < end {
            thread::sleep(Duration::from_millis(5));
        }
        self.so_far()
    }
}

/// A program in the background. It is killed when it is dropped.
pub struct Process {
    child: Child,
    keyboard: Option<ChildStdin>,
    stdout: Stream,
    stderr: Stream,
}

impl Process {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Types something, if its input was kept open.
    pub fn type_in(&mut self, text: &str) {
        self.keyboard.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.stdout.so_far()).into_owned()
    }

    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr.so_far()).into_owned()
    }

    /// Waits until it has said this on standard error.
    pub fn wait_until_it_says(&mut self, text: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            let ended = self.has_ended();
            if self.stderr().contains(text) {
                return;
            }
            assert!(!ended, "it ended without saying {text:?}: {:?} {:?}", self.stdout(), self.stderr());
            assert!(Instant::now() < end, "it does not say {text:?}: {:?} {:?}", self.stdout(), self.stderr());
            thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Kills it, as `kill -9` does.
    pub fn kill(mut self) -> Finished {
        self.child.kill().unwrap();
        self.wait(PATIENCE)
    }

    /// Waits for its end, and fails after this time.
    pub fn wait(mut self, limit: Duration) -> Finished {
        let end = Instant::now() + limit;
        while !self.has_ended() {
            assert!(Instant::now() < end, "it does not end: {:?} {:?}", self.stdout(), self.stderr());
            thread::sleep(Duration::from_millis(5));
        }
        let status = self.child.wait().unwrap();
        let taken = |stream: &mut Stream| std::mem::replace(stream, Stream::of(std::io::empty())).all();
        Finished {
            status: status.code(),
            signal: status.signal(),
            stdout: taken(&mut self.stdout),
            stderr: String::from_utf8_lossy(&taken(&mut self.stderr)).into_owned(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What became of a program.
#[derive(Debug)]
pub struct Finished {
    /// Its exit status, unless a signal ended it.
    pub status: Option<i32>,
    pub signal: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Finished {
    /// Fails unless it ended with 0; its standard output.
    pub fn succeeded(&self) -> String {
        let stdout = String::from_utf8_lossy(&self.stdout).into_owned();
        assert_eq!(self.status, Some(0), "{stdout:?} {:?}", self.stderr);
        stdout
    }
}
