//! The listeners: what connects, for how long, and how it all ends.
//!
//! Promises: a connection that sends no whole head in time is closed; there are no more connections than the process
//! can bear; at the socket and at the own page only
//! the user's own programs are heard. When it ends, nothing new is let in, what is being
//! done has some seconds, keys are wiped, and what the device asks is answered before the process goes.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener};
use std::os::unix::net::UnixListener;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::process::geteuid;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::door::Door;
use super::own_page::Opening;
use super::service::answer;
use super::state::Bridge;
use super::unplugged;
use crate::host::user_of_connection;

/// The port unless another one is given.
pub const PORT: u16 = 21730;

/// How long a head may take, the wait for the next request on the same connection included.
const HEAD: Duration = Duration::from_secs(15);

/// The longest head in bytes, and the most fields in it.
const HEAD_BYTES: usize = 16 * 1024;
const FIELDS: usize = 64;

/// How much of a body is read at once at most.
const BUFFER: usize = 512 * 1024;

/// How many connections there may be, at each listener.
const CONNECTIONS: usize = 256;

/// How long what is being done may take once the bridge is to stop.
const GRACE: Duration = Duration::from_secs(5);

/// Binds the port on loopback; 0 lets the system choose one.
///
/// # Errors
/// The system's.
pub fn bind(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))
}

/// Whether a listener that was handed over can be reached from this machine alone, as the bridge's must.
pub fn is_loopback(listener: &TcpListener) -> bool {
    listener
        .local_addr()
        .is_ok_and(|address| matches!(address, SocketAddr::V4(v4) if *v4.ip() == Ipv4Addr::LOCALHOST))
}

/// Serves until `stop` is over, then ends in order.
///
/// # Errors
/// The system's, if it does not let the listeners be waited for.
pub async fn serve(
    bridge: Arc<Bridge>,
    loopback: TcpListener,
    socket: Option<UnixListener>,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let door = Door::Loopback {
        authority: loopback.local_addr()?.to_string(),
    };
    loopback.set_nonblocking(true)?;
    let loopback = tokio::net::TcpListener::from_std(loopback)?;
    let socket = match socket {
        Some(socket) => {
            socket.set_nonblocking(true)?;
            Some(tokio::net::UnixListener::from_std(socket)?)
        }
        None => None,
    };
    unplugged::watch(&bridge);
    let (stopping, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    tasks.spawn(tend_keys(Arc::clone(&bridge), stopped.clone()));
    let accept = |listener, door| Connections::new(door, Arc::clone(&bridge), stopped.clone()).accept(listener);
    tasks.spawn(accept(Listener::Pages(loopback), door));
    if let Some(socket) = socket {
        tasks.spawn(accept(Listener::Programs(socket), Door::Socket));
    }
    let mut openings = bridge.openings();
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            () = stop.as_mut() => break,
            Some(opening) = next_opening(&mut openings) => {
                tasks.spawn(own_page(Arc::clone(&bridge), opening, stopped.clone()));
            }
        }
    }
    stopping.send_replace(true);
    // Streams of events end by themselves never.
    bridge.listeners().end_all();
    let _ = tokio::time::timeout(GRACE, async { while tasks.join_next().await.is_some() {} }).await;
    // Whoever still waits has left now.
    tasks.shutdown().await;
    bridge.end().await;
    Ok(())
}

async fn next_opening(openings: &mut Option<UnboundedReceiver<Opening>>) -> Option<Opening> {
    match openings {
        Some(openings) => openings.recv().await,
        None => std::future::pending().await,
    }
}

/// Listens for the window of an own page until that is over.
async fn own_page(bridge: Arc<Bridge>, opening: Opening, stopped: watch::Receiver<bool>) {
    const EVERY: Duration = Duration::from_secs(1);
    let Opening { page, listener } = opening;
    let listened = listener
        .set_nonblocking(true)
        .and_then(|()| tokio::net::TcpListener::from_std(listener));
    if let Ok(listener) = listened {
        let (closing, closed) = watch::channel(false);
        let connections = Connections::new(Door::OwnPage(Arc::clone(&page)), Arc::clone(&bridge), closed);
        let mut connections = pin!(connections.accept(Listener::OwnPage(listener)));
        let over = async {
            while !page.is_over(bridge.has_stream(&page)) {
                tokio::time::sleep(EVERY).await;
            }
        };
        let mut stopped = stopped;
        tokio::select! {
            () = connections.as_mut() => {}
            () = has_stopped(&mut stopped) => {}
            () = over => {}
        }
        closing.send_replace(true);
        bridge.end_own_page(&page);
        let _ = tokio::time::timeout(GRACE, connections).await;
    }
    bridge.end_own_page(&page);
}

