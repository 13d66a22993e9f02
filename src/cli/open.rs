//! `saltbridge open`: the bridge's own page, in the person's browser.
//!
//! The code that lets the window in never stands in arguments, which every user of the machine can read: the browser is
//! given a file of the person's alone that leads on to the page.

use std::ffi::OsStr;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use http::Method;
use saltbridge::bridge::client::Client;
use saltbridge::bridge::{OpenAnswer, OwnPagesAnswer};
use saltbridge::files::{Folder, Inputs, Overwrite, Target, write_private_text};
use saltbridge::own_folders::OwnFolders;
use zeroize::Zeroizing;

use super::Outcome;
use super::bridge;
use super::facts::Facts;
use super::failure::{CliError, Failure};
use super::process;
use super::report::Report;

/// Open the running bridge's own page in your browser
///
/// Files, keys and sites without the command line. The page lets one window in, once, and is over when that window is closed. Where the browser cannot open it by itself, the
/// address is printed: open it in a browser of yours on this machine.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Only print the address, with the code that lets one window in; it is good for two minutes
    #[arg(long)]
    print: bool,
}

/// What opens a file with the program that the person has chosen for its kind.
const OPENER: &str = "xdg-open";

/// How long the browser may take before the person is told what else to do.
const BROWSER: Duration = Duration::from_secs(6);

const EVERY: Duration = Duration::from_millis(200);

pub(super) fn run(args: &Args, report: &Report) -> Result<Outcome, Failure> {
    if !args.print {
        let address = in_browser(report)?;
        return Ok(Outcome::done(Facts::of("address", address).with("opened", true)));
    }
    let opened = ask(&bridge::needed("open")?)?;
    let (address, minutes) = (address_of(&opened), opened.expires_in / 60);
    report.say(&format!("Open this address within {minutes} minutes, in a browser of yours on this machine:"));
    report.show(&format!("{}\n", *address))?;
    Ok(Outcome::done(Facts::of("address", address.as_str())))
}

fn ask(client: &Client) -> Result<OpenAnswer, Failure> {
    Ok(client.call(Method::POST, "/v1/own-pages", Some(&serde_json::json!({})))?)
}

/// Where the code stands behind the address, no server sees it.
fn address_of(opened: &OpenAnswer) -> Zeroizing<String> {
    let mut address = Zeroizing::new(String::with_capacity(opened.address.len() + opened.code.len() + 2));
    for piece in [&opened.address, "/#", &opened.code] {
        address.push_str(piece);
    }
    address
}

/// Opens the page in the person's browser, and returns once it is open: its address, without the code.
pub(super) fn in_browser(report: &Report) -> Result<String, Failure> {
    let client = bridge::needed("open")?;
    let opened = ask(&client)?;
    let address = address_of(&opened);
    // Goes with its folder, whatever comes of it.
    let folder = tempfile::Builder::new()
        .prefix("open-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(OwnFolders::of_this_process().locks()?)
        .map_err(|error| no_redirect(&error))?;
    process::remove_folder_at_signal(folder.path());
    let file = "saltbridge.html";
    let target = Target::new(&Folder::open(folder.path())?, OsStr::new(file))?;
    write_private_text(&target, &redirect(&address), Overwrite::Refuse, &Inputs::default())?;
    report.say("Opening the page in your browser ...");
    let browser = start(&folder.path().join(file));
    wait(&client, &opened, &address, browser, report)?;
    report.say("The page is open. It is over when you close it.");
    Ok(opened.address)
}

fn no_redirect(error: &io::Error) -> Failure {
    CliError::NoRedirect {
        reason: error.to_string(),
    }
    .into()
}

/// A page that leads to this address. Nothing in an address of ours needs escaping.
fn redirect(address: &str) -> Zeroizing<String> {
    let pieces = [
        "<!doctype html>\n<meta charset=\"utf-8\">\n<meta name=\"referrer\" content=\"no-referrer\">\n<title>saltbridge</title>\n\
         <meta http-equiv=\"refresh\" content=\"0; url=",
        address,
        "\">\n<p><a href=\"",
        address,
        "\">Open saltbridge</a></p>\n",
    ];
    let mut text = Zeroizing::new(String::with_capacity(pieces.iter().map(|piece| piece.len()).sum()));
    pieces.iter().for_each(|piece| text.push_str(piece));
    text
}

/// Has the browser open the file; none if there is nothing that would.
fn start(file: &Path) -> Option<Child> {
    let mut command = Command::new(OPENER);
    // What it has to say is not the person's concern, and Ctrl-C is not for the browser that it may become.
    command
        .arg(file)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().ok()
}

/// Waits until the page has used its code.
fn wait(
    client: &Client,
    opened: &OpenAnswer,
    address: &str,
    mut browser: Option<Child>,
    report: &Report,
) -> Result<(), Failure> {
    let began = Instant::now();
    let mut is_told = false;
    while began.elapsed() < Duration::from_secs(opened.expires_in) {
        let all: OwnPagesAnswer = client.call(Method::GET, "/v1/own-pages", None::<&()>)?;
        match all.own_pages.iter().find(|page| page.address == opened.address) {
            Some(page) if page.opened => return Ok(()),
            Some(_) => {}
            None => break,
        }
        let has_failed = match &mut browser {
            Some(child) => matches!(child.try_wait(), Ok(Some(status)) if !status.success()),
            None => true,
        };
        if !is_told && (has_failed || began.elapsed() > BROWSER) {
            is_told = true;
            report.ask("If no page has opened, open this address yourself, in a browser of yours on this machine:");
            report.ask(&format!("  {address}"));
        }
        std::thread::sleep(EVERY);
    }
    Err(CliError::PageNotOpened.into())
}
