//! The tables and examples in the documents are what the code says.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[allow(dead_code)]
#[path = "../examples/bridge_protocol_example.rs"]
mod bridge_protocol_example;
#[allow(dead_code)]
#[path = "../examples/worked_example.rs"]
mod worked_example;

#[path = "support/machine.rs"]
mod machine;
mod support;

use std::collections::BTreeMap;
use std::path::Path;

use saltbridge::bridge::protocol::{Freshness, Scope};
use saltbridge::bridge::{Audience, BodyRule, Call, Problem, Refusal, contract};
use saltbridge::fault::{Class, Explanation, Fault};
use support::{Desk, Vectors, text};

fn read(name: &str) -> String {
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
fn codes_in_the_source() -> BTreeMap<String, u32> {
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

#[test]
fn bridge_protocol_md_holds_the_worked_example() {
    assert!(read("docs/bridge-protocol.md").contains(&bridge_protocol_example::text()));
}

#[test]
fn bridge_protocol_md_lists_the_codes_about_signatures() {
    let document = read("docs/bridge-protocol.md");
    let (_, codes) = document.split_once("\nCodes of refusals").unwrap();
    let (codes, _) = codes.split_once("\n\n").unwrap();
    let mut listed: Vec<_> = codes.split('`').skip(1).step_by(2).collect();
    listed.sort_unstable();
    let source = ["refusal.rs", "nonces.rs"].map(|file| read(&format!("src/bridge/protocol/{file}")));
    let source = source.concat();
    let mut codes: Vec<_> = source
        .split("Explanation::new(")
        .skip(1)
        .filter_map(|rest| rest.split('"').nth(1))
        .collect();
    codes.sort_unstable();
    assert_eq!(listed, codes);
}

/// The contract is committed, so that a change of it is seen: `cargo run --example bridge_contract > docs/openapi.json`.
#[test]
fn openapi_json_is_the_contract() {
    assert!(read("docs/openapi.json") == contract(), "docs/openapi.json is another contract");
}

/// The rows of the tables under a heading, up to the next one, as their cells.
fn rows<'a>(document: &'a str, heading: &str) -> Vec<Vec<&'a str>> {
    let (_, rest) = document.split_once(&format!("\n{heading}\n")).unwrap();
    let lines = rest.lines().take_while(|line| !line.starts_with('#'));
    let rows = lines.filter_map(|line| line.strip_prefix("| ")?.strip_suffix('|'));
    rows.map(|row| row.split(" |").map(str::trim).collect()).collect()
}

#[test]
fn bridge_protocol_md_lists_every_call() {
    let document = read("docs/bridge-protocol.md");
    let rows = rows(&document, "## Calls");
    let who = |call: Call| match call.audience() {
        Audience::Anyone => "anybody".to_owned(),
        Audience::Invited => "a site that has a code now".to_owned(),
        Audience::Paired(None) => "paired, socket".to_owned(),
        Audience::Paired(Some(scope)) => format!("`{scope}`, socket"),
        Audience::Socket => "socket".to_owned(),
    };
    let listed: Vec<_> = rows
        .iter()
        .skip(2)
        .map(|row| (row[0].to_owned(), row[1].to_owned()))
        .collect();
    let called = Call::ALL.map(|call| {
        let (method, path) = call.route();
        (format!("`{method} {path}`"), who(call))
    });
    let sorted = |mut calls: Vec<(String, String)>| {
        calls.sort();
        calls
    };
    assert_eq!(sorted(listed), sorted(called.into()));
    for call in Call::ALL {
        let (method, path) = call.route();
        let row = rows.iter().find(|row| row[0] == format!("`{method} {path}`")).unwrap();
        let takes_json = row[2].starts_with("`{");
        assert_eq!(takes_json, matches!(call.body(), BodyRule::Json(_)), "{row:?}");
        assert_eq!(row[2] == "none", call.body() == BodyRule::Empty, "{row:?}");
    }
    let codes = codes_in_the_source();
    for word in rows.iter().skip(2).flat_map(|row| row[4].split('`').skip(1).step_by(2)) {
        assert!(codes.contains_key(word), "{word} is no code");
    }
}

