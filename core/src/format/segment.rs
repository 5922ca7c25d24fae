//! Segments: immutable runs of records, sorted by key hash, cut into checksummed chunks.
//!
//! A file is `header | chunks | chunk table`. The header's checksum covers header and table, the
//! table holds each chunk's checksum, and the metadata repeats the header's: so every byte is
//! covered, and a file that took another one's place is found out.

use crate::error::IncrementalCheckpointError as Error;
use crate::format::FORMAT_VERSION;
use crate::format::varint::{Cursor, push_varint};
use crate::model::hash::{checksum, key_hash};
use crate::model::key_groups::{KEY_GROUPS, group_of};
use crate::model::record::{KEY_BYTES_MAX, Record, VALUE_BYTES_MAX};

const MAGIC: &[u8; 8] = b"ALLUVSEG";

/// Bytes of the header.
pub const HEADER_BYTES: usize = 64;

/// Bytes of one entry of the chunk table.
pub const CHUNK_ENTRY_BYTES: usize = 24;

/// A chunk is closed once it has this many bytes.
const CHUNK_BYTES: usize = 256 << 10;

/// A chunk of at least this many bytes is closed where a key group ends, so that recovery can leave
/// out groups that a newer base covers. Smaller ones are not worth their table entry.
const GROUP_CHUNK_BYTES: usize = 4 << 10;

/// A file is closed once it has this many bytes: browsers read and write files of 1 to 4 MiB best.
pub(crate) const FILE_BYTES: usize = 4 << 20;

/// What a segment holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SegmentKind {
    /// All live records of its key groups.
    Base,
    /// What changed since the checkpoint before: puts and tombstones.
    Delta,
    /// What changed since the newest checkpoint, durable before the next one.
    Wal,
}

impl SegmentKind {
    /// The file name's extension.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Delta => "delta",
            Self::Wal => "log",
        }
    }

    /// The kind that an extension under `segments/` stands for.
    pub fn from_extension(extension: &str) -> Option<Self> {
        match extension {
            "base" => Some(Self::Base),
            "delta" => Some(Self::Delta),
            _ => None,
        }
    }

    fn tag(self) -> u8 {
        match self {
            Self::Base => 1,
            Self::Delta => 2,
            Self::Wal => 3,
        }
    }
}

/// What a file is bound to; with the chunk table it determines the whole header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentIdentity {
    /// The directory's id.
    pub store_id: [u8; 16],
    /// Base or delta.
    pub kind: SegmentKind,
    /// The number in the file's name; of a log, its place in the sequence after the checkpoint.
    pub number: u64,
    /// The checkpoint whose state or changes the records are; of a log, the one that it follows.
    pub checkpoint_id: u64,
}

/// One entry of the chunk table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// Where the chunk starts in the file; derived from the entries before.
    pub offset: u64,
    /// Its length.
    pub bytes: u32,
    /// How many records it holds, tombstones included.
    pub records: u32,
    /// How many of them are tombstones.
    pub tombstones: u32,
    /// Group of its first record.
    pub first_group: u16,
    /// Group of its last record.
    pub last_group: u16,
    /// Checksum of its bytes, bound to the file and the offset.
    pub checksum: u64,
}

/// An encoded segment, ready to be created.
#[derive(Debug, Clone)]
pub struct EncodedSegment {
    /// What the file is bound to.
    pub identity: SegmentIdentity,
    /// Its chunk table.
    pub chunks: Vec<Chunk>,
    /// The checksum of header and table, which the metadata repeats.
    pub checksum: u64,
    /// The whole file.
    pub content: Vec<u8>,
}

fn header(identity: &SegmentIdentity, chunk_count: u32, file_bytes: u32) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(MAGIC);
    header[8..10].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    header[10] = identity.kind.tag();
    header[12..16].copy_from_slice(&u32::from(KEY_GROUPS).to_le_bytes());
    header[16..32].copy_from_slice(&identity.store_id);
    header[32..40].copy_from_slice(&identity.number.to_le_bytes());
    header[40..48].copy_from_slice(&identity.checkpoint_id.to_le_bytes());
    header[48..52].copy_from_slice(&chunk_count.to_le_bytes());
    header[52..56].copy_from_slice(&file_bytes.to_le_bytes());
    header
}

