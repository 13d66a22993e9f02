//! A conversation and its surroundings: who asks and what he is told, an emulated device, and an ear on the line.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use saltbridge::emulator::{Device, Emulator, Model, SeedName, SpeculosServer, Start};
use saltbridge::ethereum::{Address, DerivationPath};
use saltbridge::ledger::{Account, Asker, Conversation, DeviceFault, Endpoint, Event, Leave, Patience, Session};

/// Generous: machines are loaded.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What an asker is told, in its order.
#[derive(Clone, Default)]
pub struct Told(Arc<(Mutex<Vec<Event>>, Condvar)>);

impl Told {
    /// An asker whom this listens to. That the device is idle is said because a port may have had another device.
    pub fn asker(&self, patience: Patience) -> Asker {
        self.asker_named("a test", patience)
    }

    pub fn asker_named(&self, who: &str, patience: Patience) -> Asker {
        let told = self.clone();
        Asker {
            who: who.to_owned(),
            patience,
            is_idle: Arc::new(|_| true),
            tell: Arc::new(move |event| {
                told.0.0.lock().unwrap().push(event.clone());
                told.0.1.notify_all();
            }),
            leave: Leave::never(),
        }
    }

    pub fn events(&self) -> Vec<Event> {
        self.0.0.lock().unwrap().clone()
    }

    pub fn count(&self, wanted: impl Fn(&Event) -> bool) -> usize {
        self.events().iter().filter(|event| wanted(event)).count()
    }

    /// Waits until such an event has come.
    pub fn wait_for(&self, wanted: impl Fn(&Event) -> bool) {
        let events = self.0.0.lock().unwrap();
        let missing = |events: &mut Vec<Event>| !events.iter().any(&wanted);
        let (events, waited) = self.0.1.wait_timeout_while(events, PATIENCE, missing).unwrap();
        assert!(!waited.timed_out(), "never told; told was {events:?}");
    }
}

/// An asker who waits for nobody, and does not listen.
pub fn asker() -> Asker {
    Told::default().asker(Patience::NoWait)
}

/// What a conversation in another thread comes to.
pub struct Outcome<T>(Receiver<Result<T, DeviceFault>>);

impl<T> Outcome<T> {
    pub fn wait(self) -> Result<T, DeviceFault> {
        self.0.recv_timeout(PATIENCE).expect("the conversation does not end")
    }

    pub fn is_open(&self) -> bool {
        matches!(self.0.try_recv(), Err(std::sync::mpsc::TryRecvError::Empty))
    }
}

/// Converses in a thread of its own.
pub fn in_background<T: Send + 'static>(
    session: &Session,
    asker: Asker,
    talk: impl FnOnce(&mut Conversation<'_>) -> Result<T, DeviceFault> + Send + 'static,
) -> Outcome<T> {
    let (sender, receiver) = channel();
    let session = session.clone();
    thread::spawn(move || {
        let _ = sender.send(session.converse(asker, talk));
    });
    Outcome(receiver)
}

/// An account of which a test says what its path and address are.
pub fn account(path: DerivationPath, address: Address) -> Account {
    Account { path, address }
}

/// What passes on the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A command, in hexadecimal digits.
    Command(String),
    /// An answer: data and status word.
    Answer(String),
}

type Heard = Arc<Mutex<Vec<Frame>>>;

/// An emulated device, behind a line on which everything is heard.
pub struct Stage {
    pub emulator: Emulator,
    pub session: Session,
    server: SpeculosServer,
    heard: Heard,
    stopped: Arc<AtomicBool>,
}

impl Stage {
    pub fn new(start: Start) -> Self {
        Self::with_seed(SeedName::Speculos, start)
    }

    pub fn with_seed(seed: SeedName, start: Start) -> Self {
        let emulator = Emulator::new(Device::new(Model::NanoSPlus, seed, start));
        let server = SpeculosServer::start(&emulator, "127.0.0.1:0".parse().unwrap()).unwrap();
        let line = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = Endpoint::Speculos(line.local_addr().unwrap());
        let (heard, stopped) = (Heard::default(), Arc::new(AtomicBool::new(false)));
        let (device, log, ended) = (server.address(), Arc::clone(&heard), Arc::clone(&stopped));
        thread::spawn(move || {
            for client in line.incoming().map_while(Result::ok) {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                connect(client, device, &log);
            }
        });
        Self {
            emulator,
            session: Session::start(endpoint).unwrap(),
            server,
            heard,
            stopped,
        }
    }

