//! Requests of random headers, most of which look as if they belonged there.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

use std::io::Write as _;
use std::net::TcpStream;

use saltbridge::bridge::Call as Route;

use crate::scene::{Call, HOSTILE, INVITED, OTHER, Scene};
use crate::served::{NUMERBAY, read_answer};
use crate::stage::PATIENCE;
use crate::work::Random;

/// Nothing but the contract and a preflight is answered without a signature that is good for the first time.
pub fn pour(scene: &Scene, cases: usize) {
    let mut random = Random::of_this_run();
    let ingredients = Ingredients::of(scene);
    let mut stream = None;
    let (mut refused, mut passed) = (0, 0);
    for _ in 0..cases {
        let (request, is_open) = ingredients.request(&mut random);
        let answer = loop {
            let (mut fresh, mut there) = (None, stream.take());
            let stream_now = there.as_mut().unwrap_or_else(|| {
                let made = TcpStream::connect(&scene.served.authority).unwrap();
                made.set_read_timeout(Some(PATIENCE)).unwrap();
                fresh.insert(made)
            });
            let answer = stream_now
                .write_all(request.as_bytes())
                .and_then(|()| read_answer(stream_now));
            let was_fresh = fresh.is_some();
            match answer {
                Ok(answer) => {
                    // What hyper itself refuses ends the connection.
                    let goes_on = answer.status != 400 && answer.header("connection") != Some("close");
                    stream = fresh.or(there).filter(|_| goes_on);
                    break answer;
                }
                Err(error) => assert!(!was_fresh, "{error}: {request}"),
            }
        };
        match answer.status {
            200..300 => {
                assert!(is_open, "{}: {request}", answer.status);
                passed += 1;
            }
            400..500 | 505 => refused += 1,
            other => panic!("{other}: {request}"),
        }
    }
    assert!(refused > cases / 2 && passed > 0, "{refused} refused, {passed} passed");
}

struct Ingredients {
    targets: Vec<(String, String)>,
    fields: Vec<(&'static str, Vec<String>)>,
}

impl Ingredients {
    fn of(scene: &Scene) -> Self {
        // Answered before.
        let used = scene.draft(Call::Status).sign();
        assert_eq!(scene.send(&used.bytes()).unwrap().status, 200);
        let value = |name: &str| crate::page::header(&used.headers, name).unwrap().to_owned();
        let hostile = scene.draft_of(&scene.hostile, Call::Status).sign();
        let of_hostile = |name: &str| crate::page::header(&hostile.headers, name).unwrap().to_owned();
        let texts = |values: &[&str]| values.iter().map(|&value| value.to_owned()).collect::<Vec<_>>();
        let host = scene.served.authority.as_str();
        let mut targets: Vec<_> = Route::ALL
            .iter()
            .map(|call| {
                let (method, path) = call.route();
                (
                    method.to_string(),
                    path.replace("{handle}", &scene.handle)
                        .replace("{origin}", "https%3A%2F%2Fother.example"),
                )
            })
            .collect();
        targets.extend([("OPTIONS".to_owned(), "/v1/unwrap".to_owned()), ("PUT".to_owned(), "/".to_owned())]);
        Self {
            targets,
            fields: vec![
                ("Origin", texts(&[NUMERBAY, NUMERBAY, OTHER, INVITED, HOSTILE, "null", ""])),
                ("Signature", [value("Signature"), of_hostile("Signature"), "saltbridge=:AAAA:".to_owned()].into()),
                (
                    "Signature-Input",
                    vec![value("Signature-Input"), of_hostile("Signature-Input"), "saltbridge=()".to_owned()],
                ),
                ("Content-Type", texts(&["application/json", "application/octet-stream", "text/plain"])),
                ("Content-Digest", vec![crate::page::content_digest(b""), crate::page::content_digest(b"{}")]),
                ("Sec-Fetch-Mode", texts(&["cors", "navigate", "no-cors"])),
                ("Sec-Fetch-Site", texts(&["cross-site", "same-origin", "none"])),
                ("Sec-Fetch-Dest", texts(&["empty", "document"])),
                ("Access-Control-Request-Method", texts(&["POST", "PUT"])),
                ("Access-Control-Request-Headers", texts(&["signature", "authorization"])),
                ("Authorization", texts(&["Bearer x", "Basic YTpi"])),
                ("Cookie", texts(&["a=b"])),
                ("Saltbridge-Command", texts(&["lock", "pair"])),
                ("Saltbridge-Opener", texts(&[NUMERBAY])),
                ("X-Forwarded-For", texts(&["127.0.0.1"])),
                ("X-Forwarded-Host", vec![host.to_owned()]),
                ("Forwarded", texts(&["host=localhost"])),
                ("Transfer-Encoding", texts(&["identity"])),
                ("Upgrade", texts(&["websocket"])),
                ("Accept", texts(&["*/*"])),
                ("User-Agent", texts(&["curl/8", ""])),
            ],
        }
    }

    /// A request, and whether it may pass: the contract, and what asks as a preflight does.
    fn request(&self, random: &mut Random) -> (String, bool) {
        fn pick<'a, T>(random: &mut Random, from: &'a [T]) -> &'a T {
            &from[usize::try_from(random.below(from.len() as u64)).unwrap()]
        }
        let (method, target) = pick(random, &self.targets);
        let mut head = format!("{method} {target} HTTP/1.1\r\n");
        let origins = &self.fields[0].1;
        let hosts = [&self.fields[15].1[0][..], &self.fields[15].1[0], &self.fields[15].1[0], "localhost", "evil.test"];
        let mut lines = vec![format!("Host: {}", pick(random, &hosts))];
        if random.below(4) > 0 {
            lines.push(format!("Origin: {}", pick(random, origins)));
        }
        for _ in 0..random.below(7) {
            let (name, values) = pick(random, &self.fields);
            let name = if random.below(2) == 0 {
                name.to_lowercase()
            } else {
                (*name).to_owned()
            };
            let value = match random.below(8) {
                0 => String::from_utf8(random.bytes(12).into_iter().map(|byte| b' ' + byte % 95).collect()).unwrap(),
                _ => pick(random, values).clone(),
            };
            let line = format!("{name}: {value}");
            let place = usize::try_from(random.below(lines.len() as u64 + 1)).unwrap();
            lines.insert(place, line);
        }
        if method != "GET" {
            lines.push("Content-Length: 0".to_owned());
        }
        for line in lines {
            head += &format!("{line}\r\n");
        }
        let may_pass = method == "OPTIONS" || target == "/openapi.json";
        (head + "\r\n", may_pass)
    }
}
