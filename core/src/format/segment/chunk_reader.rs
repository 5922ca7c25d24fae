//! Checking and reading the records of a chunk.

use crate::error::IncrementalCheckpointError as Error;
use crate::format::segment::header::chunk_binding;
use crate::format::segment::layout::{Chunk, SegmentIdentity, SegmentKind};
use crate::format::segment::lengths::{Lengths, Placement};
use crate::format::varint::Cursor;
use crate::format::version::FormatVersion;
use crate::model::hash::{checksum, key_hash};
use crate::model::key_groups::group_of;
use crate::model::namespace::{DEFAULT_NAMESPACE, Namespace, Namespaces};
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
/// `namespaces` are those that the checkpoint declares. A wrong checksum is
/// [`CrcMismatch`](Error::CrcMismatch), and records that break the format are
/// [`Corruption`](Error::Corruption). Both name `place`. An error of `each` ends the reading and is
/// returned. After an error, the records that were read so far must not be used.
pub fn read_chunk<'a>(
    place: &str,
    identity: &SegmentIdentity,
    chunk: &Chunk,
    bytes: &'a [u8],
    namespaces: &Namespaces,
    mut each: impl FnMut(Record<'a>) -> Result<(), Error>,
) -> Result<(), Error> {
    check_chunk(place, identity, chunk, bytes)?;
    let mut progress = Progress { place, identity, chunk, records: 0, tombstones: 0, first: None, before: None };
    if chunk.is_namespaced {
        return read_namespaced(progress, bytes, namespaces, &mut each);
    }
    let mut cursor = Cursor::new(bytes);
    let mut lengths = None;
    while !cursor.is_at_end() {
        let at = cursor.at();
        let read = Lengths::read(&mut cursor, lengths).map_err(|what| progress.wrong(at, what))?;
        lengths = Some(read);
        let (key, value) = take(&mut cursor, read).map_err(|what| progress.wrong(at, what))?;
        let record = Record { hash: key_hash(key), namespace: DEFAULT_NAMESPACE, key, value };
        progress.take(&record).map_err(|what| progress.wrong(at, what))?;
        each(record)?;
    }
    progress.finish()
}

/// Reads the records of a chunk in which they say which namespace they belong to.
fn read_namespaced<'a>(
    mut progress: Progress<'_, 'a>,
    bytes: &'a [u8],
    namespaces: &Namespaces,
    each: &mut dyn FnMut(Record<'a>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut cursor = Cursor::new(bytes);
    let mut placement: Option<Placement> = None;
    let mut declaration: Option<&Namespace> = None;
    let mut is_plain = true;
    while !cursor.is_at_end() {
        let at = cursor.at();
        let read = Placement::read(&mut cursor, placement).map_err(|what| progress.wrong(at, what))?;
        let Placement { lengths, namespace } = read;
        if placement.is_none_or(|before| before.namespace != namespace) {
            declaration = namespaces.get(namespace);
        }
        placement = Some(read);
        is_plain &= namespace == DEFAULT_NAMESPACE;
        let (key, value) = take(&mut cursor, lengths).map_err(|what| progress.wrong(at, what))?;
        let hash = match declaration {
            _ if namespace == DEFAULT_NAMESPACE => Ok(key_hash(key)),
            Some(declaration) => declaration.place(key, value),
            None => Err("in a namespace that the checkpoint does not declare"),
        };
        let record = Record { hash: hash.map_err(|what| progress.wrong(at, what))?, namespace, key, value };
        progress.take(&record).map_err(|what| progress.wrong(at, what))?;
        each(record)?;
    }
    if is_plain {
        // Such records have a shorter form, and a segment has only one form.
        return Err(progress.wrong(0, "marked as one of several namespaces, but there is only the default one"));
    }
    progress.finish()
}

/// Takes the key and the value of a record.
#[inline]
fn take<'a>(cursor: &mut Cursor<'a>, lengths: Lengths) -> Result<(&'a [u8], Option<&'a [u8]>), &'static str> {
    let key = cursor.take(lengths.key as usize).ok_or("key reaches past the chunk")?;
    let value = match lengths.value {
        0 => None,
        tag => Some(cursor.take(tag as usize - 1).ok_or("value reaches past the chunk")?),
    };
    Ok((key, value))
}

/// What was read of a chunk so far.
struct Progress<'p, 'a> {
    place: &'p str,
    identity: &'p SegmentIdentity,
    chunk: &'p Chunk,
    records: u32,
    tombstones: u32,
    /// The hash of the first record.
    first: Option<u64>,
    /// The [order](Record::order) of the record before.
    before: Option<(u64, u32, &'a [u8])>,
}

impl<'a> Progress<'_, 'a> {
    /// Returns the error of the record at `at` in the chunk.
    #[cold]
    fn wrong(&self, at: usize, what: &str) -> Error {
        let at = self.chunk.offset + at as u64;
        Error::corrupt_at(self.place, at, format!("record at {at}: {what}"))
    }

    /// Takes note of a record, which must come after the one before.
    #[inline]
    fn take(&mut self, record: &Record<'a>) -> Result<(), &'static str> {
        if self.before.is_some_and(|before| before >= record.order()) {
            return Err("out of order");
        }
        if record.value.is_none() && self.identity.kind == SegmentKind::Base {
            return Err("tombstone in a base");
        }
        self.first.get_or_insert(record.hash);
        self.before = Some(record.order());
        self.records += 1;
        self.tombstones += u32::from(record.value.is_none());
        Ok(())
    }

    /// Checks that the table says the same of the chunk as its records do.
    fn finish(self) -> Result<(), Error> {
        let Self { place, chunk, records, tombstones, .. } = self;
        if (records, tombstones) != (chunk.records, chunk.tombstones) {
            let what = format!("chunk at {}: {records} records, not {}", chunk.offset, chunk.records);
            return Err(Error::corrupt_at(place, chunk.offset, what));
        }
        // A table must claim exactly what its records are: otherwise one segment would have two forms.
        let Some((first, last)) = self.first.zip(self.before.map(|before| before.0)) else { return Ok(()) };
        let is_exact = match self.identity.format {
            FormatVersion::V2 => (group_of(first), group_of(last)) == (chunk.first_group(), chunk.last_group()),
            FormatVersion::V3 => (first, last) == (chunk.first_hash, chunk.last_hash),
        };
        if is_exact {
            return Ok(());
        }
        let what = format!("chunk at {}: not the hashes of its records", chunk.offset);
        Err(Error::corrupt_at(place, chunk.offset, what))
    }
}

/// Reads a chunk like [`read_chunk`] and appends its records to `records`. It is compiled only once, while
/// `read_chunk` is compiled for each type of `each`.
pub(crate) fn collect_chunk<'a>(
    place: &str,
    identity: &SegmentIdentity,
    chunk: &Chunk,
    bytes: &'a [u8],
    namespaces: &Namespaces,
    records: &mut Vec<Record<'a>>,
) -> Result<(), Error> {
    read_chunk(place, identity, chunk, bytes, namespaces, |record| {
        records.push(record);
        Ok(())
    })
}