    pub fn endpoint(&self) -> &Endpoint {
        self.session.endpoint()
    }

    /// Another owner of the same device, as another process would be.
    pub fn other_session(&self) -> Session {
        Session::start(self.endpoint().clone()).unwrap()
    }

    /// All that has passed on the line.
    pub fn heard(&self) -> Vec<Frame> {
        self.heard.lock().unwrap().clone()
    }

    /// Class and instruction of the commands, `b001 e002 e008`.
    pub fn commands(&self) -> String {
        let heard = self.heard();
        let commands = heard.iter().filter_map(|frame| match frame {
            Frame::Command(command) => command.get(..4),
            Frame::Answer(_) => None,
        });
        commands.collect::<Vec<_>>().join(" ")
    }

    pub fn wait_for_question(&self) {
        assert!(self.emulator.wait_until(PATIENCE, Device::is_asking), "the device never asks");
    }

    /// Waits until the device has been asked this often from now on.
    pub fn wait_for_commands(&self, count: usize) {
        let enough = self.heard().len() + 2 * count;
        assert!(self.emulator.wait_until(PATIENCE, |_| self.heard().len() >= enough), "nobody asks the device");
    }

    /// Waits until what the device has sent is sent: to the client that connected last, as its face does.
    pub fn settle(&self) {
        let mut client = TcpStream::connect(self.server.address()).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client.write_all(&[0, 0, 0, 5, 0xe0, 0x06, 0x00, 0x00, 0x00]).unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(&[0x02, 1, 22, 0, 0x90, 0x00]) {
            let mut byte = [0];
            client.read_exact(&mut byte).unwrap();
            answer.extend(byte);
        }
    }

    /// Does something to the device that it does not answer.
    pub fn hand(&self, action: impl FnOnce(&mut Device)) {
        self.emulator.touch(|device| {
            action(device);
            Vec::new()
        });
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        forget_lock(self.endpoint());
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts.
        if let Endpoint::Speculos(address) = self.endpoint() {
            let _ = TcpStream::connect(address);
        }
    }
}

/// Answers everything that the devices ask while `work` runs.
pub fn approving<T>(stages: &[&Stage], work: impl FnOnce() -> T) -> T {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for stage in stages {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    if stage.emulator.wait_until(Duration::from_millis(50), Device::is_asking) {
                        stage.emulator.decide(true);
                    }
                }
            });
        }
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        done.store(true, Ordering::SeqCst);
        result.unwrap()
    })
}

/// Passes on what is said, and notes it before.
fn connect(client: TcpStream, device: SocketAddr, heard: &Heard) {
    let Ok(device) = TcpStream::connect(device) else { return };
    for (from, to, status_word, frame) in
        [(&client, &device, 0, Frame::Command as fn(String) -> Frame), (&device, &client, 2, Frame::Answer)]
    {
        let _ = from.set_nodelay(true);
        let (from, to, heard) = (from.try_clone().unwrap(), to.try_clone().unwrap(), Arc::clone(heard));
        thread::spawn(move || {
            pass(&from, &to, status_word, |bytes| {
                heard.lock().unwrap().push(frame(base16ct::lower::encode_string(bytes)));
            });
            let _ = from.shutdown(Shutdown::Both);
            let _ = to.shutdown(Shutdown::Both);
        });
    }
}

fn pass(mut from: &TcpStream, mut to: &TcpStream, more: usize, note: impl Fn(&[u8])) {
    let mut length = [0; 4];
    while from.read_exact(&mut length).is_ok() {
        let mut bytes = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap() + more];
        if from.read_exact(&mut bytes).is_err() {
            return;
        }
        note(&bytes);
        if to.write_all(&[length.as_slice(), &bytes].concat()).is_err() {
            return;
        }
    }
}

/// Where the lock of an endpoint lies, with the note of who talks.
pub fn lock_of(endpoint: &Endpoint) -> PathBuf {
    let absolute = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let parent = absolute("XDG_RUNTIME_DIR").unwrap_or_else(|| absolute("HOME").expect("HOME is set").join(".cache"));
    let name = endpoint.to_string();
    let name = name.replace(|c: char| !c.is_ascii_alphanumeric() && c != '.', "-");
    parent.join("saltbridge").join(format!("{name}.lock"))
}

/// Removes the lock of a device that will never be again; its port is still taken, so nobody else has it.
pub fn forget_lock(endpoint: &Endpoint) {
    let _ = std::fs::remove_file(lock_of(endpoint));
}
