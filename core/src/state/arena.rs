//! The memory of records: segments, of one size but for the first ones, and 32-bit addresses in steps of 8 bytes. `cleaning`
//! reclaims the space of records that were overwritten or deleted.

use crate::state::huge_pages::Block;
use crate::state::record_header::{DEAD, Header, RECORD_HEADER, record_bytes};
use crate::state::short_keys as short;

/// The length of a segment in bytes. On Linux it is a huge page. A record that does not fit gets a segment
/// of its own.
pub(super) const SEGMENT_BYTES: usize = if cfg!(target_os = "linux") { 2 << 20 } else { 1 << 20 };
/// The low bits of an address hold the offset in a segment; the others hold the index of the segment.
pub(super) const OFFSET_BITS: u32 = (SEGMENT_BYTES / 8).trailing_zeros();
/// Up to so many bytes, segments are ordinary memory, so that a small state takes no more memory than it fills.
const ORDINARY_BYTES: usize = 4 * SEGMENT_BYTES;
/// The number of segments that an address can name.
const SEGMENTS_MAX: usize = 1 << (32 - OFFSET_BITS);
/// The length of the first segment. Each of the next ones is as large as all before it, until they have the full length:
/// a small state takes little memory, and little time to open.
const SMALL_BYTES: usize = 64 << 10;
/// The bytes in front of the first record. They ensure that no address is 0, and that records of 64 and 128
/// bytes fill whole cache lines in memory that begins with one.
pub(super) const FRONT_BYTES: usize = 64;
/// The number of emptied segments that are kept for reuse instead of being given back to the allocator.
const SPARE_MAX: usize = (4 << 20) / SEGMENT_BYTES;

/// The place of a record. It is never 0, which means an empty slot of the table.
pub(super) type Address = u32;

/// A piece of memory that holds records one after another.
#[derive(Debug, Default)]
pub(super) struct Segment {
    pub(super) bytes: Block,
    /// The bytes in use, counted from the start. Records are added behind them.
    pub(super) used: usize,
    /// The bytes of live records.
    pub(super) live: usize,
}

/// The records of a state.
#[derive(Debug, Default)]
pub(super) struct Arena {
    pub(super) segments: Vec<Segment>,
    /// The indices of `segments` that have no memory and may be used again.
    vacant: Vec<u32>,
    /// The memory of emptied segments, kept for reuse.
    pub(super) spare: Vec<Block>,
    /// The segment that new records go to.
    pub(super) current: Option<u32>,
    /// The bytes held from the allocator.
    pub(super) allocated: usize,
    /// The bytes of live records in all segments.
    pub(super) live: usize,
    /// The segment that is being cleaned, and the offset up to which it is clean.
    pub(super) cleaning: Option<(u32, usize)>,
    /// Whether the bytes of dead records are kept, because walks refer to them.
    pub(super) pinned: bool,
}

/// Returns the index of a record's segment and its offset in it, in bytes.
#[inline]
pub(super) fn split(address: Address) -> (usize, usize) {
    ((address >> OFFSET_BITS) as usize, ((address & ((1 << OFFSET_BITS) - 1)) as usize) * 8)
}

impl Arena {
    /// Returns the bytes held from the allocator.
    pub(super) fn allocated_bytes(&self) -> usize {
        self.allocated
    }

    /// Returns how many bytes the insertion of a record of `total` bytes would take from the allocator. It is
    /// `None` if there are no addresses left.
    pub(super) fn growth_for(&self, total: usize) -> Option<usize> {
        let room = self.current.map_or(0, |index| {
            let segment = &self.segments[index as usize];
            segment.bytes.len() - segment.used
        });
        if total <= room {
            return Some(0);
        }
        if self.vacant.is_empty() && self.segments.len() >= SEGMENTS_MAX {
            return None;
        }
        let reuse = total + FRONT_BYTES <= SEGMENT_BYTES && !self.spare.is_empty();
        Some(if reuse { 0 } else { self.segment_bytes().max(total + FRONT_BYTES) })
    }

    /// Returns the length of the next segment, unless a record needs a longer one.
    #[inline]
    fn segment_bytes(&self) -> usize {
        self.allocated.clamp(SMALL_BYTES, SEGMENT_BYTES)
    }

    /// Returns the key of a record.
    #[inline]
    pub(super) fn key(&self, address: Address) -> &[u8] {
        let (index, offset) = split(address);
        let record = &self.segments[index].bytes[offset..];
        let key_bytes = usize::from(u16::from_le_bytes([record[0], record[1]]));
        &record[RECORD_HEADER..RECORD_HEADER + key_bytes]
    }

    /// Returns the key and the value of a record.
    #[inline]
    pub(super) fn get(&self, address: Address) -> (&[u8], &[u8]) {
        let (index, offset) = split(address);
        let record = &self.segments[index].bytes[offset..];
        let header = Header::read(record);
        record[RECORD_HEADER..RECORD_HEADER + header.key_bytes + header.value_bytes].split_at(header.key_bytes)
    }

