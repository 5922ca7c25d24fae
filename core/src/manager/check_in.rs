//! Checks a batch for a declared namespace as a whole, before any part of it is applied.

use rustc_hash::FxHashMap;

use crate::changelog::batch::{Columns, Operation};
use crate::error::IncrementalCheckpointError as Error;
use crate::manager::types::IncrementalCheckpointManager;
use crate::model::expiry::EXPIRY_BYTES;
use crate::model::namespace::NamespaceKind;
use crate::model::record::check_lengths;
use crate::state::out_of_addresses;

impl<D> IncrementalCheckpointManager<D> {
    /// Checks that all of a batch can be applied to a declared namespace.
    pub(super) fn check_batch_in(&mut self, namespace: u32, batch: &Columns<'_>) -> Result<(), Error> {
        let space = self.live.spaces.get(namespace)?;
        let declaration = space.declaration();
        let lead = if declaration.expires.is_some() { EXPIRY_BYTES } else { 0 };
        let holds_timers = matches!(declaration.kind, NamespaceKind::Timers(_));
        // What a merge finds depends on what the batch did before: the most bytes that each key may have by then.
        let mut lens: FxHashMap<&[u8], Option<usize>> = FxHashMap::default();
        let mut merged_bytes = 0;
        for (at, (operation, key, value)) in batch.operations()?.enumerate() {
            let invalid = |what: &str| Error::InvalidInput(format!("namespace {namespace}: record {at}: {what}"));
            let hash = space.place(key, (holds_timers && operation == Operation::Put).then_some(value))?;
            self.live.check_owned(hash, key)?;
            let Some(operator) = declaration.merge else {
                if operation == Operation::Merge {
                    return Err(invalid("a merge, but the namespace does not declare how"));
                }
                check_lengths(key.len(), value.len() + lead)?;
                continue;
            };
            let mut bytes = value.len();
            if operation != Operation::Delete {
                operator.check(value).map_err(invalid)?;
            }
            if operation == Operation::Merge {
                let before = if let Some(before) = lens.get(key) {
                    *before
                } else {
                    let before = space.get(key, &self.live.position);
                    before.map_or(Ok(()), |before| operator.check(before)).map_err(invalid)?;
                    before.map(<[u8]>::len)
                };
                bytes = before.map_or(bytes, |before| operator.bytes_max(before, bytes));
                merged_bytes += bytes;
            }
            check_lengths(key.len(), bytes + lead)?;
            lens.insert(key, (operation != Operation::Delete).then_some(bytes));
        }
        space.state().growth_for(b"", &[]).ok_or_else(out_of_addresses)?;
        let Some(limit) = self.config.memory_limit_bytes else { return Ok(()) };
        self.check_limit(limit, batch.memory_max() + 2 * merged_bytes)
    }
}
