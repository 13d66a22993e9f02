//! What a caller is told when something is not done: problem details (RFC 9457) with a stable code and a remedy.
//!
//! Promises: `code` and `help` are those of the command line (docs/errors.md); nothing in them was meant for another
//! caller, and nothing is secret.

use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde::Serialize;

use super::answer::{Answer, full};
use crate::fault::{Class, Explanation, Fault};

/// The media type of a problem (RFC 9457, section 3).
pub(super) const PROBLEM_JSON: &str = "application/problem+json";

/// Why something was not done, as the caller is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    sentence: String,
    explanation: Explanation,
    /// A header that the answer has beside it.
    header: Option<Box<(HeaderName, HeaderValue)>>,
}

/// A problem as JSON.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// The status's own phrase.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened, in a sentence.
    pub detail: String,
    /// Stable: programs may rely on it. docs/errors.md lists all.
    pub code: String,
    /// The kind of failure: `usage`, `device`, `declined` by the person, `does-not-open`, `damaged`, `system`, `policy`.
    pub class: String,
    /// What the person or the developer can do about it.
    pub help: String,
    /// Names this request in what the bridge writes to its terminal.
    pub request_id: String,
}

impl Problem {
    /// A fault, under this status.
    pub fn with_status(status: StatusCode, fault: &impl Fault) -> Self {
        Self {
            status,
            sentence: fault.to_string(),
            explanation: fault.explain(),
            header: None,
        }
    }

    /// The same, which may be tried again after so many seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.header = Some(Box::new((header::RETRY_AFTER, seconds.into())));
        self
    }

    /// The same, which says what methods the path has (RFC 9110, section 15.5.6).
    #[must_use]
    pub(super) fn allowing(mut self, methods: &str) -> Self {
        let methods = HeaderValue::from_str(methods).ok();
        self.header = methods.map(|methods| Box::new((header::ALLOW, methods)));
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.explanation.code
    }

    /// What happened, in a sentence.
    pub fn sentence(&self) -> &str {
        &self.sentence
    }

    /// The same for a page: what the machine's own parts say may name its files and its user. The terminal has it all.
    #[must_use]
    pub(super) fn for_pages(mut self) -> Self {
        if self.explanation.class == Class::System {
            self.sentence = "the bridge's machine did not do its part; its terminal says why".to_owned();
            self.explanation.help = "ask the person at the bridge".into();
        }
        self
    }

    /// The answer that tells it.
    pub(super) fn into_answer(self, request_id: &str) -> Answer {
        let body = ProblemBody {
            title: self.status.canonical_reason().unwrap_or_default().to_owned(),
            status: self.status.as_u16(),
            detail: self.sentence,
            code: self.explanation.code.to_owned(),
            class: self.explanation.class.name().to_owned(),
            help: self.explanation.help.into_owned(),
            request_id: request_id.to_owned(),
        };
        // Strings and numbers alone: it cannot fail.
        let json = serde_json::to_vec(&body).unwrap_or_default();
        let mut answer = Response::new(full(json));
        *answer.status_mut() = self.status;
        let headers = answer.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some((name, value)) = self.header.map(|header| *header) {
            headers.insert(name, value);
        }
        answer
    }
}

impl<F: Fault> From<F> for Problem {
    fn from(fault: F) -> Self {
        let explanation = fault.explain();
        let status = match (explanation.class, explanation.code) {
            (Class::System, "no-space") => StatusCode::INSUFFICIENT_STORAGE,
            (Class::Usage, _) => StatusCode::BAD_REQUEST,
            (Class::Device, _) => StatusCode::SERVICE_UNAVAILABLE,
            (Class::Declined | Class::Policy, _) => StatusCode::FORBIDDEN,
            (Class::DoesNotOpen | Class::Damaged, _) => StatusCode::UNPROCESSABLE_ENTITY,
            (Class::System, _) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self {
            status,
            sentence: fault.to_string(),
            explanation,
            header: None,
        }
    }
}