/// What a chunk's checksum is bound to: the file's identity and the chunk's place in it.
fn chunk_binding(identity: &SegmentIdentity, offset: u64) -> u64 {
    checksum(&header(identity, 0, 0)[..48], offset)
}

/// The checksum of header (without the checksum itself) and table.
fn head_checksum(header: &[u8; HEADER_BYTES], table: &[u8]) -> u64 {
    checksum(table, checksum(&header[..56], 0))
}

/// Encodes records, which must come sorted by `(hash, key)` without repetition, as one file or more,
/// numbered from `first.number` on. No records give no file. `record_bytes` is what they take at
/// most, keys, values and a byte each: memory is taken once.
pub fn encode<'a>(
    first: SegmentIdentity,
    records: impl IntoIterator<Item = Record<'a>>,
    record_bytes: usize,
) -> Vec<EncodedSegment> {
    let mut files = Vec::new();
    let mut left = record_bytes;
    let mut writer = Writer::new(first, left);
    for record in records {
        if writer.content.len() >= FILE_BYTES {
            let next = SegmentIdentity { number: writer.identity.number + 1, ..first };
            files.push(std::mem::replace(&mut writer, Writer::new(next, left)).finish());
        }
        writer.push(&record);
        left = left.saturating_sub(1 + record.payload_bytes());
    }
    if writer.content.len() > HEADER_BYTES {
        files.push(writer.finish());
    }
    files
}

/// Encodes a log: records as in a delta, always one file, and after them one chunk without records
/// that holds `position`, which says where in the stream they end.
pub(crate) fn encode_wal<'a>(
    identity: SegmentIdentity,
    records: impl IntoIterator<Item = Record<'a>>,
    position: &[u8],
) -> EncodedSegment {
    let mut writer = Writer::new(identity, 0);
    for record in records {
        writer.push(&record);
    }
    writer.close_chunk();
    let last_group = KEY_GROUPS - 1;
    writer.open = Some(Chunk {
        offset: writer.content.len() as u64,
        bytes: 0,
        records: 0,
        tombstones: 0,
        first_group: last_group,
        last_group,
        checksum: 0,
    });
    writer.content.extend_from_slice(position);
    writer.finish()
}

/// In place of a record's lengths: they are those of the record before in the same chunk.
const SAME_LENGTHS: u8 = 0;

/// Length of a key, and a value's tag: its length plus one, so that 0 is a tombstone and no empty value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Lengths {
    key: u32,
    value: u32,
}

impl Lengths {
    fn of(record: &Record<'_>) -> Self {
        Self { key: record.key.len() as u32, value: record.value.map_or(0, |value| value.len() as u32 + 1) }
    }

    /// Reads them, or what stands for `before`; what could have been said more shortly is damage.
    #[inline]
    fn read(cursor: &mut Cursor<'_>, before: Option<Self>) -> Result<Self, &'static str> {
        let key = cursor.varint().ok_or("key length")?;
        if key == u32::from(SAME_LENGTHS) {
            return before.ok_or("lengths of a record before, which there is not");
        }
        let lengths = Self { key: key - 1, value: cursor.varint().ok_or("value length")? };
        if lengths.key as usize > KEY_BYTES_MAX || lengths.value as usize > VALUE_BYTES_MAX + 1 {
            return Err("longer than the format allows");
        }
        if before == Some(lengths) {
            return Err("lengths of the record before, said again");
        }
        Ok(lengths)
    }
}

/// What a file may hold beside its records, or beyond the size at which it is closed, without moving.
const SPARE_BYTES: usize = 16 << 10;

struct Writer {
    identity: SegmentIdentity,
    content: Vec<u8>,
    chunks: Vec<Chunk>,
    open: Option<Chunk>,
    /// Of the last record in the open chunk.
    before: Lengths,
}

impl Writer {
    /// `expected` bytes of records may come, in this file or in later ones too.
    fn new(identity: SegmentIdentity, expected: usize) -> Self {
        let mut content = Vec::with_capacity(HEADER_BYTES + expected.min(FILE_BYTES) + SPARE_BYTES.min(expected));
        content.resize(HEADER_BYTES, 0);
        Self { identity, content, chunks: Vec::new(), open: None, before: Lengths::default() }
    }

