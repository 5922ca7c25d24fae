//! Reads the records of segments, as recovery and compaction need them.

use std::sync::Arc;

use crate::directory::{Directory, DirectoryError, DirectoryErrorKind, Stores};
use crate::error::IncrementalCheckpointError as Error;
use crate::format::metadata::AlluviumFields;
use crate::format::segment::{
    Chunk, SegmentIdentity, SegmentKind, collect_chunk, decode_file, decode_table, read_chunk,
};
use crate::format::segment_entry::SegmentEntry;
use crate::model::namespace::Namespaces;
use crate::model::record::Record;
use crate::model::wanted::Wanted;

/// The records of one segment in memory. They are checked as they are iterated over.
#[derive(Debug)]
pub(crate) struct SegmentData {
    path: String,
    identity: SegmentIdentity,
    namespaces: Namespaces,
    /// What is wanted of it, or `None` if nothing is.
    wanted: Option<Wanted>,
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
pub(crate) const WHOLE_BYTES: u64 = 64 << 10;

/// A delta of which so many groups count is read whole too.
const MOST_GROUPS: u32 = 48;

/// Where the segments of a checkpoint are read from.
#[derive(Debug)]
pub(crate) struct SegmentSource<'d, D> {
    directory: &'d D,
    /// The directories of the segments that are in other ones.
    stores: &'d Stores<D>,
    /// The directory's id.
    store_id: [u8; 16],
    /// The namespaces that the checkpoint declares.
    namespaces: Namespaces,
}

impl<'d, D: Directory> SegmentSource<'d, D> {
    /// Returns the source of the segments that a directory holds.
    pub(crate) fn new(directory: &'d D, stores: &'d Stores<D>, store_id: [u8; 16], namespaces: Namespaces) -> Self {
        Self { directory, stores, store_id, namespaces }
    }

    /// Returns the source of the segments that a checkpoint names.
    pub(crate) fn of(directory: &'d D, stores: &'d Stores<D>, fields: &AlluviumFields) -> Self {
        Self::new(directory, stores, fields.store_id, fields.namespaces.clone())
    }

    /// Returns the directory that holds a segment. If it is another one that the caller did not supply, the
    /// error names its id and the segment.
    pub(crate) fn directory_of(&self, entry: &SegmentEntry) -> Result<&'d D, Error> {
        let Some(store_id) = entry.store else { return Ok(self.directory) };
        let digits = u128::from_be_bytes(store_id);
        let missing = || format!("{} is in the store {digits:032x}, whose directory was not supplied", entry.path());
        self.stores.get(store_id).map(|directory| &**directory).ok_or_else(|| Error::InvalidInput(missing()))
    }

    /// Comes between two steps of work on what was read, as [`Directory::pause`] does.
    pub(crate) async fn pause(&self) {
        self.directory.pause().await;
    }

    /// Reads the part of a segment that holds what is wanted, or all of it where reading a part would save
    /// little. If `chunks` is `None`, the chunk table is read first.
    ///
    /// A file that is missing or not what the metadata says is [`Corruption`](Error::Corruption) or
    /// [`CrcMismatch`](Error::CrcMismatch).
    pub(crate) async fn read(
        &self,
        entry: &SegmentEntry,
        chunks: Option<&Arc<[Chunk]>>,
        wanted: impl Into<Wanted>,
    ) -> Result<SegmentData, Error> {
        let (path, directory) = (entry.path(), self.directory_of(entry)?);
        let identity = entry.identity(self.store_id);
        let live = entry.live();
        let wanted = live.intersection(wanted.into());
        // Most groups of a base still count. Most groups of a delta may be superseded, and its chunk table
        // tells where the others are.
        let counts_mostly = entry.kind == SegmentKind::Base || live.groups.count() >= MOST_GROUPS;
        let whole = entry.bytes <= WHOLE_BYTES || (wanted == Some(live) && counts_mostly);
        let missing = |error: DirectoryError| match error.kind() {
            DirectoryErrorKind::NotFound => Error::corrupt(&path, "missing, although a checkpoint names it"),
            _ => Error::from(error),
        };
        let mut data = SegmentData {
            identity,
            namespaces: self.namespaces.clone(),
            wanted,
            chunks: [].into(),
            runs: Vec::new(),
            bytes_read: 0,
            path: path.clone(),
        };
        if whole {
            let content = directory.read(&path).await.map_err(missing)?;
            if content.len() as u64 != entry.bytes {
                return Err(Error::corrupt(&path, format!("{} bytes long, not {}", content.len(), entry.bytes)));
            }
            data.chunks = decode_file(&path, &identity, &content, entry.checksum)?.into();
            if data.chunks.len() != entry.chunks as usize {
                return Err(Error::corrupt(&path, format!("{} chunks, not {}", data.chunks.len(), entry.chunks)));
            }
            data.bytes_read = content.len() as u64;
            data.runs.push(Run { first: 0, length: data.chunks.len(), offset: 0, content });
            return Ok(data);
        }
        data.chunks = if let Some(chunks) = chunks {
            chunks.clone()
        } else {
            let table_bytes = entry.chunks as usize * entry.format.chunk_entry_bytes();
            let at = entry.bytes - table_bytes as u64;
            let table = directory.read_range(&path, at, table_bytes).await.map_err(missing)?;
            data.bytes_read += table_bytes as u64;
            decode_table(&path, &identity, &table, entry.bytes, entry.checksum)?.into()
        };
        let chunks = data.chunks.clone();
        let mut at = 0;
        while at < chunks.len() {
            let length = chunks[at..].iter().take_while(|chunk| data.wants(chunk)).count();
            if length > 0 {
                let (offset, bytes) = (chunks[at].offset, chunks[at..at + length].iter().map(|c| u64::from(c.bytes)));
                let bytes: u64 = bytes.sum();
                let content = directory.read_range(&path, offset, bytes as usize).await.map_err(missing)?;
                data.bytes_read += bytes;
                data.runs.push(Run { first: at, length, offset, content });
            }
            at += length.max(1);
        }
        Ok(data)
    }
}

