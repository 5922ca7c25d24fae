//! Encoding records into files.

use crate::format::segment::layout::{
    Chunk, EncodedSegment, FILE_BYTES, HEADER_BYTES, SegmentIdentity, chunk_binding, head_checksum, header,
};
use crate::format::segment::lengths::{Lengths, SAME_LENGTHS};
use crate::format::varint::push_varint;
use crate::model::hash::checksum;
use crate::model::key_groups::{KEY_GROUPS, group_of};
use crate::model::record::Record;

/// A chunk is closed once it has this many bytes.
const CHUNK_BYTES: usize = 256 << 10;

/// A chunk of at least this many bytes is closed where a key group ends, so that recovery can skip
/// groups that a newer base covers. Smaller chunks are not worth their table entry.
const GROUP_CHUNK_BYTES: usize = 4 << 10;

/// Extra capacity of a file's buffer, for the parts beside the records and for the last record beyond the
/// size at which the file is closed. With it, the buffer need not move.
const SPARE_BYTES: usize = 16 << 10;

/// Encodes records as files, which are numbered from `first.number` on.
///
/// The records must be sorted by `(hash, key)`, each key once. Without records there is no file.
/// `record_bytes` is an upper bound of their keys and values plus one byte each, so that memory is
/// allocated once.
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

struct Writer {
    identity: SegmentIdentity,
    content: Vec<u8>,
    chunks: Vec<Chunk>,
    open: Option<Chunk>,
    /// The lengths of the last record in the open chunk.
    before: Lengths,
}

impl Writer {
    /// Returns a writer of one file. `expected` bytes of records may come, in this file and in later ones.
    fn new(identity: SegmentIdentity, expected: usize) -> Self {
        let mut content = Vec::with_capacity(HEADER_BYTES + expected.min(FILE_BYTES) + SPARE_BYTES.min(expected));
        content.resize(HEADER_BYTES, 0);
        Self { identity, content, chunks: Vec::new(), open: None, before: Lengths::default() }
    }

    /// Appends a record to the open chunk, or to a new one if the open chunk is full.
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
