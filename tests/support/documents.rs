//! What the documents are held to: their text, and the error codes in the source.
#![allow(unreachable_pub, missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::BTreeMap;
use std::path::Path;

pub fn read(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

fn sources(folder: &Path, all: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// Every error code in the source with the exit code of its class.
pub fn codes_in_the_source() -> BTreeMap<String, u32> {
    let mut source = String::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut source);
    let class = |name: &str| match name {
        "Usage" => 2,
        "Device" => 3,
        "Declined" => 4,
        "DoesNotOpen" => 5,
        "Damaged" => 6,
        "System" => 7,
        "Policy" => 8,
        other => panic!("no exit code for {other}"),
    };
    let mut codes = BTreeMap::new();
    for (call, exit) in [
        ("Explanation::new(", None),
        ("usage(", Some(2)),
        ("device(", Some(3)),
        ("opens_not(", Some(5)),
        ("damaged(", Some(6)),
        ("system(", Some(7)),
    ] {
        for (position, _) in source.match_indices(call) {
            let arguments = source[position + call.len()..].trim_start();
            let Some((code, rest)) = arguments.strip_prefix('"').and_then(|text| text.split_once('"')) else {
                continue;
            };
            let exit = exit.unwrap_or_else(|| {
                let (_, name) = rest.split_once("Class::").unwrap();
                class(&name[..name.find(|c: char| !c.is_alphabetic()).unwrap()])
            });
            let before = codes.insert(code.to_owned(), exit);
            assert!(before.is_none_or(|before| before == exit), "{code} has two exit codes");
        }
    }
    codes
}
