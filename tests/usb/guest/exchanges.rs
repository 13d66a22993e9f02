//! A client that asks a device for addresses, thousands of times, and tells of every answer that is not that of its
//! question. Run by a scenario that makes it hard: `usb-lab --exchanges COUNT SEED`.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use saltbridge::emulator::{Device, Effect, Model, SeedName, Start};
use saltbridge::ethereum::{Address, DerivationPath};
use saltbridge::fault::Fault as _;
use saltbridge::ledger::{Asker, DeviceFault, Endpoint, Leave, Patience, Session};
use signal_hook::consts::{SIGUSR1, SIGUSR2};

/// How many exchanges one conversation has.
const IN_ONE_GO: usize = 50;

/// Different accounts, so that an answer to another question shows.
const ACCOUNTS: u32 = 40;

/// The path of an account, and its address as the device itself tells it when nobody disturbs it.
fn accounts() -> Vec<(DerivationPath, Address)> {
    let mut device = Device::new(Model::NanoSPlus, SeedName::Speculos, Start::App);
    let account = |index: u32| {
        let path: DerivationPath = format!("m/44'/60'/0'/0/{index}").parse().unwrap();
        let elements = [0x8000_002c_u32, 0x8000_003c, 0x8000_0000, 0, index];
        let elements: Vec<u8> = elements.iter().flat_map(|element| element.to_be_bytes()).collect();
        let command = [&[0xe0, 0x02, 0, 0, 21, 5][..], &elements].concat();
        let effects = device.command(&command);
        let [Effect::Answer(answer)] = &effects[..] else {
            panic!("{effects:?}")
        };
        // A public key and an address, each with its length in front.
        let text = &answer[67..107];
        let address = format!("0x{}", std::str::from_utf8(text).unwrap());
        (path, address.parse().unwrap())
    };
    (0..ACCOUNTS).map(account).collect()
}

/// The address of an account.
pub fn address_of(index: u32) -> Address {
    accounts()[index as usize].1
}

pub fn run(count: usize, seed: u32) -> ExitCode {
    for signal in [SIGUSR1, SIGUSR2] {
        signal_hook::flag::register(signal, Arc::default()).unwrap();
    }
    let accounts = Arc::new(accounts());
    let asker = Asker {
        who: "exchanges".to_owned(),
        patience: Patience::Wait,
        is_idle: Arc::new(|_| false),
        tell: Arc::new(|_| {}),
        leave: Leave::never(),
    };
    let session = Session::start(Endpoint::default()).unwrap();
    let (mut done, mut faults) = (0, BTreeMap::<&str, u32>::new());
    let mut random = seed;
    println!("begins");
    while done < count {
        let accounts = Arc::clone(&accounts);
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let first = random >> 8;
        let talked = session.converse(asker.clone(), move |device| {
            let mut answered = 0;
            for step in 0..IN_ONE_GO {
                let which = (first as usize + step * 7) % accounts.len();
                let (path, expected) = &accounts[which];
                match device.address(path) {
                    Ok(found) => assert_eq!(found, *expected, "the answer to another question, for {path}"),
                    Err(fault) => return Ok((answered, Some(fault))),
                }
                answered += 1;
            }
            Ok((answered, None))
        });
        let (answered, fault) = match talked {
            Ok(talked) => talked,
            Err(fault) => (0, Some(fault)),
        };
        done += answered;
        if let Some(fault) = fault {
            // A thread that panicked had a wrong answer; what makes no sense was one.
            let is_wrong = matches!(fault, DeviceFault::SessionEnded | DeviceFault::UnexpectedAnswer { .. });
            assert!(!is_wrong, "{fault}");
            *faults.entry(fault.explain().code).or_default() += 1;
            sleep(Duration::from_millis(50));
        }
    }
    println!("{done} exchanges, 0 wrong answers; faults: {faults:?}");
    ExitCode::SUCCESS
}
