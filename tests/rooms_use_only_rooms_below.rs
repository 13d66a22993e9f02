//! The map of the house in `src/lib.rs` is kept: a room uses only rooms below it, and nothing below knows what is above.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::path::{Path, PathBuf};

/// Each room with the rooms that it may use, from the ground up.
const ROOMS: [(&str, &[&str]); 14] = [
    ("text", &[]),
    ("fault", &["text"]),
    ("sodium", &[]),
    ("authenticator", &[]),
    ("ethereum", &["fault", "text"]),
    ("encryption", &["fault", "text", "ethereum", "sodium"]),
    ("files", &["fault", "text", "encryption", "authenticator", "sodium"]),
    ("host", &["fault", "text"]),
    ("own_folders", &["fault", "text"]),
    ("ledger", &["fault", "text", "ethereum", "host", "own_folders"]),
    ("emulator", &["fault", "text", "ethereum"]),
    ("unlock", &["fault", "text", "ethereum", "encryption", "ledger"]),
    (
        "bridge",
        &["fault", "text", "ethereum", "encryption", "files", "host", "ledger", "unlock", "sodium", "own_folders"],
    ),
    ("lib", &[]),
];

fn sources(path: PathBuf, found: &mut Vec<PathBuf>) {
    if path.is_dir() {
        std::fs::read_dir(path)
            .unwrap()
            .for_each(|entry| sources(entry.unwrap().path(), found));
    } else {
        found.push(path);
    }
}

#[test]
fn no_room_uses_one_above_it() {
    let house = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    sources(house.clone(), &mut all);
    let mut uses = 0;
    for path in all {
        let inside = path.strip_prefix(&house).unwrap().with_extension("");
        let room = inside.iter().next().unwrap().to_str().unwrap();
        // The command line is the binary's; it sees the library from outside.
        if ["cli", "main"].contains(&room) {
            continue;
        }
        let (_, allowed) = ROOMS
            .iter()
            .find(|(name, _)| *name == room)
            .unwrap_or_else(|| panic!("{room} is not on the map"));
        let source = std::fs::read_to_string(&path).unwrap();
        for (position, _) in source.match_indices("crate::") {
            let rest = &source[position + "crate::".len()..];
            let used = &rest[..rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap()];
            assert!(used == room || allowed.contains(&used), "{room} uses {used}: {}", path.display());
            uses += 1;
        }
    }
    assert!(uses > 30, "{uses}");
}

#[test]
fn unsafe_stands_in_one_room_alone_each_block_with_its_reason() {
    let house = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    sources(house.clone(), &mut all);
    for path in all {
        let source = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = source.lines().map(str::trim_start).collect();
        for (number, line) in lines.iter().enumerate() {
            let is_unsafe = line.contains("unsafe {") || line.contains("unsafe impl");
            if line.starts_with("//") || !is_unsafe {
                continue;
            }
            assert_eq!(path, house.join("sodium.rs"), "line {}", number + 1);
            let comment: Vec<_> = lines[..number]
                .iter()
                .rev()
                .take_while(|line| line.starts_with("//"))
                .collect();
            assert!(comment.iter().any(|line| line.starts_with("// SAFETY:")), "line {}", number + 1);
        }
    }
    let forbid = "#![forbid(unsafe_code)]";
    for room in [
        "bridge/mod.rs",
        "bridge/protocol/mod.rs",
        "encryption/mod.rs",
        "ethereum/mod.rs",
        "host/mod.rs",
        "own_folders.rs",
    ] {
        assert!(std::fs::read_to_string(house.join(room)).unwrap().contains(forbid), "{room}");
    }
}
