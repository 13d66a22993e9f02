//! A program of the user that asks the bridge at its socket.
//!
//! Promises: only a socket that is the user's own, in a folder that is, is spoken to; what is answered is read with a
//! limit. It is for the command line: each call waits for its answer.

mod held_key;

use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustix::process::geteuid;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tokio::runtime::{Builder, Runtime};
use zeroize::{Zeroize as _, Zeroizing};

use super::door::Door;
use super::event::Event;
use super::manner::Manner;
use crate::fault::{Class, Explanation, Fault};
use crate::text::{printable, printable_path};

pub use held_key::HeldKey;

/// The longest answer that is read, in bytes: 1 MiB.
const LIMIT: usize = 1 << 20;

/// How long a bridge may take to accept a connection. It may be busy; that it is stuck must not stop the program.
const CONNECTING: Duration = Duration::from_secs(5);

/// A bridge that runs.
pub struct Client {
    path: PathBuf,
    /// How it is asked.
    manner: Manner,
    runtime: Runtime,
    /// The connection that was used last.
    kept: Mutex<Option<SendRequest<Full<Bytes>>>>,
}

impl Client {
    /// The bridge at this socket, if one listens there that is the user's own.
    ///
    /// # Errors
    /// [`ClientError::NotRunning`] if nobody listens, [`ClientError::NotOwn`].
    pub fn connect(path: &Path, manner: Manner) -> Result<Self, ClientError> {
        let shown = || printable_path(path);
        let not_running = || ClientError::NotRunning { path: shown() };
        let found = std::fs::symlink_metadata(path).map_err(|_| not_running())?;
        if !found.file_type().is_socket() || found.uid() != geteuid().as_raw() {
            return Err(ClientError::NotOwn { path: shown() });
        }
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| ClientError::failed(&error))?;
        let client = Self {
            path: path.to_owned(),
            manner,
            runtime,
            kept: Mutex::default(),
        };
        let connection = client.runtime.block_on(client.open())?;
        client.keep(connection);
        Ok(client)
    }

    /// The same bridge, for another thread.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub fn another(&self) -> Result<Self, ClientError> {
        Self::connect(&self.path, self.manner.clone())
    }

    /// Calls, and reads the answer.
    ///
    /// # Errors
    /// [`ClientError`]: the bridge's refusal among them.
    pub fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        target: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, ClientError> {
        let text = self.call_for_text(method, target, body)?;
        serde_json::from_str(&text).map_err(|_| ClientError::Nonsense)
    }

    /// The same for an answer whose text is wanted, or that has none. Wiped on drop.
    ///
    /// # Errors
    /// As [`Self::call`].
    pub fn call_for_text(
        &self,
        method: Method,
        target: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Zeroizing<String>, ClientError> {
        let json = body
            .map(serde_json::to_vec)
            .transpose()
            .map_err(|_| ClientError::Nonsense)?;
        self.runtime.block_on(async {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
            let mut connection = match kept {
                Some(kept) if !kept.is_closed() => kept,
                _ => self.open().await?,
            };
            let request = || self.request(method.clone(), target, json.clone());
            let answer = match connection.send_request(request()?).await {
                // It was closed because nothing was asked for a while, and has not seen the request.
                Err(error) if error.is_canceled() => {
                    connection = self.open().await?;
                    connection.send_request(request()?).await
                }
                sent => sent,
            };
            let answer = read(answer.map_err(|error| ClientError::failed(&error))?).await;
            self.keep(connection);
            answer
        })
    }

    fn keep(&self, connection: SendRequest<Full<Bytes>>) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection);
    }

    /// Tells every event until the bridge ends the stream, or `told` says that it is enough. `ready` is called once
    /// nothing can be missed any more.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn events(&self, ready: impl FnOnce(), mut told: impl FnMut(Event) -> bool) -> Result<(), ClientError> {
        let request = self.request(Method::GET, "/v1/events", None)?;
        self.runtime.block_on(async {
            let mut connection = self.open().await?;
            let answer = connection
                .send_request(request)
                .await
                .map_err(|error| ClientError::failed(&error))?;
            if answer.status() != StatusCode::OK {
                return read(answer).await.map(|_| ());
            }
            let mut body = answer.into_body();
            let (mut text, mut ready) = (String::new(), Some(ready));
            while let Some(Ok(frame)) = body.frame().await {
                let Ok(piece) = frame.into_data() else { continue };
                if let Some(ready) = ready.take() {
                    ready();
                }
                text.push_str(&String::from_utf8_lossy(&piece));
                while let Some((event, rest)) = text.split_once("\n\n") {
                    let event = event
                        .strip_prefix("data: ")
                        .and_then(|json| serde_json::from_str(json).ok());
                    text = rest.to_owned();
                    if event.is_some_and(&mut told) {
                        return Ok(());
                    }
                }
                if text.len() > LIMIT {
                    return Err(ClientError::Nonsense);
                }
            }
            Ok(())
        })
    }

    fn request(
        &self,
        method: Method,
        target: &str,
        json: Option<Vec<u8>>,
    ) -> Result<Request<Full<Bytes>>, ClientError> {
        let mut request = Request::builder().method(method).uri(target);
        request = request.header(header::HOST, Door::SOCKET_HOST);
        if let Some(headers) = request.headers_mut() {
            self.manner.write(headers);
        }
        if json.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = Full::new(Bytes::from(json.unwrap_or_default()));
        request.body(body).map_err(|error| ClientError::failed(&error))
    }

    async fn open(&self) -> Result<SendRequest<Full<Bytes>>, ClientError> {
        let connecting = tokio::time::timeout(CONNECTING, UnixStream::connect(&self.path)).await;
        let stream = connecting.map_err(|_| ClientError::failed(&io::Error::from(io::ErrorKind::TimedOut)))?;
        let stream = stream.map_err(|_| ClientError::NotRunning {
            path: printable_path(&self.path),
        })?;
        if stream.peer_cred().map(|peer| peer.uid()).ok() != Some(geteuid().as_raw()) {
            return Err(ClientError::NotOwn {
                path: printable_path(&self.path),
            });
        }
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| ClientError::failed(&error))?;
        tokio::spawn(connection);
        Ok(sender)
    }
}

