//! The device around the app: locked, on the dashboard, in the Ethereum app or in another one, plugged in or not.
//!
//! A pure state machine: commands and touches in, effects out; it knows neither clock nor socket. The Ethereum app is
//! held to recordings. What is around it cannot be recorded with Ledger's emulator and follows Ledger's documentation:
//! a locked device answers `5515` to everything, the dashboard calls itself `BOLOS`, `E0 D8` asks the person before it
//! opens an app, `B0 A7` closes one, and opening or closing drops the link.

use super::app::{EthereumApp, Reaction};
use super::model::Model;
use super::screens::{self, Screen};
use super::seed::{Seed, SeedName};
use super::steps::{Press, Step};

const APP_INFO: [u8; 4] = [0xb0, 0x01, 0x00, 0x00];
const CLOSE_APP: [u8; 4] = [0xb0, 0xa7, 0x00, 0x00];
const OPEN_APP: [u8; 4] = [0xe0, 0xd8, 0x00, 0x00];

const ETHEREUM: &str = "Ethereum";
const OTHER_APP: &str = "Bitcoin";

const SUCCESS: u16 = 0x9000;
const LOCKED: u16 = 0x5515;
const OPENING_REFUSED: u16 = 0x5501;
const NO_SUCH_APP: u16 = 0x6807;
const NOT_ON_THE_DASHBOARD: u16 = 0x6d02;
const NOT_IN_THIS_APP: u16 = 0x6e00;

/// What the device does by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It sends an answer: data and status word.
    Answer(Vec<u8>),
    /// The link is gone: the device re-enumerates after an app was opened, closed or has ended, and comes back; or it
    /// was unplugged.
    LinkDrops,
    /// It was plugged in.
    PluggedIn,
}

/// How the device is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// Unlocked, the Ethereum app open.
    #[default]
    App,
    /// Unlocked, no app open.
    Dashboard,
    /// Locked, with the Ethereum app open behind the PIN.
    Locked,
    /// Unlocked, an app open that is not Ethereum.
    OtherApp,
}

enum Running {
    Dashboard,
    /// The dashboard asks whether to open Ethereum.
    Opening(Step),
    Ethereum(Box<EthereumApp>),
    OtherApp,
}

/// An emulated Ledger.
pub struct Device {
    model: Model,
    seed: SeedName,
    locked: bool,
    plugged: bool,
    running: Running,
}

impl Device {
    /// A device of this model with this seed.
    pub fn new(model: Model, seed: SeedName, start: Start) -> Self {
        let mut device = Self {
            model,
            seed,
            locked: start == Start::Locked,
            plugged: true,
            running: Running::Dashboard,
        };
        match start {
            Start::App | Start::Locked => device.running = device.ethereum(),
            Start::Dashboard => {}
            Start::OtherApp => device.running = Running::OtherApp,
        }
        device
    }

    fn ethereum(&self) -> Running {
        Running::Ethereum(Box::new(EthereumApp::new(self.model, Seed::new(self.seed))))
    }

    /// The model.
    pub fn model(&self) -> Model {
        self.model
    }

    /// Whether there is a link to it.
    pub fn is_plugged_in(&self) -> bool {
        self.plugged
    }

    /// Whether it waits for the PIN.
    pub fn is_locked(&self) -> bool {
        self.locked
    }

