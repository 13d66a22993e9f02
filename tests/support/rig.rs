//! A device that a test drives without knowing which: the emulator, or a real app under Ledger's own Speculos.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use coins_ledger::transports::speculos::{Action, Button, SpeculosClient};
use saltbridge::emulator::{Device, Emulator, Model, Press, SeedName, SpeculosServer, Start};
use saltbridge::ethereum::DerivationPath;
use saltbridge::ledger::Endpoint;

/// Generous: machines are loaded.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long "Hold to sign" is held.
const HOLD: Duration = Duration::from_secs(3);

/// What the device is asking the person.
pub enum Question<'a> {
    Message(&'a [u8]),
    Address(&'a DerivationPath),
}

impl Question<'_> {
    /// The commands that make a device ask it.
    fn commands(&self) -> Vec<Vec<u8>> {
        let encoded = |path: &DerivationPath| {
            let mut bytes = vec![u8::try_from(path.elements().len()).unwrap()];
            bytes.extend(path.elements().iter().flat_map(|element| element.to_be_bytes()));
            bytes
        };
        let command = |ins: u8, p1: u8, data: &[u8]| {
            let length = u8::try_from(data.len()).unwrap();
            [&[0xe0, ins, p1, 0, length], data].concat()
        };
        match self {
            Self::Address(path) => vec![command(0x02, 0x01, &encoded(path))],
            Self::Message(message) => {
                let path = encoded(&"m/44'/60'/0'/0/0".parse().unwrap());
                let length = u32::try_from(message.len()).unwrap().to_be_bytes();
                let data = [&path, length.as_slice(), message].concat();
                let chunks = data.chunks(255).enumerate();
                chunks
                    .map(|(index, chunk)| command(0x08, if index == 0 { 0 } else { 0x80 }, chunk))
                    .collect()
            }
        }
    }
}

pub struct Rig {
    pub endpoint: Endpoint,
    pub model: Model,
    kind: Kind,
}

enum Kind {
    Emulated {
        emulator: Emulator,
        _server: SpeculosServer,
    },
    Speculos {
        child: Child,
        client: SpeculosClient,
        runtime: tokio::runtime::Runtime,
    },
}

impl Rig {
    /// The devices to test with: those that `make test-speculos` names, otherwise the emulator as every model.
    pub fn all() -> Vec<Self> {
        match std::env::var("SALTBRIDGE_SPECULOS") {
            Err(_) => Model::ALL.map(Self::emulated).into(),
            Ok(speculos) => {
                let variable = |name| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
                let model = variable("SALTBRIDGE_SPECULOS_MODEL").parse().unwrap();
                vec![Self::speculos(&speculos, &variable("SALTBRIDGE_SPECULOS_APP"), model)]
            }
        }
    }

    fn emulated(model: Model) -> Self {
        let emulator = Emulator::new(Device::new(model, SeedName::Speculos, Start::App));
        let server = SpeculosServer::start(&emulator, (Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        Self {
            endpoint: Endpoint::Speculos(server.address()),
            model,
            kind: Kind::Emulated {
                emulator,
                _server: server,
            },
        }
    }

    fn speculos(speculos: &str, app: &str, model: Model) -> Self {
        let free = || {
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
                .unwrap()
                .local_addr()
                .unwrap()
                .port()
        };
        let (apdu_port, api_port) = (free(), free());
        let child = Command::new(speculos)
            .args(["--display", "headless", "--model", &model.to_string()])
            .args(["--seed", SeedName::Speculos.mnemonic()])
            .args(["--apdu-port", &apdu_port.to_string(), "--api-port", &api_port.to_string(), app])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{speculos}: {error}"));
        let address = (Ipv4Addr::LOCALHOST, apdu_port);
        let start = Instant::now();
        while TcpStream::connect(address).is_err() || TcpStream::connect((Ipv4Addr::LOCALHOST, api_port)).is_err() {
            assert!(start.elapsed() < PATIENCE, "Speculos does not start");
            std::thread::sleep(Duration::from_millis(100));
        }
        Self {
            endpoint: Endpoint::Speculos(address.into()),
            model,
            kind: Kind::Speculos {
                child,
                client: SpeculosClient::new(format!("http://127.0.0.1:{api_port}")).unwrap(),
                runtime: tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap(),
            },
        }
    }

    /// Waits until the device asks this, and decides. On every page the title is that which the emulator shows.
    pub fn decide(&self, approve: bool, question: &Question<'_>) {
        let mut guide = Device::new(self.model, SeedName::Speculos, Start::App);
        for command in question.commands() {
            guide.command(&command);
        }
        assert!(guide.is_asking());
        while let Some(press) = guide.toward(approve) {
            let title = guide.screen().lines.first().unwrap().clone();
            self.wait_for(&title);
            self.press(press);
            guide.press(press);
        }
    }

    fn screen(&self) -> Vec<String> {
        match &self.kind {
            Kind::Emulated { emulator, .. } => emulator.look(|device| device.screen().lines),
            Kind::Speculos { client, runtime, .. } => {
                let events = runtime.block_on(client.current_screen()).unwrap();
                events.into_iter().map(|event| event.text).collect()
            }
        }
    }

    fn wait_for(&self, title: &str) {
        let start = Instant::now();
        while !self.screen().iter().any(|line| line == title) {
            assert!(start.elapsed() < PATIENCE, "\"{title}\" is not shown, but {:?}", self.screen());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn press(&self, press: Press) {
        let (client, runtime) = match &self.kind {
            Kind::Emulated { emulator, .. } => return emulator.touch(|device| device.press(press)),
            Kind::Speculos { client, runtime, .. } => (client, runtime),
        };
        let short = Action::PressAndRelease { delay: None };
        let long = Action::PressAndRelease { delay: Some(HOLD) };
        let pressed = match press {
            Press::Left => runtime.block_on(client.button(Button::Left, short)),
            Press::Right => runtime.block_on(client.button(Button::Right, short)),
            Press::Both => runtime.block_on(client.button(Button::Both, short)),
            Press::Tap(x, y) => runtime.block_on(client.finger(x, y, short)),
            Press::Hold(x, y) => runtime.block_on(client.finger(x, y, long)),
        };
        pressed.unwrap();
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if let Kind::Speculos { child, .. } = &mut self.kind {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
