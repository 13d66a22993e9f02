//! The device, for several callers: one at a time, each told that he waits.
//!
//! Promises: calls take turns in the order in which they came; one whose caller leaves is not begun, or ends as soon as
//! the device shows nothing, but what the device asks is answered first, and the answer thrown away. What the device
//! is asked is told before, at the terminal and to the caller.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex as Turns, OwnedMutexGuard};

use super::caller::{Caller, Owner};
use super::event::{Event, Listeners, Prompt};
use super::manner::Manner;
use super::notice::{Notice, Teller};
use super::stay::{Counted, Leaving, Stay};
use crate::encryption::PublicKey;
use crate::ethereum::Address;
use crate::fault::Fault;
use crate::ledger::{
    self, Asker, Conversation, DeviceFault, Endpoint, Leave, Patience, SeenDevice, Session, Waiting, Wanted,
};
use crate::unlock::{LedgerWallet, Request};

/// What is known of the device without asking it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeviceState {
    /// `unknown`, `not-plugged-in`, `plugged-in`, `locked`, `app-not-open`, `ready`, `asking`; another code of
    /// docs/errors.md is why it could not be used last.
    pub state: String,
    /// The app that is open, if it is known.
    pub app: Option<String>,
    /// Its version.
    pub app_version: Option<String>,
}

impl DeviceState {
    fn of(state: &str) -> Self {
        Self {
            state: state.to_owned(),
            app: None,
            app_version: None,
        }
    }
}

/// What a key is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Open,
    Seal,
    Export,
}

impl Purpose {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Seal => "seal",
            Self::Export => "export",
        }
    }
}

/// What signatures are wanted for, to be told.
#[derive(Clone, Copy)]
pub(super) struct Subject {
    pub(super) purpose: Purpose,
    pub(super) public_key: Option<PublicKey>,
    /// How many signatures the call asks for.
    pub(super) requests: usize,
}

/// The device.
pub(super) struct Device {
    session: Session,
    turn: Arc<Turns<()>>,
    known: Mutex<DeviceState>,
    /// For whom it asked last.
    asks_for: Mutex<Option<Owner>>,
    /// How many of the person's own programs wait for their turn.
    users_waiting: Arc<AtomicUsize>,
    listeners: Arc<Mutex<Listeners>>,
    teller: Teller,
}

/// One caller's turn at the device.
pub(super) struct Talk {
    session: Session,
    asker: Asker,
    who: String,
    owner: Owner,
    listeners: Arc<Mutex<Listeners>>,
    teller: Teller,
}

impl Device {
    pub(super) fn new(session: Session, listeners: Arc<Mutex<Listeners>>, teller: Teller) -> Self {
        let state = if session.endpoint().is_usb() {
            "not-plugged-in"
        } else {
            "unknown"
        };
        Self {
            session,
            turn: Arc::default(),
            known: Mutex::new(DeviceState::of(state)),
            asks_for: Mutex::default(),
            users_waiting: Arc::default(),
            listeners,
            teller,
        }
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        self.session.endpoint()
    }

    pub(super) fn state(&self) -> DeviceState {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The same for a caller: that it asks for a page is told that page, and the user's programs.
    pub(super) fn state_for(&self, caller: &Caller) -> DeviceState {
        let mut state = self.state();
        let asks_for = *self.asks_for.lock().unwrap_or_else(PoisonError::into_inner);
        let is_page = matches!(caller, Caller::Page { .. });
        if is_page && state.state == "asking" && asks_for != caller.owner() {
            state.state = "ready".to_owned();
        }
        state
    }

    /// What the system, or a conversation, tells of it.
    pub(super) fn is_now(&self, state: &str) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = DeviceState::of(state);
    }

