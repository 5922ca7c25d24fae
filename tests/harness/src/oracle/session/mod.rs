//! A manager at work on a directory, and the journal of what it was promised meanwhile.

use std::sync::Arc;

use alluvium_core::IncrementalCheckpointError;
use alluvium_core::directory::Directory;

use super::journal::Journal;
use super::subject::{CoreManager, Subject};
use super::workloads::Action;
use crate::Expected;

mod actions;
#[cfg(test)]
mod tests;

/// Why a session stopped.
#[derive(Debug)]
pub enum Stop<E = IncrementalCheckpointError> {
    /// The directory or the manager refused.
    Refused(E),
    /// What came back is not what was promised.
    Violation(String),
}

impl<E> From<E> for Stop<E> {
    fn from(error: E) -> Self {
        Self::Refused(error)
    }
}

/// A manager at work on a directory, and its journal.
pub struct Session<S: Subject> {
    subject: S,
    /// What the live state must be.
    expected: Expected,
    /// What was promised.
    pub journal: Journal,
    steps: u64,
    on_journal: Box<dyn Fn(&Journal)>,
}

impl<D: Directory> Session<CoreManager<D>> {
    /// Core's manager over a directory of which `journal` is known; the first action opens it.
    pub fn new(directory: Arc<D>, journal: Journal) -> Self {
        Self::over(CoreManager::new(directory, journal.retained), journal)
    }
}

impl<S: Subject> Session<S> {
    /// A subject over a directory of which `journal` is known; the first action opens it.
    pub fn over(subject: S, journal: Journal) -> Self {
        Self { subject, expected: Expected::default(), journal, steps: 0, on_journal: Box::new(|_| {}) }
    }

    /// Calls `note` whenever a promise is made or given back.
    #[must_use]
    pub fn on_journal(mut self, note: impl Fn(&Journal) + 'static) -> Self {
        self.on_journal = Box::new(note);
        self
    }

    fn promise(&mut self, change: impl FnOnce(&mut Journal)) {
        change(&mut self.journal);
        (self.on_journal)(&self.journal);
    }

    /// Opens, and compares what came back with the journal. From then on only that may come back.
    pub fn open(&mut self) -> Result<(), Stop<S::Error>> {
        let opened = self.try_open();
        if opened.is_err() {
            self.subject.close();
        }
        opened
    }

    fn try_open(&mut self) -> Result<(), Stop<S::Error>> {
        self.subject.open()?;
        let found = self.subject.content();
        if !self.journal.acceptable.contains(&found) {
            let expected = &self.journal.acceptable;
            return Err(Stop::Violation(format!("came back with {found:?}\n  but was promised one of {expected:?}")));
        }
        let newest = self.subject.latest()?;
        if let Some(id) = newest {
            self.counts(id)?;
        }
        self.promise(|journal| {
            journal.acknowledge(&found);
            // The WAL after this checkpoint may hold more than what was acknowledged. Deleting newer
            // checkpoints leads back to it.
            if let Some(id) = newest.filter(|id| journal.kept.get(id) != Some(&found)) {
                journal.tails.entry(id).or_default().push(found.clone());
            }
        });
        self.expected = found;
        Ok(())
    }

    /// A checkpoint is there. Whether it was acknowledged or not, it counts for retention from now on.
    pub fn counts(&mut self, id: u64) -> Result<(), Stop<S::Error>> {
        if !self.journal.kept.contains_key(&id) {
            let content = self.subject.content_of(id)?;
            self.promise(|journal| {
                journal.kept.insert(id, content);
                journal.keep(journal.retained);
            });
        }
        Ok(())
    }

    fn opened(&mut self) -> Result<&mut S, Stop<S::Error>> {
        if !self.subject.is_open() {
            self.open()?;
        }
        Ok(&mut self.subject)
    }

    /// Returns what is at work.
    pub fn subject(&mut self) -> &mut S {
        &mut self.subject
    }

    /// Closes the manager, as when the process exits.
    pub fn close(&mut self) {
        self.subject.close();
    }

    /// Runs one action.
    pub fn act(&mut self, action: Action) -> Result<(), Stop<S::Error>> {
        self.opened()?;
        self.steps += 1;
        match action {
            Action::Put => self.put(),
            Action::Delete => self.delete(),
            Action::Checkpoint => self.checkpoint(None),
            Action::Opaque => self.checkpoint(Some(b"opaque, and the caller's own")),
            Action::Cleanup => self.cleanup(),
            Action::DeleteCheckpoint => self.delete_checkpoint(),
            Action::Restore => self.restore(),
            Action::Reopen => self.open(),
            Action::Import => self.import(),
            Action::Flush => self.flush(),
        }
    }

    /// Holds the live state to the model, and every kept checkpoint to what it must hold.
    pub fn check(&mut self) -> Result<(), Stop<S::Error>> {
        // The position is the newest checkpoint's: puts since then do not move it.
        let live = self.opened()?.content().state;
        if live != self.expected.state {
            return Err(Stop::Violation(format!("the live state is {live:?}, not {:?}", self.expected.state)));
        }
        for (id, expected) in &self.journal.kept {
            let found = match self.subject.content_of(*id) {
                Ok(found) => found,
                Err(error) if self.subject.is_trouble_of_the_directory(&error) => return Err(Stop::Refused(error)),
                Err(error) => return Err(Stop::Violation(format!("kept checkpoint {id}: {error:?}"))),
            };
            if found != *expected {
                return Err(Stop::Violation(format!("kept checkpoint {id} holds {found:?}, not {expected:?}")));
            }
        }
        Ok(())
    }
}
