//! Runs the scenarios that are asked for, tells the host about each, and ends the guest.

use std::fs::{self, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use rustix::termios::OptionalActions;

use super::scenarios::{Lab, Scenario};
use super::{guest, vhci};

/// Which lab this is: `plain` or `systemd`.
pub const MODE: &str = "/lab/mode";
/// Parts of names, one a line; none for all scenarios.
const WANTED: &str = "/lab/scenarios";

/// Told to QEMU's debug port; QEMU ends with twice this and one.
const SUCCESS: u8 = 16;
const FAILURE: u8 = 17;
const DEBUG_PORT: u64 = 0xf4;

pub fn all() -> ExitCode {
    let code = if scenarios() { SUCCESS } else { FAILURE };
    let mut ports = OpenOptions::new().write(true).open("/dev/port").unwrap();
    ports.seek(SeekFrom::Start(DEBUG_PORT)).unwrap();
    ports.write_all(&[code]).unwrap();
    ExitCode::FAILURE
}

fn scenarios() -> bool {
    let mode = fs::read_to_string(MODE).unwrap();
    let lab = Lab::named(mode.trim());
    let wanted = fs::read_to_string(WANTED).unwrap_or_default();
    let wanted: Vec<&str> = wanted.lines().collect();
    let all = Scenario::all();
    let chosen: Vec<&Scenario> = all
        .iter()
        .filter(|scenario| scenario.lab == lab)
        .filter(|scenario| wanted.is_empty() || wanted.iter().any(|part| scenario.name.contains(part)))
        .collect();
    tell(&format!("guest ready {} s after its start", uptime()));
    let mut failed = 0;
    for scenario in &chosen {
        let began = Instant::now();
        let outcome = run(scenario);
        clean_up();
        let seconds = began.elapsed().as_secs_f32();
        match outcome {
            Ok(()) => tell(&format!("ok      {} ({seconds:.1} s)", scenario.name)),
            Err(reason) => {
                failed += 1;
                tell(&format!("FAILED  {} ({seconds:.1} s): {reason}", scenario.name));
            }
        }
    }
    let count = chosen.len();
    if count == 0 {
        tell(&format!("no scenario of the {} lab is called {wanted:?}", mode.trim()));
    } else if failed > 0 {
        tell(&format!("{failed} of {count} FAILED"));
    } else {
        tell(&format!("all {count} ok, {} s after the guest's start", uptime()));
    }
    count > 0 && failed == 0
}

fn uptime() -> String {
    let text = fs::read_to_string("/proc/uptime").unwrap();
    text.split('.').next().unwrap().to_owned()
}

/// A line for the host.
fn tell(line: &str) {
    // The console may be taken away; the host's line may not.
    let _ = writeln!(std::io::stdout(), "{line}");
    let mut port = OpenOptions::new().write(true).open("/dev/ttyS1").unwrap();
    // A line ends with a line feed alone.
    if let Ok(mut terminal) = rustix::termios::tcgetattr(&port) {
        terminal.make_raw();
        let _ = rustix::termios::tcsetattr(&port, OptionalActions::Now, &terminal);
    }
    port.write_all(format!("{line}\n").as_bytes()).unwrap();
    let _ = rustix::termios::tcdrain(&port);
}

fn run(scenario: &Scenario) -> Result<(), String> {
    let _ = writeln!(std::io::stdout(), "--- {}", scenario.name);
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--scenario", scenario.name])
        .stdin(Stdio::null())
        .stdout(writer.try_clone().unwrap())
        .stderr(writer)
        .process_group(0);
    let mut child = command.spawn().unwrap();
    drop(command);
    let output = thread::spawn(move || {
        let mut said = Vec::new();
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = reader.read(&mut buffer) {
            said.extend(&buffer[..count]);
            let _ = std::io::stdout().write_all(&buffer[..count]);
        }
        String::from_utf8_lossy(&said).into_owned()
    });
    let ended = wait(&mut child, scenario.limit);
    // Everything that it has started, too.
    let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
    let _ = child.wait();
    let said = output.join().unwrap();
    match ended {
        None => Err(format!("not done after {} s", scenario.limit.as_secs())),
        Some(true) => Ok(()),
        Some(false) => Err(reason(&said)),
    }
}

/// Whether it succeeded; none if it did not end in time.
fn wait(child: &mut Child, limit: Duration) -> Option<bool> {
    let end = Instant::now() + limit;
    while Instant::now() < end {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status.success());
        }
        thread::sleep(Duration::from_millis(10));
    }
    None
}

/// What the panics said, in one line.
fn reason(said: &str) -> String {
    let panics: Vec<&str> = said
        .lines()
        .skip_while(|line| !line.contains(" panicked at "))
        .filter(|line| !line.starts_with("note: "))
        .collect();
    let text = if panics.is_empty() {
        said.to_owned()
    } else {
        panics.join(" ")
    };
    text.chars().take(1000).collect()
}

/// The next scenario finds no device, no rules, and no files of this one.
fn clean_up() {
    vhci::ports_in_use().into_iter().for_each(vhci::detach);
    guest::eventually("all ports are free", || vhci::ports_in_use().is_empty().then_some(()));
    guest::eventually("all nodes are gone", || guest::hidraw_nodes().is_empty().then_some(()));
    guest::remove_rules();
    // Notes of open questions.
    for user in fs::read_dir("/run/user").into_iter().flatten().flatten() {
        let _ = fs::remove_dir_all(user.path().join("saltbridge"));
    }
    for user in ["buyer", "other"] {
        for entry in fs::read_dir(format!("/home/{user}")).unwrap() {
            let path = entry.unwrap().path();
            let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
        }
    }
}
