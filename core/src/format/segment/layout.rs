//! What a segment is made of: the header, the identity that it binds the file to, and the chunk table.

use crate::format::FORMAT_VERSION;
use crate::model::hash::checksum;
use crate::model::key_groups::KEY_GROUPS;

pub(super) const MAGIC: &[u8; 8] = b"ALLUVSEG";

/// Bytes of the header.
pub const HEADER_BYTES: usize = 64;

/// Bytes of one entry of the chunk table.
pub const CHUNK_ENTRY_BYTES: usize = 24;

/// A file is closed once it has this many bytes: browsers read and write files of 1 to 4 MiB best.
pub(crate) const FILE_BYTES: usize = 4 << 20;

/// What a segment holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SegmentKind {
    /// All live records of its key groups.
    Base,
    /// What changed since the checkpoint before: puts and tombstones.
    Delta,
    /// What changed since the newest checkpoint, durable before the next one.
    Wal,
}

impl SegmentKind {
    /// The file name's extension.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Delta => "delta",
            Self::Wal => "log",
        }
    }

    /// The kind that an extension under `segments/` stands for.
    pub fn from_extension(extension: &str) -> Option<Self> {
        match extension {
            "base" => Some(Self::Base),
            "delta" => Some(Self::Delta),
            _ => None,
        }
    }

    fn tag(self) -> u8 {
        match self {
            Self::Base => 1,
            Self::Delta => 2,
            Self::Wal => 3,
        }
    }
}

/// What a file is bound to; with the chunk table it determines the whole header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentIdentity {
    /// The directory's id.
    pub store_id: [u8; 16],
    /// Base or delta.
    pub kind: SegmentKind,
    /// The number in the file's name; of a log, its place in the sequence after the checkpoint.
    pub number: u64,
    /// The checkpoint whose state or changes the records are; of a log, the one that it follows.
    pub checkpoint_id: u64,
}

/// One entry of the chunk table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// Where the chunk starts in the file; derived from the entries before.
    pub offset: u64,
    /// Its length.
    pub bytes: u32,
    /// How many records it holds, tombstones included.
    pub records: u32,
    /// How many of them are tombstones.
    pub tombstones: u32,
    /// Group of its first record.
    pub first_group: u16,
    /// Group of its last record.
    pub last_group: u16,
    /// Checksum of its bytes, bound to the file and the offset.
    pub checksum: u64,
}

/// An encoded segment, ready to be created.
#[derive(Debug, Clone)]
pub struct EncodedSegment {
    /// What the file is bound to.
    pub identity: SegmentIdentity,
    /// Its chunk table.
    pub chunks: Vec<Chunk>,
    /// The checksum of header and table, which the metadata repeats.
    pub checksum: u64,
    /// The whole file.
    pub content: Vec<u8>,
}

pub(super) fn header(identity: &SegmentIdentity, chunk_count: u32, file_bytes: u32) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(MAGIC);
    header[8..10].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
    header[10] = identity.kind.tag();
    header[12..16].copy_from_slice(&u32::from(KEY_GROUPS).to_le_bytes());
    header[16..32].copy_from_slice(&identity.store_id);
    header[32..40].copy_from_slice(&identity.number.to_le_bytes());
    header[40..48].copy_from_slice(&identity.checkpoint_id.to_le_bytes());
    header[48..52].copy_from_slice(&chunk_count.to_le_bytes());
    header[52..56].copy_from_slice(&file_bytes.to_le_bytes());
    header
}

/// What a chunk's checksum is bound to: the file's identity and the chunk's place in it.
pub(super) fn chunk_binding(identity: &SegmentIdentity, offset: u64) -> u64 {
    checksum(&header(identity, 0, 0)[..48], offset)
}

/// The checksum of header (without the checksum itself) and table.
pub(super) fn head_checksum(header: &[u8; HEADER_BYTES], table: &[u8]) -> u64 {
    checksum(table, checksum(&header[..56], 0))
}
