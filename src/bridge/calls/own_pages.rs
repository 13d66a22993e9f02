//! The bridge's own page: opened by a program of the user.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Called;
use super::pairing::with_code;
use crate::bridge::answer::{Answer, json};
use crate::bridge::invitations::GOOD_FOR;
use crate::bridge::own_page::{Opening, OwnPage, bind_anywhere};
use crate::bridge::problem::Problem;
use crate::bridge::protocol::{Code, OriginError, RandomError};
use crate::fault::{Class, Explanation, Fault};

/// How many own pages there may be.
const MOST: usize = 4;

/// A page that is listened for, and the code for its window.
#[derive(Deserialize, utoipa::ToSchema)]
pub struct OpenAnswer {
    /// Its address: `http://127.0.0.1:PORT`. The code goes behind `/#`, where no server sees it.
    pub address: String,
    /// 16 characters in groups of four.
    #[schema(value_type = String)]
    pub code: Zeroizing<String>,
    /// For how many seconds the code is good.
    pub expires_in: u64,
}

/// An own page, as it is listed.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ListedOwnPage {
    /// Its address.
    pub address: String,
    /// Whether its window has used the code.
    pub opened: bool,
}

/// What `GET /v1/own-pages` tells.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OwnPagesAnswer {
    /// By age.
    pub own_pages: Vec<ListedOwnPage>,
}

/// Listens for a new one.
pub(super) fn open(called: &Called) -> Result<Answer, Problem> {
    let bridge = &called.bridge;
    let code = Code::generate()?;
    let shown = code.show();
    let listener = bind_anywhere().map_err(OpenError::system)?;
    let address = listener.local_addr().map_err(OpenError::system)?;
    let page = OwnPage::new(address, code, Arc::clone(&bridge.clock)).map_err(OpenError::Origin)?;
    let page = Arc::new(page);
    let rest = serde_json::json!({
        "address": page.origin().to_string(),
        "expires_in": GOOD_FOR.as_secs(),
    });
    let opening = Opening { page, listener };
    if !bridge.open_own_page(opening, MOST) {
        return Err(OpenError::TooMany.into());
    }
    Ok(with_code(&shown, &rest))
}

/// Lists them.
pub(super) fn list(called: &Called) -> Answer {
    let listed = called.bridge.own_pages().into_iter().map(|page| ListedOwnPage {
        address: page.origin().to_string(),
        opened: page.is_opened(),
    });
    json(&OwnPagesAnswer {
        own_pages: listed.collect(),
    })
}

/// Why there is no own page.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    /// There are as many as there may be.
    #[error("too many own pages are open")]
    TooMany,
    /// The system does not let it be listened for.
    #[error("the page cannot be listened for: {reason}")]
    System {
        /// What it said.
        reason: String,
    },
    /// The address that was bound is none that a page can have.
    #[error(transparent)]
    Origin(OriginError),
    /// No code.
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl OpenError {
    fn system(error: std::io::Error) -> Self {
        Self::System {
            reason: error.to_string(),
        }
    }
}

impl Fault for OpenError {
    fn explain(&self) -> Explanation {
        match self {
            Self::TooMany => Explanation::new(
                "too-many-own-pages",
                Class::Policy,
                "use one that is open, or close one and wait ten seconds; those that nobody opened end after two minutes",
            ),
            Self::System { .. } => Explanation::new(
                "cannot-serve",
                Class::System,
                "see how many files you may have (ulimit -a), and who holds so many ports (ss -ltnp)",
            ),
            Self::Origin(error) => error.explain(),
            Self::Random(error) => error.explain(),
        }
    }
}
