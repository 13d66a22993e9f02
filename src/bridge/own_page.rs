//! The bridge's own page: one window of the person's own browser, at a listener that was made for it.
//!
//! Promises: a code that the person's own programs were given lets one window in, once, within two minutes; its key
//! lives in memory alone, here and in the window; it is over when that window is closed, was not used for long, or the
//! bridge stops, and with it goes everything that it unlocked. A connection of another user is closed.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::caller::{Ending, Owner, Standing};
use super::clock::{Clock, Instant};
use super::invitations::GOOD_FOR;
use super::protocol::{Code, KeyId, Origin, OriginError, PageKey, Scope, Scopes};

/// How long the page may be without a stream of events, which it holds open as long as it is there.
const CLOSED_AFTER: Duration = Duration::from_secs(10);

/// How long it may be there without being used.
const IDLE: Duration = Duration::from_secs(60 * 60);

/// One own page.
pub(super) struct OwnPage {
    authority: String,
    origin: Origin,
    clock: Arc<dyn Clock>,
    inside: Mutex<Inside>,
    /// How many calls are under way that are a use of the page.
    uses: AtomicUsize,
    /// When the last of them ended.
    used: Mutex<Instant>,
}

enum Inside {
    /// Nobody is in yet.
    Invited { code: Code, until: Instant },
    /// The window with this key is.
    Opened {
        key: PageKey,
        standing: Standing,
        _ending: Ending,
        /// When it was last seen to hold a stream open.
        seen: Instant,
    },
    /// Nobody comes in any more.
    Over,
}

impl OwnPage {
    /// A page at an address that was bound for it; `code` lets its window in.
    pub(super) fn new(address: SocketAddr, code: Code, clock: Arc<dyn Clock>) -> Result<Self, OriginError> {
        let (authority, now) = (address.to_string(), clock.now());
        Ok(Self {
            origin: format!("http://{authority}").parse()?,
            authority,
            clock,
            inside: Mutex::new(Inside::Invited {
                code,
                until: now + GOOD_FOR,
            }),
            uses: AtomicUsize::default(),
            used: Mutex::new(now),
        })
    }

    /// Host and port.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    /// Its origin, which is its address.
    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// What it may do: everything that pages may, and, at its own listener, what the person's programs may.
    pub(super) fn scopes() -> Scopes {
        Scope::ALL.into_iter().collect()
    }

    /// Whether its window may still come in.
    pub(super) fn is_invited(&self) -> bool {
        matches!(&*self.inside(), Inside::Invited { until, .. } if *until > self.clock.now())
    }

    /// Whether its window came in.
    pub(super) fn is_opened(&self) -> bool {
        matches!(&*self.inside(), Inside::Opened { .. })
    }

    /// Its window's key, if it has this name, and how long it stands.
    pub(super) fn pairing(&self, id: &KeyId) -> Option<(PageKey, Standing)> {
        match &*self.inside() {
            Inside::Opened { key, standing, .. } if key.key_id() == *id => Some((*key, standing.clone())),
            _ => None,
        }
    }

    /// Lets in the window with this key if `knows` its code. `then` is done before anybody else can come.
    pub(super) fn let_in<T, E>(
        &self,
        key: PageKey,
        refused: E,
        exchange: impl FnOnce(&Code) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut inside = self.inside();
        let now = self.clock.now();
        let exchanged = match &*inside {
            Inside::Invited { code, until } if *until > now => exchange(code)?,
            _ => return Err(refused),
        };
        let (ending, standing) = Standing::new();
        *inside = Inside::Opened {
            key,
            standing,
            _ending: ending,
            seen: now,
        };
        Ok(exchanged)
    }

    /// Whose keys and streams are its window's.
    pub(super) fn owner(&self) -> Option<Owner> {
        match &*self.inside() {
            Inside::Opened { key, .. } => Some(Owner::Page(key.key_id())),
            _ => None,
        }
    }

    /// Counts a use that lasts as long as what is given.
    pub(super) fn begin_use(self: &Arc<Self>) -> Arc<InUse> {
        self.uses.fetch_add(1, Ordering::SeqCst);
        Arc::new(InUse(Arc::clone(self)))
    }

    /// Whether it is over: nobody came in time, the window is gone, or nobody uses it. `has_stream`: whether the window
    /// holds a stream of events open now.
    pub(super) fn is_over(&self, has_stream: bool) -> bool {
        let now = self.clock.now();
        let is_used = self.uses.load(Ordering::SeqCst) > 0;
        let is_idle = !is_used && now.since(*self.used.lock().unwrap_or_else(PoisonError::into_inner)) > IDLE;
        match &mut *self.inside() {
            Inside::Invited { until, .. } => *until <= now,
            Inside::Opened { seen, .. } => {
                if has_stream {
                    *seen = now;
                }
                is_idle || now.since(*seen) > CLOSED_AFTER
            }
            Inside::Over => true,
        }
    }

    /// Ends it: its calls end, and nobody comes in any more.
    pub(super) fn end(&self) {
        *self.inside() = Inside::Over;
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A use of the page, until it is dropped.
pub(super) struct InUse(Arc<OwnPage>);

impl Drop for InUse {
    fn drop(&mut self) {
        *self.0.used.lock().unwrap_or_else(PoisonError::into_inner) = self.0.clock.now();
        self.0.uses.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A page for which is to be listened.
pub(super) struct Opening {
    pub(super) page: Arc<OwnPage>,
    pub(super) listener: TcpListener,
}

/// Listens at a port that nobody else could foresee. The one that the system would choose is left over where another user
/// holds all others, and he may have left something in the person's browser for its address.
pub(super) fn bind_anywhere() -> io::Result<TcpListener> {
    // Browsers go to none of the lower ports that are known for something else (Fetch standard, "bad port").
    const FIRST: u16 = 20_000;
    const TRIES: usize = 8;
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..TRIES {
        let mut bytes = [0; 4];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        let offset = u32::from_ne_bytes(bytes) % u32::from(u16::MAX - FIRST);
        let port = FIRST + u16::try_from(offset).unwrap_or_default();
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Ok(listener) => return Ok(listener),
            Err(error) => last = error,
        }
    }
    Err(last)
}