/// What comes in.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A connection.
struct Arrived {
    stream: Box<dyn Stream>,
    /// Both ends, if it is still to be found out whose it is.
    ends: Option<(SocketAddr, SocketAddr)>,
}

impl Arrived {
    fn of(stream: impl Stream + 'static) -> Self {
        Self {
            stream: Box::new(stream),
            ends: None,
        }
    }

    /// Its stream, if it is the user's own. The system's lists are read for that, which may be long.
    async fn own(self) -> Option<Box<dyn Stream>> {
        let Some((from, to)) = self.ends else {
            return Some(self.stream);
        };
        let user = tokio::task::spawn_blocking(move || user_of_connection(from, to)).await;
        let is_own = user.is_ok_and(|user| user == Some(geteuid().as_raw()));
        is_own.then_some(self.stream)
    }
}

/// Where it comes in.
enum Listener {
    Pages(tokio::net::TcpListener),
    OwnPage(tokio::net::TcpListener),
    Programs(tokio::net::UnixListener),
}

impl Listener {
    /// The next connection; none if it is not let in.
    async fn next(&self) -> io::Result<Option<Arrived>> {
        match self {
            Self::Pages(listener) => {
                let (stream, _) = listener.accept().await?;
                // Answers are written whole; nothing is gained by waiting for more.
                stream.set_nodelay(true)?;
                Ok(Some(Arrived::of(stream)))
            }
            Self::OwnPage(listener) => {
                let (stream, from) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Some(Arrived {
                    ends: Some((from, stream.local_addr()?)),
                    stream: Box::new(stream),
                }))
            }
            Self::Programs(listener) => {
                let (stream, _) = listener.accept().await?;
                let is_own = stream.peer_cred().is_ok_and(|peer| peer.uid() == geteuid().as_raw());
                Ok(is_own.then(|| Arrived::of(stream)))
            }
        }
    }
}

/// The connections of one listener.
struct Connections {
    door: Arc<Door>,
    bridge: Arc<Bridge>,
    room: Arc<Semaphore>,
    stopped: watch::Receiver<bool>,
}

impl Connections {
    fn new(door: Door, bridge: Arc<Bridge>, stopped: watch::Receiver<bool>) -> Self {
        Self {
            door: Arc::new(door),
            bridge,
            room: Arc::new(Semaphore::new(CONNECTIONS)),
            stopped,
        }
    }

    /// Lets in what connects until the bridge stops, and waits for what is left then.
    async fn accept(self, listener: Listener) {
        let mut open = JoinSet::new();
        let mut stopped = self.stopped.clone();
        loop {
            let accepted = tokio::select! {
                () = has_stopped(&mut stopped) => break,
                Some(_) = open.join_next() => continue,
                accepted = listener.next() => accepted,
            };
            match accepted {
                Ok(Some(arrived)) => {
                    // One too many is closed at once: it would wait for others that may never end.
                    if let Ok(permit) = Arc::clone(&self.room).try_acquire_owned() {
                        let connection = self.connection(arrived);
                        open.spawn(async move {
                            connection.await;
                            drop(permit);
                        });
                    }
                }
                Ok(None) => {}
                // No descriptor is left, for one: it gets better by waiting, or not at all.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
        while open.join_next().await.is_some() {}
    }

    fn connection(&self, arrived: Arrived) -> impl Future<Output = ()> + Send + use<> {
        let (door, bridge, mut stopped) = (Arc::clone(&self.door), Arc::clone(&self.bridge), self.stopped.clone());
        let service = service_fn(move |request| {
            let answered = answer(Arc::clone(&bridge), Arc::clone(&door), request);
            async move { Ok::<_, Infallible>(answered.await) }
        });
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .max_headers(FIELDS)
            .max_header_size(HEAD_BYTES)
            .max_buf_size(BUFFER);
        async move {
            let Some(stream) = arrived.own().await else { return };
            let connection = builder.serve_connection(TokioIo::new(stream), service);
            let mut connection = pin!(connection);
            tokio::select! {
                _ = connection.as_mut() => {}
                () = has_stopped(&mut stopped) => {
                    connection.as_mut().graceful_shutdown();
                    let _ = connection.await;
                }
            }
        }
    }
}

/// Looks every second, while keys are held, which are to be forgotten.
async fn tend_keys(bridge: Arc<Bridge>, mut stopped: watch::Receiver<bool>) {
    const EVERY: Duration = Duration::from_secs(1);
    let tend = async {
        loop {
            if bridge.tend_keys() == 0 {
                bridge.holds.notified().await;
            }
            tokio::time::sleep(EVERY).await;
        }
    };
    tokio::select! {
        () = has_stopped(&mut stopped) => {}
        () = tend => {}
    }
}

/// Returns once the bridge is to stop.
async fn has_stopped(stopped: &mut watch::Receiver<bool>) {
    // Whoever could say so is gone: it has stopped.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}
