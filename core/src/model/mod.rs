//! The parts of keyed state, without any storage: records, their hashes, the key groups that the hashes
//! choose, the namespaces that they belong to, and positions in a stream.

pub mod expiry;
pub mod hash;
pub mod hash_range;
pub(crate) mod hex_digits;
pub mod key_groups;
mod merge;
pub mod namespace;
pub mod opaque;
pub mod position;
pub mod record;
pub mod set;
pub mod source_position;
pub mod stop;
pub mod timer;
pub(crate) mod wanted;
#[doc(hidden)]
pub mod work;
