//! Segments: immutable runs of records, sorted by key hash and cut into checksummed chunks.
//!
//! A file is `header | chunks | chunk table`. The header's checksum covers the header and the table, the
//! table holds the checksum of each chunk, and the metadata repeats the header's checksum. So every byte
//! is covered, and a file that took the place of another one is detected.

mod chunk_reader;
mod head_reader;
mod layout;
mod lengths;
mod writer;

pub use chunk_reader::read_chunk;
pub(crate) use chunk_reader::{check_chunk, collect_chunk};
pub(crate) use head_reader::{claimed_checksum, is_torn};
pub use head_reader::{decode_file, decode_table};
pub(crate) use layout::FILE_BYTES;
pub use layout::{CHUNK_ENTRY_BYTES, Chunk, EncodedSegment, HEADER_BYTES, SegmentIdentity, SegmentKind};
pub use writer::encode;
pub(crate) use writer::encode_wal;

#[cfg(test)]
mod tests;
