//! `saltbridge pair`: a one-time code for a page.

use http::Method;
use saltbridge::bridge::protocol::{Origin, Scopes};
use saltbridge::bridge::{InviteAnswer, InviteRequest};

use super::Outcome;
use super::bridge;
use super::facts::Facts;
use super::failure::Failure;
use super::report::Report;

/// Print a one-time code with which a web page may use the running bridge
///
/// Paste it into the page within two minutes. It is good for one browser; pair each one once. Only paste it into the page
/// of this very origin: whoever gets it there is paired.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The page's origin: scheme, name and port, as https://numerbay.ai
    origin: String,

    /// What it may do, separated by commas: create, decrypt, encrypt, export
    #[arg(long, value_name = "SCOPE,...", default_value_t = Scopes::default().to_string())]
    scope: String,
}

pub(super) fn run(args: &Args, report: &Report) -> Result<Outcome, Failure> {
    let origin = args.origin.parse::<Origin>()?;
    let scopes = args.scope.parse::<Scopes>()?;
    let client = bridge::needed("pair")?;
    let request = InviteRequest {
        origin: origin.to_string(),
        scopes: Some(scopes.iter().map(|scope| scope.to_string()).collect()),
    };
    let invited: InviteAnswer = client.call(Method::POST, "/v1/pairings/codes", Some(&request))?;
    report.say(&format!(
        "Paste this code into {} within {} minutes. It will be allowed: {}.",
        invited.origin,
        invited.expires_in / 60,
        scopes
    ));
    report.show(&format!("{}\n", *invited.code))?;
    Ok(Outcome::done(
        Facts::of("code", invited.code.as_str())
            .with("origin", invited.origin)
            .with("scopes", invited.scopes)
            .with("expires_in", invited.expires_in),
    ))
}
