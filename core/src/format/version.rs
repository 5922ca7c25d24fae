//! The versions of the format that this crate reads.

/// A version of the format. This crate writes the newest one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FormatVersion {
    /// Version 2, which is only read.
    V2,
    /// Version 3.
    #[default]
    V3,
}

impl FormatVersion {
    /// Returns the version as a number.
    pub fn number(self) -> u16 {
        match self {
            Self::V2 => 2,
            Self::V3 => 3,
        }
    }

    /// Returns the version with this number, or `None` if this crate does not read it.
    pub fn of_number(number: u16) -> Option<Self> {
        [Self::V2, Self::V3].into_iter().find(|version| version.number() == number)
    }

    /// Returns the version that the metadata of a checkpoint has in this version of the format.
    pub(crate) fn of_metadata(self) -> u64 {
        match self {
            Self::V2 => 1,
            Self::V3 => 3,
        }
    }

    /// Returns the version of the format whose metadata has this version.
    pub(crate) fn with_metadata(version: u64) -> Option<Self> {
        [Self::V2, Self::V3].into_iter().find(|format| format.of_metadata() == version)
    }
}
