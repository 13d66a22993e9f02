//! Where one taps on the models with a touch screen.
//!
//! Points are pixels from the upper left corner. Those of the Stax and the Nano Gen5 are the ones that were tapped in
//! recordings of the Ethereum app 1.22.0; [`Target::GoBack`] was never tapped, its point is the middle of the footer.
//! The Flex has no recording: its points are those of the Stax in proportion. A tap counts if it falls into a rectangle
//! around a point; the rectangles are simpler than the device's own.

use super::model::Model;

/// Something to tap or hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Target {
    /// To the next page of a review.
    Next,
    /// "Reject", at the foot of every page of a message review.
    Reject,
    /// "Yes, reject", after [`Target::Reject`].
    YesReject,
    /// "Go back to message", after [`Target::Reject`].
    GoBack,
    /// "Hold to sign", to be held and not only tapped.
    HoldToSign,
    /// "Confirm", on the last page of an address review; also "Open".
    Confirm,
    /// "Cancel", at the foot of every page of an address review.
    Cancel,
}

/// A kind of screen, by what one can tap on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum ScreenKind {
    /// A page of a message review but the last.
    Message,
    /// The last page of a message review.
    Sign,
    /// The question "Reject message?".
    RejectQuestion,
    /// A page of an address review but the last.
    Address,
    /// The last page of an address review, or the question whether to open an app.
    Confirm,
    /// Any other screen, on which nothing can be tapped.
    Other,
}

impl ScreenKind {
    /// What can be tapped on such a screen.
    pub(super) fn targets(self) -> &'static [Target] {
        match self {
            Self::Message => &[Target::Next, Target::Reject],
            Self::Sign => &[Target::HoldToSign, Target::Reject],
            Self::RejectQuestion => &[Target::YesReject, Target::GoBack],
            Self::Address => &[Target::Next, Target::Cancel],
            Self::Confirm => &[Target::Confirm, Target::Cancel],
            Self::Other => &[],
        }
    }
}

/// The width and height of `model`'s screen in pixels.
pub(super) fn screen_size(model: Model) -> (u16, u16) {
    match model {
        Model::NanoSPlus | Model::NanoX => (128, 64),
        Model::Stax => (400, 672),
        Model::Flex => (480, 600),
        Model::ApexP => (300, 400),
    }
}

/// Where to tap for `target`; `None` on a model with buttons.
pub(super) fn point(model: Model, target: Target) -> Option<(u16, u16)> {
    match model {
        Model::NanoSPlus | Model::NanoX => None,
        Model::Stax => Some(stax_point(target)),
        Model::Flex => Some(match target {
            Target::Next => (432, 554),
            Target::Reject => (72, 554),
            Target::YesReject => (240, 488),
            Target::GoBack => (240, 559),
            Target::HoldToSign => (408, 487),
            Target::Confirm => (295, 466),
            Target::Cancel => (96, 561),
        }),
        Model::ApexP => Some(match target {
            Target::Next => (270, 372),
            Target::Reject => (50, 372),
            Target::YesReject => (150, 312),
            Target::GoBack => (150, 372),
            Target::HoldToSign => (265, 290),
            Target::Confirm => (180, 296),
            Target::Cancel => (59, 370),
        }),
    }
}

/// The points on the Stax.
fn stax_point(target: Target) -> (u16, u16) {
    match target {
        Target::Next => (360, 620),
        Target::Reject => (60, 620),
        Target::YesReject => (200, 546),
        Target::GoBack => (200, 626),
        Target::HoldToSign => (340, 545),
        Target::Confirm => (246, 522),
        Target::Cancel => (80, 628),
    }
}

/// What a tap at (`x`, `y`) means on a screen of this kind; `None` if nothing, and always on a model with buttons.
pub(super) fn target_at(model: Model, kind: ScreenKind, x: u16, y: u16) -> Option<Target> {
    let (width, height) = screen_size(model);
    if x >= width || y >= height {
        return None;
    }
    kind.targets().iter().copied().find(|&target| hit(model, target, x, y))
}

/// Whether (`x`, `y`) is in the rectangle around the point of `target`.
fn hit(model: Model, target: Target, x: u16, y: u16) -> bool {
    let (width, height) = screen_size(model);
    point(model, target).is_some_and(|(point_x, point_y)| {
        let in_column = match target {
            Target::Next | Target::Reject | Target::Cancel => x.abs_diff(point_x) <= width / 6,
            // A big button takes the whole width.
            Target::YesReject | Target::GoBack | Target::HoldToSign | Target::Confirm => true,
        };
        in_column && y.abs_diff(point_y) <= height / 20
    })
}

#[cfg(test)]
mod tests {
    use super::{Model, ScreenKind, Target, hit, point, screen_size, target_at};

    const KINDS: [ScreenKind; 6] = [
        ScreenKind::Message,
        ScreenKind::Sign,
        ScreenKind::RejectQuestion,
        ScreenKind::Address,
        ScreenKind::Confirm,
        ScreenKind::Other,
    ];

    #[test]
    fn each_point_means_its_target() {
        for model in Model::ALL {
            for kind in KINDS {
                for &target in kind.targets() {
                    if let Some((x, y)) = point(model, target) {
                        assert_eq!(target_at(model, kind, x, y), Some(target), "{model} {kind:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_tap_means_one_thing_at_most() {
        for model in [Model::Stax, Model::Flex, Model::ApexP] {
            let (width, height) = screen_size(model);
            for kind in KINDS {
                for (x, y) in (0..width).step_by(5).flat_map(|x| (0..height).map(move |y| (x, y))) {
                    let hits = kind.targets().iter().filter(|&&target| hit(model, target, x, y));
                    assert!(hits.count() < 2, "{model} {kind:?} {x} {y}");
                }
            }
        }
    }

    #[test]
    fn elsewhere_a_tap_means_nothing() {
        assert_eq!(target_at(Model::Stax, ScreenKind::Message, 200, 100), None);
        assert_eq!(target_at(Model::Stax, ScreenKind::Message, 400, 620), None);
        assert_eq!(target_at(Model::Stax, ScreenKind::Other, 360, 620), None);
        assert_eq!(target_at(Model::NanoX, ScreenKind::Message, 10, 10), None);
        assert_eq!(point(Model::NanoSPlus, Target::Next), None);
    }
}
