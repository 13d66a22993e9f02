//! The bridge that runs, for the commands that use it.

use std::sync::mpsc::channel;
use std::time::Duration;

use http::Method;
use saltbridge::bridge::client::{Client, ClientError};
use saltbridge::bridge::{Event, Manner, StatusAnswer};
use saltbridge::ledger::Endpoint;
use saltbridge::own_folders::OwnFolders;

use super::args;
use super::device::Announcement;
use super::failure::Failure;
use super::report::Report;

/// How long the stream of events may take to begin. Without it the same is done, but not told here.
const BEGINNING: Duration = Duration::from_secs(5);

/// The bridge that runs; an error if there is none. `command` is what it is told.
pub(super) fn needed(command: &str) -> Result<Client, Failure> {
    let socket = OwnFolders::of_this_process().socket()?;
    Ok(Client::connect(&socket, Manner::of(command))?)
}

/// The bridge that runs, if there is one.
pub(super) fn running(command: &str) -> Result<Option<Client>, Failure> {
    running_for(Manner::of(command))
}

fn running_for(manner: Manner) -> Result<Option<Client>, Failure> {
    // Without folders of his own there is no bridge of his.
    let Ok(socket) = OwnFolders::of_this_process().socket() else {
        return Ok(None);
    };
    match Client::connect(&socket, manner) {
        Ok(client) => Ok(Some(client)),
        Err(ClientError::NotRunning { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The bridge that runs, if a command is to use it for its device: unless it was told not to, or names another device.
pub(super) fn for_device(
    args: &args::Bridge,
    device: &args::Device,
    command: &str,
    report: &Report,
) -> Result<Option<Client>, Failure> {
    let endpoint = device.endpoint.parse()?;
    let manner = Manner {
        no_wait: device.no_wait,
        device_idle: device.device_idle,
        ..Manner::of(command)
    };
    for_any(args, (endpoint != Endpoint::default()).then_some(&endpoint), manner, report)
}

/// The same only if its device is this one, for a command that waits for nobody.
pub(super) fn for_exactly(
    args: &args::Bridge,
    endpoint: &Endpoint,
    command: &str,
    report: &Report,
) -> Result<Option<Client>, Failure> {
    let manner = Manner {
        no_wait: true,
        ..Manner::of(command)
    };
    for_any(args, Some(endpoint), manner, report)
}

fn for_any(
    args: &args::Bridge,
    endpoint: Option<&Endpoint>,
    manner: Manner,
    report: &Report,
) -> Result<Option<Client>, Failure> {
    if args.no_bridge {
        return Ok(None);
    }
    let Some(client) = running_for(manner)? else {
        return Ok(None);
    };
    let status: StatusAnswer = client.call(Method::GET, "/v1/status", None::<&()>)?;
    let of_bridge = status.endpoint.unwrap_or_default();
    if endpoint.is_some_and(|endpoint| endpoint.to_string() != of_bridge) {
        report.detail(&format!("the running bridge has another device, {of_bridge}"));
        return Ok(None);
    }
    report.detail(&format!("through the running bridge, with the device {of_bridge}"));
    Ok(Some(client))
}

/// Makes a call that may have the device ask something, and tells meanwhile what happens.
pub(super) fn telling<T>(
    client: &Client,
    report: &Report,
    call: impl FnOnce(&Client) -> Result<T, ClientError>,
) -> Result<T, Failure> {
    let (ready, begun) = channel();
    let (listener, report) = (client.another(), *report);
    // Ends with the program, or when the bridge does.
    let listening = std::thread::Builder::new().spawn(move || {
        let told = |event| {
            tell(&report, &event);
            false
        };
        let _ = listener.and_then(|listener| {
            listener.events(
                || {
                    let _ = ready.send(());
                },
                told,
            )
        });
    });
    if listening.is_ok() {
        let _ = begun.recv_timeout(BEGINNING);
    }
    Ok(call(client)?)
}

fn tell(report: &Report, event: &Event) {
    match event {
        Event::Prompt(prompt) => Announcement::of(prompt).tell(report),
        Event::ShowsAddress { address, path } => {
            report.ask(&format!("The device shows the address of {path}. Compare it, then confirm or reject it there:"));
            report.ask(&format!("  | {address}"));
        }
        Event::Queued => report.ask("The device is serving another request. Waiting for its end."),
        Event::Waiting { r#for } => report.ask(match r#for.as_str() {
            "device" => "Plug in your Ledger and unlock it. Ctrl-C ends this.",
            "account" => "Several Ledgers are plugged in. Waiting for the one that has the account to be unlocked.",
            "other-process" => "Waiting for another program to let go of the device. It may be asking you there.",
            "unlocking" => "The device is locked. Waiting for you to enter the PIN on it.",
            "app" => "Waiting for the Ethereum app to be open on the device.",
            "opening" => "The device asks whether to open the Ethereum app: answer there.",
            _ => "Waiting for the device to come back.",
        }),
        Event::Ready { app, version } => report.detail(&format!("the {app} app {version} is open")),
        Event::Again => report.ask("The device went away, and asks again."),
        Event::OthersListen => report.ask(
            "Warning: another program has the device open, too, and can read what it answers: the signature is the key. The \
             terminal of saltbridge serve names it.",
        ),
        Event::Told { text } => report.say(text),
        Event::Asking | Event::Answered | Event::Plugged | Event::Unplugged | Event::Forgotten => {}
    }
}
