//! What is to go wrong, and what was asked so far.

use std::collections::BTreeMap;
use std::fmt;

use alluvium_core::directory::{DirectoryError, DirectoryErrorKind, Operation};

/// One failure to come.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// The operation that fails.
    pub on: Operation,
    /// How many calls of it still succeed.
    pub after: usize,
    /// How many of the failing call's files are created or deleted all the same.
    pub done: usize,
    /// What the caller is told.
    pub kind: DirectoryErrorKind,
    /// Whether everything fails from then on, as after a crash.
    pub lasting: bool,
}

impl Fault {
    /// The process dies in the `after + 1`th call of `on`, with `done` files of it done.
    pub fn crash(on: Operation, after: usize, done: usize) -> Self {
        Self { on, after, done, kind: DirectoryErrorKind::Io, lasting: true }
    }

    /// One call of `on` fails without any effect; the next one works.
    pub fn once(on: Operation, kind: DirectoryErrorKind) -> Self {
        Self { on, after: 0, done: 0, kind, lasting: false }
    }
}

/// Calls of each operation so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calls {
    /// Calls by the operation's name.
    pub count: BTreeMap<String, usize>,
    /// Bytes that were read.
    pub bytes_read: u64,
    /// Whether a commit was begun: the creation of metadata or of a WAL file.
    pub began_commit: bool,
}

impl Calls {
    /// Returns how often `operation` was called.
    pub fn of(&self, operation: Operation) -> usize {
        self.count.get(&operation.to_string()).copied().unwrap_or_default()
    }

    /// Returns how often anything was called.
    pub fn all(&self) -> usize {
        self.count.values().sum()
    }
}

/// Something that happens between two calls.
type Interruption = Box<dyn FnOnce() + Send>;

#[derive(Default)]
pub(super) struct Plan {
    pub(super) fault: Option<Fault>,
    /// What happens, and before how many calls from now.
    pub(super) interruption: Option<(u64, Interruption)>,
    pub(super) crashed: bool,
    pub(super) calls: Calls,
}

impl fmt::Debug for Plan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calls_left = self.interruption.as_ref().map(|(calls, _)| calls);
        formatter
            .debug_struct("Plan")
            .field("fault", &self.fault)
            .field("interruption_after", &calls_left)
            .field("crashed", &self.crashed)
            .field("calls", &self.calls)
            .finish()
    }
}

impl Plan {
    /// Takes the interruption if it is due before the call that begins now.
    pub(super) fn due_interruption(&mut self) -> Option<Interruption> {
        let (calls, _) = self.interruption.as_mut()?;
        if *calls > 0 {
            *calls -= 1;
            return None;
        }
        self.interruption.take().map(|(_, happen)| happen)
    }

    /// Counts a call; `Some` when it has to fail, with how many of its files are done all the same.
    pub(super) fn enter(&mut self, operation: Operation, name: &str) -> Option<(usize, DirectoryError)> {
        *self.calls.count.entry(operation.to_string()).or_default() += 1;
        let failure = |kind| DirectoryError::new(kind, operation, name).because("as planned by the test");
        if self.crashed {
            return Some((0, failure(DirectoryErrorKind::Io)));
        }
        let fault = self.fault.as_mut().filter(|fault| fault.on == operation)?;
        if fault.after > 0 {
            fault.after -= 1;
            return None;
        }
        let fault = *fault;
        self.fault = None;
        self.crashed = fault.lasting;
        Some((fault.done, failure(fault.kind)))
    }
}
