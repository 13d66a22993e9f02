//! Many files in one run: each is done or fails by itself, what is told keeps their order, and it works within the limits
//! that a process is given.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::sync::mpsc::channel;
use std::sync::{Mutex, atomic};
use std::time::Duration;

use saltbridge::encryption::PublicKey;
use saltbridge::files::{
    Folder, Input, Inputs, Output, Overwrite, SealBoxError, Source, Target, Threads, Unpublished, batch, seal_box,
};
use serde_json::Value;
use support::{Desk, Run};

const PUBLIC_KEY: &str = "j9X3FWlUV2tgymJykO0JwfiuYr5yfJMiGLQdCkvA5Us=";

/// A desk with this many sealed files, from nothing to some kilobytes, and every hundredth of some megabytes.
fn desk_with(files: usize) -> (Desk, Vec<String>) {
    let desk = Desk::new();
    let names: Vec<_> = (0..files).map(|number| format!("f{number}")).collect();
    for (number, name) in names.iter().enumerate() {
        desk.put(name, content(number));
    }
    let mut args = vec!["encrypt", "--to", PUBLIC_KEY];
    args.extend(names.iter().map(String::as_str));
    desk.run(&args).succeeded();
    let sealed = names.iter().map(|name| format!("{name}.sealed")).collect();
    names
        .iter()
        .for_each(|name| std::fs::remove_file(desk.path(name)).unwrap());
    (desk, sealed)
}

fn content(number: usize) -> Vec<u8> {
    let length = match number % 100 {
        50 => 3_000_000 + number,
        _ => number * 17 % 20_000,
    };
    (0..length).map(|at| (at * 31 + number) as u8).collect()
}

fn decrypt<'a>(sealed: &'a [String], more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["decrypt", "--key-file", "numerbay.json"];
    args.extend(more);
    args.extend(sealed.iter().map(String::as_str));
    args
}

fn json(run: &Run) -> Value {
    serde_json::from_slice(&run.stdout).unwrap()
}

#[test]
fn every_file_is_done_and_told_in_the_order_in_which_it_was_given() {
    let (desk, sealed) = desk_with(700);
    let run = desk.run(&decrypt(&sealed, &[]));
    let told: Vec<_> = run.succeeded().stderr.lines().collect();
    assert_eq!(told.len(), 700);
    for (number, line) in told.into_iter().enumerate() {
        assert_eq!(line, format!("f{number}.sealed → f{number} ({} bytes)", content(number).len()));
        assert!(desk.read(&format!("f{number}")) == content(number), "f{number}");
    }
}

#[test]
fn those_that_fail_stop_no_others_and_stand_in_their_place() {
    let (desk, sealed) = desk_with(300);
    // Damaged, cut, replaced by a folder, and one whose result is there already; small ones and a large one.
    let damage = |number: usize, change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = desk.read(&sealed[number]);
        change(&mut bytes);
        desk.put(&sealed[number], bytes);
    };
    damage(20, &|bytes| bytes[60] ^= 1);
    damage(50, &|bytes| bytes[2_000_000] ^= 1);
    damage(151, &|bytes| bytes.truncate(47));
    std::fs::remove_file(desk.path(&sealed[200])).unwrap();
    std::fs::create_dir(desk.path(&sealed[200])).unwrap();
    desk.put("f299", "old");
    let expected = [
        (20, "box-does-not-open"),
        (50, "box-does-not-open"),
        (151, "box-too-short"),
        (200, "not-a-file"),
        (299, "would-overwrite"),
    ];

    let run = desk.run(&decrypt(&sealed, &["--json"]));
    assert_eq!(run.status, Some(5), "that of the first: {}", run.stderr);
    let object = json(&run);
    assert_eq!(object["error"]["code"], "box-does-not-open");
    let files = object["files"].as_array().unwrap();
    assert_eq!(files.len(), 300);
    for (number, file) in files.iter().enumerate() {
        assert_eq!(file["input"], sealed[number]);
        match expected.iter().find(|(failing, _)| *failing == number) {
            Some((_, code)) => {
                assert_eq!(file["error"]["code"], *code);
                let left = std::fs::read(desk.path(&format!("f{number}"))).ok();
                assert_eq!(left, (number == 299).then(|| b"old".to_vec()));
            }
            None => {
                assert_eq!(file["output"], format!("f{number}"));
                assert!(desk.read(&format!("f{number}")) == content(number), "f{number}");
            }
        }
    }
}

