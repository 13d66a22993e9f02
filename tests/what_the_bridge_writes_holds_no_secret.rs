//! Nothing that the bridge prints, keeps or spools holds a signature, a storage key, a private key, a pairing code, the key
//! of a box or a byte of what it opened, whatever it does and however much it is to tell.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/own_page.rs"]
mod own_page;
#[path = "support/page.rs"]
mod page;
#[path = "support/secrets.rs"]
mod secrets;
#[path = "support/served.rs"]
mod served;
#[path = "support/stage.rs"]
mod stage;
#[path = "support/story.rs"]
mod story;
mod support;

use std::collections::HashSet;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;

use crypto_box::PublicKey;
use crypto_box::aead::OsRng;
use own_page::Window;
use page::{Body, Page, read_code};
use saltbridge::encryption::sealed_box::BoxOpener as _;
use saltbridge::encryption::{KeyPair, PrivateKey};
use secrets::secrets;
use serde_json::{Value, json};
use served::{NUMERBAY, Served};
use stage::approving;
use story::{InFlight, envelope, eventually, post, recorded, spools, unlock, unwrap};
use support::{Run, base64, hex, text, unbase64};

/// A secret: what it is, and every spelling in which it might be written.
struct Secret(String, Vec<Vec<u8>>);

impl Secret {
    fn of(what: &str, spellings: impl IntoIterator<Item = String>) -> Self {
        Self(what.to_owned(), spellings.into_iter().map(String::into_bytes).collect())
    }

    /// 32 bytes, as themselves and in digits.
    fn key(what: &str, key: &[u8]) -> Self {
        assert_eq!(key.len(), 32);
        let mut secret = Self::of(what, secrets(&json!({ "private_key": base64(key) })));
        secret.1.push(key.to_vec());
        secret
    }

    fn code(code: &str) -> Self {
        let bytes = read_code(code);
        let (close, decimal) = (code.replace('-', ""), bytes.map(|byte| byte.to_string()));
        let mut spellings = vec![code.to_owned(), close, hex(&bytes), hex(&bytes).to_uppercase()];
        spellings.extend([code.to_lowercase(), code.replace('-', "").to_lowercase()]);
        spellings.extend([decimal.join(","), decimal.join(", ")]);
        let encoded = base64(&bytes).trim_end_matches('=').to_owned();
        spellings.extend([encoded.replace('+', "-").replace('/', "_"), encoded]);
        let mut secret = Self::of("a pairing code", spellings);
        secret.1.push(bytes.to_vec());
        secret
    }

    /// Where in a text it is written.
    fn is_in(&self, written: &[u8]) -> bool {
        self.1.iter().any(|spelling| contains(written, spelling))
    }
}

fn contains(text: &[u8], wanted: &[u8]) -> bool {
    let mut rest = text;
    while let Some(place) = rest.iter().position(|byte| *byte == wanted[0]) {
        rest = &rest[place..];
        if rest.starts_with(wanted) {
            return true;
        }
        rest = &rest[1..];
    }
    false
}

/// What is opened and sealed. Any 16 bytes of it are too much, as themselves or in digits; they are looked for from
/// every 16th place.
struct Content(HashSet<[u8; 16]>, HashSet<[u8; 32]>);

impl Content {
    fn of(content: &[u8]) -> Self {
        let pieces = || {
            content
                .chunks_exact(16)
                .map(|piece| <[u8; 16]>::try_from(piece).unwrap())
        };
        let in_hex = pieces().map(|piece| hex(&piece).into_bytes().try_into().unwrap());
        Self(pieces().collect(), in_hex.collect())
    }

    fn is_in(&self, written: &[u8]) -> bool {
        written.windows(16).any(|window| self.0.contains(window))
            || written.windows(32).any(|window| self.1.contains(window))
    }
}

/// Everything that was written, by its name.
type Written = Vec<(String, Vec<u8>)>;

fn check(written: &Written, secrets: &[Secret], content: &Content) {
    for (name, text) in written {
        assert!(!content.is_in(text), "what was opened or sealed is written in {name}");
        for secret in secrets {
            assert!(!secret.is_in(text), "{} is written in {name}", secret.0);
        }
    }
}

/// All files in a folder and the folders in it.
fn files_in(folder: &Path, written: &mut Written) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        match (kind.is_dir(), kind.is_file()) {
            (true, _) => files_in(&path, written),
            (_, true) => written.push((path.display().to_string(), std::fs::read(&path).unwrap())),
            _ => {}
        }
    }
}

/// The content that is sealed for the recorded key: 6 MiB that repeat nothing.
fn content() -> Vec<u8> {
    let blocks = (0_u32..3 << 16).map(|n| <[u8; 32]>::from(<sha2::Sha256 as sha2::Digest>::digest(n.to_be_bytes())));
    blocks.flatten().collect()
}

fn sealed(content: &[u8]) -> Vec<u8> {
    PublicKey::from(story::recorded_public_key())
        .seal(&mut OsRng, content)
        .unwrap()
}

