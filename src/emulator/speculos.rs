//! The device behind the TCP protocol of Ledger's emulator Speculos.
//!
//! A command goes in as its length (4 bytes, big-endian) and its bytes. An answer comes out as the length of its data
//! without the status word (4 bytes, big-endian), the data, and the status word (2 bytes). As in Speculos 0.27.1, an
//! answer goes to the client that connected last, whoever asked. Where Speculos ends because the app did, here the
//! connection closes and the device comes back on its dashboard: what a real one does on USB.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::device::Effect;
use super::running::Emulator;

/// How long the link is down while the device re-enumerates. A real one takes up to 6 s.
const ABSENCE: Duration = Duration::from_millis(300);

/// How long a client may take to read an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest command that is read, in bytes; the device takes 260.
const LONGEST: usize = 1024;

/// The face, listening until it is dropped.
pub struct SpeculosServer {
    address: SocketAddr,
    link: Arc<Link>,
    emulator: Emulator,
}

/// The clients, and whether the device is there for them.
struct Link {
    state: Mutex<State>,
    stopped: AtomicBool,
}

struct State {
    up: bool,
    clients: Vec<TcpStream>,
}

impl SpeculosServer {
    /// Listens at `address`; port 0 is any free one.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] if the address can be reached from other machines: the protocol knows no
    /// encryption, and everybody the seeds. The system's, if it is taken.
    pub fn start(emulator: &Emulator, address: SocketAddr) -> io::Result<Self> {
        if !address.ip().is_loopback() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "only this machine may reach the emulator"));
        }
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let link = Arc::new(Link {
            state: Mutex::new(State {
                up: emulator.look(|device| device.is_plugged_in()),
                clients: Vec::new(),
            }),
            stopped: AtomicBool::new(false),
        });
        let effects = emulator.attach();
        let to_clients = {
            let (link, emulator) = (Arc::clone(&link), emulator.clone());
            move || effects.iter().for_each(|effect| link.carry(effect, &emulator))
        };
        let from_clients = {
            let (link, emulator) = (Arc::clone(&link), emulator.clone());
            move || link.accept(&listener, &emulator)
        };
        thread::Builder::new().name("device answers".into()).spawn(to_clients)?;
        thread::Builder::new()
            .name("device clients".into())
            .spawn(from_clients)?;
        Ok(Self {
            address,
            link,
            emulator: emulator.clone(),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for SpeculosServer {
    fn drop(&mut self) {
        self.link.stopped.store(true, Ordering::SeqCst);
        self.link.hang_up();
        // Ends the thread that waits for answers,
        self.emulator.detach();
        // and wakes the one that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

impl Link {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener, emulator: &Emulator) {
        for client in listener.incoming() {
            if self.stopped.load(Ordering::SeqCst) {
                return;
            }
            let Ok(client) = client else { continue };
            let _ = client.set_nodelay(true);
            let _ = client.set_write_timeout(Some(PATIENCE));
            let mut state = self.lock();
            let (true, Ok(reader)) = (state.up, client.try_clone()) else {
                continue;
            };
            state.clients.push(client);
            drop(state);
            let (link, emulator) = (Arc::clone(self), emulator.clone());
            let serve = move || link.serve(reader, &emulator);
            let _ = thread::Builder::new().name("device client".into()).spawn(serve);
        }
    }

    /// Passes on a client's commands until it leaves.
    fn serve(&self, mut client: TcpStream, emulator: &Emulator) {
        let Ok(name) = client.peer_addr() else { return };
        while let Ok(command) = read_command(&mut client) {
            emulator.command(&command);
        }
        let _ = client.shutdown(Shutdown::Both);
        self.lock()
            .clients
            .retain(|other| other.peer_addr().is_ok_and(|peer| peer != name));
    }

    fn carry(&self, effect: Effect, emulator: &Emulator) {
        match effect {
            Effect::Answer(bytes) => {
                let Some(data_length) = bytes.len().checked_sub(2).and_then(|length| u32::try_from(length).ok()) else {
                    return;
                };
                let frame = [data_length.to_be_bytes().as_slice(), &bytes].concat();
                let last = self.lock().clients.last().and_then(|client| client.try_clone().ok());
                // One that left does not hear it, nor one that does not listen.
                let heard = last.is_some_and(|mut client| client.write_all(&frame).is_ok());
                if !heard {
                    self.lock().clients.pop();
                }
            }
            Effect::LinkDrops => {
                self.hang_up();
                thread::sleep(ABSENCE);
                self.lock().up = emulator.look(|device| device.is_plugged_in());
            }
            Effect::PluggedIn => self.lock().up = true,
        }
    }

    fn hang_up(&self) {
        let mut state = self.lock();
        state.up = false;
        for client in state.clients.drain(..) {
            let _ = client.shutdown(Shutdown::Both);
        }
    }
}

fn read_command(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    client.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > LONGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut command = vec![0; length];
    client.read_exact(&mut command)?;
    Ok(command)
}
