//! The features that the state in memory implements. A checkpoint that requires another one is refused.

use crate::error::IncrementalCheckpointError as Error;
use crate::format::features::{self, RANGES, STORES};
use crate::format::metadata::AlluviumFields;

/// What the state in memory can hold of what the format has.
const HELD: [&str; 2] = [RANGES, STORES];

/// Refuses a checkpoint whose state cannot be held in memory. The error names the feature that is missing.
pub(crate) fn check_features(id: u64, fields: &AlluviumFields) -> Result<(), Error> {
    features::check(&format!("checkpoint {id}"), fields.required_features(), &HELD)
}
