//! Encoding records into files.

use crate::format::segment::header::{HEADER_BYTES, Header, chunk_binding};
use crate::format::segment::layout::{Chunk, EncodedSegment, FILE_BYTES, SegmentIdentity, SegmentKind};
use crate::format::segment::lengths::{Lengths, Placement, SAME_LENGTHS};
use crate::format::segment::table::push_entry;
use crate::format::varint::Cursor;
use crate::format::version::FormatVersion;
use crate::model::hash::checksum;
use crate::model::key_groups::group_of;
use crate::model::namespace::DEFAULT_NAMESPACE;
use crate::model::record::Record;

/// A chunk is closed once it has this many bytes.
const CHUNK_BYTES: usize = 256 << 10;

/// A chunk of at least this many bytes is closed where a key group ends, so that recovery can skip
/// groups that a newer base covers. It is also closed where another namespace follows the default one, so
/// that records of the default namespace keep their shorter form. Smaller chunks are not worth their table
/// entry.
const SMALL_CHUNK_BYTES: usize = 4 << 10;

/// A step of encoding ends once it has taken this many bytes of records.
const STEP_BYTES: usize = 256 << 10;

/// Extra capacity of a file's buffer, for the parts beside the records and for the last record beyond the
/// size at which the file is closed. With it, the buffer need not move.
const SPARE_BYTES: usize = 16 << 10;

/// Encodes records as files, which are numbered from `first.number` on.
///
/// The records must be sorted by [`Record::order`], each key once. Without records there is no file. Only the
/// newest format is written, whatever `first` says.
/// `record_bytes` is an upper bound of their keys and values plus one byte each, so that memory is
/// allocated once.
pub fn encode<'a>(
    first: SegmentIdentity,
    records: impl IntoIterator<Item = Record<'a>>,
    record_bytes: usize,
) -> Vec<EncodedSegment> {
    let mut encoder = Encoder::new(first, record_bytes);
    records.into_iter().for_each(|record| encoder.encode(&record));
    encoder.finish()
}

/// Encodes records as files like [`encode`], as they come.
pub(crate) struct Encoder {
    first: SegmentIdentity,
    files: Vec<EncodedSegment>,
    writer: Writer,
    /// An upper bound of the bytes that are still to come.
    left: usize,
    /// The bytes of records since the last step ended.
    step_bytes: usize,
}

impl Encoder {
    /// Returns one for records that have at most `record_bytes` bytes, counted as [`encode`] does.
    pub(crate) fn new(first: SegmentIdentity, record_bytes: usize) -> Self {
        Self { first, files: Vec::new(), writer: Writer::new(first, record_bytes), left: record_bytes, step_bytes: 0 }
    }

    /// Takes the next record, and encodes it unless it is a tombstone in a base: a key that is not in a base does not
    /// exist. Returns whether so much was taken that something else may have its turn. Each such step is told once.
    pub(crate) fn push(&mut self, record: &Record<'_>) -> bool {
        if self.first.kind != SegmentKind::Base || record.value.is_some() {
            self.encode(record);
        }
        self.step_bytes += bytes_of(record);
        let ends = self.step_bytes >= STEP_BYTES;
        if ends {
            self.step_bytes = 0;
        }
        ends
    }

    fn encode(&mut self, record: &Record<'_>) {
        if self.writer.content.len() >= FILE_BYTES {
            let next = SegmentIdentity { number: self.writer.identity.number + 1, ..self.first };
            self.files.push(std::mem::replace(&mut self.writer, Writer::new(next, self.left)).finish());
        }
        self.writer.push(record);
        self.left = self.left.saturating_sub(bytes_of(record));
    }

    /// Returns the files.
    pub(crate) fn finish(mut self) -> Vec<EncodedSegment> {
        if self.writer.content.len() > HEADER_BYTES {
            self.files.push(self.writer.finish());
        }
        self.files
    }
}

/// How many bytes a record counts for.
fn bytes_of(record: &Record<'_>) -> usize {
    1 + record.payload_bytes()
}

/// Encodes a WAL file: records as in a delta, and after them one chunk without records. That chunk holds
/// `position`, which says where in the stream the records end. It is always one file.
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
    let offset = writer.content.len() as u64;
    writer.open = Some(Chunk { offset, first_hash: u64::MAX, last_hash: u64::MAX, ..Chunk::default() });
    writer.content.extend_from_slice(position);
    writer.finish()
}

