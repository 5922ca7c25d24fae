//! Where records live in memory: segments of fixed size, 32-bit addresses in steps of 8 bytes, and
//! cleaning in bounded steps of what updates and deletes leave behind.

use crate::state::huge_pages::Block;
use crate::state::record_header::{DEAD, Header, RECORD_HEADER, record_bytes};
use crate::state::short_keys as short;

/// Bytes of a segment: a huge page where there are any. A record that does not fit has a segment of
/// its own.
pub(super) const SEGMENT_BYTES: usize = if cfg!(target_os = "linux") { 2 << 20 } else { 1 << 20 };
pub(super) const OFFSET_BITS: u32 = (SEGMENT_BYTES / 8).trailing_zeros();
/// So many segments are ordinary memory, so that a small state takes no more than it fills.
const SMALL_SEGMENTS: usize = 4;
const SEGMENTS_MAX: usize = 1 << (32 - OFFSET_BITS);
/// Bytes in front of the first record: so that no address is 0, and so that records of 64 and 128 bytes
/// fill whole cache lines, in memory that begins with one.
pub(super) const FRONT_BYTES: usize = 64;
/// Emptied segments that are kept for reuse instead of going back to the allocator.
const SPARE_MAX: usize = (4 << 20) / SEGMENT_BYTES;

/// Where a record is. Never 0, which stands for an empty slot of the table.
pub(super) type Address = u32;

#[derive(Debug, Default)]
pub(super) struct Segment {
    pub(super) bytes: Block,
    /// Bytes that were given out from the start.
    pub(super) used: usize,
    /// Bytes of live records.
    pub(super) live: usize,
}

/// The records of a state.
#[derive(Debug, Default)]
pub(super) struct Arena {
    pub(super) segments: Vec<Segment>,
    /// Indices of `segments` whose bytes were given back.
    vacant: Vec<u32>,
    pub(super) spare: Vec<Block>,
    pub(super) current: Option<u32>,
    pub(super) allocated: usize,
    pub(super) live: usize,
    /// The segment that is being cleaned, and how far.
    pub(super) cleaning: Option<(u32, usize)>,
}

#[inline]
pub(super) fn split(address: Address) -> (usize, usize) {
    ((address >> OFFSET_BITS) as usize, ((address & ((1 << OFFSET_BITS) - 1)) as usize) * 8)
}

impl Arena {
    /// Bytes held from the allocator.
    pub(super) fn allocated_bytes(&self) -> usize {
        self.allocated
    }

    /// Bytes that inserting a record of `total` bytes would take from the allocator; `None` when
    /// there are no addresses left.
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
        Some(if reuse { 0 } else { SEGMENT_BYTES.max(total + FRONT_BYTES) })
    }

    #[inline]
    pub(super) fn key(&self, address: Address) -> &[u8] {
        let (index, offset) = split(address);
        let record = &self.segments[index].bytes[offset..];
        let key_bytes = usize::from(u16::from_le_bytes([record[0], record[1]]));
        &record[RECORD_HEADER..RECORD_HEADER + key_bytes]
    }

    #[inline]
    pub(super) fn get(&self, address: Address) -> (&[u8], &[u8]) {
        let (index, offset) = split(address);
        let record = &self.segments[index].bytes[offset..];
        let header = Header::read(record);
        record[RECORD_HEADER..RECORD_HEADER + header.key_bytes + header.value_bytes].split_at(header.key_bytes)
    }

    /// The first byte of a record, read only to bring it into the cache.
    #[inline]
    pub(super) fn touch(&self, address: Address) -> u8 {
        let (index, offset) = split(address);
        self.segments.get(index).and_then(|segment| segment.bytes.get(offset)).copied().unwrap_or_default()
    }

    /// Length and hash of a value, without reading it.
    #[inline]
    pub(super) fn value_summary(&self, address: Address) -> (usize, u32) {
        let (index, offset) = split(address);
        let header = Header::read(&self.segments[index].bytes[offset..]);
        (header.value_bytes, header.value_hash)
    }

    /// Overwrites a value in place when it fits without wasting more than an eighth; says whether
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

    /// Adds a record. [`growth_for`](Self::growth_for) must have said that there is room.
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

    #[cold]
    fn open_segment(&mut self, total: usize) -> u32 {
        let alone = total + FRONT_BYTES > SEGMENT_BYTES;
        let bytes = match (alone, self.spare.pop()) {
            (false, Some(bytes)) => bytes,
            (_, spare) => {
                self.spare.extend(spare);
                let bytes = SEGMENT_BYTES.max(total + FRONT_BYTES);
                self.allocated += bytes;
                if self.segments.len() < SMALL_SEGMENTS { Block::new(bytes) } else { Block::huge(bytes) }
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
        // A large record does not end the segment that small ones still fill.
        if !alone {
            self.current = Some(index);
        }
        index
    }

    /// Marks a record dead.
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
        if segment.live == 0 && self.current != Some(index as u32) {
            self.vacate(index as u32);
        }
    }

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
