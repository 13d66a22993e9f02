//! Why the guard does not let a request in.

use http::StatusCode;

use super::problem::Problem;
use super::protocol::{Freshness, Scope, SignatureError};
use crate::fault::{Class, Explanation, Fault};

/// A request is refused. What it says of others is nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another version of HTTP.
    #[error("this bridge speaks HTTP/1.1 alone")]
    HttpVersion,
    /// The request target is not a plain path.
    #[error("the request does not name a path of this bridge")]
    TargetForm,
    /// Another protocol is asked for.
    #[error("this bridge speaks no other protocol, no WebSocket either")]
    Upgrade,
    /// An `Expect` header.
    #[error("this bridge does not answer Expect")]
    Expectation,
    /// Another Host, none or several.
    #[error("the request was meant for another host")]
    OtherHost,
    /// No Origin, or several.
    #[error("the request does not say which page it comes from")]
    NoOrigin,
    /// Nobody named this origin.
    #[error("nobody has let this page in")]
    OriginUnknown,
    /// The request comes from something else than `fetch`.
    #[error("the request was not made by fetch in the mode cors")]
    FetchMetadata,
    /// A preflight that asks for something that no call needs.
    #[error("the page may not send such a request")]
    Preflight,
    /// No code was made for this origin, or not within two minutes.
    #[error("there is no code with which this page could pair")]
    NotInvited,
    /// The call is for the person's own programs and page.
    #[error("this call is for the person's own programs, at the socket")]
    SocketOnly,
    /// A request says that it was passed on by the handoff window, and is not from there.
    #[error("the request was not passed on by the window of this bridge")]
    NotHandedOn,
    /// A request at the own page's listener is not from that page.
    #[error("the request does not come from the bridge's own page")]
    NotOwnPage,
    /// A page of the bridge's own was asked for in another way than to open it.
    #[error("this page is opened in a window of its own, and its parts by it alone")]
    NotOpened,
    /// A page's request at the socket.
    #[error("a page's request was passed on to the socket")]
    OriginAtSocket,
    /// No such path.
    #[error("there is no such path")]
    NoSuchPath,
    /// The path has other methods.
    #[error("the path is not called with this method")]
    OtherMethod {
        /// The methods that it has, as the header `Allow` names them.
        allow: String,
    },
    /// The body is of another type.
    #[error("the body is of another type than this call takes")]
    ContentType,
    /// The body's length is missing or contradictory.
    #[error("the length of the body is not told, or told twice")]
    BodyLength,
    /// There is a body where none belongs.
    #[error("this call takes no body")]
    BodyUnwanted,
    /// The body is too long.
    #[error("the body is longer than {limit} bytes")]
    BodyTooLong {
        /// The limit in bytes.
        limit: u64,
    },
    /// The body did not come in time.
    #[error("the body did not come in time")]
    BodyTooSlow,
    /// The body ended early.
    #[error("the body ended early")]
    BodyCut,
    /// The signature has another form, or is another's.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// Too old, too new, or seen before.
    #[error(transparent)]
    Freshness(#[from] Freshness),
    /// The key is not paired, or not any more.
    #[error("this browser is not paired with the bridge")]
    KeyUnknown,
    /// The key belongs to another origin.
    #[error("the request was signed with the key of another page")]
    OtherOrigin,
    /// The pairing ended meanwhile.
    #[error("the pairing was revoked")]
    Revoked,
    /// The pairing does not allow it.
    #[error("this page may not do that: the scope {scope} was not granted")]
    ScopeMissing {
        /// The scope.
        scope: Scope,
    },
    /// The bridge is stopping.
    #[error("the bridge is stopping")]
    Stopping,
}

impl Refusal {
    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::HttpVersion => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Self::TargetForm => StatusCode::BAD_REQUEST,
            Self::Expectation => StatusCode::EXPECTATION_FAILED,
            Self::OtherHost => StatusCode::MISDIRECTED_REQUEST,
            Self::NoSuchPath => StatusCode::NOT_FOUND,
            Self::OtherMethod { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::BodyLength => StatusCode::LENGTH_REQUIRED,
            Self::BodyUnwanted | Self::BodyCut => StatusCode::BAD_REQUEST,
            Self::BodyTooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Signature(_) | Self::KeyUnknown | Self::Revoked => StatusCode::UNAUTHORIZED,
            Self::Freshness(Freshness::TooMany) => StatusCode::TOO_MANY_REQUESTS,
            Self::Freshness(_) => StatusCode::UNAUTHORIZED,
            Self::Stopping => StatusCode::SERVICE_UNAVAILABLE,
            Self::Upgrade
            | Self::NoOrigin
            | Self::OriginUnknown
            | Self::FetchMetadata
            | Self::Preflight
            | Self::NotInvited
            | Self::SocketOnly
            | Self::NotHandedOn
            | Self::NotOwnPage
            | Self::NotOpened
            | Self::OriginAtSocket
            | Self::OtherOrigin
            | Self::ScopeMissing { .. } => StatusCode::FORBIDDEN,
        }
    }
}