/// Sends a body without its last byte, and looks at what waits on the disk; then leaves.
fn waiting_body(served: &Served, page: &Page, target: &str, body: &[u8], written: &mut Written) {
    let request = page.draft("POST", target, Body::Bytes(Vec::new()));
    let request = request.header("Content-Length", &body.len().to_string()).sign();
    let mut stream = TcpStream::connect(&served.authority).unwrap();
    stream
        .write_all(&[&request.head[..], &body[..body.len() - 1]].concat())
        .unwrap();
    let Some(_) = spools(served) else { return };
    let long = |path: &std::path::PathBuf| std::fs::metadata(path).is_ok_and(|file| file.len() > 1 << 20);
    eventually("something waits on the disk", || spools(served).unwrap().iter().any(long));
    for spool in spools(served).unwrap() {
        written.push((format!("the spool of {target}"), std::fs::read(spool).unwrap_or_default()));
    }
}

#[test]
fn whatever_it_does() {
    let mut served = Served::new();
    assert!(served.stop().success());
    std::fs::create_dir(served.desk.path("spool")).unwrap();
    story::restart_with(&mut served, |command| {
        command
            .args(["--spool-dir", "spool"])
            .env("RUST_LOG", "trace")
            .env("RUST_BACKTRACE", "full");
    });
    let mut written = Written::new();
    let entry = recorded();
    let mut all = vec![Secret::of("what was recorded", secrets(&entry))];
    for field in ["storage_key_hex", "signature"] {
        all.push(Secret(field.to_owned(), vec![support::unhex_any(text(&entry, field))]));
    }
    let private_key: [u8; 32] = unbase64(text(&entry, "private_key")).try_into().unwrap();
    all.push(Secret::key("the private key", &private_key));
    let key_pair = KeyPair::new(PrivateKey::from_bytes(&private_key));

    // Codes: a good one, a wrong one, one that is never used, and one that is sent where it does not belong.
    let codes = [(); 3].map(|()| served.invite("https://signals.example", &[]));
    let mut stranger = Page::new("https://signals.example", &served.authority);
    served.past_the_first_second(&stranger);
    assert_eq!(served.send(&stranger.pairing_request(&codes[0])).code(), "wrong-code");
    served.send(&stranger.request("GET", &format!("/v1/status?code={}", codes[1]), Body::None));
    let mut body = stranger.pairing_body(&codes[2]);
    body["code"] = Value::from(codes[2].clone());
    assert_eq!(
        served
            .send(&stranger.request("POST", "/v1/pairings", Body::Json(body)))
            .code(),
        "bad-json"
    );
    let code = served.invite(NUMERBAY, &["--scope", "create,decrypt,encrypt,export"]);
    let mut page = Page::new(NUMERBAY, &served.authority);
    let request = page.pairing_request(&code);
    let answer = served.send(&request);
    page.pair(&code, &request, answer.status, &answer.headers, &answer.body)
        .unwrap();
    let request = stranger.pairing_request(&codes[2]);
    let answer = served.send(&request);
    stranger
        .pair(&codes[2], &request, answer.status, &answer.headers, &answer.body)
        .unwrap();
    all.extend(codes.iter().chain([&code]).map(|code| Secret::code(code)));
    let mut windows = [(); 2].map(|()| {
        let opening = "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
        let opening = format!("POST /v1/own-pages HTTP/1.1\r\nHost: localhost\r\n{opening}");
        Window::of(&served.send_to_socket(opening.as_bytes()).unwrap())
    });
    windows[0].come_in();
    all.extend(windows.iter().map(|window| Secret::code(&window.code)));

    // Keys: unlocked, refused, given away, made.
    let handle = unlock(&served, &page);
    let refused = InFlight::send(&served, &unwrap(&stranger, &served.desk));
    served.stage.wait_for_question();
    served.stage.emulator.decide(false);
    assert_eq!(refused.answer().code(), "refused");
    approving(&[&served.stage], || {
        let export = post(&page, &format!("/v1/keys/{handle}/export"), json!({}));
        let given = served.ask(&page, &export);
        assert_eq!(given.json()["private_key"], entry["private_key"], "it has been given, and is looked for");
        let made = served.ask(&page, &post(&page, "/v1/keys", json!({}))).json();
        served.desk.put("made.json", text(&made, "encrypted_private_key"));
        let device = served.stage.endpoint().to_string();
        let export = ["export", "--no-bridge", "--envelope", "made.json", "--device", &device, "-o", "made-key.json"];
        Run::of(served.command(&export).output().unwrap()).succeeded();
    });
    let made: Value = serde_json::from_slice(&served.desk.read("made-key.json")).unwrap();
    all.push(Secret::key("the private key that was made", &unbase64(text(&made, "private_key"))));

    // What is sent in the wrong place. (As the public key it would be shown: nothing tells it from one.)
    let key_file = text(&entry, "key_file");
    for wrong in [
        json!({ "envelope": key_file }),
        json!({ "envelope": text(&entry, "private_key") }),
        json!({ "envelope": text(&entry, "signature") }),
        json!({ "envelope": envelope(&served.desk), "private_key": entry["private_key"] }),
        json!({ "envelope": envelope(&served.desk), "path": entry["signature"] }),
        serde_json::from_str(key_file).unwrap(),
    ] {
        let answer = approving(&[&served.stage], || served.ask(&page, &post(&page, "/v1/unwrap", wrong.clone())));
        assert!(answer.status >= 400, "{wrong}");
        // What is no path is quoted to who sent it, and to nobody else.
        if wrong["path"].is_null() {
            written.push(("an answer".to_owned(), answer.body));
        }
    }

    // Bodies: opened, sealed, damaged, left half-way; and one whose key the command line asks for.
    let content = content();
    let boxed = sealed(&content);
    let target = format!("/v1/keys/{handle}/decrypt");
    assert!(
        served
            .ask(&page, &page.request("POST", &target, Body::Bytes(boxed.clone())))
            .body
            == content
    );
    let mut damaged = boxed.clone();
    damaged[1 << 20] ^= 1;
    assert_eq!(
        served
            .ask(&page, &page.request("POST", &target, Body::Bytes(damaged)))
            .status,
        422
    );
    waiting_body(&served, &page, &target, &boxed, &mut written);
    let encrypt = "/v1/encrypt?public_key=j9X3FWlUV2tgymJykO0JwfiuYr5yfJMiGLQdCkvA5Us%3D";
    assert_eq!(
        served
            .ask(&page, &page.request("POST", encrypt, Body::Bytes(content.clone())))
            .status,
        200
    );
    waiting_body(&served, &page, encrypt, &content, &mut written);

    served.desk.put("f.sealed", &boxed);
    let decrypt = ["decrypt", "-vvv", "f.sealed", "--envelope", "envelope.json"];
    let run = approving(&[&served.stage], || Run::of(served.command(&decrypt).output().unwrap()));
    assert!(run.succeeded().stdout.is_empty());
    assert!(served.desk.read("f") == content);
    assert!(served.log().contains("/box-key → 200"), "{}", served.log());
    written.push(("what the command printed".to_owned(), run.stderr.into_bytes()));
    for sealed in [&boxed, &served.desk.read("report.csv.sealed")] {
        let ephemeral = base64(&sealed[..32]).parse().unwrap();
        all.push(Secret::key("the key of a box", key_pair.box_key(&ephemeral).unwrap().expose_key()));
    }

    // A look while all keys are held, and one after the end.
    for when in ["running", "stopped"] {
        files_in(served.desk.locks(), &mut written);
        files_in(&served.desk.path("spool"), &mut written);
        written.push((format!("the log, {when}"), served.desk.read("serve.log")));
        if when == "running" {
            assert!(served.stop().success());
        }
    }
    assert!(
        written
            .iter()
            .any(|(name, text)| name.ends_with("pairings.json") && !text.is_empty())
    );
    assert!(served.log().len() > 2000, "it was to tell everything");
    check(&written, &all, &Content::of(&content));

    // The test itself would see each of them, in the middle of what was written.
    let log = &written.last().unwrap().1;
    let (before, after) = log.split_at(log.len() / 2);
    for secret in &all {
        for spelling in &secret.1 {
            assert!(spelling.len() >= 10, "{}", secret.0);
            assert!(secret.is_in(&[before, spelling, after].concat()), "{}", secret.0);
        }
    }
    assert!(Content::of(&content).is_in(&[before, &content[1000..1040], after].concat()));
}

