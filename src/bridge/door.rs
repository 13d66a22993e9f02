//! Where requests come in.

use std::sync::Arc;

use super::own_page::OwnPage;

/// A listener, as the guard sees it.
#[derive(Clone)]
pub(super) enum Door {
    /// The address that pages reach: `127.0.0.1` and the port that is bound.
    Loopback {
        /// What Host must be, and what is signed as the authority.
        authority: String,
    },
    /// The listener of the bridge's own page: `127.0.0.1` and a port of its own.
    OwnPage(Arc<OwnPage>),
    /// The socket of the user's programs.
    Socket,
}

impl Door {
    /// What Host says at the socket. No name is looked up for it.
    pub(super) const SOCKET_HOST: &'static str = "localhost";

    /// What Host must be.
    pub(super) fn authority(&self) -> &str {
        match self {
            Self::Loopback { authority } => authority,
            Self::OwnPage(page) => page.authority(),
            Self::Socket => Self::SOCKET_HOST,
        }
    }
}
