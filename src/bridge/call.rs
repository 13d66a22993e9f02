//! The calls of the interface: one table, by which the guard judges.
//!
//! Promises: every path that the bridge answers stands here, with who may call it and what body it takes. What does not
//! stand here is refused by the guard, whoever asks.

use http::Method;

use super::protocol::Scope;

/// The longest JSON body in bytes: 128 KiB, twice the longest envelope.
pub(super) const JSON_LIMIT: u64 = 128 * 1024;

/// The longest request to pair in bytes: 1 KiB. It comes before anything is known of who asks.
pub(super) const PAIRING_LIMIT: u64 = 1024;

/// The longest body of bytes: 1 TiB. What the disk has room for is found out on the way.
pub(super) const OCTETS_LIMIT: u64 = 1 << 40;

/// A call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// A page exchanges public keys, with the code that a person gave it.
    Pair,
    /// What the bridge and the device are doing.
    Status,
    /// What happens while a call waits, as a stream.
    Events,
    /// A new key pair under the device's account.
    Create,
    /// An envelope is opened; the key stays here under a handle.
    Unwrap,
    /// A sealed box is opened with a key that is held.
    Decrypt,
    /// A key that is held is given away, after a fresh approval.
    Export,
    /// A key that is held is forgotten.
    Forget,
    /// All keys of the caller are forgotten; from the socket, all keys.
    ForgetAll,
    /// Bytes are sealed for a public key.
    Encrypt,
    /// The key of one sealed box, for a program that opens it itself.
    BoxKey,
    /// Which devices are plugged in.
    Devices,
    /// The address of an account.
    Address,
    /// Which pages are paired.
    Pairings,
    /// A code with which a page may pair.
    Invite,
    /// A page's pairings end.
    Revoke,
    /// A listener for the bridge's own page, and the code for its window.
    Open,
    /// Which own pages there are.
    OwnPages,
    /// The contract.
    Contract,
}

/// Who may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Whoever reaches the listener. Nothing of the person's is in the answer.
    Anyone,
    /// A page whose origin a person named within the last two minutes.
    Invited,
    /// A paired page with this scope, or any if there is none; and the person, as below.
    Paired(Option<Scope>),
    /// The person: the user's programs at the socket, and the bridge's own page at its listener.
    Person,
    /// The user's programs at the socket alone.
    Socket,
}

/// What a call takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyRule {
    /// No body.
    Empty,
    /// A JSON object of at most so many bytes, whose digest is signed.
    Json(u64),
    /// Bytes, at most so many.
    Octets(u64),
}

