//! A log of mutations in chunks of fixed size, so that appending never copies what is there.

use std::sync::Arc;

use crate::changelog::dedup::Place;
use crate::changelog::mark::Mark;
use crate::model::record::Record;

/// The length of a chunk in bytes. A record that is larger has a chunk of its own.
pub(super) const CHUNK_BYTES: usize = 256 << 10;

/// The length of a record's header: `hash u64 | key length u16 | namespace u16 | value length u32`. The value
/// length of a tombstone is [`TOMBSTONE`]. No namespace that is kept in memory has a larger id.
pub(super) const RECORD_HEADER: usize = 16;

/// In the header, the namespace stands above this many bits for the length of the key.
const KEY_BITS: u32 = 16;
const KEY_MASK: u32 = (1 << KEY_BITS) - 1;

/// The value length that marks a tombstone: all bits are one.
const TOMBSTONE: u32 = u32::MAX;

/// The place of a record is the index of its chunk, above this many bits of offset in the chunk.
const OFFSET_BITS: u32 = 32;
const OFFSET_MASK: u64 = (1 << OFFSET_BITS) - 1;

/// Mutations, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// The chunks that are full. Copies of the log share them.
    sealed: Vec<Arc<Vec<u8>>>,
    /// The chunk that mutations are appended to.
    last: Vec<u8>,
    /// The bytes of the records, their headers included.
    bytes: usize,
    count: usize,
    allocated: usize,
}

impl Log {
    /// Returns the bytes of the records, their headers included.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns the number of mutations.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Returns the bytes held from the allocator. Bytes that are shared with a copy count for both.
    pub(super) fn allocated_bytes(&self) -> usize {
        self.allocated
    }

    /// Returns how many bytes the allocator must give to append a mutation of these lengths.
    #[inline]
    pub(super) fn growth_for(&self, key_bytes: usize, value_bytes: usize) -> usize {
        let total = RECORD_HEADER + key_bytes + value_bytes;
        if self.last.capacity() - self.last.len() >= total { 0 } else { CHUNK_BYTES.max(total) }
    }

    /// Appends a mutation.
    #[inline]
    pub(super) fn push(&mut self, (hash, namespace): (u64, u32), key: &[u8], value: Option<&[u8]>) {
        let total = RECORD_HEADER + key.len() + value.map_or(0, <[u8]>::len);
        if self.last.capacity() - self.last.len() < total {
            self.seal();
            self.last = Vec::with_capacity(CHUNK_BYTES.max(total));
            self.allocated += CHUNK_BYTES.max(total);
        }
        let mut header = [0; RECORD_HEADER];
        header[..8].copy_from_slice(&hash.to_le_bytes());
        header[8..12].copy_from_slice(&(key.len() as u32 | namespace << KEY_BITS).to_le_bytes());
        header[12..].copy_from_slice(&value.map_or(TOMBSTONE, |value| value.len() as u32).to_le_bytes());
        self.last.extend_from_slice(&header);
        self.last.extend_from_slice(key);
        self.last.extend_from_slice(value.unwrap_or_default());
        self.bytes += total;
        self.count += 1;
        if total > CHUNK_BYTES {
            // A large record is never copied again: whatever holds it shares its chunk.
            self.seal();
        }
    }

    /// Appends the record at a place of another log. A large record is shared with that log.
    pub(super) fn push_from(&mut self, other: &Self, place: u64) {
        let record = other.record(place);
        let total = RECORD_HEADER + record.payload_bytes();
        match other.sealed.get((place >> OFFSET_BITS) as usize) {
            Some(chunk) if total > CHUNK_BYTES => {
                self.seal();
                self.sealed.push(chunk.clone());
                self.allocated += total;
                self.bytes += total;
                self.count += 1;
            }
            _ => self.push((record.hash, record.namespace), record.key, record.value),
        }
    }

    /// Ends the last chunk.
    fn seal(&mut self) {
        if !self.last.is_empty() {
            self.sealed.push(Arc::new(std::mem::take(&mut self.last)));
        }
    }

    /// Appends the mutations of a later log. Nothing is copied, unless they fit into the last chunk: many short logs
    /// would hold many chunks that are nearly empty. Returns where they begin.
    pub(super) fn append(&mut self, later: Self) -> Mark {
        let room = self.last.capacity() - self.last.len();
        if !self.last.is_empty() && later.sealed.is_empty() && later.last.len() <= room {
            let begin = self.mark();
            self.last.extend_from_slice(&later.last);
            self.bytes += later.bytes;
            self.count += later.count;
            return begin;
        }
        self.seal();
        let begin = Mark { last: 0, ..self.mark() };
        self.sealed.extend(later.sealed);
        self.last = later.last;
        self.bytes += later.bytes;
        self.count += later.count;
        self.allocated += later.allocated;
        begin
    }

