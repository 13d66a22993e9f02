//! A signature that is read stays itself in every form, and recovers to one address or none.
#![no_main]

use libfuzzer_sys::fuzz_target;
use saltbridge::ethereum::{Signature, VForm};

fuzz_target!(|text: &str| {
    let Ok(signature) = Signature::from_hex(text) else {
        return;
    };
    let hash = [7; 32];
    let address = signature.recover(&hash).ok();
    for form in [VForm::Offset27, VForm::Bare] {
        let changed = signature.in_v_form(form);
        assert_eq!(changed.v_form(), form);
        assert_eq!(changed.recover(&hash).ok(), address);
        let low = signature.low_s(form);
        assert_eq!(low.recover(&hash).ok(), address);
        assert_eq!(low.low_s(form).expose_bytes(), low.expose_bytes());
    }
});
