//! Files of lost checkpoints, beside which a directory was begun.

use crate::format::paths::Name;

/// The files that were there before a directory was begun: those of lost checkpoints, which may be of use still.
/// So maintenance leaves them. A marker remembers them by the highest number and the highest id among them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Remains {
    number: u64,
    id: u64,
}

impl Remains {
    /// Adds what one marker says. There are several if the directory was begun several times.
    pub(crate) fn add(&mut self, number: u64, id: u64) {
        *self = Self { number: self.number.max(number), id: self.id.max(id) };
    }

    /// Tells whether a file was there before the directory was begun, given that no checkpoint names it.
    pub(crate) fn hold(self, name: Name) -> bool {
        match name {
            Name::Segment(_, number, _) | Name::List(number, _) => number <= self.number,
            Name::State(id) | Name::EmptyCheckpoint(id) => id <= self.id,
            _ => false,
        }
    }
}