#[test]
fn the_test_itself_would_see_a_secret() {
    let entry = recorded();
    let recorded = Secret::of("what was recorded", secrets(&entry));
    let key = Secret::key("a key", &unbase64(text(&entry, "private_key")));
    let code = Secret::code("0123-4567-89AB-CDEF");
    let rows: [(&Secret, Vec<u8>); 9] = [
        (&recorded, format!("signature: {}", text(&entry, "signature")).into()),
        (&recorded, text(&entry, "storage_key_hex").to_uppercase().into()),
        (&recorded, text(&entry, "key_file").into()),
        (&key, unbase64(text(&entry, "private_key"))),
        (&key, format!("{:?}", unbase64(text(&entry, "private_key"))).into()),
        (&code, b"pairs with 0123-4567-89ab-cdef".to_vec()),
        (&code, b"0123456789ABCDEF".to_vec()),
        (&code, b"bytes 00443214c74254b635cf".to_vec()),
        (&code, base64(&read_code("0123-4567-89AB-CDEF")).into()),
    ];
    let content = content();
    let opened = Content::of(&content);
    for (secret, written) in rows {
        assert!(secret.is_in(&written), "{}: {}", secret.0, String::from_utf8_lossy(&written));
        assert!(!opened.is_in(&written));
        let written = vec![("here".to_owned(), written)];
        let caught = std::panic::catch_unwind(|| check(&written, std::slice::from_ref(secret), &opened));
        assert!(caught.is_err());
    }
    assert!(opened.is_in(&[b"spool: ", &content[101..164]].concat()));
    assert!(opened.is_in(format!("chunk {}", hex(&content[101..164])).as_bytes()));
    assert!(!opened.is_in(&sealed(&content)));
    assert!(!recorded.is_in(text(&entry, "public_key").as_bytes()));
    assert!(!code.is_in(b"0123-4567-89AB-CDEG"));
}
