//! Segments as recovery, compaction and garbage collection see them: an entry of the metadata, its
//! chunk table, and the key groups that still count.

use std::sync::Arc;

use crate::directory::{Directory, DirectoryErrorKind, NewFile};
use crate::error::IncrementalCheckpointError as Error;
use crate::format::paths::segment_path;
use crate::format::segment::{
    CHUNK_ENTRY_BYTES, Chunk, EncodedSegment, SegmentIdentity, SegmentKind, collect_chunk, decode_file, decode_table,
    read_chunk,
};
use crate::format::segment_entry::SegmentEntry;
use crate::model::key_groups::{KeyGroups, group_of};
use crate::model::record::Record;

/// A segment of the newest checkpoint.
#[derive(Debug, Clone)]
pub(crate) struct LiveSegment {
    /// What the metadata says about it.
    pub(crate) entry: SegmentEntry,
    /// Its chunk table.
    pub(crate) chunks: Arc<[Chunk]>,
}

impl LiveSegment {
    /// Returns the segment that `encoded` will be once its file is created.
    pub(crate) fn of_encoded(encoded: &EncodedSegment) -> Self {
        let mut groups = KeyGroups::NONE;
        if let (Some(first), Some(last)) = (encoded.chunks.first(), encoded.chunks.last()) {
            groups = KeyGroups::range(first.first_group, last.last_group);
        }
        let entry = SegmentEntry {
            kind: encoded.identity.kind,
            number: encoded.identity.number,
            checkpoint_id: encoded.identity.checkpoint_id,
            bytes: encoded.content.len() as u64,
            checksum: encoded.checksum,
            chunks: encoded.chunks.len() as u32,
            groups: groups.to_ranges(),
        };
        Self { entry, chunks: encoded.chunks.as_slice().into() }
    }

    /// Returns the key groups that still count.
    pub(crate) fn groups(&self) -> KeyGroups {
        KeyGroups::of_ranges(&self.entry.groups)
    }

    /// Returns how many bytes the chunks have that hold any of `groups`.
    pub(crate) fn bytes_for(&self, groups: KeyGroups) -> u64 {
        let wanted = groups.intersection(self.groups());
        self.chunks.iter().filter(|chunk| touches(chunk, wanted)).map(|chunk| u64::from(chunk.bytes)).sum()
    }
}

impl From<EncodedSegment> for NewFile {
    fn from(file: EncodedSegment) -> Self {
        Self { path: segment_path(file.identity.kind, file.identity.number), content: file.content }
    }
}

/// Tells whether a chunk holds any of `groups`.
fn touches(chunk: &Chunk, groups: KeyGroups) -> bool {
    !KeyGroups::range(chunk.first_group, chunk.last_group).intersection(groups).is_empty()
}

/// The records of one segment in memory. They are checked as they are iterated over.
#[derive(Debug)]
pub(crate) struct SegmentData {
    path: String,
    identity: SegmentIdentity,
    wanted: KeyGroups,
    pub(crate) chunks: Arc<[Chunk]>,
    runs: Vec<Run>,
    /// How many bytes were read from the directory.
    pub(crate) bytes_read: u64,
}

/// Neighbouring chunks that were read together.
#[derive(Debug)]
struct Run {
    /// The position of its first chunk in the chunk table.
    first: usize,
    /// How many chunks it has.
    length: usize,
    /// Where `content` starts in the file, in bytes.
    offset: u64,
    content: Vec<u8>,
}

/// Files up to this size are read whole, because a second read would cost more than the bytes it saves.
const WHOLE_BYTES: u64 = 64 << 10;

