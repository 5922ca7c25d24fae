//! The live state: keyed records in an arena, found through one hash table for each key group.

mod append;
mod apply;
mod arena;
mod cleaning;
mod deleting;
mod huge_pages;
mod iterate;
mod key_order;
mod keyed_state;
mod order;
mod ordering;
mod pinning;
mod record_header;
mod sequence;
mod short_keys;
mod sought;
mod table;
mod walk;
mod walking;

pub(crate) use append::Tail;
pub(crate) use apply::WARM_BLOCK;
pub use keyed_state::State;
pub(crate) use keyed_state::out_of_addresses;
pub(crate) use ordering::Scan;
pub use walk::{Page, Walk};

#[cfg(test)]
mod tests;
