//! A message is its own text, and a wallet is asked to sign the two known forms only.
#![no_main]

use libfuzzer_sys::fuzz_target;
use saltbridge::encryption::Message;

fuzz_target!(|text: &str| {
    let message = Message::parse(text);
    assert_eq!(message.to_string(), text);
    match &message {
        Message::NumerBay { .. } => assert_eq!(text.len(), 93),
        Message::Saltbridge { .. } => assert_eq!(text.len(), 121),
        Message::Unusual(whole) => assert_eq!(whole, text),
    }
    match message.known() {
        Ok(to_sign) => assert_eq!(to_sign.as_str(), text),
        Err(_) => assert_eq!(message, Message::Unusual(text.to_owned())),
    }
});
