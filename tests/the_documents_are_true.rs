//! The tables and examples in the documents are what the code says.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[allow(dead_code)]
#[path = "../examples/worked_example.rs"]
mod worked_example;

#[path = "support/documents.rs"]
mod documents;
#[path = "support/machine.rs"]
mod machine;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use documents::{codes_in_the_source, read};
use support::{Desk, Vectors, text};

#[test]
fn errors_md_lists_every_code_with_its_exit_status() {
    let mut codes = codes_in_the_source();
    assert!(codes.len() > 40, "{codes:?}");
    codes.insert("interrupted".to_owned(), 130);
    let document = read("docs/errors.md");
    let (_, table) = document.split_once("## Codes").unwrap();
    let mut listed = BTreeMap::new();
    for row in table.lines().filter(|line| line.starts_with("| ")).skip(2) {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        assert!(!cells[3].is_empty());
        assert!(listed.insert(cells[1].to_owned(), cells[2].parse().unwrap()).is_none(), "{} twice", cells[1]);
    }
    assert_eq!(listed, codes);
    for word in read("README.md").split('`').filter(|word| codes.contains_key(*word)) {
        assert!(document.contains(word));
    }
}

#[test]
fn envelope_md_holds_the_worked_examples() {
    assert!(read("docs/envelope.md").contains(&worked_example::text()));
}

/// What is said to be shown by a test is shown by one that is there, or by tests in the source.
#[test]
fn threats_md_names_tests_and_sources_that_there_are() {
    let mut found = 0;
    for name in ["docs/threats.md", "SECURITY.md"] {
        let document = read(name);
        for word in document.split('`').skip(1).step_by(2) {
            if word.starts_with("tests/") || word.starts_with("src/") {
                assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(word).exists(), "{name} names {word}");
                found += 1;
            }
        }
        let links = document.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
        for (link, _) in links.filter(|(link, _)| !link.starts_with("https://")) {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name).with_file_name(file);
            let linked = std::fs::read_to_string(path).unwrap_or_else(|_| panic!("{name} links {link}"));
            let mut headings = linked.lines().filter_map(|line| line.strip_prefix('#'));
            let is_heading =
                |line: &str| line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-") == heading;
            assert!(heading.is_empty() || headings.any(is_heading), "{name} links {link}");
        }
    }
    assert!(found > 30, "{found}");
}

#[test]
fn the_first_worked_example_is_the_web_apps() {
    let vectors = Vectors::numerbay();
    let entry = vectors.entry("envelopes", "env-junk-44h_60h_0h_0_0-v27");
    let example = worked_example::text();
    for field in ["envelope", "storage_key_hex", "nonce_hex", "public_key", "private_key"] {
        assert!(example.contains(text(entry, field)), "{field}");
    }
}

#[test]
fn the_worked_examples_open_with_the_program() {
    for example in worked_example::text().split("### ").skip(1) {
        let line = |name: &str| {
            let line = example.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().to_owned()
        };
        let desk = Desk::empty();
        desk.put("e", line("envelope"));
        desk.put("s", line("signature"));
        let (address, public_key) = (line("address"), line("public key"));
        let args =
            ["export", "--envelope", "e", "--signature-file", "s", "--address", &address, "--public-key", &public_key];
        let run = desk.run(&[&args[..], &["-o", "-"]].concat());
        let key_file: serde_json::Value = serde_json::from_slice(&run.succeeded().stdout).unwrap();
        assert_eq!(text(&key_file, "private_key"), line("private key"));
        assert_eq!(text(&key_file, "public_key"), public_key);
    }
}

#[test]
fn dependencies_md_says_of_each_crate_why_it_is_there() {
    let document = read("docs/dependencies.md");
    let first_cells = document
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split('|').next());
    let listed: Vec<_> = first_cells.flat_map(|cell| cell.split(',')).map(str::trim).collect();
    let manifest = read("Cargo.toml");
    let mut wanted = 0;
    for section in ["[dependencies]", "[dev-dependencies]"] {
        let (_, rest) = manifest.split_once(&format!("\n{section}\n")).unwrap();
        for line in rest
            .lines()
            .take_while(|line| !line.starts_with('['))
            .filter(|line| line.contains(" = "))
        {
            let name = line.split(" = ").next().unwrap();
            assert!(listed.contains(&name), "docs/dependencies.md says nothing of {name}");
            wanted += 1;
        }
    }
    let extra = ["crate", "---", "libfuzzer-sys"];
    assert_eq!(
        listed.iter().filter(|name| !extra.contains(name)).count(),
        wanted,
        "it names a crate that is not there"
    );
}

#[test]
fn the_readme_shows_what_the_program_prints() {
    let readme = read("README.md");
    for file in ["tests/cmd/inspect.trycmd", "tests/cmd/decrypt.trycmd"] {
        let recorded = read(file);
        let lines = recorded.lines().filter(|line| {
            line.starts_with("  opens with   a signature over the message (personal_sign, EIP-191) by the wallet of")
                || line.starts_with("Opened")
                || line.starts_with("It holds")
        });
        let mut found = 0;
        for line in lines {
            assert!(readme.contains(line), "{line}");
            found += 1;
        }
        assert!(found > 0);
    }
}

