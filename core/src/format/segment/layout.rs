//! The parts of a segment: the header, the identity that it binds the file to, and the chunk table.

use crate::format::FORMAT_VERSION;
use crate::model::hash::checksum;
use crate::model::key_groups::KEY_GROUPS;

pub(super) const MAGIC: &[u8; 8] = b"ALLUVSEG";

/// The length of the header in bytes.
pub const HEADER_BYTES: usize = 64;

/// The length of one entry of the chunk table in bytes.
pub const CHUNK_ENTRY_BYTES: usize = 24;

/// A file is closed once it has this many bytes. Browsers read and write files of 1 to 4 MiB best.
pub(crate) const FILE_BYTES: usize = 4 << 20;

/// The kind of records that a segment holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SegmentKind {
    /// All live records of its key groups.
    Base,
    /// The changes since the previous checkpoint: puts and tombstones.
    Delta,
    /// The changes since the newest checkpoint, made durable before the next one.
    Wal,
}

impl SegmentKind {
    /// Returns the extension of the file's name.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Delta => "delta",
            Self::Wal => "log",
        }
    }

    /// Returns the kind of a file under `segments/` with this extension, or `None` if there is none.
    pub fn from_extension(extension: &str) -> Option<Self> {
        match extension {
            "base" => Some(Self::Base),
            "delta" => Some(Self::Delta),
            _ => None,
        }
    }

    /// Returns the kind's byte in the header.
    fn tag(self) -> u8 {
        match self {
            Self::Base => 1,
            Self::Delta => 2,
            Self::Wal => 3,
        }
    }
}

/// What a file is bound to. Together with the chunk table it determines the whole header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentIdentity {
    /// The directory's id.
    pub store_id: [u8; 16],
    /// The kind of its records.
    pub kind: SegmentKind,
    /// The number in the file's name. For a WAL file, it is its place in the sequence after the checkpoint.
    pub number: u64,
    /// The checkpoint whose state or changes the records are. For a WAL file, it is the one that the file
    /// follows.
    pub checkpoint_id: u64,
}

/// One entry of the chunk table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// Where the chunk starts, in bytes from the start of the file. It follows from the entries before.
    pub offset: u64,
    /// Its length in bytes.
    pub bytes: u32,
    /// How many records it holds, tombstones included.
    pub records: u32,
    /// How many of them are tombstones.
    pub tombstones: u32,
    /// The key group of its first record.
    pub first_group: u16,
    /// The key group of its last record.
    pub last_group: u16,
    /// The checksum of its bytes, bound to the file and the offset.
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
    /// The content of the whole file.
    pub content: Vec<u8>,
}

/// Returns the header of a file, with its checksum still zero.
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

/// Returns what a chunk's checksum is bound to: the file's identity and the chunk's offset in it.
pub(super) fn chunk_binding(identity: &SegmentIdentity, offset: u64) -> u64 {
    checksum(&header(identity, 0, 0)[..48], offset)
}

/// Returns the checksum of the header (without the checksum itself) and the table.
pub(super) fn head_checksum(header: &[u8; HEADER_BYTES], table: &[u8]) -> u64 {
    checksum(table, checksum(&header[..56], 0))
}
