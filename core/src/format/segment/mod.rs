//! Segments: immutable runs of records, sorted by key hash and cut into checksummed chunks.
//!
//! A file is `header | chunks | chunk table`. The header's checksum covers the header and the table, the
//! table holds the checksum of each chunk, and the metadata repeats the header's checksum. So every byte
//! is covered, and a file that took the place of another one is detected.

mod chunk_reader;
mod head_reader;
mod header;
mod layout;
mod lengths;
mod table;
mod writer;

pub use chunk_reader::read_chunk;
pub(crate) use chunk_reader::{check_chunk, collect_chunk};
pub use head_reader::decode_file;
pub(crate) use head_reader::{claimed_bytes, claimed_checksum, claimed_writer, is_torn};
pub use header::HEADER_BYTES;
pub(crate) use layout::FILE_BYTES;
pub use layout::{Chunk, EncodedSegment, SegmentIdentity, SegmentKind};
pub(crate) use lengths::RECORD_LEAD_BYTES_MAX;
pub use table::{CHUNK_ENTRY_BYTES, decode_table};
pub use writer::encode;
pub(crate) use writer::{Encoder, encode_wal};

#[cfg(test)]
mod tests;
