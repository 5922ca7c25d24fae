//! The bytes on disk, as `FORMAT.md` specifies them. Nothing here does I/O: encoders return bytes and
//! decoders take bytes. Every decoder is bounded by the bytes that it is given.

pub mod features;
pub mod laminar_snapshot;
mod members;
pub mod metadata;
pub mod paths;
pub mod segment;
pub mod segment_entry;
pub mod segment_list;
mod varint;
pub mod version;
pub mod wal;
