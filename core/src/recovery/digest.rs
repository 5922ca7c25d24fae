//! Proves that a recovered state is the one that was checkpointed.

use crate::error::IncrementalCheckpointError as Error;
use crate::state::State;

/// Checks that the state is the one that was checkpointed: its number of keys, their bytes and the digest.
/// This finds a delta that was lost or applied twice, which the checksums of the files cannot find.
pub(crate) fn check_state(place: &str, keys: u64, bytes: u64, digest: u64, state: &State) -> Result<(), Error> {
    let (found_keys, found_bytes) = (state.len() as u64, state.payload_bytes());
    if (found_keys, found_bytes) != (keys, bytes) {
        let what = format!("{found_keys} keys of {found_bytes} bytes recovered, {keys} keys of {bytes} bytes expected");
        return Err(Error::corrupt(place, what));
    }
    if state.digest() != digest {
        let what = format!("state digest: expected {digest:016x}, found {:016x}", state.digest());
        return Err(Error::corrupt(place, what));
    }
    Ok(())
}
