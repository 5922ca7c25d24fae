//! How far a partition was read.

use std::fmt;

use crate::opaque::{Opaque, Shown};

/// A position in a partition: between two records.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Position {
    /// A number that only grows, as the number of records before it.
    Offset(u64),
    /// What the source alone can read.
    Opaque(Opaque),
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offset(offset) => write!(f, "{offset}"),
            Self::Opaque(token) => Shown(token).fmt(f),
        }
    }
}