    fn push(&mut self, record: &Record<'_>) {
        let group = group_of(record.hash);
        if let Some(open) = self.open {
            let bytes = self.content.len() - open.offset as usize;
            if bytes >= CHUNK_BYTES || (bytes >= GROUP_CHUNK_BYTES && group != open.last_group) {
                self.close_chunk();
            }
        }
        let chunk = self.open.get_or_insert(Chunk {
            offset: self.content.len() as u64,
            bytes: 0,
            records: 0,
            tombstones: 0,
            first_group: group,
            last_group: group,
            checksum: 0,
        });
        chunk.records += 1;
        chunk.last_group = group;
        chunk.tombstones += u32::from(record.value.is_none());
        let lengths = Lengths::of(record);
        if chunk.records > 1 && lengths == self.before {
            self.content.push(SAME_LENGTHS);
        } else {
            push_varint(&mut self.content, lengths.key + 1);
            push_varint(&mut self.content, lengths.value);
            self.before = lengths;
        }
        self.content.extend_from_slice(record.key);
        self.content.extend_from_slice(record.value.unwrap_or_default());
    }

    fn close_chunk(&mut self) {
        if let Some(mut chunk) = self.open.take() {
            let bytes = &self.content[chunk.offset as usize..];
            chunk.bytes = bytes.len() as u32;
            chunk.checksum = checksum(bytes, chunk_binding(&self.identity, chunk.offset));
            self.chunks.push(chunk);
        }
    }

    fn finish(mut self) -> EncodedSegment {
        self.close_chunk();
        let table_at = self.content.len();
        for chunk in &self.chunks {
            self.content.extend_from_slice(&chunk.bytes.to_le_bytes());
            self.content.extend_from_slice(&chunk.records.to_le_bytes());
            self.content.extend_from_slice(&chunk.tombstones.to_le_bytes());
            self.content.extend_from_slice(&chunk.first_group.to_le_bytes());
            self.content.extend_from_slice(&chunk.last_group.to_le_bytes());
            self.content.extend_from_slice(&chunk.checksum.to_le_bytes());
        }
        let mut header = header(&self.identity, self.chunks.len() as u32, self.content.len() as u32);
        let checksum = head_checksum(&header, &self.content[table_at..]);
        header[56..].copy_from_slice(&checksum.to_le_bytes());
        self.content[..HEADER_BYTES].copy_from_slice(&header);
        EncodedSegment { identity: self.identity, chunks: self.chunks, checksum, content: self.content }
    }
}

/// Decodes the chunk table of a file of `file_bytes` bytes, given as the table's own bytes, and
/// holds it to the checksum that the metadata recorded.
///
/// The header itself need not be read: `identity` determines it.
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
            // A record takes two bytes at least; recovery makes room for as many as are announced.
            u64::from(chunk.records) * 2 <= u64::from(chunk.bytes)
                && chunk.first_group <= chunk.last_group
                && chunk.last_group < KEY_GROUPS
                && chunk.tombstones <= chunk.records
                && chunks.last().is_none_or(|before: &Chunk| before.last_group <= chunk.first_group)
        };
        let chunk = chunk.filter(sound).ok_or_else(|| Error::corrupt(place, "chunk table makes no sense"))?;
        offset += u64::from(bytes);
        chunks.push(chunk);
    }
    if offset + table.len() as u64 != file_bytes {
        return Err(Error::corrupt_at(place, offset, format!("chunks end at {offset}, not where the table starts")));
    }
    Ok(chunks)
}

/// The checksum that a file's own header claims, for a log, which no metadata names.
pub(crate) fn claimed_checksum(content: &[u8]) -> Option<u64> {
    Cursor::new(content.get(56..HEADER_BYTES)?).u64()
}

/// Whether `content` is the beginning of a longer file: what a write that was cut short leaves where
/// the storage lets it show. A flipped bit in the length alone does not pass for it.
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

/// Checks a whole file against its identity and the metadata's checksum; gives its chunk table.
/// The chunks themselves are checked as they are [read](read_chunk).
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

/// Holds a chunk's bytes to their checksum.
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

/// Checks a chunk's bytes and calls `each` for every record in it, in order.
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
    // A table that claims more groups than there are would have one segment in two forms.
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

