//! The bridge's documents are what its code says: the protocol with its example, the contract, and the statuses of refusals.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[allow(dead_code)]
#[path = "../examples/bridge_protocol_example.rs"]
mod bridge_protocol_example;

#[path = "support/documents.rs"]
mod documents;

use std::collections::BTreeMap;

use documents::{codes_in_the_source, read};
use saltbridge::bridge::protocol::{Freshness, Scope};
use saltbridge::bridge::{Audience, BodyRule, Call, Problem, Refusal, contract};
use saltbridge::fault::{Class, Explanation, Fault};

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
        Audience::Paired(None) => "paired, person".to_owned(),
        Audience::Paired(Some(scope)) => format!("`{scope}`, person"),
        Audience::Person => "person".to_owned(),
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
            // Told apart in words: it comes to the person alone.
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
    Refusal::OtherMethod { allow: String::new() },
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

/// The blocks of docs/web-integration.md are pieces of the example that the browser tests run, word for word; those of the
/// file that an app would take over are all of it.
#[test]
fn web_integration_md_shows_the_example() {
    let document = read("docs/web-integration.md");
    let mut of_file: std::collections::BTreeMap<&str, Vec<&str>> = Default::default();
    for piece in document.split("\n`examples/web/").skip(1) {
        let (name, rest) = piece.split_once("`:\n\n```").unwrap();
        let (_, rest) = rest.split_once('\n').unwrap();
        let (block, _) = rest.split_once("\n```\n").unwrap();
        let file = read(&format!("examples/web/{name}"));
        assert!(file.contains(block), "examples/web/{name} has no such lines:\n{block}");
        of_file.entry(name).or_default().push(block);
    }
    assert!(of_file.len() >= 5, "{:?}", of_file.keys());
    let taken_over = of_file["numerbay.js"].join("\n\n") + "\n";
    assert_eq!(taken_over, read("examples/web/numerbay.js"), "all of it is shown");
}
