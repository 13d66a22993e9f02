//! A document is what the reader of its own kind makes of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use saltbridge::encryption::{Document, Envelope, EnvelopeError, KeyFile, Profile};

fuzz_target!(|text: &str| {
    match Document::parse(text) {
        Ok(Document::Envelope(envelope)) => assert_eq!(Envelope::parse(text), Ok(envelope)),
        Ok(Document::Legacy(_)) => assert_eq!(Envelope::parse(text), Err(EnvelopeError::Legacy)),
        Ok(Document::Profile(profile)) => assert_eq!(Profile::parse(text), Ok(profile)),
        Ok(Document::KeyFile(file)) => {
            let same = KeyFile::parse(text).expect("it was read as a key file");
            assert_eq!(same.names_public_key, file.names_public_key);
            assert_eq!(same.key_pair.public_key(), file.key_pair.public_key());
        }
        Err(_) => {}
    }
});
