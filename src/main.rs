//! The command line of saltbridge: parse, dispatch, print the error.

mod cli;

fn main() -> std::process::ExitCode {
    cli::run()
}
