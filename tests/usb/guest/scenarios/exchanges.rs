//! Thousands of exchanges under the worst conditions: none has the answer of another.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use saltbridge::emulator::Device;

use crate::desk::{self, saltbridge};
use crate::guest::{self, BUYER, Process};
use crate::ledger::Ledger;
use crate::scenarios::Scenario;

pub fn all() -> Vec<Scenario> {
    vec![Scenario {
        limit: Duration::from_secs(900),
        ..Scenario::plain("ten-thousand-exchanges-and-no-wrong-answer", exchanges)
    }]
}

/// By two processes together.
const EACH: u32 = 5000;

fn exchanges() {
    desk::admit_plugdev();
    let ledger = Arc::new(Ledger::in_app());
    let clients: Vec<Process> = ["1", "2"]
        .iter()
        .map(|seed| {
            BUYER
                .program(&["usb-lab", "--exchanges", &EACH.to_string(), seed])
                .start()
        })
        .collect();
    for client in &clients {
        guest::eventually("it is ready for signals", || client.stdout().contains("begins").then_some(()));
    }
    let over = Arc::new(AtomicBool::new(false));
    let in_background = |mut work: Box<dyn FnMut(u32) + Send>| {
        let over = Arc::clone(&over);
        thread::spawn(move || {
            let mut random = 7_u32;
            while !over.load(Ordering::Relaxed) {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                work(random >> 16);
            }
        })
    };
    // Signals to every thread, so that they break into whatever call it is in.
    let pids: Vec<u32> = clients.iter().map(Process::pid).collect();
    let mut signals = 0_u64;
    let signalling = in_background(Box::new(move |random| {
        for pid in &pids {
            let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
                continue;
            };
            for thread in threads.flatten() {
                let number = thread.file_name().to_str().and_then(|name| name.parse().ok());
                if let Some(thread) = number.and_then(Pid::from_raw)
                    && kill_process(thread, Signal::USR1).is_ok()
                {
                    signals += 1;
                }
            }
        }
        if signals > 0 && random % 500 == 0 {
            println!("{signals} signals so far");
        }
        thread::sleep(Duration::from_millis(u64::from(3 + random % 20)));
    }));
    let cable = Arc::clone(&ledger);
    let mut pulls = 0;
    let unplugging = in_background(Box::new(move |random| {
        thread::sleep(Duration::from_millis(u64::from(4000 + random % 8000)));
        cable.unplug();
        thread::sleep(Duration::from_millis(u64::from(random % 300)));
        cable.plug_in();
        cable.unlock();
        thread::sleep(Duration::from_millis(u64::from(random % 200)));
        cable.emulator().touch(Device::open_ethereum);
        pulls += 1;
        println!("pulled {pulls} times");
    }));
    // A whole saltbridge in between, again and again.
    let third = in_background(Box::new(|random| {
        let index = random % 40;
        let run = saltbridge(&format!("address --path m/44'/60'/0'/0/{index}"))
            .start()
            .wait(Duration::from_secs(300));
        if run.status == Some(0) {
            let printed = run.succeeded();
            let expected = crate::exchanges::address_of(index);
            assert_eq!(printed, format!("{expected}\n"));
        }
        thread::sleep(Duration::from_millis(500));
    }));
    for client in clients {
        let ended = client.wait(Duration::from_secs(840));
        println!("{}{}", String::from_utf8_lossy(&ended.stdout), ended.stderr);
        assert!(ended.succeeded().contains("0 wrong answers"), "{ended:?}");
    }
    over.store(true, Ordering::Relaxed);
    for work in [signalling, unplugging, third] {
        work.join().unwrap();
    }
    assert_eq!(ledger.elsewhere(), []);
}
