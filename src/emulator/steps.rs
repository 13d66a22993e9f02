//! The person's side of a review: buttons and touches, and the way through the pages.

use super::model::Model;
use super::points::{self, ScreenKind, Target};
use super::screens::{Review, Screen};

/// What a finger does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Press {
    /// The left button; on a touch screen, swiping back.
    Left,
    /// The right button; on a touch screen, swiping on.
    Right,
    /// Both buttons at once.
    Both,
    /// A touch at this point, in pixels from the top left corner.
    Tap(u16, u16),
    /// The same, held for the three seconds that the device wants for a signature.
    Hold(u16, u16),
}

/// How far the person has come in a review.
#[derive(Clone)]
pub(super) struct Step {
    model: Model,
    review: Review,
    at: At,
}

#[derive(Clone, Copy)]
enum At {
    Page(usize),
    /// Buttons: the page after the last. Touch: the question whether to reject.
    Reject,
}

impl Step {
    pub(super) fn first(model: Model, review: Review) -> Self {
        Self {
            model,
            review,
            at: At::Page(0),
        }
    }

    pub(super) fn screen(&self) -> Screen {
        let page = match self.at {
            At::Page(page) => self.review.pages.get(page),
            At::Reject => self.review.reject.as_ref(),
        };
        // Every page that one can come to is there.
        page.cloned().unwrap_or_default()
    }

    fn last(&self) -> usize {
        self.review.pages.len().saturating_sub(1)
    }

    /// Where the press leads. `Some` once the person has decided: whether the answer is yes.
    pub(super) fn press(&mut self, press: Press) -> Option<bool> {
        match press {
            Press::Left | Press::Right => self.turn(press == Press::Right),
            Press::Both if self.model.has_buttons() => return self.both(),
            Press::Tap(x, y) => return self.touch(x, y, false),
            Press::Hold(x, y) => return self.touch(x, y, true),
            Press::Both => {}
        }
        None
    }

    fn turn(&mut self, on: bool) {
        let last = self.last();
        self.at = match (self.at, on) {
            (At::Page(page), true) if page < last => At::Page(page + 1),
            (At::Page(_), true) if self.model.has_buttons() => At::Reject,
            (At::Page(page), false) => At::Page(page.saturating_sub(1)),
            (At::Reject, false) if self.model.has_buttons() => At::Page(last),
            (at, _) => at,
        };
    }

    fn both(&self) -> Option<bool> {
        match self.at {
            At::Reject => Some(false),
            At::Page(page) => (page == self.last()).then_some(true),
        }
    }
}

impl Step {
    /// What can be touched on this page. By touch, a message is what asks again before it is rejected.
    fn kind(&self) -> ScreenKind {
        let is_message = self.review.reject.is_some();
        match self.at {
            _ if self.model.has_buttons() => ScreenKind::Other,
            At::Reject => ScreenKind::RejectQuestion,
            At::Page(page) => match (page < self.last(), is_message) {
                (true, true) => ScreenKind::Message,
                (false, true) => ScreenKind::Sign,
                (true, false) => ScreenKind::Address,
                (false, false) => ScreenKind::Confirm,
            },
        }
    }

    fn touch(&mut self, x: u16, y: u16, held: bool) -> Option<bool> {
        match points::target_at(self.model, self.kind(), x, y)? {
            Target::Next => self.turn(true),
            Target::GoBack => self.at = At::Page(0),
            Target::HoldToSign => return held.then_some(true),
            Target::Confirm => return Some(true),
            Target::YesReject | Target::Cancel => return Some(false),
            Target::Reject => self.at = At::Reject,
        }
        None
    }

    /// The press that brings the person one step nearer to this decision.
    pub(super) fn toward(&self, approve: bool) -> Press {
        if self.model.has_buttons() {
            return match (self.at, approve) {
                (At::Page(page), true) if page == self.last() => Press::Both,
                (At::Reject, false) => Press::Both,
                (At::Reject, true) => Press::Left,
                (At::Page(_), _) => Press::Right,
            };
        }
        let target = match (self.kind(), approve) {
            (ScreenKind::RejectQuestion, true) => Target::GoBack,
            (ScreenKind::RejectQuestion, false) => Target::YesReject,
            (ScreenKind::Sign, true) => Target::HoldToSign,
            (ScreenKind::Confirm, true) => Target::Confirm,
            (_, true) => Target::Next,
            (ScreenKind::Message | ScreenKind::Sign, false) => Target::Reject,
            (_, false) => Target::Cancel,
        };
        let (x, y) = points::point(self.model, target).unwrap_or_default();
        match target {
            Target::HoldToSign => Press::Hold(x, y),
            _ => Press::Tap(x, y),
        }
    }

    /// The screens from here to the one on which that decision is made.
    pub(super) fn way_to(&self, approve: bool) -> Vec<Screen> {
        let mut step = self.clone();
        let mut seen = vec![step.screen()];
        while step.press(step.toward(approve)).is_none() {
            seen.push(step.screen());
        }
        seen
    }
}
