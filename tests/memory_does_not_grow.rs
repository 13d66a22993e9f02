//! Opening and sealing take the same memory for a long file as for a short one, whatever they read from and write to.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::io::{Read as _, Write as _};
use std::process::{Child, Stdio};

use support::Desk;

const PUBLIC_KEY: &str = "j9X3FWlUV2tgymJykO0JwfiuYr5yfJMiGLQdCkvA5Us=";

/// What the issue of memory is measured by, in KiB: the most that was ever resident.
fn peak(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Sends `mebibytes` into the program, whose end of the pipe holds less than one chunk of them when this returns.
fn feed(child: &mut Child, mebibytes: usize) {
    let stdin = child.stdin.as_mut().unwrap();
    let content = vec![7; 1 << 20];
    (0..mebibytes).for_each(|_| stdin.write_all(&content).unwrap());
}

#[test]
fn a_long_file_takes_the_memory_of_a_short_one() {
    let rows: [&[&str]; 4] = [
        &["encrypt", "-", "--to", PUBLIC_KEY, "-o", "out"],
        &["encrypt", "-", "--to", PUBLIC_KEY, "-o", "-", "--spool-dir", "."],
        &["decrypt", "-", "--key-file", "numerbay.json", "-o", "out"],
        &["decrypt", "-", "--key-file", "numerbay.json", "-o", "-", "--spool-dir", "."],
    ];
    for args in rows {
        let desk = Desk::new();
        let mut command = desk.command(args);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        // A header that is right, so that what follows is read to its end and only then refused.
        if args[0] == "decrypt" {
            let header = &desk.read("report.csv.sealed")[..48];
            child.stdin.as_mut().unwrap().write_all(header).unwrap();
        }
        feed(&mut child, 12);
        let short = peak(&child);
        feed(&mut child, 180);
        let long = peak(&child);
        drop(child.stdin.take());
        let mut out = Vec::new();
        child.stdout.take().unwrap().read_to_end(&mut out).unwrap();
        let status = child.wait().unwrap();
        match args[0] {
            "encrypt" => assert!(status.success()),
            _ => assert_eq!((status.code(), out.len()), (Some(5), 0), "nothing of a box that does not open"),
        }
        // A chunk of each thread may be touched later than the twelfth.
        assert!(long <= short + 5 * 1024, "{args:?}: {short} KiB, then {long} KiB");
        assert!(long <= 24 * 1024, "{args:?}: {long} KiB");
    }
}
