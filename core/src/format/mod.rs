//! The bytes on disk, as `FORMAT.md` specifies them. Nothing here does I/O: encoders return bytes and
//! decoders take bytes. Every decoder is bounded by the bytes that it is given.

mod hex_digits;
pub mod laminar_snapshot;
pub mod metadata;
mod metadata_json;
pub mod paths;
pub mod segment;
pub mod segment_entry;
mod varint;
pub mod wal;

/// The version of the format that this crate writes, and the only one that it reads.
pub const FORMAT_VERSION: u16 = 2;
