//! What goes to standard output waits until all of it has been seen: as ciphertext, in a file without a name, in a folder
//! that is not kept in memory unless it was asked for; and where that is, is said if it is much.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::io::{Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use support::{Desk, Run};

const PUBLIC_KEY: &str = "j9X3FWlUV2tgymJykO0JwfiuYr5yfJMiGLQdCkvA5Us=";
const LINE: &[u8] = b"known only to buyer and seller\n";

/// A desk with a sealed file of some megabytes that is one line again and again.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.put("f", LINE.repeat(200_000));
    desk.run(&["encrypt", "f", "--to", PUBLIC_KEY]).succeeded();
    desk
}

/// `decrypt - -o -` that has been given all but the last byte, and its spool file in `/proc`.
struct Waiting {
    child: Child,
    stdin: ChildStdin,
    last: u8,
    spool: PathBuf,
}

impl Waiting {
    /// None, loudly, where the descriptors of a process cannot be seen: it forbids that to all but root.
    fn start(desk: &Desk, change: impl FnOnce(&mut Command)) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            support::skip("the spool file", "only root sees another process's open files");
            return None;
        }
        let mut command = desk.command(&["decrypt", "-", "--key-file", "numerbay.json", "-o", "-"]);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        change(&mut command);
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let sealed = desk.read("f.sealed");
        let (last, most) = sealed.split_last().unwrap();
        stdin.write_all(most).unwrap();
        let spool = spool_of(&child, 5 << 20);
        Some(Self {
            child,
            stdin,
            last: *last,
            spool,
        })
    }

    fn folder(&self) -> PathBuf {
        std::fs::read_link(&self.spool).unwrap().parent().unwrap().to_owned()
    }

    fn finish(mut self) -> Run {
        self.stdin.write_all(&[self.last]).unwrap();
        drop(self.stdin);
        Run::of(self.child.wait_with_output().unwrap())
    }
}

