//! Two implementations of the framing, ours and ledger-transport-hid, hold the same conversations, and neither tells.

use saltbridge::emulator::Device;

use crate::desk::{self, ADDRESS, DECRYPT, saltbridge};
use crate::guest::{BUYER, PATIENCE};
use crate::ledger::Ledger;
use crate::scenarios::Scenario;

pub fn all() -> Vec<Scenario> {
    vec![
        Scenario::plain("the-same-conversations-by-ledger-transport-hid", conversations),
        Scenario::plain("no-signature-in-what-is-printed", secrets),
    ]
}

const DRIVERS: [&str; 2] = ["usb", "zondax-hid"];

fn conversations() {
    desk::admit_plugdev();
    desk::buy();
    let ledger = Ledger::in_app();
    let port = ledger.port_name();
    for driver in DRIVERS {
        let with = |arguments: &str| saltbridge(&format!("{arguments} --device {driver}"));
        with("devices")
            .run()
            .printed(&format!("{driver}:{port}  Nano S Plus  ready  Ethereum 1.22.0\n"));
        with("address").run().printed(&format!("{ADDRESS}\n"));
        let entry = desk::recorded("wallets", "speculos-44h_60h_0h_0_7");
        let eighth = entry["address"].as_str().unwrap();
        with(&format!("address --address {eighth}"))
            .run()
            .printed(&format!("{eighth}\n"));
        let decrypt = with(DECRYPT).start();
        ledger.decide(true);
        decrypt.wait(PATIENCE).succeeded();
        desk::is_decrypted();
        let refused = with(DECRYPT).start();
        ledger.decide(false);
        refused.wait(PATIENCE).failed_with(4, "refused");
        with("address --path m/45'/0'").run().failed_with(5, "path-not-allowed");
        with(&format!("address --device {driver}:{port}")).run();
        ledger.lock();
        with("address --no-wait").run().failed_with(3, "device-locked");
        ledger.unlock();
        let closed = ledger.node();
        ledger.emulator().touch(Device::close_app);
        ledger.wait_for_product_id(0x5011);
        println!("{closed:?}, then {:?}", ledger.node());
        let mut address = with("address").start();
        address.wait_until_it_says("asks whether to open the Ethereum app");
        ledger.decide(true);
        address.wait(PATIENCE).printed(&format!("{ADDRESS}\n"));
    }
}

fn secrets() {
    desk::admit_plugdev();
    desk::buy();
    let ledger = Ledger::in_app();
    let entry = desk::recorded("envelopes", "env-speculos-44h_60h_0h_0_0-v27");
    let text = |field: &str| entry[field].as_str().unwrap().to_owned();
    let signature = text("signature").trim_start_matches("0x").to_owned();
    // v, r and s as the device sends them, and as they are joined; the key that is made of them; the key in the envelope.
    let (r, s) = (&signature[..64], &signature[64..128]);
    let secrets = [r.to_owned(), s.to_owned(), text("storage_key_hex"), text("private_key")];
    for driver in DRIVERS {
        for arguments in [DECRYPT, "export --envelope envelope.json -o numerbay.json --force"] {
            let arguments = format!("-vvv {arguments} --device {driver}");
            let run = saltbridge(&arguments)
                .env("RUST_LOG", "trace")
                .env("RUST_LOG_STYLE", "always")
                .env("RUST_BACKTRACE", "full")
                .start();
            ledger.decide(true);
            let run = run.wait(PATIENCE);
            run.succeeded();
            let said = [String::from_utf8_lossy(&run.stdout).into_owned(), run.stderr].concat();
            assert!(said.contains("the Ethereum app 1.22.0 is open"), "it is verbose: {said}");
            let plain: String = said.chars().filter(char::is_ascii_alphanumeric).collect();
            let plain = plain.to_lowercase();
            for secret in &secrets {
                let secret: String = secret.chars().filter(char::is_ascii_alphanumeric).collect();
                let secret = secret.to_lowercase();
                // Not even a part of one: twelve characters in a row.
                for at in 0..secret.len() - 12 {
                    assert!(!plain.contains(&secret[at..at + 12]), "{said}");
                }
            }
            assert!(!run.stdout.windows(8).any(|window| hex(window).contains(&r[..16])), "raw bytes");
        }
    }
    assert_eq!(BUYER.run(&["test", "-s", "numerbay.json"]).status, Some(0));
}

fn hex(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(bytes)
}
