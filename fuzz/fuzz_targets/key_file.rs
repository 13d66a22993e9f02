//! A key file that is read is written as one that is read as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use saltbridge::encryption::KeyFile;

fuzz_target!(|text: &str| {
    if let Ok(file) = KeyFile::parse(text) {
        let written = file.key_pair.to_key_file_text();
        let same = KeyFile::parse(&written).expect("it was written by us");
        assert!(same.names_public_key);
        assert_eq!(*same.key_pair.to_key_file_text(), *written);
    }
});