/// A chunk that was read, with its bytes. They are not checked yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part<'a> {
    chunk: &'a Chunk,
    bytes: &'a [u8],
}

impl SegmentData {
    /// Tells whether a chunk holds anything that is wanted.
    fn wants(&self, chunk: &Chunk) -> bool {
        self.wanted.is_some_and(|wanted| wanted.touches(chunk.first_hash, chunk.last_hash))
    }

    /// Returns what must be asked of each record of a chunk, or `None` if all of them are wanted.
    fn filter(&self, chunk: &Chunk) -> Option<Wanted> {
        self.wanted.filter(|wanted| !wanted.covers(chunk.first_hash, chunk.last_hash))
    }

    /// Returns every chunk that holds anything that is wanted, with its bytes.
    pub(crate) fn parts(&self) -> impl Iterator<Item = Result<Part<'_>, Error>> {
        self.runs.iter().flat_map(|run| {
            let chunks = self.chunks[run.first..run.first + run.length].iter().filter(|chunk| self.wants(chunk));
            chunks.map(|chunk| {
                let start = (chunk.offset - run.offset) as usize;
                let bytes = run.content.get(start..start + chunk.bytes as usize).ok_or_else(|| {
                    Error::corrupt_at(&self.path, chunk.offset, format!("ends within the chunk at {}", chunk.offset))
                })?;
                Ok(Part { chunk, bytes })
            })
        })
    }

    /// Replaces `records` by those of a part that are wanted.
    pub(crate) fn read_part<'a>(&'a self, part: Part<'a>, records: &mut Vec<Record<'a>>) -> Result<(), Error> {
        let Part { chunk, bytes } = part;
        records.clear();
        collect_chunk(&self.path, &self.identity, chunk, bytes, &self.namespaces, records)?;
        if let Some(wanted) = self.filter(chunk) {
            records.retain(|record| wanted.contains(record.hash));
        }
        Ok(())
    }

    /// Calls `each` for every record that is wanted, in their order. It is generic, so that the hottest loop
    /// is compiled together with it.
    pub(crate) fn for_each<'a>(&'a self, mut each: impl FnMut(Record<'a>) -> Result<(), Error>) -> Result<(), Error> {
        self.parts().try_for_each(|part| {
            let Part { chunk, bytes } = part?;
            let filter = self.filter(chunk);
            read_chunk(&self.path, &self.identity, chunk, bytes, &self.namespaces, |record| {
                if filter.is_none_or(|wanted| wanted.contains(record.hash)) { each(record) } else { Ok(()) }
            })
        })
    }

    /// Does what `for_each` does, but passes the records of one chunk at a time.
    pub(crate) fn for_each_chunk<'a>(
        &'a self,
        each: &mut dyn FnMut(&[Record<'a>]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut records = Vec::new();
        self.parts().try_for_each(|part| {
            self.read_part(part?, &mut records)?;
            each(&records)
        })
    }
}
