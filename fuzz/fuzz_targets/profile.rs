//! A profile that is read names a key for new orders exactly if it has a mechanism, and with v2 nobody takes it for
//! something else.
#![no_main]

use libfuzzer_sys::fuzz_target;
use saltbridge::encryption::{Document, Mechanism, Profile};

fuzz_target!(|text: &str| {
    if let Ok(profile) = Profile::parse(text) {
        let has_key = profile.order_public_key().is_some();
        assert_eq!(has_key, profile.mechanism != Mechanism::None);
        if let (Mechanism::V2 { .. }, Ok(document)) = (&profile.mechanism, Document::parse(text)) {
            assert!(matches!(document, Document::Profile(same) if same == profile));
        }
    }
});
