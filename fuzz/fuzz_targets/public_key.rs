//! A public key that is read is shown as one that is read as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use saltbridge::encryption::PublicKey;

fuzz_target!(|text: &str| {
    if let Ok(key) = text.parse::<PublicKey>() {
        let shown = key.to_string();
        assert_eq!(shown.len(), 44);
        assert_eq!(shown.parse(), Ok(key));
    }
});
