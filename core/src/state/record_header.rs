//! The header of a record in memory.
//!
//! A record is `key length u16 | slack u16 | value length u32 | value hash u32 | key | value`, padded to
//! 8 bytes. The top bit of the slack marks a dead record. The other bits count spare 8-byte units behind
//! the value, so that a value that shrinks a little can grow back in place.

/// The length of the header in bytes.
pub(super) const RECORD_HEADER: usize = 12;
/// The bit of the slack that marks a dead record.
pub(super) const DEAD: u16 = 1 << 15;

/// The decoded header of a record.
#[derive(Clone, Copy)]
pub(super) struct Header {
    pub(super) key_bytes: usize,
    pub(super) value_bytes: usize,
    pub(super) value_hash: u32,
    pub(super) slack: u16,
}

impl Header {
    /// Reads the header at the start of a record.
    #[inline]
    pub(super) fn read(record: &[u8]) -> Self {
        let header: &[u8; RECORD_HEADER] = record.first_chunk().expect("a record starts with its header");
        let lengths = u64::from_le_bytes(*header.first_chunk().expect("eight of twelve bytes"));
        Self {
            key_bytes: (lengths & 0xffff) as usize,
            slack: (lengths >> 16) as u16,
            value_bytes: (lengths >> 32) as usize,
            value_hash: u32::from_le_bytes(*header.last_chunk().expect("four of twelve bytes")),
        }
    }

    /// Writes the header at the start of a record.
    #[inline]
    pub(super) fn write(self, record: &mut [u8]) {
        let lengths = self.key_bytes as u64 | u64::from(self.slack) << 16 | (self.value_bytes as u64) << 32;
        let header: &mut [u8; RECORD_HEADER] = record.first_chunk_mut().expect("a record starts with its header");
        header[..8].copy_from_slice(&lengths.to_le_bytes());
        header[8..].copy_from_slice(&self.value_hash.to_le_bytes());
    }

    /// Returns the bytes that the record takes, its slack included.
    #[inline]
    pub(super) fn total(self) -> usize {
        record_bytes(self.key_bytes, self.value_bytes) + usize::from(self.slack & !DEAD) * 8
    }
}

/// Returns the bytes that a record with a key and a value of these lengths takes.
#[inline]
pub(super) fn record_bytes(key_bytes: usize, value_bytes: usize) -> usize {
    (RECORD_HEADER + key_bytes + value_bytes + 7) & !7
}
