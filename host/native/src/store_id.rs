//! The identity of a new directory.

use std::io;

/// Draws an id that no other directory has.
pub(crate) fn random() -> Result<[u8; 16], io::Error> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(io::Error::other)?;
    Ok(id)
}
