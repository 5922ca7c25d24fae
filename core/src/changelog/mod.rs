//! The changelog: the mutations since the last checkpoint, in memory. It consists of chunks of fixed size
//! and is frozen by swapping a pointer. It is sorted only when it is written, off the caller's path.

pub(crate) mod batch;
pub(crate) mod dedup;

use crate::changelog::dedup::newest;
use crate::format::segment::{FILE_BYTES, HEADER_BYTES};
use crate::model::namespace::DEFAULT_NAMESPACE;
use crate::model::record::Record;

/// The length of a chunk in bytes. It is fixed, so that appending never copies earlier records.
const CHUNK_BYTES: usize = 256 << 10;

/// The length of a record's header: `hash u64 | key length u32 | value length u32`. The value length of a
/// tombstone is [`TOMBSTONE`].
const RECORD_HEADER: usize = 16;

/// The value length that marks a tombstone: all bits are one.
const TOMBSTONE: u32 = u32::MAX;

/// The place of a record is the index of its chunk, above this many bits of offset in the chunk.
const OFFSET_BITS: u32 = 32;

/// A changelog with fewer bytes is not worth compacting.
const COMPACT_BYTES_MIN: usize = 64 << 20;

/// The end of a changelog at some moment, to which [`Changelog::truncate`] returns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    chunks: usize,
    /// The length of the last chunk.
    last: usize,
    bytes: usize,
    count: usize,
    allocated: usize,
}

/// The mutations since the last checkpoint, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Changelog {
    chunks: Vec<Vec<u8>>,
    bytes: usize,
    /// The number of mutations.
    count: usize,
    allocated: usize,
    /// The size in bytes beyond which compacting again may pay off, if it was compacted before.
    compacted_at: usize,
    /// The end of what `sync` has written: a chunk, an offset in it, and the number of mutations up to there.
    synced: (usize, usize, usize),
}

impl Changelog {
    /// Returns the bytes held from the allocator.
    pub(crate) fn allocated_bytes(&self) -> usize {
        self.allocated
    }

    /// Returns the bytes of the records, their headers included.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns how many bytes the allocator must give to append a mutation of these lengths.
    #[inline]
    pub(crate) fn growth_for(&self, key_bytes: usize, value_bytes: usize) -> usize {
        let total = RECORD_HEADER + key_bytes + value_bytes;
        match self.chunks.last() {
            Some(chunk) if chunk.capacity() - chunk.len() >= total => 0,
            _ => CHUNK_BYTES.max(total),
        }
    }

    /// Appends a mutation.
    #[inline]
    pub(crate) fn push(&mut self, hash: u64, key: &[u8], value: Option<&[u8]>) {
        let total = RECORD_HEADER + key.len() + value.map_or(0, <[u8]>::len);
        let chunk = match self.chunks.last_mut() {
            Some(chunk) if chunk.capacity() - chunk.len() >= total => chunk,
            _ => {
                self.allocated += CHUNK_BYTES.max(total);
                self.chunks.push(Vec::with_capacity(CHUNK_BYTES.max(total)));
                self.chunks.last_mut().expect("just pushed")
            }
        };
        let mut header = [0; RECORD_HEADER];
        header[..8].copy_from_slice(&hash.to_le_bytes());
        header[8..12].copy_from_slice(&(key.len() as u32).to_le_bytes());
        header[12..].copy_from_slice(&value.map_or(TOMBSTONE, |value| value.len() as u32).to_le_bytes());
        chunk.extend_from_slice(&header);
        chunk.extend_from_slice(key);
        chunk.extend_from_slice(value.unwrap_or_default());
        self.bytes += total;
        self.count += 1;
    }

    /// Returns all mutations and leaves the changelog empty. Later mutations belong to the next checkpoint.
    pub(crate) fn freeze(&mut self) -> Self {
        std::mem::take(self)
    }

