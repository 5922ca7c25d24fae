//! The bytes on disk, as `FORMAT.md` specifies them. Nothing here does I/O: bytes in, bytes out,
//! and every decoder is bounded by the bytes that it was given.

pub(crate) mod json;
pub mod laminar_snapshot;
pub mod metadata;
pub mod paths;
pub mod segment;
mod varint;
pub mod wal;

/// The version of the format that this crate writes, and the only one that it reads.
pub const FORMAT_VERSION: u16 = 2;

/// The longest key, in bytes.
pub const KEY_BYTES_MAX: usize = 65_535;

/// The longest value, in bytes: 64 MiB.
pub const VALUE_BYTES_MAX: usize = 64 << 20;
