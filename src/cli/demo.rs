//! `saltbridge demo`: the whole story on the emulated device, with the commands that a person would type.
//!
//! Nothing is staged: each step is a run of this program, and its exit status and files are checked.

use std::ffi::OsStr;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::Pid;
use saltbridge::emulator::{Device, Effect, Emulator, Model, SeedName, SpeculosServer, Start};
use saltbridge::encryption::{Envelope, KeyPair, Message, Nonce, PrivateKey, StorageKey};
use saltbridge::ethereum::{Signature, VForm};
use saltbridge::ledger::Endpoint;
use saltbridge::text::printable;

use super::Outcome;
use super::facts::Facts;
use super::failure::{CliError, Failure};
use super::process;
use super::report::Report;

/// Time for a person to read along, and for the story to look like one.
const THINKING: Duration = Duration::from_millis(600);

/// How long the emulated person waits for the next question before he looks whether the story is over.
const ATTENTION: Duration = Duration::from_millis(100);

/// Watch the whole story on an emulated Ledger: create, seal, decrypt, and what happens when it goes wrong
///
/// Works in a folder of its own, which is removed at the end. Needs no device and no network.
#[derive(clap::Args)]
pub(super) struct Args {}

pub(super) fn run(_: &Args, report: &Report) -> Result<Outcome, Failure> {
    let broken = |error: std::io::Error| failed(error.to_string());
    let desk = tempfile::Builder::new()
        .prefix("saltbridge-demo-")
        .tempdir()
        .map_err(broken)?;
    process::remove_folder_at_signal(desk.path());
    let emulator = Emulator::new(Device::new(Model::NanoSPlus, SeedName::Speculos, Start::App));
    let server = SpeculosServer::start(&emulator, ([127, 0, 0, 1], 0).into()).map_err(broken)?;
    let person = Person::sit_down(&emulator, report).map_err(broken)?;
    let story = Story {
        desk: desk.path(),
        device: Endpoint::Speculos(server.address()),
        emulator: &emulator,
        person: &person,
        report,
    };
    let steps = story.tell()?;
    report.tell("\nThat was all. Nothing of it is left: the folder is removed, the device was an emulated one.");
    Ok(Outcome::done(Facts::of("steps", steps)))
}

/// The hand at the emulated device.
struct Person {
    approves: Arc<AtomicBool>,
    leaves: Arc<AtomicBool>,
}

impl Person {
    fn sit_down(emulator: &Emulator, report: &Report) -> std::io::Result<Self> {
        let person = Self {
            approves: Arc::new(AtomicBool::new(true)),
            leaves: Arc::new(AtomicBool::new(false)),
        };
        let (approves, leaves) = (Arc::clone(&person.approves), Arc::clone(&person.leaves));
        let (emulator, report) = (emulator.clone(), *report);
        let answer = move || {
            while !leaves.load(Ordering::SeqCst) {
                if !emulator.wait_until(ATTENTION, Device::is_asking) {
                    continue;
                }
                std::thread::sleep(THINKING);
                let approve = approves.load(Ordering::SeqCst);
                for screen in emulator.look(|device| device.way_to(approve)) {
                    report.tell(&format!("      [ {} ]", printable(&screen.lines.join(" "))));
                }
                let pressed = if approve {
                    "both buttons: approved"
                } else {
                    "both buttons: rejected"
                };
                report.tell(&format!("      {pressed}"));
                emulator.decide(approve);
            }
        };
        std::thread::Builder::new().name("person".into()).spawn(answer)?;
        Ok(person)
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        self.leaves.store(true, Ordering::SeqCst);
    }
}

struct Story<'a> {
    desk: &'a Path,
    device: Endpoint,
    emulator: &'a Emulator,
    person: &'a Person,
    report: &'a Report,
}

/// The bought files.
const SIGNALS: &str = "id,signal\nAAPL,0.71\nMSFT,0.52\n";
const NOTES: &str = "Read the signals from Monday on.\n";

