//! The parts of keyed state, without any storage: records, their hashes, the key groups that the hashes
//! choose, and positions in a stream.

pub mod hash;
pub mod key_groups;
pub mod position;
pub mod record;
