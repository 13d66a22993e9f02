//! An envelope that is read is written as one that is read as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use saltbridge::encryption::Envelope;

fuzz_target!(|text: &str| {
    if let Ok(envelope) = Envelope::parse(text) {
        let written = envelope.to_text();
        assert_eq!(Envelope::parse(&written).as_ref(), Ok(&envelope));
        assert_eq!(envelope.to_text(), written);
        assert!(envelope.data_length() >= 40);
        if let Ok(message) = envelope.message_to_sign() {
            assert_eq!(message.as_str(), envelope.message().to_string());
        }
    }
});