    /// The name of the app that runs, `BOLOS` for the dashboard.
    pub fn app(&self) -> &'static str {
        match self.running {
            Running::Dashboard | Running::Opening(_) => "BOLOS",
            Running::Ethereum(_) => ETHEREUM,
            Running::OtherApp => OTHER_APP,
        }
    }

    /// What the screen shows.
    pub fn screen(&self) -> Screen {
        match &self.running {
            _ if self.locked => screens::locked(self.model),
            Running::Dashboard => screens::dashboard(self.model),
            Running::Opening(step) => step.screen(),
            Running::Ethereum(app) => app.screen(),
            Running::OtherApp => screens::other_app(self.model, OTHER_APP),
        }
    }

    fn step(&self) -> Option<&Step> {
        match &self.running {
            _ if self.locked => None,
            Running::Opening(step) => Some(step),
            Running::Ethereum(app) => app.asking(),
            Running::Dashboard | Running::OtherApp => None,
        }
    }

    /// Whether it waits for the person to approve or to refuse something.
    pub fn is_asking(&self) -> bool {
        self.step().is_some()
    }

    /// The press that brings the person one step nearer to approving or refusing, if anything is asked.
    pub fn toward(&self, approve: bool) -> Option<Press> {
        self.step().map(|step| step.toward(approve))
    }

    /// The screens that the person passes on the way to this decision, from the one shown now; none if nothing is asked.
    pub fn way_to(&self, approve: bool) -> Vec<Screen> {
        self.step().map(|step| step.way_to(approve)).unwrap_or_default()
    }

    /// A command arrives. The effect may come later, from a touch.
    pub fn command(&mut self, apdu: &[u8]) -> Vec<Effect> {
        if !self.plugged {
            return Vec::new();
        }
        if self.locked {
            return answer(&[], LOCKED);
        }
        if apdu.starts_with(&APP_INFO) && matches!(apdu.get(4..), Some([] | [0])) {
            return self.app_info();
        }
        if apdu.starts_with(&CLOSE_APP) && !matches!(self.running, Running::Dashboard | Running::Opening(_)) {
            self.running = Running::Dashboard;
            let mut effects = answer(&[], SUCCESS);
            effects.push(Effect::LinkDrops);
            return effects;
        }
        match &mut self.running {
            Running::Dashboard | Running::Opening(_) => match apdu.strip_prefix(&OPEN_APP) {
                Some([_, name @ ..]) if name == ETHEREUM.as_bytes() => {
                    let question = screens::open_app(self.model, ETHEREUM);
                    self.running = Running::Opening(Step::first(self.model, question));
                    Vec::new()
                }
                Some(_) => answer(&[], NO_SUCH_APP),
                None => answer(&[], NOT_ON_THE_DASHBOARD),
            },
            Running::OtherApp => answer(&[], NOT_IN_THIS_APP),
            Running::Ethereum(app) => {
                let reaction = app.command(apdu);
                self.effects(reaction)
            }
        }
    }

    fn app_info(&mut self) -> Vec<Effect> {
        let version = match &mut self.running {
            Running::Dashboard | Running::Opening(_) => "1.5.0",
            Running::OtherApp => "2.4.2",
            Running::Ethereum(app) => {
                app.app_info_was_asked();
                "1.22.0"
            }
        };
        let mut data = vec![1];
        for text in [self.app(), version] {
            // Names and versions have less than 256 bytes.
            data.push(u8::try_from(text.len()).unwrap_or(0));
            data.extend(text.as_bytes());
        }
        data.extend([1, 0]);
        answer(&data, SUCCESS)
    }

    fn effects(&mut self, reaction: Reaction) -> Vec<Effect> {
        match reaction {
            Reaction::Answer(bytes) => vec![Effect::Answer(bytes)],
            Reaction::Silence => Vec::new(),
            Reaction::Exit => {
                self.running = Running::Dashboard;
                vec![Effect::LinkDrops]
            }
        }
    }

    /// A finger presses something.
    pub fn press(&mut self, press: Press) -> Vec<Effect> {
        if self.locked {
            return Vec::new();
        }
        match &mut self.running {
            Running::Dashboard | Running::OtherApp => Vec::new(),
            Running::Ethereum(app) => {
                let reaction = app.press(press);
                self.effects(reaction)
            }
            Running::Opening(step) => match step.press(press) {
                None => Vec::new(),
                Some(false) => {
                    self.running = Running::Dashboard;
                    answer(&[], OPENING_REFUSED)
                }
                Some(true) => {
                    self.running = self.ethereum();
                    let mut effects = answer(&[], SUCCESS);
                    effects.push(Effect::LinkDrops);
                    effects
                }
            },
        }
    }

    /// Time passes in which nobody does anything: the page that tells how a review ended goes.
    pub fn rest(&mut self) {
        if let Running::Ethereum(app) = &mut self.running {
            app.rest();
        }
    }

    /// The person locks the device. What it asked stays behind the PIN.
    pub fn lock(&mut self) {
        self.rest();
        self.locked = true;
    }

    /// The person types the PIN.
    pub fn unlock(&mut self) {
        if self.plugged {
            self.locked = false;
        }
    }

    /// The person opens the Ethereum app on the device, unless it is locked.
    pub fn open_ethereum(&mut self) -> Vec<Effect> {
        if self.locked {
            return Vec::new();
        }
        self.switch_to(self.ethereum())
    }

    /// The person opens another app.
    pub fn open_other_app(&mut self) -> Vec<Effect> {
        self.switch_to(Running::OtherApp)
    }

    /// The person leaves the app. What it asked is gone, unanswered.
    pub fn close_app(&mut self) -> Vec<Effect> {
        self.switch_to(Running::Dashboard)
    }

    fn switch_to(&mut self, running: Running) -> Vec<Effect> {
        self.running = running;
        vec![Effect::LinkDrops]
    }

    /// The person pulls the cable. The device has no battery: it comes back locked, with no app open.
    pub fn unplug(&mut self) -> Vec<Effect> {
        self.plugged = false;
        self.locked = true;
        self.switch_to(Running::Dashboard)
    }

    /// The person plugs it in again.
    pub fn plug_in(&mut self) -> Vec<Effect> {
        self.plugged = true;
        vec![Effect::PluggedIn]
    }
}

fn answer(data: &[u8], status: u16) -> Vec<Effect> {
    vec![Effect::Answer([data, &status.to_be_bytes()].concat())]
}
