//! How a program of the user asks at the socket: as which command, and how patiently.

use http::{HeaderMap, HeaderName, HeaderValue};

const COMMAND: HeaderName = HeaderName::from_static("saltbridge-command");
const NO_WAIT: HeaderName = HeaderName::from_static("saltbridge-no-wait");
const DEVICE_IDLE: HeaderName = HeaderName::from_static("saltbridge-device-idle");

/// What a program says of itself, in headers of its request. It is the user's own, and believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// Which command of saltbridge's it is, to be told the person: lower-case letters, at most 20.
    pub command: Option<String>,
    /// To fail at once where a person would have to do something, as with `--no-wait`.
    pub no_wait: bool,
    /// The person says that the device asks nothing any more, as with `--device-idle`.
    pub device_idle: bool,
}

impl Manner {
    /// That of a command, which waits.
    pub fn of(command: &str) -> Self {
        Self {
            command: Some(command.to_owned()),
            ..Self::default()
        }
    }

    pub(super) fn read(headers: &HeaderMap) -> Self {
        const LONGEST: usize = 20;
        let is_word =
            |command: &&str| command.len() <= LONGEST && command.bytes().all(|byte| byte.is_ascii_lowercase());
        let command = headers.get(COMMAND).and_then(|value| value.to_str().ok());
        let is_said = |name| headers.get(name).is_some_and(|value| value == "1");
        Self {
            // Letters alone, since a person reads it.
            command: command.filter(is_word).map(str::to_owned),
            no_wait: is_said(NO_WAIT),
            device_idle: is_said(DEVICE_IDLE),
        }
    }

    pub(super) fn write(&self, headers: &mut HeaderMap) {
        let command = self.command.as_deref().map(HeaderValue::from_str);
        if let Some(Ok(command)) = command {
            headers.insert(COMMAND, command);
        }
        for (name, is_so) in [(NO_WAIT, self.no_wait), (DEVICE_IDLE, self.device_idle)] {
            if is_so {
                headers.insert(name, HeaderValue::from_static("1"));
            }
        }
    }
}
