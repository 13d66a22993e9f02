//! A server in the place of a device: it speaks Speculos's framing and answers as a script says.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used, clippy::panic)]

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use saltbridge::ledger::Endpoint;

/// App info, as the Ethereum app 1.22.0 was recorded to answer it.
pub const ETHEREUM: &str = "0108457468657265756d06312e32322e3001009000";

/// The address of m/44'/60'/0'/0/0 of Speculos's own seed, as recorded.
pub const ADDRESS: &str = "4104ef5b152e3f15eb0c50c9916161c2309e54bd87b9adce722d69716bcdef85f547678e15ab40a78919c7284e67a17ee9a96e8b\
     9886b60f767d93023bac8dbc16e428446164373739313044624446644537363466433231464344344537344437316242414341364438449000";

/// The address that it holds.
pub const ADDRESS_TEXT: &str = "0xDad77910DbDFdE764fC21FCD4E74D71bBACA6D8D";

/// What comes of a command.
#[derive(Clone, Debug)]
pub enum Reply {
    /// An answer: data and status word.
    Answer(Vec<u8>),
    /// These bytes as they are, and the end of the connection.
    Broken(Vec<u8>),
    /// Nothing.
    Silence,
}

impl Reply {
    pub fn hex(answer: &str) -> Self {
        Self::Answer(base16ct::mixed::decode_vec(answer).unwrap())
    }

    pub fn status(word: u16) -> Self {
        Self::Answer(word.to_be_bytes().to_vec())
    }

    pub fn hang_up() -> Self {
        Self::Broken(Vec::new())
    }
}

type Script = Box<dyn FnMut(&[u8]) -> Reply + Send>;

struct Shared {
    script: Mutex<Script>,
    heard: Mutex<Vec<Vec<u8>>>,
    clients: Mutex<Vec<TcpStream>>,
    stopped: AtomicBool,
}

pub struct ScriptedServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: Option<thread::JoinHandle<()>>,
}

impl ScriptedServer {
    pub fn start(script: impl FnMut(&[u8]) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            script: Mutex::new(Box::new(script)),
            heard: Mutex::default(),
            clients: Mutex::default(),
            stopped: AtomicBool::new(false),
        });
        let held = Arc::clone(&shared);
        let listening = thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if shared.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let _ = client.set_nodelay(true);
                // Held here too, so that they end with the server.
                shared.clients.lock().unwrap().push(client.try_clone().unwrap());
                let shared = Arc::clone(&shared);
                thread::spawn(move || shared.serve(client));
            }
        });
        Self {
            address,
            shared: held,
            listening: Some(listening),
        }
    }

    /// A server that answers the commands of a signature in their order: app info, address, and what comes after.
    pub fn of_three(app_info: Reply, address: Reply, sign: Reply) -> Self {
        Self::start(move |command| match command {
            [0xb0, 0x01, ..] => app_info.clone(),
            [0xe0, 0x02, ..] => address.clone(),
            [0xe0, 0x08, ..] => sign.clone(),
            other => panic!("no command that the client needs: {other:02x?}"),
        })
    }

    pub fn endpoint(&self) -> Endpoint {
        Endpoint::Speculos(self.address)
    }

    /// The commands that came, in hexadecimal digits.
    pub fn heard(&self) -> Vec<String> {
        let heard = self.shared.heard.lock().unwrap();
        heard
            .iter()
            .map(|command| base16ct::lower::encode_string(command))
            .collect()
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        super::stage::forget_lock(&self.endpoint());
        self.shared.stopped.store(true, Ordering::SeqCst);
        for client in self.shared.clients.lock().unwrap().drain(..) {
            let _ = client.shutdown(Shutdown::Both);
        }
        // Wakes the thread that accepts; nobody is at the address once it has ended.
        let _ = TcpStream::connect(self.address);
        let _ = self.listening.take().map(thread::JoinHandle::join);
    }
}

impl Shared {
    fn serve(&self, mut client: TcpStream) {
        while let Some(command) = read_command(&mut client) {
            self.heard.lock().unwrap().push(command.clone());
            let reply = (self.script.lock().unwrap())(&command);
            let written = match reply {
                Reply::Answer(answer) => client.write_all(&framed(&answer)),
                Reply::Silence => Ok(()),
                Reply::Broken(bytes) => {
                    let _ = client.write_all(&bytes);
                    break;
                }
            };
            if written.is_err() {
                break;
            }
        }
        let _ = client.shutdown(Shutdown::Both);
    }
}

/// The length of the data without the status word, the data, the status word.
pub fn framed(answer: &[u8]) -> Vec<u8> {
    let length = u32::try_from(answer.len().checked_sub(2).unwrap()).unwrap();
    [length.to_be_bytes().as_slice(), answer].concat()
}

/// A length of four bytes, and as many.
pub fn read_command(client: &mut TcpStream) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    client.read_exact(&mut length).ok()?;
    let mut command = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
    client.read_exact(&mut command).ok()?;
    Some(command)
}
