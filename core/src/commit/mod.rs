//! One checkpoint on its way: [prepared](prepared) in memory, [encoded](encoded) without a lock, made
//! [durable](durable) in the directory, and finished in the manager.

pub(crate) mod durable;
mod encoded;
pub(crate) mod prepared;
pub(crate) mod statistics;
