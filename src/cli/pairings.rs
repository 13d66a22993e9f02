//! `saltbridge pairings`: which pages are paired, and the end of a pairing.

use std::time::{Duration, UNIX_EPOCH};

use clap::Subcommand;
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use saltbridge::bridge::protocol::Origin;
use saltbridge::bridge::{Pairings, PairingsAnswer};
use saltbridge::own_folders::OwnFolders;

use super::Outcome;
use super::bridge;
use super::facts::Facts;
use super::failure::Failure;
use super::report::Report;

/// List the pages that may use the bridge, or take that back
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// List the pages that may use the bridge
    List,
    /// Take it back, for all browsers. What is being done for the page ends at once
    Revoke {
        /// The page's origin, as https://numerbay.ai
        origin: String,
    },
}

pub(super) fn run(args: &Args, report: &Report) -> Result<Outcome, Failure> {
    match &args.what {
        What::List => list(report),
        What::Revoke { origin } => revoke(&origin.parse()?, report),
    }
}

/// One pairing: origin, scopes, time, and the name of its key.
type Row = (String, Vec<String>, u64, String);

fn list(report: &Report) -> Result<Outcome, Failure> {
    let rows: Vec<Row> = match bridge::running("pairings")? {
        Some(client) => {
            let answer: PairingsAnswer = client.call(Method::GET, "/v1/pairings", None::<&()>)?;
            let listed = answer.pairings.into_iter();
            listed
                .map(|one| (one.origin, one.scopes, one.paired_at, one.key_id))
                .collect()
        }
        None => {
            let all = Pairings::load(&OwnFolders::of_this_process().state()?)?
                .all()
                .into_iter();
            let row = |one: saltbridge::bridge::Pairing| {
                let scopes = one.scopes.iter().map(|scope| scope.to_string()).collect();
                (one.origin.to_string(), scopes, one.paired_at, one.key.key_id().to_string())
            };
            all.map(row).collect()
        }
    };
    let width = rows.iter().map(|(origin, ..)| origin.len()).max().unwrap_or_default();
    for (origin, scopes, paired_at, _) in &rows {
        let since = humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(*paired_at));
        report.show(&format!("{origin:width$}  since {since}  {}\n", scopes.join(",")))?;
    }
    if rows.is_empty() {
        report.say("No page is paired. saltbridge pair ORIGIN makes a code for one.");
    }
    let facts = rows.into_iter().map(|(origin, scopes, paired_at, key_id)| {
        let facts = Facts::of("origin", origin).with("scopes", scopes);
        facts.with("paired_at", paired_at).with("key_id", key_id).into()
    });
    Ok(Outcome::done(Facts::of("pairings", facts.collect::<Vec<serde_json::Value>>())))
}

fn revoke(origin: &Origin, report: &Report) -> Result<Outcome, Failure> {
    match bridge::running("pairings")? {
        Some(client) => {
            let name = origin.to_string();
            let segment = utf8_percent_encode(&name, NON_ALPHANUMERIC);
            client.call_for_text(Method::DELETE, &format!("/v1/pairings/{segment}"), None::<&()>)?;
        }
        None => {
            let (_, to_keep) = Pairings::load(&OwnFolders::of_this_process().state()?)?.remove(origin)?;
            to_keep.write()?;
        }
    }
    report.say(&format!("{origin} may not use the bridge any more."));
    Ok(Outcome::done(Facts::of("revoked", origin.to_string())))
}
