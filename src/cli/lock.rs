//! `saltbridge lock`: the bridge forgets all keys.

use http::Method;

use super::Outcome;
use super::bridge;
use super::facts::Facts;
use super::failure::Failure;
use super::report::Report;

/// Have the running bridge forget all unlocked keys
#[derive(clap::Args)]
pub(super) struct Args {}

pub(super) fn run(Args {}: &Args, report: &Report) -> Result<Outcome, Failure> {
    let client = bridge::needed("lock")?;
    client.call_for_text(Method::DELETE, "/v1/keys", None::<&()>)?;
    report.say("All unlocked keys are forgotten.");
    Ok(Outcome::done(Facts::of("locked", true)))
}
