//! Bodies: opened and sealed as they come, in constant memory, and answered once all of it was judged.
//!
//! What waits on the disk is ciphertext. Each body has a thread; a caller who leaves ends it, and one who sends or reads
//! nothing for a while is taken for one who has left.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use http::{HeaderValue, header};
use http_body_util::BodyExt as _;
use http_body_util::channel::{Channel, Sender};
use hyper::body::Incoming;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::{BadRequest, Called, Failed};
use crate::bridge::answer::{Answer, of_type};
use crate::bridge::call::OCTETS_LIMIT;
use crate::bridge::caller::Standing;
use crate::bridge::keyring::{InUse, NoSuchKey};
use crate::bridge::problem::Problem;
use crate::bridge::refusal::Refusal;
use crate::encryption::PublicKey;
use crate::files::{Input, Spooled, TargetError, Threads, open_to_spool, seal_to_spool};
use crate::ledger::DeviceFault;
use crate::sodium::WipedBuffer;

/// How long a caller may send nothing, or read nothing.
const SILENCE: Duration = Duration::from_secs(30);

/// How long a body is read of which nothing is wanted.
const READ_OUT: Duration = Duration::from_secs(120);

/// How many pieces wait between the connection and the thread, each of some 64 KiB to 1 MiB.
const WAITING: usize = 4;

/// Opens a sealed box with a key that is held.
pub(super) async fn decrypt(called: Called, mut body: Incoming) -> Result<Answer, Problem> {
    let to_open = || -> Result<_, Problem> {
        let (owner, handle) = (called.owner()?, called.handle()?);
        // First, so that a key for one use is not used up in vain.
        let permit = permit(&called)?;
        let key = called.bridge.keyring().key(called.bridge.clock.now(), owner, handle)?;
        Ok((permit, Arc::new(key)))
    };
    let (permit, key) = or_read_out(to_open(), &mut body).await?;
    let (spool, used) = (called.bridge.spool.clone(), Arc::clone(&key));
    let work = move |input: &mut Input| {
        open_to_spool(input, &**used, &spool, Threads::ONE, &|_| ()).map_err(|error| Failed::of(&error))
    };
    through(called, permit, Some(key), body, work).await
}

/// Seals a body for a public key.
pub(super) async fn encrypt(called: Called, mut body: Incoming) -> Result<Answer, Problem> {
    let to_seal = || -> Result<_, Problem> {
        let [public_key] = called.parameters(["public_key"])?;
        let public_key = public_key.ok_or(BadRequest::Missing { name: "public_key" })?;
        Ok((public_key.parse::<PublicKey>()?, permit(&called)?))
    };
    let (recipient, permit) = or_read_out(to_seal(), &mut body).await?;
    let spool = called.bridge.spool.clone();
    let work = move |input: &mut Input| {
        seal_to_spool(input, &recipient, &spool, Threads::ONE, &|_| ()).map_err(|error| Failed::of(&error))
    };
    through(called, permit, None, body, work).await
}

/// Before a refusal is told, all of the body is read: a browser that is still sending when the connection is closed tells
/// its page of that, and not of the refusal.
async fn or_read_out<T>(result: Result<T, Problem>, body: &mut Incoming) -> Result<T, Problem> {
    if result.is_err() {
        discard(body).await;
    }
    result
}

/// Reads what is left of a body, until it ends or its sender pauses for long; not for ever.
pub(in crate::bridge) async fn discard(body: &mut Incoming) {
    let reading = async { while let Ok(Some(Ok(_))) = tokio::time::timeout(SILENCE, body.frame()).await {} };
    let _ = tokio::time::timeout(READ_OUT, reading).await;
}

/// The right to a thread.
fn permit(called: &Called) -> Result<OwnedSemaphorePermit, BadRequest> {
    let bodies = Arc::clone(&called.bridge.bodies);
    bodies.try_acquire_owned().map_err(|_| BadRequest::Busy)
}