async fn read(answer: Response<Incoming>) -> Result<Zeroizing<String>, ClientError> {
    let status = answer.status();
    let body = Limited::new(answer.into_body(), LIMIT).collect().await;
    let bytes = body.map_err(|_| ClientError::Nonsense)?.to_bytes();
    let text = std::str::from_utf8(&bytes).map(|text| Zeroizing::new(text.to_owned()));
    // It may be a key; what the connection read into keeps it until that is used again.
    if let Ok(mut bytes) = bytes.try_into_mut() {
        bytes.as_mut().zeroize();
    }
    let text = text.map_err(|_| ClientError::Nonsense)?;
    match status.is_success() {
        true => Ok(text),
        false => Err(refused(&text)),
    }
}

/// A refusal, as the bridge told it.
fn refused(text: &str) -> ClientError {
    #[derive(serde::Deserialize)]
    struct Told {
        detail: String,
        code: String,
        class: String,
        help: String,
    }
    let Ok(Told {
        detail,
        code,
        class,
        help,
    }) = serde_json::from_str::<Told>(text)
    else {
        return ClientError::Nonsense;
    };
    let class = Class::ALL.into_iter().find(|known| known.name() == class);
    let (Some(code), Some(class)) = (lasting(&code), class) else {
        return ClientError::Nonsense;
    };
    ClientError::Refused {
        message: printable(&detail),
        explanation: Explanation::new(code, class, printable(&help)),
    }
}

/// A code, for as long as the process lasts. There are not many of them, and each is kept once.
fn lasting(code: &str) -> Option<&'static str> {
    const LONGEST: usize = 64;
    const MOST: usize = 1000;
    static KNOWN: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(code) = known.get(code) {
        return Some(code);
    }
    let is_code = !code.is_empty()
        && code
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !is_code || code.len() > LONGEST || known.len() >= MOST {
        return None;
    }
    let code = &*Box::leak(code.to_owned().into_boxed_str());
    known.insert(code);
    Some(code)
}

/// Why the bridge did not do what a program asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens at the socket.
    #[error("no bridge of yours is running ({path})")]
    NotRunning {
        /// The socket, made printable.
        path: String,
    },
    /// The socket, or who listens there, is another user's.
    #[error("{path} is not a socket of yours")]
    NotOwn {
        /// The socket, made printable.
        path: String,
    },
    /// The bridge refused, and said why.
    #[error("{message}")]
    Refused {
        /// The sentence.
        message: String,
        /// What else it said.
        explanation: Explanation,
    },
    /// What came is not the bridge's interface.
    #[error("what listens at the bridge's socket does not speak as this version does")]
    Nonsense,
    /// The connection failed.
    #[error("the bridge did not answer: {reason}")]
    Failed {
        /// What the system said.
        reason: String,
    },
}

impl ClientError {
    fn failed(error: &dyn std::error::Error) -> Self {
        Self::Failed {
            reason: printable(&error.to_string()),
        }
    }
}

impl Fault for ClientError {
    fn explain(&self) -> Explanation {
        match self {
            Self::NotRunning { .. } => {
                Explanation::new("bridge-not-running", Class::System, "start it: saltbridge serve")
            }
            Self::NotOwn { .. } => Explanation::new(
                "socket-not-own",
                Class::Policy,
                "somebody else made it: look at the folder, and remove it if it should be yours",
            ),
            Self::Refused { explanation, .. } => explanation.clone(),
            Self::Nonsense => Explanation::new(
                "bridge-of-other-version",
                Class::System,
                "start saltbridge serve again, with the saltbridge that you call; or call it with --no-bridge",
            ),
            Self::Failed { .. } => Explanation::new(
                "bridge-failed",
                Class::System,
                "look at the terminal of saltbridge serve; --no-bridge does without it",
            ),
        }
    }
}
