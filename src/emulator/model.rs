//! The Ledger models that the emulator can be.
//!
//! A model decides what the screen shows and how one answers: with two buttons, or by touch.

use std::fmt;
use std::str::FromStr;

/// A Ledger model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Model {
    /// Ledger Nano S Plus, `nanosp`.
    NanoSPlus,
    /// Ledger Nano X, `nanox`.
    NanoX,
    /// Ledger Stax, `stax`.
    Stax,
    /// Ledger Flex, `flex`.
    Flex,
    /// Ledger Nano Gen5, `apex_p`.
    ApexP,
}

impl Model {
    /// All models.
    pub const ALL: [Self; 5] = [Self::NanoSPlus, Self::NanoX, Self::Stax, Self::Flex, Self::ApexP];

    /// The name under which the model is sold.
    pub fn name(self) -> &'static str {
        match self {
            Self::NanoSPlus => "Ledger Nano S Plus",
            Self::NanoX => "Ledger Nano X",
            Self::Stax => "Ledger Stax",
            Self::Flex => "Ledger Flex",
            Self::ApexP => "Ledger Nano Gen5",
        }
    }

    /// The short name, as Ledger's emulator Speculos has it.
    pub fn short_name(self) -> &'static str {
        match self {
            Self::NanoSPlus => "nanosp",
            Self::NanoX => "nanox",
            Self::Stax => "stax",
            Self::Flex => "flex",
            Self::ApexP => "apex_p",
        }
    }

    /// Whether one answers with two buttons; otherwise by touch.
    pub fn has_buttons(self) -> bool {
        matches!(self, Self::NanoSPlus | Self::NanoX)
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.short_name())
    }
}

/// The text is not the short name of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownModel;

impl fmt::Display for UnknownModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a Ledger model; the models are")?;
        let mut before = " ";
        for model in Model::ALL {
            write!(f, "{before}{model}")?;
            before = ", ";
        }
        Ok(())
    }
}

impl std::error::Error for UnknownModel {}

impl FromStr for Model {
    type Err = UnknownModel;

    fn from_str(text: &str) -> Result<Self, UnknownModel> {
        Self::ALL
            .into_iter()
            .find(|model| model.short_name() == text)
            .ok_or(UnknownModel)
    }
}

#[cfg(test)]
mod tests {
    use super::{Model, UnknownModel};

    #[test]
    fn short_names_are_read_back() {
        for model in Model::ALL {
            assert_eq!(model.to_string().parse(), Ok(model));
        }
        for wrong in ["", "nanos", "Stax", "stax ", "Ledger Stax"] {
            assert_eq!(wrong.parse::<Model>(), Err(UnknownModel));
        }
        assert_eq!(UnknownModel.to_string(), "not a Ledger model; the models are nanosp, nanox, stax, flex, apex_p");
    }
}
