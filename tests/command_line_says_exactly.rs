//! What every command prints, to the letter: tests/cmd/*.trycmd, with the files that it reads beside it in `.in` and
//! those that it must leave in `.out`.
//!
//! After a wanted change: `TRYCMD=overwrite cargo test --test command_line_says_exactly`, then read the difference.
#![allow(missing_docs)]

#[test]
fn every_command_help_and_error() {
    trycmd::TestCases::new().case("tests/cmd/*.trycmd");
}
