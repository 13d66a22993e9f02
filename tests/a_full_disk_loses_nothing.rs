//! A disk that becomes full, after any number of bytes or files: the error says so, what stood under a target's name
//! stands there still, no result is partial, and nothing that cannot be seen takes up room afterwards.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/disk.rs"]
mod disk;
mod support;
#[path = "support/work.rs"]
mod work;

use std::fs;

use disk::Disk;
use serde_json::Value;
use support::{Run, names_in, skip};
use work::{Before, Found, Random, Task, Work};

/// A disk, if this machine lets us have one.
fn disk(options: &str) -> Option<Disk> {
    match Disk::mount(options) {
        Ok(disk) => Some(disk),
        Err(reason) => {
            skip("a full disk", &reason);
            None
        }
    }
}

/// Work whose results go to a folder of their own on the disk.
fn on(disk: &Disk, name: &str, task: Task, before: Before, sizes: &[usize]) -> Work {
    let folder = disk.root().join(name);
    fs::create_dir(&folder).unwrap();
    Work::new(task, before, sizes).into_folder(&folder)
}

/// What runs on full disks came to.
#[derive(Debug, Default)]
struct Tally {
    fitted: usize,
    failed: usize,
    /// Runs of which some results were made and others not.
    some: usize,
}

/// Runs the work on a disk that was made full, and judges what it left.
fn judge(disk: &Disk, work: &Work, make_full: impl FnOnce(), tally: &mut Tally) {
    work.reset();
    let (room, names) = (disk.free(), disk.free_names());
    make_full();
    let run = Run::of(work.command().output().unwrap());
    let survey = work.survey();
    let new = survey.count(Found::New);
    assert_eq!(survey.temporary, 0, "{run:?}");
    let json: Value = serde_json::from_slice(&run.stdout).unwrap();
    let files = json["files"].as_array().unwrap();
    assert_eq!(files.len(), work.files());
    for (file, found) in files.iter().zip(&survey.targets) {
        match file["error"]["code"].as_str() {
            None => assert_eq!(*found, Found::New, "{file}"),
            Some("no-space") => assert_ne!(*found, Found::New, "{file}"),
            Some(_) => panic!("{file}"),
        }
    }
    match run.status {
        Some(0) => {
            assert_eq!(new, work.files());
            tally.fitted += 1;
        }
        Some(7) => {
            assert!(new < work.files());
            assert_eq!(json["error"]["code"], "no-space");
            tally.failed += 1;
            tally.some += usize::from(new > 0);
        }
        _ => panic!("{run:?}"),
    }
    // What can be seen goes, and everything else must have gone by itself.
    let _ = fs::remove_dir_all(disk.root().join("fillers"));
    let _ = fs::remove_file(disk.root().join("filler"));
    work.reset();
    assert_eq!((disk.free(), disk.free_names()), (room, names), "something takes up room");
}

/// Ten random amounts of room, from none to more than is needed.
fn fill(task: Task, sizes: &[usize]) {
    let Some(disk) = disk("size=8m") else { return };
    let mut random = Random::of_this_run();
    let mut tally = Tally::default();
    for before in [Before::Nothing, Before::OldToReplace] {
        let work = on(&disk, &format!("{before:?}"), task, before, sizes);
        // A tmpfs gives each file whole pages.
        let most = work.bytes() + 4096 * work.files() as u64;
        for tenth in [0, 3, 5, 8, 11] {
            let room = (tenth * most + random.below(2 * most)) / 10;
            judge(&disk, &work, || disk.leave(room), &mut tally);
        }
        work.clear();
    }
    println!("{task:?}: {tally:?}");
    assert!(tally.fitted >= 2 && tally.failed >= 5, "{tally:?}");
    assert!(sizes.len() == 1 || tally.some >= 3, "{tally:?}");
}

#[test]
fn a_file_that_is_opened_fits_or_leaves_everything_as_it_was() {
    fill(Task::Open, &[2_500_000]);
}

#[test]
fn a_file_that_is_sealed_fits_or_leaves_everything_as_it_was() {
    fill(Task::Seal, &[2_500_000]);
}

/// 60 small files and a large one among them.
fn many() -> Vec<usize> {
    (0..61)
        .map(|number| if number == 40 { 1_500_000 } else { 10_000 + number })
        .collect()
}

#[test]
fn of_many_files_that_are_opened_those_that_fit_are_whole() {
    fill(Task::Open, &many());
}

#[test]
fn of_many_files_that_are_sealed_those_that_fit_are_whole() {
    fill(Task::Seal, &many());
}

#[test]
fn where_no_more_files_can_be_made_those_that_were_are_whole() {
    let Some(disk) = disk("size=8m,nr_inodes=200") else {
        return;
    };
    let mut random = Random::of_this_run();
    let mut tally = Tally::default();
    for (task, before) in [(Task::Open, Before::OldToReplace), (Task::Seal, Before::Nothing)] {
        let work = on(&disk, &format!("{task:?}"), task, before, &many());
        for step in 0..3 {
            let left = step * 30 + random.below(30);
            let make_full = || {
                let fillers = disk.root().join("fillers");
                fs::create_dir(&fillers).unwrap();
                (left..disk.free_names()).for_each(|number| {
                    fs::File::create(fillers.join(number.to_string())).unwrap();
                });
            };
            judge(&disk, &work, make_full, &mut tally);
        }
        work.clear();
    }
    println!("{tally:?}");
    assert!(tally.failed >= 2 && tally.some >= 1, "{tally:?}");
}

#[test]
fn where_ciphertext_cannot_wait_not_a_byte_leaves() {
    let Some(disk) = disk("size=8m") else { return };
    let mut random = Random::of_this_run();
    let (mut fitted, mut failed) = (0, 0);
    for task in [Task::Open, Task::Seal] {
        let work = on(&disk, &format!("{task:?}"), task, Before::Nothing, &[2_500_000]);
        let free = disk.free();
        for tenth in [0, 3, 5, 8, 11] {
            disk.leave((tenth * work.bytes() + random.below(2 * work.bytes())) / 10);
            let run = work.desk.run(&work.args_to_stdout());
            match run.status {
                Some(0) => {
                    assert!(work.is_first_result(&run.stdout));
                    fitted += 1;
                }
                _ => {
                    run.failed_with(7, "no-space");
                    assert_eq!(run.stdout, b"");
                    failed += 1;
                }
            }
            assert_eq!(names_in(&work.folder), [""; 0]);
            fs::remove_file(disk.root().join("filler")).unwrap();
            assert_eq!(disk.free(), free);
        }
    }
    assert!(fitted >= 2 && failed >= 5, "{fitted} fitted, {failed} did not");
}

/// The limit on file sizes is told as a full disk is.
#[test]
fn it_is_told_although_nothing_more_comes_through_the_pipe() {
    let desk = support::Desk::new();
    let mut shell = std::process::Command::new("sh");
    let encrypt = "ulimit -f 1; exec \"$0\" encrypt - --to j9X3FWlUV2tgymJykO0JwfiuYr5yfJMiGLQdCkvA5Us= -o f";
    shell
        .args(["-c", encrypt, env!("CARGO_BIN_EXE_saltbridge")])
        .current_dir(desk.folder.path());
    shell
        .stdin(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let mut child = shell.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // More than the first chunk, less than the second; and the pipe stays open. It may have ended before all is written.
    let _ = std::io::Write::write_all(&mut stdin, &vec![0; 1_500_000]);
    Run::of(child.wait_with_output().unwrap()).failed_with(7, "no-space");
    drop(stdin);
}