/// Reads the part of a segment that holds `groups`, or all of it where reading a part would save
/// little. If `chunks` is `None`, the chunk table is read first.
///
/// A file that is missing or not what the metadata says is [`Corruption`](Error::Corruption) or
/// [`CrcMismatch`](Error::CrcMismatch).
pub(crate) async fn read_segment<D: Directory>(
    directory: &D,
    store_id: [u8; 16],
    entry: &SegmentEntry,
    chunks: Option<&Arc<[Chunk]>>,
    groups: KeyGroups,
) -> Result<SegmentData, Error> {
    let path = entry.path();
    let identity = entry.identity(store_id);
    let live = KeyGroups::of_ranges(&entry.groups);
    let wanted = groups.intersection(live);
    // Most groups of a base still count. Most groups of a delta may be superseded, and its chunk table
    // tells where the others are.
    let whole = entry.bytes <= WHOLE_BYTES || (wanted == live && entry.kind == SegmentKind::Base);
    let missing = |error: crate::directory::DirectoryError| match error.kind() {
        DirectoryErrorKind::NotFound => Error::corrupt(&path, "missing, although a checkpoint names it"),
        _ => Error::from(error),
    };
    if whole {
        let content = directory.read(&path).await.map_err(missing)?;
        if content.len() as u64 != entry.bytes {
            return Err(Error::corrupt(&path, format!("{} bytes long, not {}", content.len(), entry.bytes)));
        }
        let chunks: Arc<[Chunk]> = decode_file(&path, &identity, &content, entry.checksum)?.into();
        if chunks.len() != entry.chunks as usize {
            return Err(Error::corrupt(&path, format!("{} chunks, not {}", chunks.len(), entry.chunks)));
        }
        let bytes_read = content.len() as u64;
        let runs = vec![Run { first: 0, length: chunks.len(), offset: 0, content }];
        return Ok(SegmentData { path, identity, wanted, chunks, runs, bytes_read });
    }
    let mut bytes_read = 0;
    let chunks: Arc<[Chunk]> = if let Some(chunks) = chunks {
        chunks.clone()
    } else {
        let table_bytes = entry.chunks as usize * CHUNK_ENTRY_BYTES;
        let at = entry.bytes - table_bytes as u64;
        let table = directory.read_range(&path, at, table_bytes).await.map_err(missing)?;
        bytes_read += table_bytes as u64;
        decode_table(&path, &identity, &table, entry.bytes, entry.checksum)?.into()
    };
    let mut runs = Vec::new();
    let mut at = 0;
    while at < chunks.len() {
        let length = chunks[at..].iter().take_while(|chunk| touches(chunk, wanted)).count();
        if length > 0 {
            let bytes: u64 = chunks[at..at + length].iter().map(|chunk| u64::from(chunk.bytes)).sum();
            let content = directory.read_range(&path, chunks[at].offset, bytes as usize).await.map_err(missing)?;
            bytes_read += bytes;
            runs.push(Run { first: at, length, offset: chunks[at].offset, content });
        }
        at += length.max(1);
    }
    Ok(SegmentData { path, identity, wanted, chunks, runs, bytes_read })
}

/// A function that is called with a chunk and its bytes.
type EachChunk<'e, 'a> = &'e mut dyn FnMut(&Chunk, &'a [u8]) -> Result<(), Error>;

impl SegmentData {
    /// Calls `each` for every chunk that holds any of the wanted groups.
    fn chunks<'a>(&'a self, each: EachChunk<'_, 'a>) -> Result<(), Error> {
        for run in &self.runs {
            let chunks = &self.chunks[run.first..run.first + run.length];
            for chunk in chunks.iter().filter(|chunk| touches(chunk, self.wanted)) {
                let start = (chunk.offset - run.offset) as usize;
                let bytes = run.content.get(start..start + chunk.bytes as usize);
                let short = || {
                    Error::corrupt_at(&self.path, chunk.offset, format!("ends within the chunk at {}", chunk.offset))
                };
                each(chunk, bytes.ok_or_else(short)?)?;
            }
        }
        Ok(())
    }

    /// Calls `each` for every record of the wanted groups, in order of `(hash, key)`. It is generic, so
    /// that the hottest loop is compiled together with it.
    pub(crate) fn for_each<'a>(&'a self, mut each: impl FnMut(Record<'a>) -> Result<(), Error>) -> Result<(), Error> {
        self.chunks(&mut |chunk, bytes| {
            read_chunk(&self.path, &self.identity, chunk, bytes, |record| {
                if self.wanted.contains(group_of(record.hash)) { each(record) } else { Ok(()) }
            })
        })
    }

    /// Does what `for_each` does, but passes the records of one chunk at a time.
    pub(crate) fn for_each_chunk<'a>(
        &'a self,
        each: &mut dyn FnMut(&[Record<'a>]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut records = Vec::new();
        self.chunks(&mut |chunk, bytes| {
            records.clear();
            collect_chunk(&self.path, &self.identity, chunk, bytes, &mut records)?;
            records.retain(|record| self.wanted.contains(group_of(record.hash)));
            each(&records)
        })
    }
}
