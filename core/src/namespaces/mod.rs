//! The declared namespaces of the live state: each has keyed data of its own.

mod space;
mod spaces;
mod totals;

pub(crate) use crate::namespaces::space::{Space, View};
pub(crate) use crate::namespaces::spaces::{Spaces, Tails};
pub(crate) use crate::namespaces::totals::Totals;

use crate::error::IncrementalCheckpointError as Error;
use crate::model::namespace::DEFAULT_NAMESPACE;
use crate::model::record::Record;
use crate::state::State;

/// Applies records of any namespaces, in their order.
pub(crate) fn apply(state: &mut State, spaces: &mut Spaces, records: &[Record<'_>]) -> Result<(), Error> {
    let is_default = |record: &Record<'_>| record.namespace == DEFAULT_NAMESPACE;
    for alike in records.chunk_by(|a, b| is_default(a) == is_default(b)) {
        if is_default(&alike[0]) {
            state.apply(alike)?;
            continue;
        }
        for record in alike {
            spaces.apply(record, |_| {})?;
        }
    }
    Ok(())
}
