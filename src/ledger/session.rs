//! The owner of a device in this process: one thread, to which all conversations go one after the other.
//!
//! Who asks may leave. What the device asks the person for him is still brought to its end, and the answer thrown away,
//! because a device cannot be interrupted (see [`super::conversation`]); nothing else is done for him any more.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;

use super::conversation::{Asker, Conversation, Event, Patience};
use super::endpoint::Endpoint;
use super::fault::DeviceFault;
use super::leave::Leave;
use super::link::Link;
use super::place::Memory;

/// How often a conversation begins again because the device was pulled. A cable that breaks more often is broken.
const BROKEN_OFF: usize = 10;

type Job = Box<dyn FnOnce(&Endpoint, &mut Held) + Send>;

/// What stays with the thread between conversations.
#[derive(Default)]
struct Held {
    /// A link that is owed an answer.
    link: Option<Box<dyn Link>>,
    memory: Memory,
}

/// The turn of a conversation: it is taken once, by the thread to begin it or by its asker to give it up.
#[derive(Clone, Default)]
struct Turn(Arc<AtomicBool>);

impl Turn {
    /// Whether it was there to be taken.
    fn take(&self) -> bool {
        !self.0.swap(true, Ordering::SeqCst)
    }
}

/// A handle of the thread that owns the device. It ends when the last handle is gone and the last conversation over.
#[derive(Clone)]
pub struct Session {
    endpoint: Endpoint,
    jobs: Sender<Job>,
}

impl Session {
    /// Starts the thread. The device is not touched before the first conversation.
    ///
    /// # Errors
    /// The system's, if it gives no thread.
    pub fn start(endpoint: Endpoint) -> io::Result<Self> {
        let (jobs, queue) = channel::<Job>();
        let owned = endpoint.clone();
        thread::Builder::new().name("device".into()).spawn(move || {
            let mut held = Held::default();
            for job in queue {
                // One that panics is a bug, and ends alone. It leaves its note, which says whether the device was asking.
                if catch_unwind(AssertUnwindSafe(|| job(&owned, &mut held))).is_err() {
                    held.link = None;
                }
            }
        })?;
        Ok(Self { endpoint, jobs })
    }

    /// Where the device is.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Has a conversation with the device, after those that were asked for before, and waits for its end. If the asker
    /// leaves before it began, it never does.
    ///
    /// # Errors
    /// Those of `talk`, and [`DeviceFault`] where it does not come to that.
    pub fn converse<T: Send + 'static>(
        &self,
        asker: Asker,
        talk: impl FnOnce(&mut Conversation<'_>) -> Result<T, DeviceFault> + Send + 'static,
    ) -> Result<T, DeviceFault> {
        let (reply, replied) = channel();
        let (turn, leave) = (Turn::default(), asker.leave.clone());
        let taken = turn.clone();
        let job = move |endpoint: &Endpoint, held: &mut Held| {
            if !taken.take() {
                return;
            }
            let conversation = Conversation::begin(endpoint, &asker, &mut held.link, &mut held.memory);
            let result = conversation.and_then(|mut conversation| talk(&mut conversation));
            // Nobody may be waiting any more.
            let _ = reply.send(result);
        };
        self.jobs.send(Box::new(job)).map_err(|_| DeviceFault::SessionEnded)?;
        answer(&replied, &turn, &leave)
    }

    /// The same, and begins again if the asker waits for a device on a cable and it is pulled meanwhile: `talk` gets ready
    /// first, which waits for the device.
    ///
    /// # Errors
    /// As [`Session::converse`].
    pub fn converse_through<T: Send + 'static>(
        &self,
        asker: &Asker,
        talk: impl Fn(&mut Conversation<'_>) -> Result<T, DeviceFault> + Clone + Send + 'static,
    ) -> Result<T, DeviceFault> {
        let comes_back = self.endpoint.is_usb() && asker.patience == Patience::Wait;
        for _ in 0..BROKEN_OFF {
            match self.converse(asker.clone(), talk.clone()) {
                Err(fault) if comes_back && fault.is_absence() => {
                    let asking = fault == DeviceFault::LinkLost { asking: true };
                    (asker.tell)(&Event::Again { asking });
                }
                ended => return ended,
            }
        }
        self.converse(asker.clone(), talk)
    }
}

/// Waits for what a conversation comes to, or until its asker leaves before its turn.
fn answer<T>(replied: &Receiver<Result<T, DeviceFault>>, turn: &Turn, leave: &Leave) -> Result<T, DeviceFault> {
    loop {
        let reply = match leave.look_again() {
            None => replied.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(time) => replied.recv_timeout(time),
        };
        match reply {
            Ok(result) => return result,
            Err(RecvTimeoutError::Disconnected) => return Err(DeviceFault::SessionEnded),
            Err(RecvTimeoutError::Timeout) if leave.has_come() && turn.take() => return Err(DeviceFault::AskerLeft),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}