    /// Returns the present end. It is valid until the changelog is frozen or compacted.
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            chunks: self.chunks.len(),
            last: self.chunks.last().map_or(0, Vec::len),
            bytes: self.bytes,
            count: self.count,
            allocated: self.allocated,
        }
    }

    /// Drops the mutations after `mark`.
    pub(crate) fn truncate(&mut self, mark: Mark) {
        self.chunks.truncate(mark.chunks);
        if let Some(last) = self.chunks.last_mut() {
            last.truncate(mark.last);
        }
        (self.bytes, self.count, self.allocated) = (mark.bytes, mark.count, mark.allocated);
    }

    /// Returns the mutations after `mark`, oldest first.
    pub(crate) fn records_after(&self, mark: Mark) -> impl Iterator<Item = Record<'_>> {
        // The chunk that was the last one may have grown since.
        let at = mark.chunks.saturating_sub(1);
        let last = self.chunks.get(at).map_or(&[][..], |chunk| &chunk[mark.last..]);
        let later = self.chunks.get(at + 1..).unwrap_or_default().iter().map(Vec::as_slice);
        std::iter::once(last).chain(later).flat_map(|rest| Records { rest })
    }

    /// Appends later mutations.
    pub(crate) fn append(&mut self, later: Self) {
        self.chunks.extend(later.chunks);
        self.bytes += later.bytes;
        self.count += later.count;
        self.allocated += later.allocated;
    }

    /// Notes that all mutations so far are in the WAL already.
    pub(crate) fn mark_synced(&mut self) {
        self.synced = match self.chunks.last() {
            Some(last) => (self.chunks.len() - 1, last.len(), self.count),
            None => (0, 0, 0),
        };
    }

    /// Returns a copy of the mutations since the last call, and marks them as synced. After compaction these
    /// are all mutations, which is correct: repeating the newest mutation of a key changes nothing.
    pub(crate) fn copy_tail(&mut self) -> Self {
        let (first, offset, count) = self.synced;
        let mut tail = Self { count: self.count - count, ..Self::default() };
        for (at, chunk) in self.chunks.iter().enumerate().skip(first) {
            let bytes = &chunk[if at == first { offset } else { 0 }..];
            tail.bytes += bytes.len();
            tail.allocated += bytes.len();
            tail.chunks.push(bytes.to_vec());
        }
        self.mark_synced();
        tail
    }

    /// Returns the newest mutation of each key, in order of `(hash, key)`.
    pub(crate) fn newest(&self) -> impl Iterator<Item = Record<'_>> {
        let mut places = Vec::with_capacity(self.count);
        for (at, chunk) in (0..).zip(&self.chunks) {
            let mut records = Records { rest: chunk };
            let mut offset = 0;
            while let Some(record) = records.next() {
                places.push((record.hash, at << OFFSET_BITS | offset));
                offset = (chunk.len() - records.rest.len()) as u64;
            }
        }
        newest(places, |at| {
            let (chunk, offset) = (at >> OFFSET_BITS, at & ((1 << OFFSET_BITS) - 1));
            let rest = &self.chunks[chunk as usize][offset as usize..];
            Records { rest }.next().expect("a record was read here")
        })
    }

    /// Returns the largest number of segments that the records can fill.
    pub(crate) fn segments_max(&self) -> u64 {
        // The two lengths of a record take at most seven bytes.
        let most = self.bytes - self.count * (RECORD_HEADER - 7);
        if self.count == 0 { 0 } else { 1 + (most / (FILE_BYTES - HEADER_BYTES)) as u64 }
    }

    /// Returns how many bytes the records take in a segment at most. Overwritten records are counted too.
    pub(crate) fn encoded_bytes(&self) -> usize {
        self.bytes - self.count * (RECORD_HEADER - 1)
    }

    /// Returns every mutation, oldest first.
    pub(crate) fn records(&self) -> impl Iterator<Item = Record<'_>> {
        self.chunks.iter().flat_map(|chunk| Records { rest: chunk })
    }

    /// Returns whether the changelog is so large that compacting it may be worth the time.
    #[inline]
    pub(crate) fn may_compact(&self) -> bool {
        self.bytes > COMPACT_BYTES_MIN.max(self.compacted_at)
    }

    /// Compacts the changelog if it has more than `bytes` bytes. Only a changelog that is far larger than the
    /// state can hold many overwritten records.
    #[cold]
    pub(crate) fn compact_if_larger(&mut self, bytes: usize) {
        if self.bytes > bytes {
            self.compact();
        }
        self.compacted_at = 2 * self.bytes;
    }

    /// Drops mutations that later ones overwrote. A key that changes ten thousand times between two
    /// checkpoints needs only one record. Without compaction, the changelog would grow with the stream.
    fn compact(&mut self) {
        let mut compacted = Self::default();
        for record in self.newest() {
            compacted.push(record.hash, record.key, record.value);
        }
        *self = compacted;
    }
}

/// Iterates over the records of a chunk.
struct Records<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let (header, rest) = self.rest.split_first_chunk::<RECORD_HEADER>()?;
        let word = |range: std::ops::Range<usize>| u32::from_le_bytes(header[range].try_into().expect("four bytes"));
        let hash = u64::from_le_bytes(header[..8].try_into().expect("eight bytes"));
        let (key, rest) = rest.split_at(word(8..12) as usize);
        let (value, rest) = match word(12..16) {
            TOMBSTONE => (None, rest),
            length => {
                let (value, rest) = rest.split_at(length as usize);
                (Some(value), rest)
            }
        };
        self.rest = rest;
        Some(Record { hash, namespace: DEFAULT_NAMESPACE, key, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::hash::key_hash;

    #[test]
    fn the_newest_of_each_key_stays() {
        let mut changelog = Changelog::default();
        let mut push = |key: &[u8], value: Option<&[u8]>| changelog.push(key_hash(key), key, value);
        push(b"a", Some(b"1"));
        push(b"b", Some(b"2"));
        push(b"a", None);
        push(b"c", Some(b""));
        push(b"b", Some(b"3"));
        changelog.compact();
        let mut found: Vec<_> = changelog.records().map(|record| (record.key, record.value)).collect();
        found.sort_unstable();
        assert_eq!(found, [(&b"a"[..], None), (b"b", Some(&b"3"[..])), (b"c", Some(b""))]);
    }

    #[test]
    fn chunks_are_fixed_and_large_records_have_their_own() {
        let mut changelog = Changelog::default();
        let large = vec![1; CHUNK_BYTES * 2];
        for n in 0..10_000u32 {
            changelog.push(0, &n.to_le_bytes(), Some(&[0; 100]));
        }
        changelog.push(0, b"large", Some(&large));
        assert!(changelog.chunks.iter().all(|chunk| chunk.capacity() <= large.len() + 64));
        assert_eq!(changelog.records().count(), 10_001);
        assert_eq!(changelog.copy_tail().records().count(), 10_001);
        changelog.push(0, b"last", None);
        assert_eq!(changelog.count, 10_002);
        let tail = changelog.copy_tail();
        assert_eq!((tail.count, tail.records().map(|record| record.key).collect::<Vec<_>>()), (1, vec![&b"last"[..]]));
        assert_eq!(changelog.copy_tail().records().count(), 0);
        let frozen = changelog.freeze();
        assert_eq!(
            (changelog.records().count(), changelog.allocated_bytes(), frozen.records().count()),
            (0, 0, 10_002)
        );
    }
}
