//! Segments as recovery, rebase and garbage collection see them: an entry of the metadata, its chunk
//! table, and the key groups that still count.

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
    pub(crate) entry: SegmentEntry,
    pub(crate) chunks: Arc<[Chunk]>,
}

impl LiveSegment {
    /// The segment that `encoded` will be once it is created.
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

    pub(crate) fn groups(&self) -> KeyGroups {
        KeyGroups::of_ranges(&self.entry.groups)
    }

    /// Bytes of the chunks that `groups` need.
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

fn touches(chunk: &Chunk, groups: KeyGroups) -> bool {
    !KeyGroups::range(chunk.first_group, chunk.last_group).intersection(groups).is_empty()
}

/// Records of one segment in memory, checked as they are walked over.
#[derive(Debug)]
pub(crate) struct SegmentData {
    path: String,
    identity: SegmentIdentity,
    wanted: KeyGroups,
    pub(crate) chunks: Arc<[Chunk]>,
    runs: Vec<Run>,
    pub(crate) bytes_read: u64,
}

/// Neighbouring chunks that were read together.
#[derive(Debug)]
struct Run {
    first: usize,
    length: usize,
    /// Where `content` starts in the file.
    offset: u64,
    content: Vec<u8>,
}

/// Files up to this size are read whole: a second read would cost more than the bytes it saves.
const WHOLE_BYTES: u64 = 64 << 10;

/// Reads what `groups` need of a segment; all of it unless that would be wasteful. Without `chunks`
/// the chunk table is read first.
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
    // Of a base most groups count; of a delta most may be superseded, and its table tells which.
    let whole = entry.bytes <= WHOLE_BYTES || (wanted == live && entry.kind == SegmentKind::Base);
    let missing = |error: crate::directory::DirectoryError| match error.kind() {
        DirectoryErrorKind::NotFound => Error::corrupt(&path, "a checkpoint names it and it is not there"),
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

/// Takes a chunk and its bytes.
type EachChunk<'e, 'a> = &'e mut dyn FnMut(&Chunk, &'a [u8]) -> Result<(), Error>;

impl SegmentData {
    /// Calls `each` for every chunk that touches the wanted groups.
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

    /// Calls `each` for every record of the wanted groups, by `(hash, key)`. For the hottest loop: it is
    /// compiled with it.
    pub(crate) fn for_each<'a>(&'a self, mut each: impl FnMut(Record<'a>) -> Result<(), Error>) -> Result<(), Error> {
        self.chunks(&mut |chunk, bytes| {
            read_chunk(&self.path, &self.identity, chunk, bytes, |record| {
                if self.wanted.contains(group_of(record.hash)) { each(record) } else { Ok(()) }
            })
        })
    }

    /// As `for_each`, the records of a chunk at a time.
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
