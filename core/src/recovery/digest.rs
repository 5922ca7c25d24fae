//! Proves that a recovered state is the one that was checkpointed.

use crate::error::IncrementalCheckpointError as Error;
use crate::namespaces::Totals;

/// Checks that the state is the one that was checkpointed: its number of keys, their bytes and the digest.
/// This finds a delta that was lost or applied twice, which the checksums of the files cannot find.
pub(crate) fn check_state(place: &str, expected: Totals, found: Totals) -> Result<(), Error> {
    if (found.keys, found.bytes) != (expected.keys, expected.bytes) {
        let what = format!(
            "{} keys of {} bytes recovered, {} keys of {} bytes expected",
            found.keys, found.bytes, expected.keys, expected.bytes
        );
        return Err(Error::corrupt(place, what));
    }
    if found.digest != expected.digest {
        let what = format!("state digest: expected {:016x}, found {:016x}", expected.digest, found.digest);
        return Err(Error::corrupt(place, what));
    }
    Ok(())
}