    /// Reads the first byte of a record, to bring the record into the cache.
    #[inline]
    pub(super) fn touch(&self, address: Address) -> u8 {
        let (index, offset) = split(address);
        self.segments.get(index).and_then(|segment| segment.bytes.get(offset)).copied().unwrap_or_default()
    }

    /// Returns the length and the hash of a value without reading the value.
    #[inline]
    pub(super) fn value_summary(&self, address: Address) -> (usize, u32) {
        let (index, offset) = split(address);
        let header = Header::read(&self.segments[index].bytes[offset..]);
        (header.value_bytes, header.value_hash)
    }

    /// Overwrites a value in place if it fits and wastes no more than an eighth of the record. Returns whether
    /// it did.
    #[inline]
    pub(super) fn overwrite(&mut self, address: Address, value: &[u8], value_hash: u32) -> bool {
        let (index, offset) = split(address);
        let record = &mut self.segments[index].bytes[offset..];
        let mut header = Header::read(record);
        if header.value_bytes != value.len() {
            let total = header.total();
            let needed = record_bytes(header.key_bytes, value.len());
            if needed > total || total - needed > total / 8 {
                return false;
            }
            let slack = (total - needed) / 8;
            if slack >= usize::from(DEAD) {
                return false;
            }
            header.slack = slack as u16;
        }
        header = Header { value_bytes: value.len(), value_hash, ..header };
        header.write(record);
        let start = RECORD_HEADER + header.key_bytes;
        record[start..start + value.len()].copy_from_slice(value);
        true
    }

    /// Adds a record and returns its address. [`growth_for`](Self::growth_for) must have returned a number.
    #[inline]
    pub(super) fn insert(&mut self, key: &[u8], value: &[u8], value_hash: u32) -> Address {
        let header = Header { key_bytes: key.len(), value_bytes: value.len(), value_hash, slack: 0 };
        let (address, record) = self.allocate(header.total());
        header.write(record);
        let value_at = RECORD_HEADER + key.len();
        short::copy(key, &mut record[RECORD_HEADER..value_at]);
        record[value_at..value_at + value.len()].copy_from_slice(value);
        address
    }

    /// Returns the address and the memory of a new record of `total` bytes.
    #[inline]
    pub(super) fn allocate(&mut self, total: usize) -> (Address, &mut [u8]) {
        let fits = |segment: &Segment| segment.used + total <= segment.bytes.len();
        let index = match self.current {
            Some(index) if fits(&self.segments[index as usize]) => index,
            _ => self.open_segment(total),
        };
        let segment = &mut self.segments[index as usize];
        let offset = segment.used;
        segment.used += total;
        segment.live += total;
        self.live += total;
        let address = index << OFFSET_BITS | (offset / 8) as u32;
        (address, &mut segment.bytes[offset..offset + total])
    }

    /// Opens a segment that has room for a record of `total` bytes, and returns its index.
    #[cold]
    fn open_segment(&mut self, total: usize) -> u32 {
        let alone = total + FRONT_BYTES > SEGMENT_BYTES;
        let bytes = match (alone, self.spare.pop()) {
            (false, Some(bytes)) => bytes,
            (_, spare) => {
                self.spare.extend(spare);
                let bytes = self.segment_bytes().max(total + FRONT_BYTES);
                self.allocated += bytes;
                if self.allocated <= ORDINARY_BYTES { Block::new(bytes) } else { Block::huge(bytes) }
            }
        };
        let segment = Segment { bytes, used: FRONT_BYTES, live: 0 };
        let index = if let Some(index) = self.vacant.pop() {
            self.segments[index as usize] = segment;
            index
        } else {
            self.segments.push(segment);
            self.segments.len() as u32 - 1
        };
        // A large record gets its own segment. Small records continue to fill the current one.
        if !alone {
            self.current = Some(index);
        }
        index
    }

    /// Marks a record as dead. A segment without live records is emptied.
    #[inline]
    pub(super) fn release(&mut self, address: Address) {
        let (index, offset) = split(address);
        let segment = &mut self.segments[index];
        let record = &mut segment.bytes[offset..];
        let mut header = Header::read(record);
        let total = header.total();
        header.slack |= DEAD;
        header.write(record);
        segment.live -= total;
        self.live -= total;
        if segment.live == 0 && self.current != Some(index as u32) && !self.pinned {
            self.vacate(index as u32);
        }
    }

    /// Takes the memory of a segment without live records, to keep it as a spare or to give it back.
    pub(super) fn vacate(&mut self, index: u32) {
        if self.cleaning.is_some_and(|(cleaned, _)| cleaned == index) {
            self.cleaning = None;
        }
        let bytes = std::mem::take(&mut self.segments[index as usize]).bytes;
        if bytes.len() == SEGMENT_BYTES && self.spare.len() < SPARE_MAX {
            self.spare.push(bytes);
        } else {
            self.allocated -= bytes.len();
        }
        self.vacant.push(index);
    }
}
