//! The engine through its public interface, on directories in memory. One program, so that the engine is compiled once
//! for each kind of directory.

mod begin_beside;
mod beside_writer;
mod bounds;
mod cancelled;
mod compaction;
mod deleting_beside;
mod job;
mod kept;
mod lost_checkpoints;
mod orphaned_wal;
mod other_stores;
mod parts;
mod pausing;
mod polling;
mod serde;
mod stopping;
mod support;
mod torn_listings;
mod uncommitted_files;
mod verify;
mod verify_wal;
mod wal;