/// The example of the doctor, from a machine that is made up.
#[test]
fn the_readme_shows_what_the_doctor_finds() {
    let machine = machine::Machine::with_ledger().put("proc/sys/kernel/osrelease", "6.12.48-amd64\n");
    let readme = read("README.md");
    let (_, example) = readme.split_once("$ saltbridge doctor\n").unwrap();
    let mut lines = example.lines();
    for finding in machine.findings(false) {
        assert_eq!(lines.next().unwrap(), format!("{:<9}{}", finding.state.as_str(), finding.message));
        for command in finding.commands {
            assert_eq!(lines.next().unwrap().trim_start(), command);
        }
    }
    assert_eq!(lines.next(), Some("error: one thing stands between you and your device"));
}

/// The commands in udev/README.md are those that the doctor gives.
#[test]
fn the_rules_are_installed_as_the_doctor_says() {
    let readme = read("udev/README.md");
    let (seat, remote) = (machine::Machine::with_ledger(), machine::Machine::with_ledger().without("run/systemd"));
    for machine in [seat, remote] {
        let findings = machine.findings(false);
        let commands: Vec<_> = findings.iter().flat_map(|finding| &finding.commands).collect();
        assert!(commands.len() >= 3, "{commands:?}");
        for command in commands {
            assert!(readme.contains(&format!("$ {}\n", command.replace(" ada", " \"$USER\""))), "{command}");
        }
    }
}

/// The files that the exact outputs are made from are the recorded ones.
#[test]
fn the_files_of_the_exact_outputs_are_recorded_ones() {
    let vectors = Vectors::numerbay();
    let envelope = vectors.entry("envelopes", "env-speculos-44h_60h_0h_0_0-v27");
    let sealed = vectors.entry("sealed", "sealed-web-env-speculos-44h_60h_0h_0_0-v27-1000");
    let rows = [
        ("export.in/envelope.json", text(envelope, "envelope").as_bytes().to_vec()),
        ("export.out/key.json", text(envelope, "key_file").as_bytes().to_vec()),
        ("decrypt.in/report.csv.sealed", support::unbase64(text(sealed, "ciphertext"))),
        ("decrypt.out/report.csv", support::plaintext(sealed)),
    ];
    for (name, content) in rows {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cmd").join(name);
        assert_eq!(std::fs::read(path).unwrap(), content, "{name}");
    }
}

#[test]
fn json_md_names_every_field() {
    fn check(value: &serde_json::Value, document: &str) {
        match value {
            serde_json::Value::Object(fields) => {
                for (name, value) in fields {
                    assert!(document.contains(&format!("`{name}`")), "{name}");
                    check(value, document);
                }
            }
            serde_json::Value::Array(values) => values.iter().for_each(|value| check(value, document)),
            _ => {}
        }
    }
    let document = read("docs/json.md");
    let desk = Desk::new();
    let vectors = Vectors::numerbay();
    let mut profile = vectors.entry("profiles", "profile-both")["profile"].clone();
    profile["public_address"] = "0xDad77910DbDFdE764fC21FCD4E74D71bBACA6D8D".into();
    desk.put("profile.json", profile.to_string());
    desk.put("legacy.json", text(&vectors.section("legacy")[0], "envelope"));
    for args in [
        &["export", "--envelope", "profile.json", "--signature-file", "signature.txt", "-o", "k"][..],
        &["decrypt", "report.csv.sealed", "--envelope", "profile.json", "--signature-file", "signature.txt"],
        &["decrypt", "report.csv.sealed", "missing.sealed", "--key-file", "numerbay.json"],
        &["encrypt", "report.csv.sealed", "--to", "j9X3FWlUV2tgymJykO0JwfiuYr5yfJMiGLQdCkvA5Us=", "-o", "s"],
        &["inspect", "profile.json"],
        &["inspect", "legacy.json"],
        &["inspect", "numerbay.json"],
        &["inspect", "missing"],
        &["completions", "fish"],
        &["demo"],
        &["doctor"],
        &["doctor", "--print-rules"],
    ] {
        let run = desk.run(&[args, &["--json"]].concat());
        check(&serde_json::from_slice(&run.stdout).unwrap(), &document);
    }
}

/// Each picture of the bridge's own page is shown in docs/own-page.md, and each that is shown is there.
#[test]
fn own_page_md_shows_every_picture() {
    let document = read("docs/own-page.md");
    let shown: BTreeSet<_> = document
        .split("](screenshots/")
        .skip(1)
        .map(|rest| rest.split(')').next().unwrap().to_owned())
        .collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/screenshots");
    let entries = std::fs::read_dir(folder).unwrap();
    let there: BTreeSet<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(there.len() > 30, "{there:?}");
    assert_eq!(shown, there);
}
