//! Segments: immutable runs of records, sorted by key hash, cut into checksummed chunks.
//!
//! A file is `header | chunks | chunk table`. The header's checksum covers header and table, the
//! table holds each chunk's checksum, and the metadata repeats the header's: so every byte is
//! covered, and a file that took another one's place is found out.

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
