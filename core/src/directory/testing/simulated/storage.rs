//! The state of a simulated directory: what is durable, and which calls fail.

use crate::directory::error::{DirectoryError, DirectoryErrorKind, Operation};
use crate::directory::testing::simulated::nodes::{Change, Node, Nodes, outcome};

/// An error that is planned for a call.
///
/// ```
/// use alluvium_core::directory::{block_on, Directory, DirectoryErrorKind, Fault, SimulatedDirectory};
///
/// let directory = SimulatedDirectory::new(7);
/// directory.inject(Fault { call: 1, kind: DirectoryErrorKind::Io, lasting: false });
/// assert!(block_on(directory.list()).is_ok());
/// assert!(block_on(directory.list()).is_err());
/// assert!(block_on(directory.list()).is_ok());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The number of the call that fails, counted from 0 since the directory was made or [restarted].
    ///
    /// [restarted]: crate::directory::SimulatedDirectory::restart
    pub call: u64,
    /// The kind of error that the caller gets.
    pub kind: DirectoryErrorKind,
    /// Whether every later call of the same operation fails too.
    pub lasting: bool,
}

#[derive(Debug, Default)]
pub(super) struct Storage {
    pub(super) durable: Nodes,
    /// Changes of the call that the crash cut short.
    pub(super) undecided: Vec<Change>,
    pub(super) faults: Vec<Fault>,
    /// Operations that fail from now on.
    pub(super) broken: Vec<(Operation, DirectoryErrorKind)>,
    pub(super) crash_at: Option<u64>,
    pub(super) is_down: bool,
    pub(super) calls: Vec<Operation>,
    pub(super) random: u64,
}

impl Storage {
    /// Returns the next number of the seed's sequence (`SplitMix64`).
    pub(super) fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns random bits. Often all or none of them are set, which chance alone would hardly ever give.
    pub(super) fn draw_some(&mut self) -> u64 {
        match self.draw() % 4 {
            0 => u64::MAX,
            1 => 0,
            _ => self.draw(),
        }
    }

    /// Counts a call that would make `changes`. Returns an error if the call must fail.
    pub(super) fn enter(&mut self, operation: Operation, name: &str, changes: &[Change]) -> Result<(), DirectoryError> {
        let error = |kind, why: &str| DirectoryError::new(kind, operation, name).because(why);
        let call = self.calls.len() as u64;
        self.calls.push(operation);
        if self.is_down {
            return Err(error(DirectoryErrorKind::Io, "the power is gone"));
        }
        if self.crash_at == Some(call) {
            self.is_down = true;
            self.undecided = changes.to_vec();
            return Err(error(DirectoryErrorKind::Io, "the power failed"));
        }
        let broken = self.broken.iter().find(|(broken, _)| *broken == operation).map(|(_, kind)| *kind);
        let planned = self.faults.iter().find(|fault| fault.call == call).copied();
        let Some(kind) = planned.map(|fault| fault.kind).or(broken) else { return Ok(()) };
        if planned.is_some_and(|fault| fault.lasting) {
            self.broken.push((operation, kind));
        }
        // A call that fails because a name is taken or another writer was first has changed nothing.
        if !matches!(kind, DirectoryErrorKind::AlreadyExists | DirectoryErrorKind::Fenced) && !changes.is_empty() {
            let (chosen, leftovers) = (self.draw_some(), self.draw());
            self.durable = outcome(&self.durable, changes, chosen, leftovers);
        }
        Err(error(kind, "as injected"))
    }

    pub(super) fn file(&self, path: &str) -> Result<&Vec<u8>, DirectoryError> {
        let error = |kind| Err(DirectoryError::new(kind, Operation::Read, path));
        match self.durable.get(path) {
            Some(Node::File(content) | Node::Temporary(content)) => Ok(content),
            Some(Node::EmptyDirectory | Node::Other) => error(DirectoryErrorKind::Invalid),
            None => error(DirectoryErrorKind::NotFound),
        }
    }

    /// Returns whether a name is taken, by a file or by the directory of one.
    pub(super) fn is_taken(&self, path: &str) -> bool {
        let below = format!("{path}/");
        self.durable.contains_key(path) && self.durable[path] != Node::EmptyDirectory
            || self.durable.range(below.clone()..).next().is_some_and(|(next, _)| next.starts_with(&below))
    }
}
