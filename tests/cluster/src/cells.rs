//! The matrix: every input, every storage, and everything that can happen to a generation.

use std::fmt;

use crate::{inputs, storage};

/// What happens to a generation in the middle of its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// One process is killed, and the others must end by themselves.
    KillOne,
    /// All processes are killed at once.
    KillAll,
    /// All processes stand still while another generation takes over, and continue later.
    StopAll,
    /// One process stands still until the others have ended by themselves, and continues beside the next generation.
    StopOne,
    /// All are killed, and the next generation has another number of workers: 1, 2, 3, 4, 1 and so on.
    Rescale,
}

/// All of them.
pub const EVENTS: [Event; 5] = [Event::KillOne, Event::KillAll, Event::StopAll, Event::StopOne, Event::Rescale];

/// One cell of the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// What the job reads.
    pub input: inputs::Kind,
    /// Where it is.
    pub storage: storage::Kind,
    /// What happens to it.
    pub event: Event,
}

/// Returns all cells.
pub fn all() -> Vec<Cell> {
    let inputs = [inputs::Kind::Files, inputs::Kind::JetStream, inputs::Kind::Kafka];
    let storages = [storage::Kind::Native, storage::Kind::Moto];
    let of_input =
        |input| storages.into_iter().flat_map(move |storage| EVENTS.map(|event| Cell { input, storage, event }));
    inputs.into_iter().flat_map(of_input).collect()
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?} {:?}", self.input, self.storage, self.event)
    }
}
