//! A page that asks much of a bridge, for `make bench-bridge`: it pairs, sends signed requests at a fixed rate, and has a
//! file decrypted. Nothing of the bridge's own code is used; every answer is verified, after the time was taken.
//!
//! Arguments: AUTHORITY ORIGIN CODE RATE SECONDS ENVELOPE SEALED PLAIN ROUNDS. Prints a JSON object for each.
#![allow(missing_docs, unreachable_pub)]

#[path = "wire.rs"]
mod wire;

#[path = "../../tests/support/page.rs"]
mod page;

use std::env::args_os;
use std::error::Error;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use page::{Body, Page, SignedRequest};
use serde_json::{Value, json};
use wire::{Answer, Connection};

type Failure = Box<dyn Error + Send + Sync>;

/// More connections than requests are under way at once: a late answer delays no other request.
const CONNECTIONS: usize = 32;

/// Until the threads have started.
const RUN_UP: Duration = Duration::from_millis(300);

/// What was asked for.
struct Load {
    rate: u32,
    seconds: u32,
}

/// One request of many: how long after its time it was sent, and answered.
struct Timed {
    request: usize,
    sent: Duration,
    answered: Duration,
    answer: Answer,
}

fn main() -> Result<(), Failure> {
    let mut arguments = args_os().skip(1);
    let mut next = |name: &str| arguments.next().ok_or(format!("{name} is missing"));
    let mut text = |name: &str| next(name)?.into_string().map_err(|_| format!("{name} is not UTF-8"));
    let (authority, origin, code) = (text("AUTHORITY")?, text("ORIGIN")?, text("CODE")?);
    let load = Load {
        rate: text("RATE")?.parse()?,
        seconds: text("SECONDS")?.parse()?,
    };
    let files = [text("ENVELOPE")?, text("SEALED")?, text("PLAIN")?].map(PathBuf::from);
    let rounds: usize = text("ROUNDS")?.parse()?;

    let page = pair(&authority, &origin, &code)?;
    println!("{}", send_at_a_rate(&page, &load)?);
    println!("{}", decrypt(&page, &files, rounds)?);
    Ok(())
}

fn pair(authority: &str, origin: &str, code: &str) -> Result<Page, Failure> {
    let mut page = Page::new(origin, authority);
    let request = page.pairing_request(code);
    let answer = Connection::open(authority)?.ask(&request)?;
    page.pair(code, &request, answer.status, &answer.headers, &answer.body)?;
    Ok(page)
}

/// Sends signed requests, each at its time, whether or not those before it are answered.
fn send_at_a_rate(page: &Page, load: &Load) -> Result<Value, Failure> {
    let count = usize::try_from(load.rate * load.seconds)?;
    let requests: Vec<SignedRequest> = (0..count)
        .map(|_| page.request("GET", "/v1/status", Body::None))
        .collect();
    let connections = (0..CONNECTIONS).map(|_| Connection::open(&page.authority));
    let connections = connections.collect::<Result<Vec<_>, _>>()?;
    let (start, every) = (Instant::now() + RUN_UP, Duration::from_secs(1) / load.rate);
    let timed = thread::scope(|scope| {
        let workers: Vec<_> = connections
            .into_iter()
            .enumerate()
            .map(|(first, mut connection)| {
                let requests = &requests;
                scope.spawn(move || -> Result<Vec<Timed>, Failure> {
                    let own = (first..requests.len()).step_by(CONNECTIONS);
                    own.map(|index| timed(&mut connection, requests, index, start + every * u32::try_from(index)?))
                        .collect()
                })
            })
            .collect();
        let joined = workers
            .into_iter()
            .map(|worker| worker.join().map_err(|_| "a thread panicked")?);
        joined.collect::<Result<Vec<_>, Failure>>()
    })?;
    let timed: Vec<_> = timed.into_iter().flatten().collect();
    for one in &timed {
        let request = requests.get(one.request).ok_or("no such request")?;
        page.verify(request, one.answer.status, &one.answer.headers, &one.answer.body)?;
        if one.answer.status != 200 {
            return Err(format!("{}: {}", one.answer.status, String::from_utf8_lossy(&one.answer.body)).into());
        }
    }
    let of = |time: fn(&Timed) -> Duration| {
        let mut times: Vec<_> = timed.iter().map(|one| time(one).as_secs_f64() * 1000.0).collect();
        times.sort_unstable_by(f64::total_cmp);
        let quantile = |percent: usize| times.get(((times.len() * percent).div_ceil(100)).max(1) - 1).copied();
        json!({ "p50": quantile(50), "p99": quantile(99), "max": times.last() })
    };
    Ok(json!({ "requests": count, "sent_ms": of(|one| one.sent), "answered_ms": of(|one| one.answered) }))
}

fn timed(connection: &mut Connection, requests: &[SignedRequest], index: usize, at: Instant) -> Result<Timed, Failure> {
    let request = requests.get(index).ok_or("no such request")?;
    thread::sleep(at.saturating_duration_since(Instant::now()));
    let sent = at.elapsed();
    let answer = connection.ask(request)?;
    Ok(Timed {
        request: index,
        sent,
        answered: at.elapsed(),
        answer,
    })
}

/// Unlocks, and has a file decrypted as often; the seconds from the first byte that is sent to the last that is read.
fn decrypt(page: &Page, [envelope, sealed, plain]: &[PathBuf; 3], rounds: usize) -> Result<Value, Failure> {
    let envelope = std::fs::read_to_string(envelope)?;
    let (sealed, plain) = (std::fs::read(sealed)?, std::fs::read(plain)?);
    let mut connection = Connection::open(&page.authority)?;
    let unwrap = page.request("POST", "/v1/unwrap", Body::Json(json!({ "envelope": envelope })));
    let answer = connection.ask(&unwrap)?;
    page.verify(&unwrap, answer.status, &answer.headers, &answer.body)?;
    let answer: Value = serde_json::from_slice(&answer.body)?;
    let handle = answer
        .get("handle")
        .and_then(Value::as_str)
        .ok_or(format!("no handle: {answer}"))?;
    let mut seconds = Vec::new();
    for _ in 0..rounds {
        let body = Body::Bytes(sealed.clone());
        let request = page.request("POST", &format!("/v1/keys/{handle}/decrypt"), body);
        let start = Instant::now();
        let answer = connection.ask(&request)?;
        seconds.push(start.elapsed().as_secs_f64());
        page.verify(&request, answer.status, &answer.headers, &answer.body)?;
        if answer.status != 200 || answer.body != plain {
            return Err("what came back is another file".into());
        }
    }
    Ok(json!({ "bytes": plain.len(), "seconds": seconds }))
}