struct Writer {
    identity: SegmentIdentity,
    content: Vec<u8>,
    chunks: Vec<Chunk>,
    open: Option<Chunk>,
    /// What stands in front of the last record in the open chunk.
    before: Placement,
}

impl Writer {
    /// Returns a writer of one file. `expected` bytes of records may come, in this file and in later ones.
    fn new(identity: SegmentIdentity, expected: usize) -> Self {
        let mut content = Vec::with_capacity(HEADER_BYTES + expected.min(FILE_BYTES) + SPARE_BYTES.min(expected));
        content.resize(HEADER_BYTES, 0);
        let identity = SegmentIdentity { format: FormatVersion::V3, ..identity };
        Self { identity, content, chunks: Vec::new(), open: None, before: Placement::default() }
    }

    /// Appends a record to the open chunk, or to a new one if the open chunk is full.
    fn push(&mut self, record: &Record<'_>) {
        let is_plain = record.namespace == DEFAULT_NAMESPACE;
        if let Some(open) = self.open {
            let bytes = self.content.len() - open.offset as usize;
            let ends_here = group_of(record.hash) != open.last_group() || !(is_plain || open.is_namespaced);
            if bytes >= CHUNK_BYTES || (bytes >= SMALL_CHUNK_BYTES && ends_here) {
                self.close_chunk();
            } else if !is_plain && !open.is_namespaced {
                self.make_namespaced();
            }
        }
        let offset = self.content.len() as u64;
        let first = || Chunk { offset, first_hash: record.hash, is_namespaced: !is_plain, ..Chunk::default() };
        let chunk = self.open.get_or_insert_with(first);
        chunk.records += 1;
        chunk.last_hash = record.hash;
        chunk.tombstones += u32::from(record.value.is_none());
        let placement = Placement { lengths: Lengths::of(record), namespace: record.namespace };
        if chunk.records > 1 && placement == self.before {
            self.content.push(SAME_LENGTHS);
        } else if chunk.is_namespaced {
            placement.push(&mut self.content);
        } else {
            placement.lengths.push(&mut self.content);
        }
        self.before = placement;
        self.content.extend_from_slice(record.key);
        self.content.extend_from_slice(record.value.unwrap_or_default());
    }

    /// Encodes the open chunk's records again, so that they say which namespace they belong to. All of them
    /// belong to the default one so far. The chunk is small, because a larger one is closed instead.
    #[cold]
    fn make_namespaced(&mut self) {
        let Some(open) = &mut self.open else { return };
        let plain = self.content.split_off(open.offset as usize);
        let mut cursor = Cursor::new(&plain);
        let mut before = None;
        while let Ok(lengths) = Lengths::read(&mut cursor, before) {
            let payload = cursor.take(lengths.key as usize + (lengths.value as usize).saturating_sub(1));
            if before.replace(lengths) == Some(lengths) {
                self.content.push(SAME_LENGTHS);
            } else {
                Placement { lengths, namespace: DEFAULT_NAMESPACE }.push(&mut self.content);
            }
            self.content.extend_from_slice(payload.unwrap_or_default());
        }
        open.is_namespaced = true;
    }

    /// Adds the open chunk to the table, if there is one.
    fn close_chunk(&mut self) {
        if let Some(mut chunk) = self.open.take() {
            let bytes = &self.content[chunk.offset as usize..];
            chunk.bytes = bytes.len() as u32;
            chunk.checksum = checksum(bytes, chunk_binding(&self.identity, chunk.offset));
            self.chunks.push(chunk);
        }
    }

    /// Appends the chunk table, fills in the header and returns the file.
    fn finish(mut self) -> EncodedSegment {
        self.close_chunk();
        let table_at = self.content.len();
        for chunk in &self.chunks {
            push_entry(&mut self.content, chunk);
        }
        let mut header = Header::new(&self.identity, self.chunks.len() as u32, self.content.len() as u32);
        let checksum = header.checksum_with(&self.content[table_at..]);
        header.set_checksum(checksum);
        self.content[..HEADER_BYTES].copy_from_slice(header.bytes());
        EncodedSegment { identity: self.identity, chunks: self.chunks, checksum, content: self.content }
    }
}