/// The fields that the table of calls tells of are those of the contract.
#[test]
fn bridge_protocol_md_names_every_field() {
    let document = read("docs/bridge-protocol.md");
    let contract: serde_json::Value = serde_json::from_str(&contract()).unwrap();
    let fields = |content: &serde_json::Value| -> Vec<String> {
        let schema = &content["application/json"]["schema"];
        let schema = match schema["$ref"].as_str() {
            Some(name) => &contract["components"]["schemas"][name.rsplit('/').next().unwrap()],
            None => schema,
        };
        let required: Vec<_> = schema["required"].as_array().into_iter().flatten().collect();
        let names = schema["properties"]
            .as_object()
            .into_iter()
            .flat_map(serde_json::Map::keys);
        let shown = names.map(|name| match required.iter().any(|required| *required == name) {
            true => name.clone(),
            false => format!("{name}?"),
        });
        let mut shown: Vec<_> = shown.collect();
        shown.sort();
        shown
    };
    let told = |cell: &str| -> Option<Vec<String>> {
        let (_, list) = cell.split_once("`{")?;
        let (list, _) = list.split_once("}`")?;
        let mut names: Vec<_> = list
            .split(", ")
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        names.sort();
        Some(names)
    };
    let mut compared = 0;
    for row in rows(&document, "## Calls").into_iter().skip(2) {
        let (method, path) = row[0].trim_matches('`').split_once(' ').unwrap();
        let operation = &contract["paths"][path][method.to_lowercase()];
        if let Some(told) = told(row[2]) {
            assert_eq!(told, fields(&operation["requestBody"]["content"]), "the body of {}", row[0]);
            compared += 1;
        }
        if let Some(told) = told(row[3]) {
            let mut answered = fields(&operation["responses"]["200"]["content"]);
            // Told apart in words: it comes at the socket alone.
            answered.retain(|name| name != "endpoint?");
            assert_eq!(told, answered, "the answer of {}", row[0]);
            compared += 1;
        }
    }
    assert!(compared > 12, "{compared}");
}

#[test]
fn bridge_protocol_md_lists_every_event() {
    let document = read("docs/bridge-protocol.md");
    let contract: serde_json::Value = serde_json::from_str(&contract()).unwrap();
    let mut events: Vec<_> = find_all(&contract["components"]["schemas"]["Event"], "event");
    events.sort_unstable();
    let rows = rows(&document, "### Events");
    let words = rows.iter().skip(2).flat_map(|row| row[0].split('`').skip(1).step_by(2));
    let mut listed: Vec<_> = words.collect();
    listed.sort_unstable();
    assert!(events.len() > 10, "{events:?}");
    assert_eq!(listed, events);
}

/// The values that a field of this name may have, anywhere in a schema.
fn find_all<'a>(schema: &'a serde_json::Value, field: &str) -> Vec<&'a str> {
    match schema {
        serde_json::Value::Object(map) => {
            let own = map
                .get("properties")
                .and_then(|fields| fields.get(field)?.get("enum")?.as_array());
            let own = own.into_iter().flatten().filter_map(serde_json::Value::as_str);
            own.chain(map.values().flat_map(|value| find_all(value, field)))
                .collect()
        }
        serde_json::Value::Array(values) => values.iter().flat_map(|value| find_all(value, field)).collect(),
        _ => Vec::new(),
    }
}

/// A fault of this class.
#[derive(Debug, thiserror::Error)]
#[error("of a test")]
struct Of(Class);

impl Fault for Of {
    fn explain(&self) -> Explanation {
        Explanation {
            code: "a-test",
            class: self.0,
            help: "none".into(),
        }
    }
}

#[test]
fn errors_md_says_which_status_goes_with_what() {
    let document = read("docs/errors.md");
    let rows = rows(&document, "## The bridge");
    let of_class = |class: Class| {
        let row = rows.iter().find(|row| row[0] == format!("`{}`", class.name())).unwrap();
        row[2].parse::<u16>().unwrap()
    };
    for class in Class::ALL {
        assert_eq!(Problem::from(Of(class)).status().as_u16(), of_class(class), "{}", class.name());
    }
    let exceptions: BTreeMap<_, _> = rows
        .iter()
        .filter_map(|row| Some((row[0].parse::<u16>().ok()?, row[1])))
        .flat_map(|(status, cell)| cell.split('`').skip(1).step_by(2).map(move |code| (code, status)))
        .collect();
    for refusal in REFUSALS {
        let (code, class) = (refusal.explain().code, refusal.explain().class);
        let told = exceptions.get(code).copied().unwrap_or_else(|| of_class(class));
        assert_eq!(refusal.status().as_u16(), told, "{code}");
    }
}

/// Every refusal of the guard but those that concern a signature's form, which have one status.
const REFUSALS: [Refusal; 28] = [
    Refusal::HttpVersion,
    Refusal::TargetForm,
    Refusal::Upgrade,
    Refusal::Expectation,
    Refusal::OtherHost,
    Refusal::NoOrigin,
    Refusal::OriginUnknown,
    Refusal::FetchMetadata,
    Refusal::Preflight,
    Refusal::NotInvited,
    Refusal::SocketOnly,
    Refusal::OriginAtSocket,
    Refusal::NoSuchPath,
    Refusal::OtherMethod,
    Refusal::ContentType,
    Refusal::BodyLength,
    Refusal::BodyUnwanted,
    Refusal::BodyTooLong { limit: 1 },
    Refusal::BodyTooSlow,
    Refusal::BodyCut,
    Refusal::Freshness(Freshness::Stale),
    Refusal::Freshness(Freshness::Replayed),
    Refusal::Freshness(Freshness::TooMany),
    Refusal::KeyUnknown,
    Refusal::OtherOrigin,
    Refusal::Revoked,
    Refusal::ScopeMissing { scope: Scope::Export },
    Refusal::Stopping,
];

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