/// The descriptor of an unnamed file of at least this many bytes, as soon as there is one.
fn spool_of(child: &Child, bytes: u64) -> PathBuf {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let fds = std::fs::read_dir(format!("/proc/{}/fd", child.id())).unwrap();
        let mut fds = fds.map(|fd| fd.unwrap().path());
        let is_spool = |fd: &PathBuf| {
            std::fs::read_link(fd).is_ok_and(|link| link.to_string_lossy().ends_with("(deleted)"))
                && std::fs::metadata(fd).is_ok_and(|metadata| metadata.len() >= bytes)
        };
        if let Some(fd) = fds.find(is_spool) {
            return fd;
        }
        assert!(Instant::now() < deadline, "there is no spool file");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn it_is_the_ciphertext_and_not_a_byte_comes_out_before_the_last_went_in() {
    let desk = desk();
    let Some(waiting) = Waiting::start(&desk, |_| ()) else {
        return;
    };
    let mut spooled = Vec::new();
    std::fs::File::open(&waiting.spool)
        .unwrap()
        .read_to_end(&mut spooled)
        .unwrap();
    assert!(desk.read("f.sealed")[48..].starts_with(&spooled));
    assert!(!spooled.windows(LINE.len()).any(|window| window == LINE));
    let stdout = waiting.child.stdout.as_ref().unwrap();
    assert_eq!(rustix::io::ioctl_fionread(stdout).unwrap(), 0, "nothing waits in the pipe");
    assert!(waiting.finish().succeeded().stdout == desk.read("f"));
}

#[test]
fn what_the_disk_gives_back_changed_does_not_come_out() {
    let desk = desk();
    let plaintext = desk.read("f");
    type Change = fn(&std::fs::File);
    let changes: [(usize, Change); 3] = [
        (2 << 20, |spool| spool.write_all_at(b"changed", 3_000_000).unwrap()),
        (0, |spool| spool.write_all_at(b"!", 0).unwrap()),
        // Something is still to come: the hole before it is read as zeros.
        (2 << 20, |spool| spool.set_len(3_000_000).unwrap()),
    ];
    for (verified, change) in changes {
        let Some(waiting) = Waiting::start(&desk, |_| ()) else {
            return;
        };
        change(&std::fs::OpenOptions::new().write(true).open(&waiting.spool).unwrap());
        let run = waiting.finish();
        run.failed_with(7, "spool-changed");
        // Nothing of the changed chunk, and perhaps not all before it, which another thread had in its hands.
        assert!(plaintext[..verified].starts_with(&run.stdout), "{} bytes came out", run.stdout.len());
    }
}

#[test]
fn it_is_in_the_folder_that_was_named_and_leaves_nothing_there() {
    let desk = desk();
    std::fs::create_dir(desk.path("spool")).unwrap();
    let spool_dir = |command: &mut Command| {
        command.args(["--spool-dir", "spool"]);
    };
    let Some(waiting) = Waiting::start(&desk, spool_dir) else {
        return;
    };
    assert_eq!(waiting.folder(), desk.path("spool").canonicalize().unwrap());
    waiting.finish().succeeded();
    assert_eq!(support::names_in(&desk.path("spool")), [""; 0]);

    let nowhere =
        desk.run(&["decrypt", "f.sealed", "--key-file", "numerbay.json", "-o", "-", "--spool-dir", "nowhere"]);
    nowhere.failed_with(7, "no-folder");
}

#[test]
fn by_default_it_is_in_tmpdir_unless_that_is_kept_in_memory() {
    let desk = desk();
    std::fs::create_dir(desk.path("tmp")).unwrap();
    let used = |folder: &str, options: &[&str]| {
        let waiting = Waiting::start(&desk, |command| {
            command.env("TMPDIR", folder).args(options);
        })?;
        let used = waiting.folder();
        Some((used, waiting.finish().succeeded().stderr.clone()))
    };
    let on_disk = desk.path("tmp").canonicalize().unwrap();
    let is_memory = |folder: &str| {
        let stat = Command::new("stat").args(["-f", "-c", "%T", folder]).output().unwrap();
        String::from_utf8_lossy(&stat.stdout).trim() == "tmpfs"
    };
    if is_memory(&on_disk.to_string_lossy()) || is_memory("/var/tmp") || !is_memory("/dev/shm") {
        return support::skip("folders in memory", "/dev/shm is not in memory, or the other folders are");
    }
    let silent = String::new;
    let on_disk_too = on_disk.to_string_lossy().into_owned();
    let Some(found) = used(&on_disk_too, &[]) else { return };
    assert_eq!(found, (on_disk, silent()));
    assert_eq!(used("/dev/shm", &[]), Some(("/var/tmp".into(), silent())));
    assert_eq!(used("/nowhere", &[]), Some(("/var/tmp".into(), silent())));
    // A folder that was named is used, whatever it is.
    assert_eq!(used(&on_disk_too, &["--spool-dir", "/dev/shm"]), Some(("/dev/shm".into(), silent())));
}

#[test]
fn where_it_is_is_said_if_it_is_much() {
    let desk = Desk::new();
    let line = "The ciphertext waits in spool until all of it has been seen; --spool-dir names another folder\n";
    std::fs::create_dir(desk.path("spool")).unwrap();
    for (mebibytes, said) in [(63, ""), (64, line)] {
        std::fs::File::create(desk.path("f"))
            .unwrap()
            .set_len(mebibytes << 20)
            .unwrap();
        let args = ["encrypt", "f", "--to", PUBLIC_KEY, "-o", "-", "--spool-dir", "spool"];
        let run = desk.run(&args);
        assert_eq!(run.succeeded().stderr, said, "{mebibytes} MiB");
        assert_eq!(run.stdout.len() as u64, (mebibytes << 20) + 48);
        let quiet = desk.run(&[&args[..], &["-q"]].concat());
        assert_eq!(quiet.succeeded().stderr, "");
    }
}
