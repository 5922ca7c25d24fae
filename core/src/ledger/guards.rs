//! What the ledger must learn when a future is dropped in the middle of its work.

use std::sync::Arc;

use crate::error::IncrementalCheckpointError as Error;
use crate::ledger::Ledger;
use crate::ledger::replacement::Replacement;

/// A change of the directory whose outcome is unknown until [`known`](Self::known) is called. If it is dropped before,
/// because the future that makes the change was dropped, this writer may not write on.
#[derive(Debug)]
pub(crate) struct UnknownOutcome {
    ledger: Arc<Ledger>,
    /// What to say if it is dropped.
    cancelled: Option<String>,
}

impl UnknownOutcome {
    /// Begins a change of the directory. If the future that makes it is dropped, all later work is refused, and
    /// `cancelled` says why.
    pub(crate) fn of(ledger: &Arc<Ledger>, cancelled: String) -> Self {
        Self { ledger: ledger.clone(), cancelled: Some(cancelled) }
    }

    /// Ends the doubt. After an error it is still unknown what is on disk.
    pub(crate) fn known(mut self, error: Option<&Error>) {
        self.cancelled = None;
        if let Some(error) = error {
            self.ledger.poison(error);
        }
    }
}

impl Drop for UnknownOutcome {
    fn drop(&mut self) {
        if let Some(cancelled) = self.cancelled.take() {
            self.ledger.poison(&Error::Poisoned(cancelled));
        }
    }
}

/// A restore. No checkpoint that is restored is deleted until this is dropped.
#[derive(Debug)]
pub(crate) struct Restoring(Arc<Ledger>);

impl Restoring {
    /// Begins to restore checkpoint `id`, unless it is being deleted.
    pub(crate) fn begin(ledger: &Arc<Ledger>, id: u64) -> Result<Self, Error> {
        let mut pages = ledger.lock();
        if pages.going.contains(&id) {
            return Err(Error::NotFound(format!("checkpoint {id} is being deleted, so it cannot be restored")));
        }
        pages.restoring = Some(id);
        drop(pages);
        Ok(Self(ledger.clone()))
    }
}

impl Drop for Restoring {
    fn drop(&mut self) {
        self.0.lock().restoring = None;
    }
}

/// A checkpoint that the caller wants to be deleted. Until this is dropped, it can be neither kept nor restored.
#[derive(Debug)]
pub(crate) struct Going {
    ledger: Arc<Ledger>,
    id: u64,
}

impl Going {
    /// Begins to delete checkpoint `id`, unless it is kept or being restored.
    pub(crate) fn begin(ledger: &Arc<Ledger>, id: u64) -> Result<Self, Error> {
        let mut pages = ledger.lock();
        if pages.standing.kept.contains(&id) {
            return Err(Error::InvalidInput(format!("checkpoint {id} is kept: release it before you delete it")));
        }
        if pages.restoring == Some(id) {
            return Err(Error::InvalidInput(format!("checkpoint {id} is being restored: delete it afterwards")));
        }
        pages.going.insert(id);
        drop(pages);
        Ok(Self { ledger: ledger.clone(), id })
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        self.ledger.lock().going.remove(&self.id);
    }
}

/// A replacement whose files are being created. If that is cut short, no metadata will name them.
pub(crate) struct Uncommitted<'a> {
    ledger: &'a Ledger,
    replacement: Option<Replacement>,
}

impl<'a> Uncommitted<'a> {
    /// Notes the files in the ledger.
    pub(crate) fn note(ledger: &'a Ledger, replacement: Replacement) -> Self {
        ledger.lock().uncommitted_files.extend(replacement.paths());
        Self { ledger, replacement: Some(replacement) }
    }

    /// Returns the replacement, when it is known what became of its files.
    pub(crate) fn known(mut self) -> Replacement {
        self.replacement.take().expect("it is known once")
    }
}

impl Drop for Uncommitted<'_> {
    fn drop(&mut self) {
        if let Some(replacement) = &self.replacement {
            self.ledger.lock().forget_uncommitted(replacement);
        }
    }
}
