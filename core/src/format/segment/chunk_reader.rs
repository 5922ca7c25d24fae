//! Checking and reading the records of a chunk.

use crate::error::IncrementalCheckpointError as Error;
use crate::format::segment::layout::{Chunk, SegmentIdentity, SegmentKind, chunk_binding};
use crate::format::segment::lengths::Lengths;
use crate::format::varint::Cursor;
use crate::model::hash::{checksum, key_hash};
use crate::model::key_groups::group_of;
use crate::model::record::Record;

/// Checks the bytes of a chunk against its checksum.
pub(crate) fn check_chunk(place: &str, identity: &SegmentIdentity, chunk: &Chunk, bytes: &[u8]) -> Result<(), Error> {
    let computed = checksum(bytes, chunk_binding(identity, chunk.offset));
    if computed != chunk.checksum || bytes.len() != chunk.bytes as usize {
        return Err(Error::CrcMismatch {
            place: place.into(),
            offset: chunk.offset,
            expected: chunk.checksum,
            computed,
        });
    }
    Ok(())
}

/// Checks the bytes of a chunk and calls `each` for every record in it, in order.
///
/// A wrong checksum is [`CrcMismatch`](Error::CrcMismatch), and records that break the format are
/// [`Corruption`](Error::Corruption). Both name `place`. An error of `each` ends the reading and is
/// returned.
pub fn read_chunk<'a>(
    place: &str,
    identity: &SegmentIdentity,
    chunk: &Chunk,
    bytes: &'a [u8],
    mut each: impl FnMut(Record<'a>) -> Result<(), Error>,
) -> Result<(), Error> {
    check_chunk(place, identity, chunk, bytes)?;
    let mut cursor = Cursor::new(bytes);
    let (mut records, mut tombstones) = (0, 0);
    let mut first_group = None;
    let mut before: Option<(u64, &[u8])> = None;
    let mut lengths = None;
    while !cursor.is_at_end() {
        let at = chunk.offset + cursor.at() as u64;
        let wrong = |what: &str| Error::corrupt_at(place, at, format!("record at {at}: {what}"));
        let read = Lengths::read(&mut cursor, lengths).map_err(wrong)?;
        lengths = Some(read);
        let key = cursor.take(read.key as usize).ok_or_else(|| wrong("key reaches past the chunk"))?;
        let value = match read.value {
            0 => None,
            tag => Some(cursor.take(tag as usize - 1).ok_or_else(|| wrong("value reaches past the chunk"))?),
        };
        let hash = key_hash(key);
        if before.is_some_and(|before| before >= (hash, key)) {
            return Err(wrong("out of order"));
        }
        let group = group_of(hash);
        if group < chunk.first_group || group > chunk.last_group {
            return Err(wrong("outside the chunk's key groups"));
        }
        if value.is_none() && identity.kind == SegmentKind::Base {
            return Err(wrong("tombstone in a base"));
        }
        before = Some((hash, key));
        first_group.get_or_insert(group);
        records += 1;
        tombstones += u32::from(value.is_none());
        each(Record { hash, key, value })?;
    }
    if (records, tombstones) != (chunk.records, chunk.tombstones) {
        return Err(Error::corrupt(
            place,
            format!("chunk at {}: {records} records, not {}", chunk.offset, chunk.records),
        ));
    }
    // A table must claim exactly the groups of its records: otherwise one segment would have two forms.
    let groups = first_group.zip(before.map(|(hash, _)| group_of(hash)));
    if groups.is_some_and(|groups| groups != (chunk.first_group, chunk.last_group)) {
        return Err(Error::corrupt_at(
            place,
            chunk.offset,
            format!("chunk at {}: not the key groups of its records", chunk.offset),
        ));
    }
    Ok(())
}

/// Reads a chunk like [`read_chunk`] and appends its records to `records`. It is compiled only once, while
/// `read_chunk` is compiled for each type of `each`.
pub(crate) fn collect_chunk<'a>(
    place: &str,
    identity: &SegmentIdentity,
    chunk: &Chunk,
    bytes: &'a [u8],
    records: &mut Vec<Record<'a>>,
) -> Result<(), Error> {
    read_chunk(place, identity, chunk, bytes, |record| {
        records.push(record);
        Ok(())
    })
}
