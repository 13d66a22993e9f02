use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::*;

fn open(folder: &Path) -> Arc<Place> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    Arc::new(Place::new(rustix::fs::open(folder, flags, Mode::empty()).unwrap()))
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn written(folder: &Path, naming: Naming) -> Temporary {
    let mut temporary = Temporary::create(&open(folder), Mode::RUSR | Mode::WUSR, naming).unwrap();
    temporary.file().write_all(b"new").unwrap();
    temporary
}

#[test]
fn a_file_without_a_name_is_seen_only_when_published() {
    let folder = tempfile::tempdir().unwrap();
    let temporary = written(folder.path(), Naming::Avoid);
    assert_eq!(names(folder.path()), [""; 0]);
    temporary.link("f".as_ref(), false).unwrap();
    assert_eq!(names(folder.path()), ["f"]);
    assert_eq!(std::fs::read(folder.path().join("f")).unwrap(), b"new");
}

#[test]
fn in_both_ways_nothing_is_replaced_unless_asked_and_mode_is_kept() {
    for naming in [Naming::Avoid, Naming::Always] {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("f");
        std::fs::write(&target, "old").unwrap();

        let error = written(folder.path(), naming).link("f".as_ref(), false).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&target).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["f"], "{naming:?}");

        written(folder.path(), naming).link("f".as_ref(), true).unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"new");
        assert_eq!(std::fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(names(folder.path()), ["f"], "{naming:?}");
    }
}

#[test]
fn a_link_under_the_target_name_is_replaced_and_not_followed() {
    for naming in [Naming::Avoid, Naming::Always] {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let other = elsewhere.path().join("other");
        std::fs::write(&other, "other").unwrap();
        std::os::unix::fs::symlink(&other, folder.path().join("f")).unwrap();

        assert!(written(folder.path(), naming).link("f".as_ref(), false).is_err());
        written(folder.path(), naming).link("f".as_ref(), true).unwrap();
        assert_eq!(std::fs::read(&other).unwrap(), b"other");
        assert!(std::fs::symlink_metadata(folder.path().join("f")).unwrap().is_file());
    }
}

#[test]
fn a_dropped_file_with_a_temporary_name_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let temporary = written(folder.path(), Naming::Always);
    assert_eq!(names(folder.path()).len(), 1);
    drop(temporary);
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn what_a_killed_process_left_is_removed_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let leftover = ".saltbridge-0123456789abcdef.partial";
    let others = [
        ".saltbridge-0123456789abcdeX.partial",
        ".saltbridge-0123456789abcdef.partial.txt",
        ".saltbridge-.partial",
        "saltbridge-0123456789abcdef.partial",
    ];
    for name in others.iter().chain([&leftover]) {
        std::fs::write(folder.path().join(name), "x").unwrap();
    }
    std::fs::create_dir(folder.path().join(".saltbridge-00000000000000aa.partial")).unwrap();
    std::os::unix::fs::symlink("nowhere", folder.path().join(".saltbridge-00000000000000bb.partial")).unwrap();
    let alive = written(folder.path(), Naming::Always);

    drop(written(folder.path(), Naming::Always));
    let left = names(folder.path());
    assert!(!left.contains(&leftover.to_owned()), "the leftover is gone");
    assert_eq!(left.len(), others.len() + 3, "another process's, and what only looks alike, stays: {left:?}");
    drop(alive);
}