impl Story<'_> {
    fn tell(&self) -> Result<Vec<serde_json::Value>, Failure> {
        let device = self.device.to_string();
        let with_device = ["--device", &device];
        let mut steps = Vec::new();
        let mut step = |title: &str, command: &[&str], exit: i32| -> Result<String, Failure> {
            let stdout = self.step(title, command, exit)?;
            let facts = Facts::of("command", command.join(" ")).with("exit_code", exit);
            steps.push(facts.with("title", title).into());
            Ok(stdout)
        };

        let create = [&["create", "--envelope-out", "envelope.json"], &with_device[..]].concat();
        let public_key = step("A buyer makes a key pair. His Ledger signs twice.", &create, 0)?;
        let public_key = public_key.trim();
        step("The envelope holds the private key. Anybody may see it.", &["inspect", "envelope.json"], 0)?;

        self.put("signals.csv", SIGNALS)?;
        self.put("notes.txt", NOTES)?;
        step(
            "A seller seals two files for the buyer's public key.",
            &["encrypt", "signals.csv", "notes.txt", "--to", public_key],
            0,
        )?;
        let decrypt = |more: &[&'static str]| [&["decrypt"], more, &with_device[..]].concat();
        step(
            "The buyer opens both with one approval.",
            &decrypt(&[
                "signals.csv.sealed",
                "notes.txt.sealed",
                "--envelope",
                "envelope.json",
                "--output-dir",
                "bought",
            ]),
            0,
        )?;
        self.holds("bought/signals.csv", Some(SIGNALS))?;
        self.holds("bought/notes.txt", Some(NOTES))?;

        self.tamper("signals.csv.sealed", "tampered.csv.sealed")?;
        step(
            "One bit of a file was changed on its way. It is refused, and nothing is written.",
            &decrypt(&["tampered.csv.sealed", "--envelope", "envelope.json"]),
            5,
        )?;
        self.holds("tampered.csv", None)?;

        let old_key = self.old_envelope("old.json")?;
        self.put("from-2022.txt", NOTES)?;
        step(
            "In old.json lies an envelope from 2022, whose wallet returned the other v byte. A file for its key ...",
            &["encrypt", "from-2022.txt", "--to", &old_key],
            0,
        )?;
        step(
            "... opens all the same, and a new envelope is offered.",
            &decrypt(&["from-2022.txt.sealed", "--envelope", "old.json", "--output-dir", "found"]),
            0,
        )?;
        self.holds("found/from-2022.txt", Some(NOTES))?;
        let wrap = ["wrap", "--envelope", "old.json", "--envelope-out", "new.json"];
        step("The same key in a new envelope, which opens everywhere.", &[&wrap, &with_device[..]].concat(), 0)?;

        self.person.approves.store(false, Ordering::SeqCst);
        let export = [&["export", "--envelope", "new.json", "-o", "numerbay.json"], &with_device[..]].concat();
        step("Somebody else starts a command. The buyer refuses on the device.", &export, 4)?;
        self.holds("numerbay.json", None)?;
        self.person.approves.store(true, Ordering::SeqCst);

        self.emulator.touch(|device| {
            device.lock();
            Vec::new()
        });
        let no_wait = [&export[..], &["--no-wait"]].concat();
        step("The device is locked, and nobody is there to unlock it.", &no_wait, 3)?;
        let unlocking = self.emulator.clone();
        let pin = std::thread::spawn(move || {
            std::thread::sleep(2 * THINKING);
            unlocking.touch(|device| {
                device.unlock();
                Vec::new()
            });
        });
        step("The same with the buyer there: the command waits, he enters his PIN, and it goes on.", &export, 0)?;
        let _ = pin.join();
        Ok(steps)
    }

    fn say(&self, line: &str) {
        self.report.tell(&format!("\n=== {line}"));
    }

    /// Runs this program with the arguments; what it printed on standard output.
    fn step(&self, title: &str, arguments: &[&str], exit: i32) -> Result<String, Failure> {
        self.say(title);
        self.report.tell(&format!("  $ saltbridge {}", arguments.join(" ")));
        let broken = |error: std::io::Error| failed(error.to_string());
        let program = std::env::current_exe().map_err(broken)?;
        let words = if self.report.is_quiet() {
            Stdio::null()
        } else {
            Stdio::from(std::io::stdout().as_fd().try_clone_to_owned().map_err(broken)?)
        };
        let child = Command::new(program)
            .args(arguments.iter().map(OsStr::new))
            .current_dir(self.desk)
            // Its locks go with the folder, too.
            .env("XDG_RUNTIME_DIR", self.desk)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(words)
            .spawn()
            .map_err(broken)?;
        process::end_child_at_signal(Some(Pid::from_child(&child)));
        let output = child.wait_with_output().map_err(broken)?;
        process::unless_ending();
        process::end_child_at_signal(None);
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        if !stdout.is_empty() {
            self.report.tell(stdout.trim_end());
        }
        match output.status.code() {
            Some(code) if code == exit => {
                if exit != 0 {
                    self.report.tell(&format!("  (exit status {code}, as it should be)"));
                }
                Ok(stdout)
            }
            Some(code) => Err(failed(format!("\"{title}\" ended with exit status {code}, not {exit}"))),
            None => Err(failed(format!("\"{title}\" was ended by a signal"))),
        }
    }

    /// An envelope as a wallet made it that returned v = 00/01: an old device with the same seed. The public key.
    fn old_envelope(&self, name: &str) -> Result<String, Failure> {
        let key_pair = KeyPair::new(PrivateKey::generate()?);
        let message = Message::new_numerbay()?;
        let signature = sign_quietly(message.known()?.as_str()).ok_or_else(|| failed("no old envelope".to_owned()))?;
        let key = StorageKey::keccak256(&signature.in_v_form(VForm::Bare));
        let envelope = Envelope::seal(key_pair.private_key(), &key, Nonce::random()?, message);
        self.put(name, envelope.to_text())?;
        Ok(key_pair.public_key().to_string())
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) -> Result<(), Failure> {
        std::fs::write(self.desk.join(name), content).map_err(|error| failed(format!("{name}: {error}")))
    }

    /// Copies a file with its last bit changed.
    fn tamper(&self, from: &str, to: &str) -> Result<(), Failure> {
        let mut bytes = std::fs::read(self.desk.join(from)).unwrap_or_default();
        if let Some(last) = bytes.last_mut() {
            *last ^= 1;
        }
        self.put(to, bytes)
    }

    /// Checks that a file holds this, or that there is none.
    fn holds(&self, name: &str, content: Option<&str>) -> Result<(), Failure> {
        let found = std::fs::read(self.desk.join(name)).ok();
        if found.as_deref() == content.map(str::as_bytes) {
            return Ok(());
        }
        Err(failed(format!("{name} is not as it should be")))
    }
}

