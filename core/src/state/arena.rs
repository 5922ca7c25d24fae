//! Where records live in memory: segments of fixed size, 32-bit addresses in steps of 8 bytes, and
//! cleaning in bounded steps of what updates and deletes leave behind.
//!
//! A record is `key length u16 | slack u16 | value length u32 | value hash u32 | key | value`, padded
//! to 8 bytes.
//! The slack's top bit marks a dead record; the rest counts spare 8-byte units behind the value, so
//! that a value which shrinks a little can grow back in place.

use crate::state::huge_pages::Block;
use crate::state::short_keys as short;

/// Bytes of a segment: a huge page where there are any. A record that does not fit has a segment of
/// its own.
const SEGMENT_BYTES: usize = if cfg!(target_os = "linux") { 2 << 20 } else { 1 << 20 };
const OFFSET_BITS: u32 = (SEGMENT_BYTES / 8).trailing_zeros();
/// So many segments are ordinary memory, so that a small state takes no more than it fills.
const SMALL_SEGMENTS: usize = 4;
const SEGMENTS_MAX: usize = 1 << (32 - OFFSET_BITS);
const RECORD_HEADER: usize = 12;
/// Bytes in front of the first record: so that no address is 0, and so that records of 64 and 128 bytes
/// fill whole cache lines, in memory that begins with one.
const FRONT_BYTES: usize = 64;
/// Of less, whatever is dead in it, cleaning would save too little.
const CLEAN_FROM: usize = 8 << 20;
const DEAD: u16 = 1 << 15;
/// Emptied segments that are kept for reuse instead of going back to the allocator.
const SPARE_MAX: usize = (4 << 20) / SEGMENT_BYTES;

/// Where a record is. Never 0, which stands for an empty slot of the table.
pub(super) type Address = u32;

#[derive(Debug, Default)]
struct Segment {
    bytes: Block,
    /// Bytes that were given out from the start.
    used: usize,
    /// Bytes of live records.
    live: usize,
}

/// The records of a state.
#[derive(Debug, Default)]
pub(super) struct Arena {
    segments: Vec<Segment>,
    /// Indices of `segments` whose bytes were given back.
    vacant: Vec<u32>,
    spare: Vec<Block>,
    current: Option<u32>,
    allocated: usize,
    live: usize,
    /// The segment that is being cleaned, and how far.
    cleaning: Option<(u32, usize)>,
}

#[derive(Clone, Copy)]
struct Header {
    key_bytes: usize,
    value_bytes: usize,
    value_hash: u32,
    slack: u16,
}

impl Header {
    #[inline]
    fn read(record: &[u8]) -> Self {
        let header: &[u8; RECORD_HEADER] = record.first_chunk().expect("a record starts with its header");
        let lengths = u64::from_le_bytes(*header.first_chunk().expect("eight of twelve bytes"));
        Self {
            key_bytes: (lengths & 0xffff) as usize,
            slack: (lengths >> 16) as u16,
            value_bytes: (lengths >> 32) as usize,
            value_hash: u32::from_le_bytes(*header.last_chunk().expect("four of twelve bytes")),
        }
    }

    #[inline]
    fn write(self, record: &mut [u8]) {
        let lengths = self.key_bytes as u64 | u64::from(self.slack) << 16 | (self.value_bytes as u64) << 32;
        let header: &mut [u8; RECORD_HEADER] = record.first_chunk_mut().expect("a record starts with its header");
        header[..8].copy_from_slice(&lengths.to_le_bytes());
        header[8..].copy_from_slice(&self.value_hash.to_le_bytes());
    }

    #[inline]
    fn total(self) -> usize {
        record_bytes(self.key_bytes, self.value_bytes) + usize::from(self.slack & !DEAD) * 8
    }
}

/// Bytes that a record of this key and value takes.
#[inline]
pub(super) fn record_bytes(key_bytes: usize, value_bytes: usize) -> usize {
    (RECORD_HEADER + key_bytes + value_bytes + 7) & !7
}

#[inline]
fn split(address: Address) -> (usize, usize) {
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
    fn allocate(&mut self, total: usize) -> (Address, &mut [u8]) {
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

    fn vacate(&mut self, index: u32) {
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

    /// Whether so much is dead that cleaning pays.
    #[inline]
    pub(super) fn wants_cleaning(&self) -> bool {
        // A fifth of what is held: with the table and the padding that keeps a state of small
        // records below 1.6 times its payload.
        let held = self.allocated - self.spare.len() * SEGMENT_BYTES;
        held > CLEAN_FROM && held - self.live > held / 5
    }

    /// Cleans about `budget` bytes: moves live records out of the emptiest segment, calling `moved`
    /// with the old and the new address of each.
    pub(super) fn clean(&mut self, budget: usize, mut moved: impl FnMut(&[u8], Address, Address)) {
        let mut spent = 0;
        while spent < budget {
            let Some((index, mut offset)) =
                self.cleaning.take().or_else(|| self.emptiest().map(|index| (index, FRONT_BYTES)))
            else {
                return;
            };
            while spent < budget && offset < self.segments[index as usize].used {
                let record = &self.segments[index as usize].bytes[offset..];
                let header = Header::read(record);
                let total = header.total();
                if header.slack & DEAD == 0 {
                    let from = index << OFFSET_BITS | (offset / 8) as u32;
                    let to = self.relocate(from, header);
                    moved(self.key(to), from, to);
                    spent += total;
                }
                // Walking over the dead costs a little too.
                spent += 64;
                offset += total;
            }
            let segment = &self.segments[index as usize];
            if segment.live == 0 {
                self.vacate(index);
            } else {
                self.cleaning = Some((index, offset));
            }
        }
    }

    fn relocate(&mut self, from: Address, header: Header) -> Address {
        let (index, offset) = split(from);
        let total = record_bytes(header.key_bytes, header.value_bytes);
        let (to, _) = self.allocate(total);
        let (to_index, to_offset) = split(to);
        let [source, target] =
            self.segments.get_disjoint_mut([index, to_index]).expect("a segment being cleaned is not the current one");
        target.bytes[to_offset..to_offset + total].copy_from_slice(&source.bytes[offset..offset + total]);
        Header { slack: 0, ..header }.write(&mut target.bytes[to_offset..]);
        source.live -= header.total();
        self.live -= header.total();
        Header { slack: header.slack | DEAD, ..header }.write(&mut source.bytes[offset..]);
        to
    }

    /// The segment with the least to move for what it gives back.
    fn emptiest(&self) -> Option<u32> {
        let candidates = self.segments.iter().enumerate().filter(|(index, segment)| {
            self.current != Some(*index as u32)
                && segment.bytes.len() == SEGMENT_BYTES
                && segment.live < segment.used - FRONT_BYTES
        });
        candidates.min_by_key(|(_, segment)| segment.live).map(|(index, _)| index as u32)
    }
}