    /// Takes the log apart, so that its memory can be given back chunk by chunk.
    pub(super) fn into_chunks(mut self) -> Vec<Arc<Vec<u8>>> {
        self.seal();
        self.sealed
    }

    /// Returns the present end.
    pub(super) fn mark(&self) -> Mark {
        Mark {
            sealed: self.sealed.len(),
            last: self.last.len(),
            bytes: self.bytes,
            count: self.count,
            allocated: self.allocated,
        }
    }

    /// Drops the mutations after `mark`.
    pub(super) fn truncate(&mut self, mark: Mark) {
        if let Some(chunk) = self.sealed.drain(mark.sealed..).next() {
            self.last = Arc::unwrap_or_clone(chunk);
        }
        self.last.truncate(mark.last);
        (self.bytes, self.count, self.allocated) = (mark.bytes, mark.count, mark.allocated);
    }

    /// Returns the chunks, the last one too.
    fn chunks(&self) -> impl Iterator<Item = &[u8]> {
        self.sealed.iter().map(|chunk| chunk.as_slice()).chain(std::iter::once(self.last.as_slice()))
    }

    /// Returns the chunk of an index. It is empty at the end.
    fn chunk(&self, at: usize) -> &[u8] {
        self.sealed.get(at).map_or(&self.last, |chunk| chunk)
    }

    /// Returns the mutations after `mark`, oldest first.
    pub(super) fn records_after(&self, mark: Mark) -> impl Iterator<Item = Record<'_>> {
        let skipped = std::iter::once(mark.last).chain(std::iter::repeat(0));
        self.chunks().skip(mark.sealed).zip(skipped).flat_map(|(chunk, skipped)| Records { rest: &chunk[skipped..] })
    }

    /// Returns a copy of the mutations after `mark`. At most two chunks are copied, and the others are shared.
    pub(super) fn copy_after(&self, mark: Mark) -> Self {
        let mut copy = Self { bytes: self.bytes - mark.bytes, count: self.count - mark.count, ..Self::default() };
        copy.sealed.reserve_exact(self.sealed.len() + 1 - mark.sealed);
        for (at, chunk) in (mark.sealed..).zip(&self.sealed[mark.sealed..]) {
            if at > mark.sealed || mark.last == 0 {
                copy.sealed.push(chunk.clone());
            } else if mark.last < chunk.len() {
                copy.sealed.push(Arc::new(chunk[mark.last..].to_vec()));
            }
        }
        copy.last = self.last[if mark.sealed == self.sealed.len() { mark.last } else { 0 }..].to_vec();
        copy.allocated = copy.bytes;
        copy
    }

    /// Returns every mutation, oldest first.
    pub(super) fn records(&self) -> impl Iterator<Item = Record<'_>> {
        self.chunks().flat_map(|chunk| Records { rest: chunk })
    }

    /// Returns the record at a place.
    pub(super) fn record(&self, place: u64) -> Record<'_> {
        let rest = &self.chunk((place >> OFFSET_BITS) as usize)[(place & OFFSET_MASK) as usize..];
        Records { rest }.next().expect("a record was read here")
    }

    /// Returns the first record at a place or after it: its own place, its hash, and where it ends. At the end
    /// of the log this is `None`.
    pub(super) fn read(&self, place: u64) -> Option<(u64, u64, u64)> {
        let (at, offset) = ((place >> OFFSET_BITS) as usize, (place & OFFSET_MASK) as usize);
        if at < self.sealed.len() && offset == self.sealed[at].len() {
            return self.read((at as u64 + 1) << OFFSET_BITS);
        }
        let mut records = Records { rest: &self.chunk(at)[offset..] };
        let record = records.next()?;
        Some((place, record.hash, place + (RECORD_HEADER + record.payload_bytes()) as u64))
    }

    /// Adds the hash and the place of every mutation of a chunk to `places`, oldest first. Returns whether there is
    /// another chunk.
    pub(super) fn add_places(&self, chunk: usize, places: &mut Vec<Place>, of: impl Fn(u64) -> u64) -> bool {
        let mut at = (chunk as u64) << OFFSET_BITS;
        let end = (chunk as u64 + 1) << OFFSET_BITS;
        while let Some((place, hash, next)) = self.read(at).filter(|(place, ..)| *place < end) {
            places.push((hash, of(place)));
            at = next;
        }
        chunk < self.sealed.len()
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
        let placement = word(8..12);
        let (key, rest) = rest.split_at((placement & KEY_MASK) as usize);
        let (value, rest) = match word(12..16) {
            TOMBSTONE => (None, rest),
            length => {
                let (value, rest) = rest.split_at(length as usize);
                (Some(value), rest)
            }
        };
        self.rest = rest;
        Some(Record { hash, namespace: placement >> KEY_BITS, key, value })
    }
}
