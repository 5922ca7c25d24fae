//! The features that the state in memory implements. A checkpoint that requires another one is refused.

use crate::error::IncrementalCheckpointError as Error;
use crate::format::features;
use crate::format::metadata::AlluviumFields;
use crate::model::namespace::KEPT_ID_MAX;

/// Refuses a checkpoint whose state cannot be held in memory. The error names the feature that is missing.
pub(crate) fn check_features(id: u64, fields: &AlluviumFields) -> Result<(), Error> {
    let place = format!("checkpoint {id}");
    features::check(&place, fields.required_features(), &features::KNOWN)?;
    match fields.namespaces.iter().last() {
        Some(last) if last.id > KEPT_ID_MAX => {
            let what = format!("namespace {} ({:?}): this version keeps ids up to {KEPT_ID_MAX}", last.id, last.name);
            Err(Error::unknown(place, what))
        }
        _ => Ok(()),
    }
}
