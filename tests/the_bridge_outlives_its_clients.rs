//! After a minute of two hundred clients, good and bad ones, who come and go as they like, the bridge is what it was before.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "guard/crowd.rs"]
mod crowd;
#[path = "support/page.rs"]
mod page;
#[path = "guard/scene.rs"]
mod scene;
#[path = "support/served.rs"]
mod served;
#[path = "support/stage.rs"]
mod stage;
mod support;
#[path = "support/work.rs"]
mod work;

use std::fs::{read_dir, read_to_string};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use crowd::Crowd;
use scene::{Call, Scene};
use stage::PATIENCE;
use work::Random;

const CLIENTS: usize = 200;

/// What a process has: memory in KiB, descriptors, threads.
#[derive(Clone, Copy, Debug)]
struct Burden {
    memory: usize,
    descriptors: usize,
    threads: usize,
}

impl Burden {
    fn of(process: u32) -> Self {
        let status = read_to_string(format!("/proc/{process}/status")).unwrap();
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        Self {
            memory: memory.trim().trim_end_matches(" kB").parse().unwrap(),
            descriptors: read_dir(format!("/proc/{process}/fd")).unwrap().count(),
            threads: read_dir(format!("/proc/{process}/task")).unwrap().count(),
        }
    }
}

/// Half of the time each; the second one needs no more memory than the first.
const ROUNDS: usize = 2;
const TIME: Duration = Duration::from_secs(30);

/// What may stay after the first round, in KiB: what an allocator keeps of what a crowd once took.
const STAYS: usize = 96 * 1024;

/// How much more may stay after the second, in KiB: the nonces of half a minute, and where the pieces happen to lie.
const MORE: usize = 24 * 1024;

/// What a crowd may take, in KiB: 16 bodies at once, and what waits for 200 clients.
const MOST: usize = 256 * 1024;

#[test]
fn a_minute_of_two_hundred_clients() {
    let scene = Scene::new();
    let crowd = Crowd::new(&scene);
    let process = scene.served.child.id();
    let kept = scene.kept();
    let mut random = Random::of_this_run();
    // Threads that read bodies end some seconds after they had nothing to do.
    thread::sleep(Duration::from_secs(12));
    let before = Burden::of(process);
    let mut after = Vec::new();
    for _ in 0..ROUNDS {
        let most = come_and_go(&crowd, &mut random, process);
        assert!(most < MOST, "{most} KiB");
        serves_at_once(&scene);
        after.push(quiet(process, before));
        println!("before {before:?}, at most {most} KiB, after {after:?}");
    }
    let counts = [&crowd.answered, &crowd.busy, &crowd.unanswered, &crowd.refused, &crowd.left];
    let [answered, busy, unanswered, refused, left] = counts.map(|count| count.load(Ordering::Relaxed));
    println!("{answered} answered, {busy} busy, {unanswered} unanswered, {refused} refused, {left} left");
    assert!(answered > CLIENTS && refused > CLIENTS && left > CLIENTS, "there was no crowd");
    assert!(10 * unanswered < answered, "good requests were not answered");

    let [first, second] = [after[0].memory, after[1].memory];
    assert!(first < before.memory + STAYS, "before {before:?}, after {after:?}");
    assert!(second < first + MORE, "it grows: before {before:?}, after {after:?}");

    assert_eq!(scene.kept(), kept, "something came of it");
    let log = scene.served.log();
    assert!(!log.contains("panicked"), "{log}");
}

/// Lets the clients do what they like for a while; the most memory that the bridge took, in KiB.
fn come_and_go(crowd: &Crowd<'_>, random: &mut Random, process: u32) -> usize {
    let end = Instant::now() + TIME;
    let mut most = 0;
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            let random = Random::new(random.number());
            scope.spawn(move || crowd.client(random, end));
        }
        while Instant::now() < end {
            most = most.max(Burden::of(process).memory);
            thread::sleep(Duration::from_millis(200));
        }
    });
    most
}

fn serves_at_once(scene: &Scene) {
    let request = scene.draft(Call::Status).sign();
    let start = Instant::now();
    assert_eq!(scene.served.ask(&scene.page, &request).status, 200);
    assert!(start.elapsed() < Duration::from_secs(2), "an answer takes {:?}", start.elapsed());
}

/// Waits until there are no more descriptors and threads than before.
fn quiet(process: u32, before: Burden) -> Burden {
    let start = Instant::now();
    loop {
        let now = Burden::of(process);
        if now.descriptors <= before.descriptors && now.threads <= before.threads {
            return now;
        }
        assert!(start.elapsed() < PATIENCE, "something is left: {now:?}, before {before:?}");
        thread::sleep(Duration::from_millis(200));
    }
}
