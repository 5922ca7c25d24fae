//! Checking and reading the header and the chunk table of a file.

use crate::error::IncrementalCheckpointError as Error;
use crate::format::FORMAT_VERSION;
use crate::format::segment::layout::{
    CHUNK_ENTRY_BYTES, Chunk, HEADER_BYTES, MAGIC, SegmentIdentity, head_checksum, header,
};
use crate::format::varint::Cursor;
use crate::model::key_groups::KEY_GROUPS;

/// Decodes the chunk table of a file of `file_bytes` bytes. `table` holds the table's own bytes, and
/// `expected` is the checksum that the metadata recorded.
///
/// The header itself need not be read, because `identity` determines it. A wrong checksum is
/// [`CrcMismatch`](Error::CrcMismatch), and a table that contradicts itself is
/// [`Corruption`](Error::Corruption). Both name `place`.
pub fn decode_table(
    place: &str,
    identity: &SegmentIdentity,
    table: &[u8],
    file_bytes: u64,
    expected: u64,
) -> Result<Vec<Chunk>, Error> {
    let count = table.len() / CHUNK_ENTRY_BYTES;
    let head = header(identity, count as u32, file_bytes as u32);
    let computed = head_checksum(&head, table);
    if computed != expected || !table.len().is_multiple_of(CHUNK_ENTRY_BYTES) {
        let offset = file_bytes.saturating_sub(table.len() as u64);
        return Err(Error::CrcMismatch { place: place.into(), offset, expected, computed });
    }
    let mut cursor = Cursor::new(table);
    let mut offset = HEADER_BYTES as u64;
    let mut chunks = Vec::with_capacity(count);
    while let Some(bytes) = cursor.u32() {
        let chunk = (|| {
            Some(Chunk {
                offset,
                bytes,
                records: cursor.u32()?,
                tombstones: cursor.u32()?,
                first_group: cursor.u16()?,
                last_group: cursor.u16()?,
                checksum: cursor.u64()?,
            })
        })();
        let sound = |chunk: &Chunk| {
            // A record takes at least two bytes. Recovery reserves memory for as many records as are
            // announced, so the count must be plausible.
            u64::from(chunk.records) * 2 <= u64::from(chunk.bytes)
                && chunk.first_group <= chunk.last_group
                && chunk.last_group < KEY_GROUPS
                && chunk.tombstones <= chunk.records
                && chunks.last().is_none_or(|before: &Chunk| before.last_group <= chunk.first_group)
        };
        let chunk = chunk.filter(sound).ok_or_else(|| Error::corrupt(place, "chunk table contradicts itself"))?;
        offset += u64::from(bytes);
        chunks.push(chunk);
    }
    if offset + table.len() as u64 != file_bytes {
        return Err(Error::corrupt_at(place, offset, format!("chunks end at {offset}, not where the table starts")));
    }
    Ok(chunks)
}

/// Returns the checksum in a file's own header. A WAL file is checked against it, because no metadata
/// names the file.
pub(crate) fn claimed_checksum(content: &[u8]) -> Option<u64> {
    Cursor::new(content.get(56..HEADER_BYTES)?).u64()
}

/// Returns whether `content` is only the beginning of a longer file. A write that was cut short leaves
/// that on storages that do not hide it. A flipped bit in the length alone does not count as such.
pub(crate) fn is_torn(identity: &SegmentIdentity, content: &[u8]) -> bool {
    let Some(head) = content.get(..HEADER_BYTES) else {
        return header(identity, 0, 0)[..48].starts_with(&content[..content.len().min(48)]);
    };
    let mut lengths = Cursor::new(&head[48..56]);
    let (Some(count), Some(file_bytes)) = (lengths.u32(), lengths.u32()) else { return false };
    if head[..48] != header(identity, count, file_bytes)[..48] || file_bytes as usize <= content.len() {
        return false;
    }
    let table_at = (count as usize).checked_mul(CHUNK_ENTRY_BYTES).and_then(|bytes| content.len().checked_sub(bytes));
    let whole_but_for_its_length = table_at.and_then(|at| content.get(at..)).is_some_and(|table| {
        Some(head_checksum(&header(identity, count, content.len() as u32), table)) == claimed_checksum(content)
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
    let short = || Error::corrupt(place, format!("{} bytes are too few for a segment", content.len()));
    let head = content.get(..HEADER_BYTES).ok_or_else(short)?;
    let mut cursor = Cursor::new(head);
    if cursor.take(8) != Some(MAGIC.as_slice()) {
        return Err(Error::corrupt(place, "not a segment: wrong magic at 0"));
    }
    let version = cursor.u16().ok_or_else(short)?;
    if version != FORMAT_VERSION {
        return Err(Error::unknown(place, format!("format version {version} at 8: this build reads {FORMAT_VERSION}")));
    }
    let count = Cursor::new(&head[48..]).u32().ok_or_else(short)?;
    let mut rebuilt = header(identity, count, content.len() as u32);
    rebuilt[56..].copy_from_slice(&expected.to_le_bytes());
    if let Some(at) = head.iter().zip(&rebuilt).position(|(found, expected)| found != expected) {
        return Err(Error::corrupt(
            place,
            format!("header at {at}: expected {:02x}, found {:02x}", rebuilt[at], head[at]),
        ));
    }
    let table_at = (count as usize)
        .checked_mul(CHUNK_ENTRY_BYTES)
        .and_then(|bytes| content.len().checked_sub(bytes))
        .filter(|at| *at >= HEADER_BYTES)
        .ok_or_else(short)?;
    decode_table(place, identity, &content[table_at..], content.len() as u64, expected)
}
