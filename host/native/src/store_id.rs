//! The numbers that are drawn at random: the identity of a new directory, and that of a writer.

use std::io;

/// Draws an id that no other directory has.
pub(crate) fn random() -> Result<[u8; 16], io::Error> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(io::Error::other)?;
    Ok(id)
}

/// Draws a number that no other writer has. It is never 0, which stands for a writer without a number.
pub(crate) fn random_writer() -> Result<u64, io::Error> {
    let mut writer = [0; 8];
    getrandom::fill(&mut writer).map_err(io::Error::other)?;
    Ok(u64::from_le_bytes(writer).max(1))
}
