//! An address that is read is shown as itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use saltbridge::ethereum::Address;

fuzz_target!(|text: &str| {
    if let Ok(address) = text.parse::<Address>() {
        let shown = address.to_string();
        assert!(shown.eq_ignore_ascii_case(text));
        assert_eq!(shown.parse(), Ok(address));
    }
});