impl Refusal {
    /// The problem that is answered.
    pub(super) fn problem(&self) -> Problem {
        let problem = Problem::with_status(self.status(), self);
        match self {
            Self::Freshness(Freshness::TooMany) => problem.retry_after(60),
            Self::OtherMethod { allow } => problem.allowing(allow),
            _ => problem,
        }
    }
}

impl Fault for Refusal {
    fn explain(&self) -> Explanation {
        match self {
            Self::HttpVersion => Explanation::new("http-version", Class::Usage, "use HTTP/1.1"),
            Self::TargetForm => Explanation::new(
                "bad-target",
                Class::Usage,
                "send the path alone, not through a proxy: GET /v1/status HTTP/1.1",
            ),
            Self::Upgrade => Explanation::new(
                "no-upgrade",
                Class::Usage,
                "leave out Upgrade; events come as a stream from GET /v1/events",
            ),
            Self::Expectation => Explanation::new("no-expectation", Class::Usage, "leave out Expect"),
            Self::OtherHost => Explanation::new(
                "other-host",
                Class::Policy,
                "use the address that saltbridge serve prints, by number: http://127.0.0.1:21730; at the socket: localhost",
            ),
            Self::NoOrigin => Explanation::new(
                "no-origin",
                Class::Policy,
                "web pages are let in by their origin; programs use the socket",
            ),
            Self::OriginUnknown => Explanation::new(
                "origin-unknown",
                Class::Policy,
                "the person at the bridge can let it in with saltbridge pair ORIGIN",
            ),
            Self::FetchMetadata => Explanation::new(
                "not-fetch",
                Class::Policy,
                "call the bridge with fetch, from a page, with its default mode",
            ),
            Self::Preflight => Explanation::new(
                "bad-preflight",
                Class::Policy,
                "use GET, POST or DELETE, and no other headers than content-type, content-digest, signature and \
                 signature-input",
            ),
            Self::NotInvited => Explanation::new(
                "not-invited",
                Class::Policy,
                "run saltbridge pair ORIGIN and use its code within two minutes, once",
            ),
            Self::SocketOnly => Explanation::new(
                "socket-only",
                Class::Policy,
                "use the command line: saltbridge pair, pairings, devices, address; or the page of saltbridge open",
            ),
            Self::NotHandedOn => Explanation::new(
                "not-handed-on",
                Class::Policy,
                "a page calls the bridge with fetch, or through the window that it opens at /handoff",
            ),
            Self::NotOwnPage => Explanation::new(
                "not-own-page",
                Class::Policy,
                "run saltbridge open; pages of others use the address that saltbridge serve prints",
            ),
            Self::NotOpened => Explanation::new(
                "not-opened",
                Class::Policy,
                "open it as the address of a window; frames and other pages get nothing",
            ),
            Self::OriginAtSocket => Explanation::new(
                "origin-at-socket",
                Class::Policy,
                "pages talk to http://127.0.0.1:21730, and are paired; do not pass their requests on to the socket",
            ),
            Self::NoSuchPath => Explanation::new("no-such-path", Class::Usage, "GET /openapi.json lists all calls"),
            Self::OtherMethod { .. } => {
                Explanation::new("other-method", Class::Usage, "GET /openapi.json lists all calls")
            }
            Self::ContentType => Explanation::new(
                "content-type",
                Class::Usage,
                "send application/json or application/octet-stream, as the call wants, without parameters or encoding",
            ),
            Self::BodyLength => Explanation::new(
                "body-length",
                Class::Usage,
                "send the body in one piece with Content-Length, and no Transfer-Encoding beside it",
            ),
            Self::BodyUnwanted => Explanation::new("body-unwanted", Class::Usage, "send no body"),
            Self::BodyTooLong { .. } => Explanation::new("body-too-long", Class::Usage, "send less"),
            Self::BodyTooSlow => {
                Explanation::new("body-too-slow", Class::Usage, "send the body without pauses of more than 30 seconds")
            }
            Self::BodyCut => Explanation::new("body-cut", Class::Usage, "send the whole body"),
            Self::Signature(error) => error.explain(),
            Self::Freshness(error) => error.explain(),
            Self::KeyUnknown => Explanation::new(
                "key-unknown",
                Class::Policy,
                "pair this browser: saltbridge pair ORIGIN, then use the code in the page",
            ),
            Self::OtherOrigin => {
                Explanation::new("other-origin", Class::Policy, "each page signs with a key of its own")
            }
            Self::Revoked => Explanation::new(
                "revoked",
                Class::Policy,
                "the person at the bridge can pair this page again with saltbridge pair ORIGIN",
            ),
            Self::ScopeMissing { .. } => Explanation::new(
                "scope-missing",
                Class::Policy,
                "the person at the bridge can grant it: saltbridge pair ORIGIN --scope ...",
            ),
            Self::Stopping => Explanation::new("stopping", Class::System, "start saltbridge serve again"),
        }
    }
}
