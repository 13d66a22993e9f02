//! What the bridge knows while it runs.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Notify, Semaphore};

use super::caller::{Caller, Owner};
use super::clock::{Clock, Instant};
use super::device::Device;
use super::event::{Event, Listeners};
use super::guard::AllNonces;
use super::identity_file::{self, IdentityFileError};
use super::invitations::Invitations;
use super::keyring::{Keeping, Keyring};
use super::notice::{Notice, Teller};
use super::own_page::{Opening, OwnPage};
use super::pairings::{Pairings, PairingsError};
use super::protocol::{Identity, KeyId, Origin, RequestSignature};
use super::refusal::Refusal;
use super::socket::{SocketError, take};
use crate::fault::{Class, Explanation, Fault};
use crate::files::Folder;
use crate::ledger::{DeviceFault, Endpoint, Session};

/// How many times a minute one owner may have the device ask the person something.
const PROMPTS: usize = 10;
const PROMPTS_PER: Duration = Duration::from_secs(60);

/// How many bodies are opened or sealed at once; each has a thread.
const BODIES: usize = 16;

/// What the bridge is to be like.
pub struct Config {
    /// The device.
    pub endpoint: Endpoint,
    /// How long keys are kept.
    pub keeping: Keeping,
    /// The folder in which bodies wait as ciphertext.
    pub spool: Folder,
    /// Is told what happens.
    pub teller: Teller,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

/// Who may come in.
pub(super) struct Registry {
    pub(super) pairings: Pairings,
    pub(super) invitations: Invitations,
    nonces: AllNonces,
    clock: Arc<dyn Clock>,
}

impl Registry {
    pub(super) fn is_invited(&mut self, origin: &Origin) -> bool {
        let now = self.clock.now();
        self.invitations.get(now, origin).is_some()
    }

    pub(super) fn check_freshness(&mut self, now: i64, signature: &RequestSignature) -> Result<(), Refusal> {
        self.nonces.check(now, signature)
    }
}

/// The bridge: everything that all listeners share.
pub struct Bridge {
    pub(super) identity: Identity,
    pub(super) registry: Mutex<Registry>,
    writing: Mutex<()>,
    pub(super) keyring: Mutex<Keyring>,
    pub(super) listeners: Arc<Mutex<Listeners>>,
    pub(super) device: Arc<Device>,
    pub(super) bodies: Arc<Semaphore>,
    pub(super) spool: Folder,
    pub(super) teller: Teller,
    pub(super) clock: Arc<dyn Clock>,
    prompts: Mutex<HashMap<KeyId, Vec<Instant>>>,
    own_pages: Mutex<Vec<Arc<OwnPage>>>,
    /// Own pages for which nobody listens yet, and where they come out.
    openings: UnboundedSender<Opening>,
    opened: Mutex<Option<UnboundedReceiver<Opening>>>,
    /// Rings when a key is held from now on.
    pub(super) holds: Notify,
    /// What is kept in the folder is changed by one bridge alone.
    _lock: File,
}

impl Bridge {
    /// The bridge whose identity and pairings lie in `folder`, which is the user's alone. `now` is the second in which
    /// it begins to listen.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn new(folder: &Path, config: Config, now: i64) -> Result<Self, StartError> {
        let Config {
            endpoint,
            keeping,
            spool,
            teller,
            clock,
        } = config;
        let lock = take(&folder.join("bridge.lock"))?;
        let session = Session::start(endpoint).map_err(|_| DeviceFault::SessionEnded)?;
        let listeners = Arc::default();
        let (openings, opened) = unbounded_channel();
        Ok(Self {
            identity: identity_file::load_or_make(folder)?,
            registry: Mutex::new(Registry {
                pairings: Pairings::load(folder)?,
                invitations: Invitations::default(),
                nonces: AllNonces::new(now),
                clock: Arc::clone(&clock),
            }),
            writing: Mutex::default(),
            keyring: Mutex::new(Keyring::new(keeping, clock.suspended())),
            device: Arc::new(Device::new(session, Arc::clone(&listeners), Arc::clone(&teller))),
            listeners,
            bodies: Arc::new(Semaphore::new(BODIES)),
            spool,
            teller,
            clock,
            prompts: Mutex::default(),
            own_pages: Mutex::default(),
            openings,
            opened: Mutex::new(Some(opened)),
            holds: Notify::new(),
            _lock: lock,
        })
    }

    pub(super) fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The right to write pairings to the disk: taken before the registry, and held until they are written.
    pub(super) fn writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keyring, without what is to be forgotten by now.
    pub(super) fn keyring(&self) -> MutexGuard<'_, Keyring> {
        self.tend_keys();
        self.keyring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets the keys that are to be forgotten by now; how many are left.
    pub(super) fn tend_keys(&self) -> usize {
        self.forgetting("their time was over, or the machine was suspended", |keyring| {
            keyring.tend(self.clock.now(), self.clock.suspended());
        })
    }

