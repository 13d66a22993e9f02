//! A derivation path that is read is shown as one that is read as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use saltbridge::ethereum::DerivationPath;

fuzz_target!(|text: &str| {
    if let Ok(path) = text.parse::<DerivationPath>() {
        assert!((1..=DerivationPath::MOST_ELEMENTS).contains(&path.elements().len()));
        assert_eq!(path.to_string().parse(), Ok(path));
    }
});
