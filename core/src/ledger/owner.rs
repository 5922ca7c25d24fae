//! Whether a writer still owns its directory.

use crate::error::IncrementalCheckpointError as Error;
use crate::ledger::Ledger;
use crate::ledger::fence::fenced;
use crate::ledger::listing::Listing;

impl Ledger {
    /// Checks by a listing that was just taken that this writer is still the newest. A writer that was superseded must
    /// keep and delete nothing, so it is [`Fenced`](Error::Fenced). The highest id that it had given is `last_id`, or
    /// that of a checkpoint that it has created since.
    pub(crate) fn owned(&self, taken: Result<Listing, Error>, last_id: u64) -> Result<Listing, Error> {
        self.check()?;
        let listing = taken?;
        let superseded = {
            let pages = self.lock();
            let last_id = pages.creating.as_ref().map_or(last_id, |(id, _)| last_id.max(*id));
            listing.superseded(last_id, |checkpoint, sequence| pages.knows(checkpoint, sequence))
        };
        if let Some(left) = superseded {
            let error = fenced(left);
            self.poison(&error);
            return Err(error);
        }
        Ok(listing)
    }
}