impl Call {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::Pair,
        Self::Status,
        Self::Events,
        Self::Create,
        Self::Unwrap,
        Self::Decrypt,
        Self::Export,
        Self::Forget,
        Self::ForgetAll,
        Self::Encrypt,
        Self::BoxKey,
        Self::Devices,
        Self::Address,
        Self::Pairings,
        Self::Invite,
        Self::Revoke,
        Self::Open,
        Self::OwnPages,
        Self::Contract,
    ];

    /// Method and path; a part in braces stands for any one segment.
    pub fn route(self) -> (Method, &'static str) {
        match self {
            Self::Pair => (Method::POST, "/v1/pairings"),
            Self::Status => (Method::GET, "/v1/status"),
            Self::Events => (Method::GET, "/v1/events"),
            Self::Create => (Method::POST, "/v1/keys"),
            Self::Unwrap => (Method::POST, "/v1/unwrap"),
            Self::Decrypt => (Method::POST, "/v1/keys/{handle}/decrypt"),
            Self::Export => (Method::POST, "/v1/keys/{handle}/export"),
            Self::Forget => (Method::DELETE, "/v1/keys/{handle}"),
            Self::ForgetAll => (Method::DELETE, "/v1/keys"),
            Self::Encrypt => (Method::POST, "/v1/encrypt"),
            Self::BoxKey => (Method::POST, "/v1/keys/{handle}/box-key"),
            Self::Devices => (Method::GET, "/v1/devices"),
            Self::Address => (Method::GET, "/v1/address"),
            Self::Pairings => (Method::GET, "/v1/pairings"),
            Self::Invite => (Method::POST, "/v1/pairings/codes"),
            Self::Revoke => (Method::DELETE, "/v1/pairings/{origin}"),
            Self::Open => (Method::POST, "/v1/own-pages"),
            Self::OwnPages => (Method::GET, "/v1/own-pages"),
            Self::Contract => (Method::GET, "/openapi.json"),
        }
    }

    /// Who may call it.
    pub fn audience(self) -> Audience {
        match self {
            Self::Contract => Audience::Anyone,
            Self::Pair => Audience::Invited,
            Self::Status | Self::Events | Self::Forget | Self::ForgetAll => Audience::Paired(None),
            Self::Create => Audience::Paired(Some(Scope::Create)),
            Self::Unwrap | Self::Decrypt => Audience::Paired(Some(Scope::Decrypt)),
            Self::Export => Audience::Paired(Some(Scope::Export)),
            Self::Encrypt => Audience::Paired(Some(Scope::Encrypt)),
            Self::Devices | Self::Address | Self::Pairings | Self::Invite | Self::Revoke => Audience::Person,
            Self::BoxKey | Self::Open | Self::OwnPages => Audience::Socket,
        }
    }

    /// What body it takes.
    pub fn body(self) -> BodyRule {
        match self {
            Self::Pair => BodyRule::Json(PAIRING_LIMIT),
            Self::Create | Self::Unwrap | Self::Export | Self::BoxKey | Self::Invite | Self::Open => {
                BodyRule::Json(JSON_LIMIT)
            }
            Self::Decrypt | Self::Encrypt => BodyRule::Octets(OCTETS_LIMIT),
            Self::Status
            | Self::Events
            | Self::Forget
            | Self::ForgetAll
            | Self::Devices
            | Self::Address
            | Self::Pairings
            | Self::Revoke
            | Self::OwnPages
            | Self::Contract => BodyRule::Empty,
        }
    }

    /// The call that a request means; the methods that its path has, if not this one.
    ///
    /// # Errors
    /// The methods of the path; none if there is no such path.
    pub fn find(method: &Method, path: &str) -> Result<Self, Vec<Method>> {
        let at_path: Vec<_> = Self::ALL
            .into_iter()
            .filter(|call| fits(call.route().1, path))
            .collect();
        let called = at_path.iter().find(|call| call.route().0 == *method).copied();
        called.ok_or_else(|| at_path.into_iter().map(|call| call.route().0).collect())
    }
}

/// Whether a path is one of a pattern: segment by segment, and none of those that stand for any is empty.
fn fits(pattern: &str, path: &str) -> bool {
    let (mut pattern, mut path) = (pattern.split('/'), path.split('/'));
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return true,
            (Some(wanted), Some(found)) if wanted.starts_with('{') && !found.is_empty() => {}
            (Some(wanted), Some(found)) if wanted == found => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_call_is_found_by_its_route_and_by_no_other() {
        for call in Call::ALL {
            let (method, path) = call.route();
            let path = path
                .replace("{handle}", "abc")
                .replace("{origin}", "https%3A%2F%2Fa.example");
            assert_eq!(Call::find(&method, &path), Ok(call));
            for near in [format!("{path}/"), format!("/{path}"), path.to_uppercase(), format!("{path}x/y")] {
                assert!(Call::find(&method, &near).is_err(), "{near}");
            }
            assert!(Call::find(&Method::PATCH, &path).is_err_and(|methods| methods.contains(&method)));
        }
        assert_eq!(Call::find(&Method::DELETE, "/v1/keys/"), Err(Vec::new()));
        assert_eq!(Call::find(&Method::GET, "/v1/keys/a/b/decrypt"), Err(Vec::new()));
    }

    #[test]
    fn what_changes_something_is_not_called_with_get() {
        for call in Call::ALL {
            let is_get = call.route().0 == Method::GET;
            assert!(!is_get || call.body() == BodyRule::Empty, "{call:?}");
        }
    }
}