    /// Waits for the caller's turn, then does `work` with the device on a thread of its own. If the caller leaves, that
    /// is: if this future is dropped, before it is his turn, nothing is done.
    ///
    /// A page that only waits for the person, with nothing on the device's screen, lets the person's own programs go
    /// first, and begins again after them.
    pub(super) async fn talk<T, E>(
        self: &Arc<Self>,
        caller: &Caller,
        work: impl Fn(&Talk) -> Result<T, E> + Clone + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: Fault + From<DeviceFault> + Send + 'static,
    {
        let owner = caller.owner().ok_or(DeviceFault::SessionEnded)?;
        loop {
            let turn = self.turn_of(caller, owner).await?;
            let stay = Stay::of(caller, &self.users_waiting);
            let _leaving = Leaving::of(&stay);
            let talk = Talk {
                session: self.session.clone(),
                asker: self.asker(caller, owner, &stay),
                who: caller.name(),
                owner,
                listeners: Arc::clone(&self.listeners),
                teller: self.teller.clone(),
            };
            let (device, work) = (Arc::clone(self), work.clone());
            // Goes on without the caller, so that nobody else comes before an answer that is still to come.
            let done = tokio::spawn(async move {
                let _turn = turn;
                let done = tokio::task::spawn_blocking(move || work(&talk)).await;
                let result = done.unwrap_or_else(|_| Err(DeviceFault::SessionEnded.into()));
                if let Err(fault) = &result {
                    device.failed(fault);
                }
                result
            });
            match done.await.unwrap_or_else(|_| Err(DeviceFault::SessionEnded.into())) {
                Err(fault) if stay.has_yielded() && fault.explain().code == ASKER_LEFT => {}
                done => return done,
            }
        }
    }

    /// Waits until it is the caller's turn, unless he does not want to wait.
    async fn turn_of(&self, caller: &Caller, owner: Owner) -> Result<OwnedMutexGuard<()>, DeviceFault> {
        if let Ok(turn) = Arc::clone(&self.turn).try_lock_owned() {
            return Ok(turn);
        }
        if patience_of(caller) == Patience::NoWait {
            let holder = "the bridge, for another request".to_owned();
            return Err(DeviceFault::Busy { holder });
        }
        self.tell(owner, &Event::Queued);
        let _waiting = (owner == Owner::User).then(|| Counted::one_more(&self.users_waiting));
        Ok(Arc::clone(&self.turn).lock_owned().await)
    }

    /// Whether nobody talks to it.
    pub(super) async fn is_free(&self) {
        drop(self.turn.lock().await);
    }

    fn tell(&self, owner: Owner, event: &Event) {
        self.listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .tell(owner, event);
    }

    fn asker(self: &Arc<Self>, caller: &Caller, owner: Owner, stay: &Stay) -> Asker {
        let (staying, leaving) = (stay.clone(), stay.clone());
        let device = Arc::clone(self);
        let who = match caller {
            Caller::Page { origin, .. } => format!("saltbridge serve, for {origin}"),
            Caller::User(Manner {
                command: Some(command), ..
            }) => format!("saltbridge serve, for saltbridge {command}"),
            Caller::OwnPage { .. } => "saltbridge serve, for the page of saltbridge open".to_owned(),
            Caller::User(_) | Caller::Anyone => "saltbridge serve".to_owned(),
        };
        // Said of what the device shows now, not of a question that comes up later.
        let is_idle = AtomicBool::new(matches!(caller, Caller::User(manner) if manner.device_idle));
        Asker {
            who,
            patience: patience_of(caller),
            // Only a person can say so, and for a page there may be none at the terminal.
            is_idle: Arc::new(move |_| is_idle.swap(false, Ordering::SeqCst)),
            tell: Arc::new(move |event| {
                staying.waits(matches!(event, ledger::Event::Waiting(_)));
                device.happened(owner, event);
            }),
            leave: Leave::when(move || leaving.is_over()),
        }
    }

    /// Something happened while `owner` talks to the device.
    fn happened(&self, owner: Owner, event: &ledger::Event) {
        (self.teller)(&Notice::Device(event.clone()));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let told = match event {
            ledger::Event::Waiting(waiting) => {
                let (name, state) = waiting_for(waiting);
                if let Some(state) = state {
                    *known = DeviceState::of(state);
                }
                Event::Waiting { r#for: name.to_owned() }
            }
            ledger::Event::Ready(app) => {
                *known = DeviceState {
                    state: "ready".to_owned(),
                    app: Some(app.name.clone()),
                    app_version: Some(app.version.clone()),
                };
                Event::Ready {
                    app: app.name.clone(),
                    version: app.version.clone(),
                }
            }
            ledger::Event::Asking => {
                *self.asks_for.lock().unwrap_or_else(PoisonError::into_inner) = Some(owner);
                known.state = "asking".to_owned();
                Event::Asking
            }
            ledger::Event::Answered => {
                known.state = if known.app.is_some() { "ready" } else { "plugged-in" }.to_owned();
                Event::Answered
            }
            ledger::Event::Again { .. } => Event::Again,
            ledger::Event::OthersListen { .. } => Event::OthersListen,
            ledger::Event::ClosingApp { name } => Event::Told {
                text: format!("Closing the {name} app on the device."),
            },
            ledger::Event::Searching { address } => Event::Told {
                text: format!("Looking for the path of {address} ..."),
            },
        };
        drop(known);
        self.tell(owner, &told);
    }

    fn failed(&self, fault: &impl Fault) {
        let explanation = fault.explain();
        // What the device is like, not what was wrong with one call.
        const STATES: [&str; 12] = [
            "app-not-installed",
            "app-not-open",
            "app-too-old",
            "device-locked",
            "device-not-set-up",
            "link-lost",
            "no-answer",
            "no-device",
            "no-permission",
            "not-plugged-in",
            "other-app",
            "several-devices",
        ];
        if STATES.contains(&explanation.code) {
            self.is_now(explanation.code);
        }
    }
}

fn patience_of(caller: &Caller) -> Patience {
    match caller {
        Caller::User(manner) if manner.no_wait => Patience::NoWait,
        _ => Patience::Wait,
    }
}

fn waiting_for(waiting: &Waiting) -> (&'static str, Option<&'static str>) {
    match waiting {
        Waiting::ForDevice { .. } => ("device", Some("not-plugged-in")),
        Waiting::ForOtherProcess { .. } => ("other-process", None),
        Waiting::ForUnlocking => ("unlocking", Some("locked")),
        Waiting::ForApp => ("app", Some("app-not-open")),
        Waiting::ForOpening => ("opening", Some("app-not-open")),
        Waiting::ForReturn => ("return", None),
        Waiting::ForAccount { .. } => ("account", None),
    }
}

/// The code of a conversation that was ended because its caller left, or let others go first.
const ASKER_LEFT: &str = "asker-left";

impl Talk {
    /// The wanted account as a wallet. Before each question it is told who asks for what.
    pub(super) fn wallet(&self, wanted: Wanted, subject: Subject) -> LedgerWallet<impl FnMut(&Request<'_>) + use<>> {
        let (who, owner, listeners) = (self.who.clone(), self.owner, Arc::clone(&self.listeners));
        let teller = self.teller.clone();
        let announce = move |request: &Request<'_>| {
            let prompt = Prompt {
                who: who.clone(),
                purpose: subject.purpose.name().to_owned(),
                number: request.number,
                of: subject.requests,
                address: request.account.address.to_string(),
                path: request.account.path.to_string(),
                public_key: subject.public_key.map(|key| key.to_string()),
                message: request.message.as_str().to_owned(),
            };
            (teller)(&Notice::Prompt(prompt.clone()));
            let mut listeners = listeners.lock().unwrap_or_else(PoisonError::into_inner);
            listeners.tell(owner, &Event::Prompt(prompt));
        };
        LedgerWallet::new(self.session.clone(), self.asker.clone(), wanted, announce)
    }

    /// What is there, in which state.
    pub(super) fn survey(&self) -> Result<Vec<SeenDevice>, DeviceFault> {
        ledger::survey(self.session.endpoint(), &self.asker)
    }

    /// The address of an account; shown on the device, and compared there, if `verify`.
    pub(super) fn address(&self, wanted: &Wanted, verify: bool) -> Result<(Address, String), DeviceFault> {
        let (wanted, teller) = (wanted.clone(), self.teller.clone());
        let (owner, listeners) = (self.owner, Arc::clone(&self.listeners));
        let talk = move |device: &mut Conversation<'_>| {
            device.ready(&wanted)?;
            let account = device.find(&wanted)?;
            if verify {
                let shown = Event::ShowsAddress {
                    address: account.address.to_string(),
                    path: account.path.to_string(),
                };
                (teller)(&Notice::ShowsAddress(account.clone()));
                listeners
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .tell(owner, &shown);
                device.confirm_address(&account)?;
            }
            Ok((account.address, account.path.to_string()))
        };
        self.session.converse_through(&self.asker, talk)
    }
}