#[test]
fn few_open_files_and_one_processor_are_enough() {
    let (desk, sealed) = desk_with(160);
    let limited = |limits: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{limits} \"$0\" \"$@\""), env!("CARGO_BIN_EXE_saltbridge")]);
        shell
            .args(decrypt(&sealed, &["--force", "--output-dir", "out"]))
            .current_dir(desk.folder.path());
        Run::of(shell.output().unwrap()).succeeded();
        for number in 0..160 {
            assert!(desk.read(&format!("out/f{number}")) == content(number), "f{number}, {limits}");
        }
    };
    limited("ulimit -n 32; exec");
    // The first of those that this process may use.
    limited("ulimit -n 64; exec taskset -c $(taskset -cp $$ | sed 's/.*: //; s/[-,].*//')");
}

#[test]
fn a_pipe_and_files_can_be_read_in_one_run() {
    let (desk, sealed) = desk_with(3);
    let script = format!(
        "cat f1.sealed | '{}' decrypt --key-file numerbay.json --output-dir out f0.sealed /dev/fd/0 f2.sealed",
        env!("CARGO_BIN_EXE_saltbridge")
    );
    let run = Run::of(
        Command::new("sh")
            .args(["-c", &script])
            .current_dir(desk.folder.path())
            .output()
            .unwrap(),
    );
    // Standard input has no name; the others are done.
    run.succeeded();
    assert_eq!(sealed.len(), 3);
    for (name, number) in [("f0", 0), ("0", 1), ("f2", 2)] {
        assert!(desk.read(&format!("out/{name}")) == content(number), "{name}");
    }
}

/// Seals `name` into `name.sealed`.
fn seal(desk: &Desk, name: &str, threads: Threads) -> Result<Unpublished, SealBoxError> {
    let target = Target::new(&Folder::open(desk.folder.path()).unwrap(), format!("{name}.sealed").as_ref()).unwrap();
    let output = Output::File {
        target: &target,
        overwrite: Overwrite::Refuse,
        inputs: &Inputs::default(),
    };
    let recipient: PublicKey = PUBLIC_KEY.parse().unwrap();
    seal_box(&mut Input::open(&Source::Path(desk.path(name)))?, output, &recipient, threads, &|_| ())
}

#[test]
fn what_is_finished_has_its_name_while_the_next_is_still_made() {
    let desk = Desk::empty();
    desk.put("first", "content");
    desk.put("second", "content");
    let (told, first_is_done) = channel();
    let first_is_done = Mutex::new(first_is_done);
    let mut order = Vec::new();
    batch::run_all(
        vec!["first", "second"],
        Threads::new(2),
        // As a pipe, whose length nobody knows.
        |_| None,
        |name, threads| {
            if *name == "second" {
                first_is_done
                    .lock()
                    .unwrap()
                    .recv_timeout(Duration::from_secs(60))
                    .unwrap();
                assert!(desk.path("first.sealed").exists());
            }
            seal(&desk, name, threads)
        },
        |name, result| {
            result.unwrap();
            order.push(name);
            told.send(()).unwrap();
        },
    );
    assert_eq!(order, ["first", "second"]);
    assert!(desk.path("second.sealed").exists());
}

#[test]
fn a_panic_in_the_work_or_in_what_is_told_ends_it_and_is_passed_on() {
    let desk = Desk::empty();
    let names: Vec<_> = (0..400).map(|number| format!("f{number}")).collect();
    names.iter().for_each(|name| desk.put(name, "content"));
    for (in_work, size) in [(true, Some(7)), (true, None), (false, Some(7)), (false, None)] {
        let calls = atomic::AtomicUsize::new(0);
        let tick = |own: bool| {
            assert!(own != in_work || calls.fetch_add(1, atomic::Ordering::Relaxed) < 5, "a bug");
        };
        let result = catch_unwind(AssertUnwindSafe(|| {
            batch::run_all(
                names.clone(),
                Threads::new(3),
                |_| size,
                |name, threads| {
                    tick(true);
                    seal(&desk, name, threads)
                },
                |_, _| tick(false),
            );
        }));
        assert!(result.is_err(), "in the work: {in_work}, {size:?}");
        names.iter().for_each(|name| {
            let _ = std::fs::remove_file(desk.path(&format!("{name}.sealed")));
        });
    }
}
