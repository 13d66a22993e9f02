//! A device, a desk with an envelope and a file for it, and the program that decrypts it.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used, clippy::panic)]

use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use saltbridge::emulator::{Device, Start};

use crate::stage::{PATIENCE, Stage};
use crate::support::{Desk, Run};

pub struct Room {
    pub stage: Stage,
    pub desk: Desk,
}

impl Room {
    pub fn new(start: Start) -> Self {
        Self {
            stage: Stage::new(start),
            desk: Desk::new(),
        }
    }

    pub fn command(&self, more: &[&str]) -> Command {
        let device = self.stage.endpoint().to_string();
        let arguments = ["decrypt", "report.csv.sealed", "--envelope", "envelope.json", "--force", "--device", &device];
        self.desk.command(&[&arguments[..], more].concat())
    }

    pub fn start(&self, more: &[&str]) -> Child {
        let mut command = self.command(more);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    pub fn run(&self, more: &[&str]) -> Run {
        Run::of(self.command(more).output().unwrap())
    }

    /// Runs it while somebody at the device decides.
    pub fn decided(&self, approve: bool, more: &[&str]) -> Run {
        let child = self.start(more);
        self.stage.wait_for_question();
        self.stage.emulator.decide(approve);
        Run::of(child.wait_with_output().unwrap())
    }

    /// A person agrees on the device to open the Ethereum app, and then to sign.
    pub fn opened_and_approved(&self) {
        for app in ["BOLOS", "Ethereum"] {
            let asks = |device: &Device| device.app() == app && device.is_asking();
            assert!(self.stage.emulator.wait_until(PATIENCE, asks), "{app} asks nothing");
            self.stage.emulator.decide(true);
        }
    }

    /// A person rejects what the device still asks for a program that is gone. The answer is sent, to nobody, before the
    /// next program comes.
    pub fn reject_what_is_left(&self) {
        self.stage.emulator.decide(false);
        self.stage.settle();
    }

    /// The next command works.
    pub fn works(&self) {
        self.decided(true, &[]).succeeded();
        assert_eq!(self.desk.read("report.csv").len(), 1000);
    }
}

/// Reads what the program says until it says this.
pub fn wait_for_line(output: &mut impl std::io::BufRead, wanted: &str) -> String {
    let mut all = String::new();
    while !all.contains(wanted) {
        assert!(output.read_line(&mut all).unwrap() > 0, "it ends without saying {wanted}: {all}");
    }
    all
}

pub fn signal(child: &Child, number: Signal) {
    kill_process(Pid::from_child(child), number).unwrap();
}

pub fn interrupt(child: &Child) {
    signal(child, Signal::INT);
}
