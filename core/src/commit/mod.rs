//! The steps of one checkpoint. It is [prepared](prepared) in memory, [encoded](encoded) without a lock,
//! made [durable](durable) in the directory, and then finished in the manager.

pub(crate) mod durable;
mod encoded;
pub(crate) mod prepared;
pub(crate) mod statistics;