/// Does `work` with a body as it comes, and answers with its result. It ends when the key does that it uses.
async fn through(
    called: Called,
    permit: OwnedSemaphorePermit,
    used: Option<Arc<InUse>>,
    mut body: Incoming,
    work: impl FnOnce(&mut Input) -> Result<Spooled, Failed> + Send + 'static,
) -> Result<Answer, Problem> {
    let key = used.as_ref().map_or_else(Standing::for_ever, |used| used.standing());
    let (feed, pieces) = mpsc::channel(WAITING);
    let length = called.length;
    let working = tokio::task::spawn_blocking(move || {
        let mut input = Input::from_reader(Pieces::new(pieces), "the body", length);
        // The thread keeps the permit as long as it works, also for a caller who has left.
        work(&mut input).map(|spooled| (spooled, permit))
    });
    let passed = async {
        let fed = pass_on(&mut body, feed).await;
        (fed, working.await)
    };
    let (fed, done) = tokio::select! {
        () = key.over() => return Err(NoSuchKey.into()),
        passed = passed => passed,
    };
    let done = done.unwrap_or_else(|_| Err(DeviceFault::SessionEnded.into()));
    // What the body lacked is the reason of everything else.
    fed.map_err(|refusal| refusal.problem())?;
    let (spooled, permit) = done?;
    let total = spooled.length();
    let (sender, body) = Channel::new(WAITING);
    let (standing, runtime) = (called.caller.standing(), Handle::current());
    tokio::task::spawn_blocking(move || {
        // One for one use ends with what it was used for.
        let (_permit, _used) = (permit, used);
        pour(spooled, sender, [&standing, &key], &runtime);
    });
    let mut answer = of_type("application/octet-stream", body.boxed_unsync());
    answer
        .headers_mut()
        .insert(header::CONTENT_LENGTH, HeaderValue::from(total));
    Ok(answer)
}

/// Passes a body on, piece by piece. If nobody takes it any more, because of an error, it is read to its end all the
/// same: who sends must be able to read the answer.
async fn pass_on(body: &mut Incoming, feed: mpsc::Sender<Option<Bytes>>) -> Result<(), Refusal> {
    let mut left = OCTETS_LIMIT;
    loop {
        let frame = tokio::time::timeout(SILENCE, body.frame()).await;
        match frame.map_err(|_| Refusal::BodyTooSlow)? {
            None => {
                let _ = feed.send(None).await;
                return Ok(());
            }
            Some(Err(_)) => return Err(Refusal::BodyCut),
            Some(Ok(frame)) => {
                if let Ok(piece) = frame.into_data() {
                    let too_long = Refusal::BodyTooLong { limit: OCTETS_LIMIT };
                    left = left.checked_sub(piece.len() as u64).ok_or(too_long)?;
                    let _ = feed.send(Some(piece)).await;
                }
            }
        }
    }
}

/// The pieces of a body, for a thread that reads. Nothing at the end; if it does not come, the body was cut.
struct Pieces {
    pieces: mpsc::Receiver<Option<Bytes>>,
    piece: Bytes,
    ended: bool,
}

impl Pieces {
    fn new(pieces: mpsc::Receiver<Option<Bytes>>) -> Self {
        Self {
            pieces,
            piece: Bytes::new(),
            ended: false,
        }
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() && !self.ended {
            match self.pieces.blocking_recv() {
                Some(Some(piece)) => self.piece = piece,
                Some(None) => self.ended = true,
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        let length = self.piece.len().min(buffer.len());
        if let Some(buffer) = buffer.get_mut(..length) {
            self.piece.copy_to_slice(buffer);
        }
        Ok(length)
    }
}

/// Pours a result into an answer's body. If it ends early, the connection is closed before its announced length, which
/// tells the caller that it is not whole.
fn pour(spooled: Spooled, mut sender: Sender<Bytes, io::Error>, standing: [&Standing; 2], runtime: &Handle) {
    let [pairing, key] = standing;
    let poured = spooled.pour(Threads::ONE, |piece| {
        if pairing.is_over() || key.is_over() {
            return Err(Stopped);
        }
        let mut copy = WipedBuffer::new(piece.len());
        copy.copy_from_slice(piece);
        let sent = sender.send_data(Bytes::from_owner(copy));
        runtime.block_on(async {
            tokio::select! {
                // Whoever reads slowly does not put the end off.
                () = pairing.over() => Err(Stopped),
                () = key.over() => Err(Stopped),
                sent = tokio::time::timeout(SILENCE, sent) => match sent {
                    Ok(Ok(())) => Ok(()),
                    _ => Err(Stopped),
                },
            }
        })
    });
    if poured.is_err() {
        sender.abort(io::ErrorKind::BrokenPipe.into());
    }
}

/// The result is not poured to its end.
struct Stopped;

impl From<TargetError> for Stopped {
    fn from(_: TargetError) -> Self {
        Self
    }
}
