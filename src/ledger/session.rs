//! The owner of a device in this process: one thread, to which all conversations go one after the other.
//!
//! Who asks may leave; what he asked is still brought to its end, and the answer thrown away, because a device cannot
//! be interrupted (see [`super::conversation`]).

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use super::conversation::{Asker, Conversation, Event, Patience};
use super::endpoint::Endpoint;
use super::fault::DeviceFault;
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

    /// Has a conversation with the device, after those that were asked for before, and waits for its end.
    ///
    /// # Errors
    /// Those of `talk`, and [`DeviceFault`] where it does not come to that.
    pub fn converse<T: Send + 'static>(
        &self,
        asker: Asker,
        talk: impl FnOnce(&mut Conversation<'_>) -> Result<T, DeviceFault> + Send + 'static,
    ) -> Result<T, DeviceFault> {
        let (reply, replied) = channel();
        let job = move |endpoint: &Endpoint, held: &mut Held| {
            let conversation = Conversation::begin(endpoint, &asker, &mut held.link, &mut held.memory);
            let result = conversation.and_then(|mut conversation| talk(&mut conversation));
            // Nobody may be waiting any more.
            let _ = reply.send(result);
        };
        self.jobs.send(Box::new(job)).map_err(|_| DeviceFault::SessionEnded)?;
        replied.recv().map_err(|_| DeviceFault::SessionEnded)?
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
