//! The features that a reader must implement to read a checkpoint. Metadata names them, so that a reader
//! that lacks one refuses the checkpoint and says which.

use crate::error::IncrementalCheckpointError as Error;

/// Some entries expire.
pub const EXPIRY: &str = "expiry";
/// The state has other namespaces beside the default one.
pub const NAMESPACES: &str = "namespaces";
/// The directory owns only a range of hashes, or only a range of a segment counts.
pub const RANGES: &str = "ranges";
/// Some segments are in other directories.
pub const STORES: &str = "stores";
/// Some namespaces hold timers.
pub const TIMERS: &str = "timers";

/// The features whose bytes this crate understands, in order of their names.
pub(crate) const KNOWN: [&str; 5] = [EXPIRY, NAMESPACES, RANGES, STORES, TIMERS];

/// Refuses a checkpoint that requires a feature which is not among `implemented`. The error names the
/// feature.
pub(crate) fn check<'f>(
    place: &str,
    required: impl IntoIterator<Item = &'f str>,
    implemented: &[&str],
) -> Result<(), Error> {
    match required.into_iter().find(|feature| !implemented.contains(feature)) {
        Some(missing) => Err(Error::unknown(
            place,
            format!("requires the feature {missing:?}, which this version does not implement"),
        )),
        None => Ok(()),
    }
}
