//! Checking the header of a file, and what can be told of a file from its header alone.

use crate::error::IncrementalCheckpointError as Error;
use crate::format::segment::header::{COMMON_BYTES, Header, MAGIC, u32_at, u64_at};
use crate::format::segment::layout::{Chunk, SegmentIdentity};
use crate::format::segment::table::decode_table;
use crate::format::version::FormatVersion;

/// Returns the checksum in a file's own header. A WAL file is checked against it, because no metadata
/// names the file.
pub(crate) fn claimed_checksum(format: FormatVersion, content: &[u8]) -> Option<u64> {
    u64_at(content, format.header_bytes() - 8)
}

/// Returns the writer in a file's own header: that of a WAL file, because no metadata names the file. Format
/// 2 has no writers.
pub(crate) fn claimed_writer(format: FormatVersion, content: &[u8]) -> u64 {
    match format {
        FormatVersion::V2 => 0,
        FormatVersion::V3 => u64_at(content, COMMON_BYTES).unwrap_or_default(),
    }
}

/// Returns the length of the file that a header claims.
pub(crate) fn claimed_bytes(format: FormatVersion, head: &[u8]) -> Option<u32> {
    u32_at(head, format.bound_bytes() + 4)
}

/// Returns whether `content` is only the beginning of a longer file. A write that was cut short leaves
/// that on storages that do not hide it. A flipped bit in the length alone does not count as such. The
/// writer of the file need not be known.
pub(crate) fn is_torn(identity: &SegmentIdentity, content: &[u8]) -> bool {
    let format = identity.format;
    let common = &content[..content.len().min(COMMON_BYTES)];
    if !Header::new(identity, 0, 0).bytes().starts_with(common) {
        return false;
    }
    if content.len() < format.header_bytes() {
        return true;
    }
    let lengths = format.bound_bytes();
    let (Some(count), Some(file_bytes)) = (u32_at(content, lengths), u32_at(content, lengths + 4)) else {
        return false;
    };
    if file_bytes as usize <= content.len() {
        return false;
    }
    let own = SegmentIdentity { writer: claimed_writer(format, content), ..*identity };
    let table_bytes = (count as usize).checked_mul(format.chunk_entry_bytes());
    let table = table_bytes.and_then(|bytes| content.len().checked_sub(bytes)).and_then(|at| content.get(at..));
    let whole_but_for_its_length = table.is_some_and(|table| {
        let header = Header::new(&own, count, content.len() as u32);
        Some(header.checksum_with(table)) == claimed_checksum(format, content)
    });
    !whole_but_for_its_length
}

/// Checks a whole file against its identity and the metadata's checksum, and returns its chunk table.
///
/// The chunks themselves are checked when they are [read](super::read_chunk). The errors are those of
/// [`decode_table`]; a format version that this build does not read is
/// [`Deserialization`](Error::Deserialization).
pub fn decode_file(
    place: &str,
    identity: &SegmentIdentity,
    content: &[u8],
    expected: u64,
) -> Result<Vec<Chunk>, Error> {
    let format = identity.format;
    let short = || Error::corrupt(place, format!("{} bytes are too few for a segment", content.len()));
    let head = content.get(..format.header_bytes()).ok_or_else(short)?;
    if !head.starts_with(MAGIC) {
        return Err(Error::corrupt(place, "not a segment: wrong magic at 0"));
    }
    let version = u16::from_le_bytes([head[8], head[9]]);
    if FormatVersion::of_number(version).is_none() {
        return Err(Error::unknown(place, format!("format version {version} at 8: this build reads 2 and 3")));
    }
    let count = u32_at(head, format.bound_bytes()).ok_or_else(short)?;
    let mut header = Header::new(identity, count, content.len() as u32);
    header.set_checksum(expected);
    let rebuilt = header.bytes();
    if let Some(at) = head.iter().zip(rebuilt).position(|(found, expected)| found != expected) {
        return Err(Error::corrupt(
            place,
            format!("header at {at}: expected {:02x}, found {:02x}", rebuilt[at], head[at]),
        ));
    }
    let table_at = (count as usize)
        .checked_mul(format.chunk_entry_bytes())
        .and_then(|bytes| content.len().checked_sub(bytes))
        .filter(|at| *at >= format.header_bytes())
        .ok_or_else(short)?;
    decode_table(place, identity, &content[table_at..], content.len() as u64, expected)
}
