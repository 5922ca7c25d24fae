//! The chunk table of a segment, in both versions of the format.

use crate::error::IncrementalCheckpointError as Error;
use crate::format::segment::header::Header;
use crate::format::segment::layout::{Chunk, SegmentIdentity, SegmentKind};
use crate::format::varint::Cursor;
use crate::format::version::FormatVersion;
use crate::model::key_groups::KEY_GROUPS;

/// The length of one entry of the chunk table in bytes.
pub const CHUNK_ENTRY_BYTES: usize = 40;

/// The flag of a chunk whose records say which namespace they belong to.
const NAMESPACED: u32 = 1;

impl FormatVersion {
    /// Returns the length of one entry of a segment's chunk table in bytes.
    pub fn chunk_entry_bytes(self) -> usize {
        match self {
            Self::V2 => 24,
            Self::V3 => CHUNK_ENTRY_BYTES,
        }
    }
}

/// Appends the entry of a chunk to the table.
pub(super) fn push_entry(table: &mut Vec<u8>, chunk: &Chunk) {
    table.extend_from_slice(&chunk.bytes.to_le_bytes());
    table.extend_from_slice(&chunk.records.to_le_bytes());
    table.extend_from_slice(&chunk.tombstones.to_le_bytes());
    let flags = if chunk.is_namespaced { NAMESPACED } else { 0 };
    table.extend_from_slice(&flags.to_le_bytes());
    table.extend_from_slice(&chunk.first_hash.to_le_bytes());
    table.extend_from_slice(&chunk.last_hash.to_le_bytes());
    table.extend_from_slice(&chunk.checksum.to_le_bytes());
}

/// Why an entry of the table cannot be read.
enum Wrong {
    /// It is cut short, or contradicts itself.
    Contradicts,
    /// It has flags that this version does not know.
    Flags(u32),
}

fn read_entry(cursor: &mut Cursor<'_>, format: FormatVersion) -> Result<Chunk, Wrong> {
    let short = || Wrong::Contradicts;
    let mut chunk = Chunk {
        bytes: cursor.u32().ok_or_else(short)?,
        records: cursor.u32().ok_or_else(short)?,
        tombstones: cursor.u32().ok_or_else(short)?,
        ..Chunk::default()
    };
    match format {
        FormatVersion::V2 => {
            let (first, last) = (cursor.u16().ok_or_else(short)?, cursor.u16().ok_or_else(short)?);
            if first > last || last >= KEY_GROUPS {
                return Err(Wrong::Contradicts);
            }
            chunk.set_groups(first, last);
        }
        FormatVersion::V3 => {
            let flags = cursor.u32().ok_or_else(short)?;
            if flags & !NAMESPACED != 0 {
                return Err(Wrong::Flags(flags));
            }
            chunk.is_namespaced = flags & NAMESPACED != 0;
            chunk.first_hash = cursor.u64().ok_or_else(short)?;
            chunk.last_hash = cursor.u64().ok_or_else(short)?;
        }
    }
    chunk.checksum = cursor.u64().ok_or_else(short)?;
    Ok(chunk)
}

/// Tells whether an entry agrees with itself and with the one before it.
fn is_sound(identity: &SegmentIdentity, chunk: &Chunk, before: Option<&Chunk>) -> bool {
    // A record takes at least two bytes. Recovery reserves memory for as many records as are announced, so
    // the count must be plausible.
    let is_plausible = u64::from(chunk.records) * 2 <= u64::from(chunk.bytes) && chunk.tombstones <= chunk.records;
    let follows = |before: &Chunk| match identity.format {
        FormatVersion::V2 => before.last_group() <= chunk.first_group(),
        FormatVersion::V3 => before.last_hash <= chunk.first_hash,
    };
    // The position of a WAL file is a chunk without records.
    let may_be_empty = identity.format == FormatVersion::V2 || identity.kind == SegmentKind::Wal;
    is_plausible
        && chunk.first_hash <= chunk.last_hash
        && before.is_none_or(follows)
        && (chunk.records > 0 || may_be_empty)
}

/// Decodes the chunk table of a file of `file_bytes` bytes. `table` holds the table's own bytes, and
/// `expected` is the checksum that the metadata recorded.
///
/// The header itself need not be read, because `identity` determines it. A wrong checksum is
/// [`CrcMismatch`](Error::CrcMismatch), a table that contradicts itself is
/// [`Corruption`](Error::Corruption), and a chunk with unknown flags is
/// [`Deserialization`](Error::Deserialization). They name `place`.
pub fn decode_table(
    place: &str,
    identity: &SegmentIdentity,
    table: &[u8],
    file_bytes: u64,
    expected: u64,
) -> Result<Vec<Chunk>, Error> {
    let entry_bytes = identity.format.chunk_entry_bytes();
    let count = table.len() / entry_bytes;
    let computed = Header::new(identity, count as u32, file_bytes as u32).checksum_with(table);
    if computed != expected || !table.len().is_multiple_of(entry_bytes) {
        let offset = file_bytes.saturating_sub(table.len() as u64);
        return Err(Error::CrcMismatch { place: place.into(), offset, expected, computed });
    }
    let mut cursor = Cursor::new(table);
    let mut offset = identity.format.header_bytes() as u64;
    let mut chunks: Vec<Chunk> = Vec::with_capacity(count);
    while !cursor.is_at_end() {
        let chunk = match read_entry(&mut cursor, identity.format) {
            Ok(chunk) if is_sound(identity, &chunk, chunks.last()) => Chunk { offset, ..chunk },
            Err(Wrong::Flags(flags)) => {
                return Err(Error::unknown(place, format!("chunk at {offset}: unknown flags {flags:#x}")));
            }
            _ => return Err(Error::corrupt(place, "chunk table contradicts itself")),
        };
        offset += u64::from(chunk.bytes);
        chunks.push(chunk);
    }
    if offset + table.len() as u64 != file_bytes {
        return Err(Error::corrupt_at(place, offset, format!("chunks end at {offset}, not where the table starts")));
    }
    Ok(chunks)
}
