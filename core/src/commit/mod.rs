//! The steps of one checkpoint. It is [prepared](prepared) in memory, [encoded](encoded) without a lock,
//! made [durable](durable) in the directory, and then finished in the manager. Until its first file is created, it
//! can be dropped: what it [holds](held) goes back.

pub(crate) mod durable;
mod encoded;
pub(crate) mod held;
pub(crate) mod held_wal;
pub(crate) mod in_flight;
pub(crate) mod prepared;
mod queue;
pub(crate) mod statistics;
