//! Who calls, and for how long he may.

use std::sync::Arc;

use tokio::sync::watch;

use super::manner::Manner;
use super::own_page::InUse;
use super::protocol::{KeyId, Origin, Scope, Scopes};

/// Whose a key or a stream is: one browser's pairing, or the user's programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Owner {
    /// The pairing with this key.
    Page(KeyId),
    /// The user's programs, at the socket.
    User,
}

/// Who calls, as the guard found.
#[derive(Clone)]
pub(super) enum Caller {
    /// A paired page.
    Page {
        /// Its origin.
        origin: Origin,
        /// Its pairing's key.
        key: KeyId,
        /// What it may do.
        scopes: Scopes,
        /// Ends when the pairing does.
        standing: Standing,
    },
    /// The bridge's own page.
    OwnPage {
        /// Its window's key.
        key: KeyId,
        /// Ends when the window does.
        standing: Standing,
        /// That it is used, if it is.
        _in_use: Option<Arc<InUse>>,
    },
    /// A program of the user, at the socket.
    User(Manner),
    /// Somebody of whom nothing is known.
    Anyone,
}

impl Caller {
    /// Whose the keys are that he unlocks. Nobody's, of whom nothing is known.
    pub(super) fn owner(&self) -> Option<Owner> {
        match self {
            Self::Page { key, .. } | Self::OwnPage { key, .. } => Some(Owner::Page(*key)),
            Self::User(_) => Some(Owner::User),
            Self::Anyone => None,
        }
    }

    /// Whether he may do what needs this scope.
    pub(super) fn may(&self, scope: Scope) -> bool {
        match self {
            Self::Page { scopes, .. } => scopes.contains(scope),
            Self::OwnPage { .. } | Self::User(_) => true,
            Self::Anyone => false,
        }
    }

    /// What a person is told of who asks.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Page { origin, .. } => origin.to_string(),
            Self::OwnPage { .. } => "the page of saltbridge open".to_owned(),
            Self::User(manner) => match &manner.command {
                Some(command) => format!("saltbridge {command}"),
                None => "a program of yours".to_owned(),
            },
            Self::Anyone => "somebody".to_owned(),
        }
    }

    pub(super) fn standing(&self) -> Standing {
        match self {
            Self::Page { standing, .. } | Self::OwnPage { standing, .. } => standing.clone(),
            Self::User(_) | Self::Anyone => Standing::for_ever(),
        }
    }
}

/// Whether a pairing still stands; whatever is done for it ends when it does not.
#[derive(Clone)]
pub(super) struct Standing {
    over: watch::Receiver<bool>,
    /// Keeps the other end where nobody ends it.
    _kept: Option<Arc<watch::Sender<bool>>>,
}

/// Ends a standing.
pub(super) struct Ending(watch::Sender<bool>);

impl Standing {
    pub(super) fn new() -> (Ending, Self) {
        let (sender, over) = watch::channel(false);
        (Ending(sender), Self { over, _kept: None })
    }

    pub(super) fn for_ever() -> Self {
        let (sender, over) = watch::channel(false);
        Self {
            over,
            _kept: Some(Arc::new(sender)),
        }
    }

    /// Whether it has ended.
    pub(super) fn is_over(&self) -> bool {
        *self.over.borrow()
    }

    /// Returns once it has ended.
    pub(super) async fn over(&self) {
        let mut over = self.over.clone();
        // Whoever could end it is gone: the bridge is stopping.
        let _ = over.wait_for(|over| *over).await;
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.send_replace(true);
    }
}
