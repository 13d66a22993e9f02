//! `saltbridge open` leads the browser to the bridge's own page by a file of the person's alone; the code stands in no
//! argument, and the file is gone afterwards. Where no browser opens it, the person is told the address.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/own_page.rs"]
mod own_page;
#[path = "support/page.rs"]
mod page;
#[path = "support/served.rs"]
mod served;
#[path = "support/stage.rs"]
mod stage;
mod support;

use std::fs::Permissions;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use own_page::Window;
use page::Page;
use served::Served;
use stage::PATIENCE;
use support::{Run, names_in};

/// What stands in the place of the person's browser: a script named xdg-open that does this with the file. The PATH on
/// which it is found.
fn browser(folder: &Path, script: &str) -> String {
    std::fs::create_dir_all(folder).unwrap();
    let browser = folder.join("xdg-open");
    std::fs::write(&browser, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&browser, Permissions::from_mode(0o755)).unwrap();
    format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default())
}

fn with_browser(served: &Served, script: &str) -> Command {
    let mut command = served.command(&["open"]);
    command.env("PATH", browser(&served.desk.path("bin"), script));
    command
}

/// The window that the address leads to.
fn window(address: &str) -> Window {
    let (origin, code) = address.split_once("/#").unwrap();
    Window {
        page: Page::new(origin, origin.strip_prefix("http://").unwrap()),
        code: code.to_owned(),
    }
}

fn wait_for(path: &PathBuf) -> String {
    let start = Instant::now();
    loop {
        match std::fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text,
            _ => assert!(start.elapsed() < PATIENCE, "never: {}", path.display()),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn by_a_file_of_the_persons_alone() {
    let served = Served::new();
    let seen = served.desk.path("seen");
    let script = format!(
        "cp \"$1\" '{0}.html'; stat -c '%a %U' \"$1\" > '{0}.mode'; tr '\\0' ' ' < /proc/$PPID/cmdline > '{0}.args'; echo \"$1\" >> '{0}.args'; \
         echo done > '{0}'",
        seen.display()
    );
    let mut opening = with_browser(&served, &script);
    let opening = opening.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for(&seen);
    let html = std::fs::read_to_string(seen.with_extension("html")).unwrap();
    let mode = std::fs::read_to_string(seen.with_extension("mode")).unwrap();
    assert!(mode.starts_with("600 "), "{mode}");
    let address = html.split_once("url=").unwrap().1.split_once('"').unwrap().0;
    let mut window = window(address);
    let args = std::fs::read_to_string(seen.with_extension("args")).unwrap();
    assert!(args.contains("open") && !args.contains(&window.code), "{args}");

    served.past_the_first_second(&window.page);
    assert_eq!(window.come_in(), ["create", "decrypt", "encrypt", "export"]);
    let run = Run::of(opening.wait_with_output().unwrap());
    run.succeeded();
    assert!(run.stderr.contains("The page is open."), "{}", run.stderr);
    assert!(!run.stderr.contains(&window.code), "it was not needed: {}", run.stderr);
    let left = names_in(&served.desk.locks().join("saltbridge"));
    assert!(!left.iter().any(|name| name.starts_with("open-")), "{left:?}");
    assert!(served.log().contains("The page of saltbridge open is in use."), "{}", served.log());
    assert!(!served.log().contains(&window.code), "the code is in the log");
}

#[test]
fn the_person_is_told_where_no_browser_opens_it() {
    let served = Served::new();
    let mut opening = with_browser(&served, "exit 3");
    let mut opening = opening.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(opening.stderr.take().unwrap()).lines();
    let address = lines.find_map(|line| Some(line.unwrap().strip_prefix("  ")?.to_owned()));
    let mut window = window(&address.expect("an address"));
    served.past_the_first_second(&window.page);
    window.come_in();
    assert!(opening.wait().unwrap().success());
}

#[test]
fn the_address_alone_is_printed_if_that_was_asked() {
    let served = Served::new();
    let run = Run::of(served.command(&["open", "--print"]).output().unwrap());
    run.succeeded();
    let printed = String::from_utf8(run.stdout.clone()).unwrap();
    let mut window = window(printed.trim_end());
    served.past_the_first_second(&window.page);
    window.come_in();
    let run = Run::of(served.command(&["open", "--print", "--json"]).output().unwrap());
    let json: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    assert!(json["address"].as_str().unwrap().starts_with("http://127.0.0.1:"), "{json}");
}

#[test]
fn ctrl_c_leaves_no_file() {
    let served = Served::new();
    let seen = served.desk.path("seen");
    let mut opening = with_browser(&served, &format!("echo \"$1\" > '{}'", seen.display()));
    let mut opening = opening.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let file = wait_for(&seen);
    assert!(PathBuf::from(file.trim_end()).exists());
    let pid = rustix::process::Pid::from_child(&opening);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(opening.wait().unwrap().code(), Some(130));
    assert!(!PathBuf::from(file.trim_end()).exists(), "{file}");
}

#[test]
fn serve_opens_it_if_that_was_asked() {
    let desk = support::Desk::new();
    let seen = desk.path("seen");
    let path = browser(&desk.path("bin"), &format!("cp \"$1\" '{0}.html'; echo \"$1\" > '{0}'", seen.display()));
    let device = stage::Stage::new(saltbridge::emulator::Start::App);
    let endpoint = device.endpoint().to_string();
    let mut command = desk.command(&["serve", "--open", "--port", "0", "--device", &endpoint]);
    command
        .env("XDG_STATE_HOME", desk.locks().join("state"))
        .env("PATH", path);
    let mut serving = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let file = PathBuf::from(wait_for(&seen).trim_end());
    let html = std::fs::read_to_string(seen.with_extension("html")).unwrap();
    let mut window = window(html.split_once("url=").unwrap().1.split_once('"').unwrap().0);
    // What is signed in the second in which the bridge began to listen is stale.
    std::thread::sleep(Duration::from_secs(2));
    window.come_in();
    let stop = |serving: &mut std::process::Child| {
        let pid = rustix::process::Pid::from_child(serving);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
        serving.wait().unwrap()
    };
    assert!(stop(&mut serving).success());
    assert!(!file.exists(), "{}", file.display());

    // Stopped before anybody came in.
    std::fs::remove_file(&seen).unwrap();
    let mut serving = command.spawn().unwrap();
    let file = PathBuf::from(wait_for(&seen).trim_end());
    assert!(stop(&mut serving).success());
    assert!(!file.exists(), "{}", file.display());
}