    pub(super) fn listeners(&self) -> MutexGuard<'_, Listeners> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The own pages that are there.
    pub(super) fn own_pages(&self) -> Vec<Arc<OwnPage>> {
        self.own_pages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Has an own page listened for, unless there are `most` already. Whether it is.
    pub(super) fn open_own_page(&self, opening: Opening, most: usize) -> bool {
        let mut pages = self.own_pages.lock().unwrap_or_else(PoisonError::into_inner);
        if pages.len() >= most {
            return false;
        }
        let page = Arc::clone(&opening.page);
        // Nobody listens any more once the bridge is stopping.
        let is_listened_for = self.openings.send(opening).is_ok();
        if is_listened_for {
            pages.push(page);
        }
        is_listened_for
    }

    /// The own pages for which is to be listened, as they come; to be asked for once.
    pub(super) fn openings(&self) -> Option<UnboundedReceiver<Opening>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Whether the window of an own page holds a stream open.
    pub(super) fn has_stream(&self, page: &OwnPage) -> bool {
        page.owner().is_some_and(|owner| self.listeners().has(owner))
    }

    /// Ends an own page with everything that it unlocked.
    pub(super) fn end_own_page(&self, page: &Arc<OwnPage>) {
        let owner = page.owner();
        page.end();
        self.own_pages
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|other| !Arc::ptr_eq(other, page));
        if let Some(owner) = owner {
            self.forgetting("the page of saltbridge open is closed", |keyring| {
                keyring.forget_all_of(|other| other == owner);
            });
            self.listeners().end(owner);
            (self.teller)(&Notice::OwnPage { is_open: false });
        }
    }

    /// Counts a question that a page wants to have asked.
    pub(super) fn count_prompts(&self, caller: &Caller, count: usize) -> Result<(), TooManyPrompts> {
        let Caller::Page { key, .. } = caller else {
            return Ok(());
        };
        let now = self.clock.now();
        let mut prompts = self.prompts.lock().unwrap_or_else(PoisonError::into_inner);
        prompts.retain(|_, asked| {
            asked.retain(|asked| now.since(*asked) < PROMPTS_PER);
            !asked.is_empty()
        });
        let asked = prompts.entry(*key).or_default();
        if asked.len() + count > PROMPTS {
            return Err(TooManyPrompts);
        }
        asked.extend(std::iter::repeat_n(now, count));
        Ok(())
    }

    /// Forgets all keys.
    pub(super) fn forget_all(&self, why: &'static str) {
        self.forgetting(why, |keyring| {
            keyring.forget_all_of(|_| true);
        });
    }

    /// Does something by which keys may be forgotten, and tells it: the person, and of the owners those whose keys they
    /// were. How many are left.
    pub(super) fn forgetting(&self, why: &'static str, forget: impl FnOnce(&mut Keyring)) -> usize {
        let mut keyring = self.keyring.lock().unwrap_or_else(PoisonError::into_inner);
        let before = keyring.counts();
        forget(&mut keyring);
        let (after, left) = (keyring.counts(), keyring.count());
        drop(keyring);
        let left_of = |owner: &Owner| after.get(owner).copied().unwrap_or_default();
        let forgotten: Vec<_> = before
            .iter()
            .filter(|(owner, count)| left_of(owner) < **count)
            .collect();
        let keys: usize = forgotten.iter().map(|(owner, count)| **count - left_of(owner)).sum();
        if keys > 0 {
            (self.teller)(&Notice::Forgotten { keys, why });
        }
        let mut listeners = self.listeners();
        forgotten
            .iter()
            .for_each(|(owner, _)| listeners.tell(**owner, &Event::Forgotten));
        left
    }

    /// The device was unplugged.
    pub(super) fn unplugged(&self) {
        self.device.is_now("not-plugged-in");
        self.forgetting("the device was unplugged", |keyring| {
            keyring.unplugged();
        });
        self.listeners().tell_all(&Event::Unplugged);
    }

    /// Ends everything that stands because of an origin's pairings.
    pub(super) fn revoke(&self, origin: &Origin) -> Result<(), PairingsError> {
        let _writing = self.writing();
        let mut registry = self.registry();
        registry.invitations.take(origin);
        let (ended, to_keep) = registry.pairings.remove(origin)?;
        drop(registry);
        let is_ended = |owner: Owner| matches!(owner, Owner::Page(key) if ended.contains(&key));
        self.forgetting("the pairing was revoked", |keyring| {
            keyring.forget_all_of(is_ended);
        });
        let mut listeners = self.listeners();
        ended.iter().for_each(|key| listeners.end(Owner::Page(*key)));
        drop(listeners);
        (self.teller)(&Notice::Revoked { origin: origin.clone() });
        to_keep.write()
    }

    /// Wipes what must not outlive the bridge, once nobody asks it anything any more.
    pub(super) async fn end(&self) {
        self.listeners().end_all();
        self.forget_all("the bridge is stopping");
        // What the device asks is answered first.
        self.device.is_free().await;
        self.forget_all("the bridge is stopping");
    }
}

/// A page has the device ask too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this page has had the device ask too often within a minute")]
pub(super) struct TooManyPrompts;

impl Fault for TooManyPrompts {
    fn explain(&self) -> Explanation {
        Explanation::new("too-many-prompts", Class::Policy, "wait a minute, and ask for one thing at a time")
    }
}

/// Why there is no bridge.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its own key.
    #[error(transparent)]
    Identity(#[from] IdentityFileError),
    /// The pairings.
    #[error(transparent)]
    Pairings(#[from] PairingsError),
    /// Another bridge has the folder, or it cannot be locked.
    #[error(transparent)]
    Folder(#[from] SocketError),
    /// The device's thread.
    #[error(transparent)]
    Device(#[from] DeviceFault),
}

impl Fault for StartError {
    fn explain(&self) -> Explanation {
        match self {
            Self::Identity(error) => error.explain(),
            Self::Pairings(error) => error.explain(),
            Self::Folder(error) => error.explain(),
            Self::Device(error) => error.explain(),
        }
    }
}