fn failed(step: String) -> Failure {
    CliError::DemoFailed { step }.into()
}

/// The signature of the demonstration's first account over a text, by a device of its own that approves unseen.
fn sign_quietly(text: &str) -> Option<Signature> {
    let emulator = Emulator::new(Device::new(Model::NanoSPlus, SeedName::Speculos, Start::App));
    let answers = emulator.attach();
    // m/44'/60'/0'/0/0, the length of the text, and the text (see the recordings).
    let path = [[0x80, 0, 0, 44], [0x80, 0, 0, 60], [0x80, 0, 0, 0], [0; 4], [0; 4]].concat();
    let length = u32::try_from(text.len()).ok()?.to_be_bytes();
    let data = [&[5], path.as_slice(), &length, text.as_bytes()].concat();
    emulator.command(&[&[0xe0, 0x08, 0, 0, u8::try_from(data.len()).ok()?], data.as_slice()].concat());
    emulator.decide(true);
    match answers.try_recv().ok()? {
        // v ‖ r ‖ s and the status word.
        Effect::Answer(answer) => match answer.split_first_chunk::<65>()? {
            ([v, scalars @ ..], [0x90, 0x00]) => {
                let mut bytes = zeroize::Zeroizing::new([0; 65]);
                bytes.split_at_mut(64).0.copy_from_slice(scalars);
                bytes.split_at_mut(64).1.fill(*v);
                Signature::from_bytes(&bytes).ok()
            }
            _ => None,
        },
        Effect::LinkDrops | Effect::PluggedIn => None,
    }
}