/// As [`read_chunk`], into `records`: compiled once, where that is written out anew for each `each`.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(kind: SegmentKind) -> SegmentIdentity {
        SegmentIdentity { store_id: [7; 16], kind, number: 3, checkpoint_id: 2 }
    }

    type Owned = Vec<(u64, Vec<u8>, Vec<u8>)>;

    fn sorted(count: u32, value_bytes: usize) -> Owned {
        let mut records: Vec<_> = (0..count)
            .map(|n| {
                let key = n.to_be_bytes().to_vec();
                (key_hash(&key), key, vec![n as u8; value_bytes])
            })
            .collect();
        records.sort();
        records
    }

    fn encode_sorted(records: &[(u64, Vec<u8>, Vec<u8>)]) -> Vec<EncodedSegment> {
        let mut borrowed = Vec::new();
        for (hash, key, value) in records {
            borrowed.push(Record { hash: *hash, key, value: Some(value) });
        }
        encode(identity(SegmentKind::Base), borrowed, 0)
    }

    fn decode(files: &[EncodedSegment]) -> Result<Owned, Error> {
        let mut found = Vec::new();
        for file in files {
            for chunk in decode_file("file", &file.identity, &file.content, file.checksum)? {
                let range = chunk.offset as usize..chunk.offset as usize + chunk.bytes as usize;
                read_chunk("file", &file.identity, &chunk, &file.content[range], |record| {
                    found.push((record.hash, record.key.to_vec(), record.value.unwrap().to_vec()));
                    Ok(())
                })?;
            }
        }
        Ok(found)
    }

    #[test]
    fn records_come_back_over_chunks_and_files() {
        let records = sorted(20_000, 500);
        let files = encode_sorted(&records);
        assert_eq!(files.len(), 3);
        assert!(files.iter().all(|file| file.content.len() < FILE_BYTES + 64 * 1024));
        assert!(files[0].chunks.len() > 16);
        assert_eq!(decode(&files).unwrap(), records);
    }

    #[test]
    fn nothing_gives_no_file() {
        assert!(encode(identity(SegmentKind::Delta), [], 0).is_empty());
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let files = encode_sorted(&sorted(20, 10));
        for at in 0..files[0].content.len() {
            for bit in 0..8 {
                let mut damaged = files.clone();
                damaged[0].content[at] ^= 1 << bit;
                assert!(decode(&damaged).is_err(), "bit {bit} of byte {at}");
            }
        }
    }

    #[test]
    fn lengths_are_said_once_and_in_one_way() {
        let key = |n: u8| vec![n; 3];
        let mut records: Vec<_> = [0, 1, 2, 3, 4, 5].map(|n| (key_hash(&key(n)), key(n), vec![n; 5])).into();
        records.sort();
        records[3].2 = Vec::new();
        let file = encode_sorted(&records).remove(0);
        let chunk = file.chunks[0];
        let range = chunk.offset as usize..chunk.offset as usize + chunk.bytes as usize;
        // Three alike, one without a value, two as before: lengths three times in six records.
        assert_eq!(range.len(), 6 * 3 + 5 * 5 + 3 * 2 + 3);
        assert_eq!(decode(std::slice::from_ref(&file)).unwrap(), records);

        let check = |edit: fn(&mut Vec<u8>), expected: &str| {
            let mut bytes = file.content[range.clone()].to_vec();
            edit(&mut bytes);
            let checksum = checksum(&bytes, chunk_binding(&file.identity, chunk.offset));
            let chunk = Chunk { bytes: bytes.len() as u32, checksum, ..chunk };
            let error = read_chunk("file", &file.identity, &chunk, &bytes, |_| Ok(())).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(|bytes| drop(bytes.splice(..2, [SAME_LENGTHS])), "record at 64: lengths of a record before");
        check(|bytes| drop(bytes.splice(10..11, [4, 6])), "record at 74: lengths of the record before, said again");
        check(|bytes| bytes.truncate(11), "record at 74: key reaches past the chunk");
    }

    #[test]
    fn another_identity_is_found() {
        let file = encode_sorted(&sorted(20, 10)).remove(0);
        for other in [
            SegmentIdentity { number: 4, ..file.identity },
            SegmentIdentity { store_id: [8; 16], ..file.identity },
            SegmentIdentity { kind: SegmentKind::Delta, ..file.identity },
            SegmentIdentity { checkpoint_id: 9, ..file.identity },
        ] {
            assert!(decode_file("file", &other, &file.content, file.checksum).is_err());
        }
    }
}
