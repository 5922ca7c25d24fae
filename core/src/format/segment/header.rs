//! The header of a segment, in both versions of the format.

use crate::format::segment::layout::SegmentIdentity;
use crate::format::version::FormatVersion;
use crate::model::hash::checksum;
use crate::model::key_groups::KEY_GROUPS;

pub(super) const MAGIC: &[u8; 8] = b"ALLUVSEG";

/// The length of the header in bytes.
pub const HEADER_BYTES: usize = 72;

/// Where the part of the header ends that both versions have in common: everything but the writer, the
/// lengths and the checksum.
pub(super) const COMMON_BYTES: usize = 48;

impl FormatVersion {
    /// Returns the length of a segment's header in bytes.
    pub fn header_bytes(self) -> usize {
        self.bound_bytes() + 16
    }

    /// Returns the length of the part of the header that the identity determines.
    pub(super) fn bound_bytes(self) -> usize {
        match self {
            Self::V2 => COMMON_BYTES,
            Self::V3 => COMMON_BYTES + 8,
        }
    }
}

/// The header of a file.
pub(super) struct Header {
    format: FormatVersion,
    bytes: [u8; HEADER_BYTES],
}

impl Header {
    /// Returns the header of a file, with its checksum still zero.
    pub(super) fn new(identity: &SegmentIdentity, chunk_count: u32, file_bytes: u32) -> Self {
        let format = identity.format;
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..10].copy_from_slice(&format.number().to_le_bytes());
        bytes[10] = identity.kind.tag();
        bytes[12..16].copy_from_slice(&u32::from(KEY_GROUPS).to_le_bytes());
        bytes[16..32].copy_from_slice(&identity.store_id);
        bytes[32..40].copy_from_slice(&identity.number.to_le_bytes());
        bytes[40..48].copy_from_slice(&identity.checkpoint_id.to_le_bytes());
        if format == FormatVersion::V3 {
            bytes[48..56].copy_from_slice(&identity.writer.to_le_bytes());
        }
        let lengths = format.bound_bytes();
        bytes[lengths..lengths + 4].copy_from_slice(&chunk_count.to_le_bytes());
        bytes[lengths + 4..lengths + 8].copy_from_slice(&file_bytes.to_le_bytes());
        Self { format, bytes }
    }

    /// Returns the whole header.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.format.header_bytes()]
    }

    /// Sets the checksum, which is the last part.
    pub(super) fn set_checksum(&mut self, checksum: u64) {
        let end = self.format.header_bytes();
        self.bytes[end - 8..end].copy_from_slice(&checksum.to_le_bytes());
    }

    /// Returns the checksum of the header (without the checksum itself) and the table.
    pub(super) fn checksum_with(&self, table: &[u8]) -> u64 {
        checksum(table, checksum(&self.bytes[..self.format.header_bytes() - 8], 0))
    }
}

/// Returns what a chunk's checksum is bound to: the file's identity and the chunk's offset in it.
pub(super) fn chunk_binding(identity: &SegmentIdentity, offset: u64) -> u64 {
    checksum(&Header::new(identity, 0, 0).bytes[..identity.format.bound_bytes()], offset)
}

/// Reads a number of 64 bits at `at`.
pub(super) fn u64_at(content: &[u8], at: usize) -> Option<u64> {
    content.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

/// Reads a number of 32 bits at `at`.
pub(super) fn u32_at(content: &[u8], at: usize) -> Option<u32> {
    content.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}
