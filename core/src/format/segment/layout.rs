//! The parts of a segment: its kind, the identity that its file is bound to, and its chunks.

use crate::format::version::FormatVersion;
use crate::model::key_groups::{GROUP_BITS, group_of};

/// A file is closed once it has this many bytes. Browsers read and write files of 1 to 4 MiB best.
pub(crate) const FILE_BYTES: usize = 4 << 20;

/// The kind of records that a segment holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SegmentKind {
    /// All live records of its key groups.
    #[default]
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
    pub(super) fn tag(self) -> u8 {
        match self {
            Self::Base => 1,
            Self::Delta => 2,
            Self::Wal => 3,
        }
    }
}

/// What a file is bound to. Together with the chunk table it determines the whole header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SegmentIdentity {
    /// The version of the format of the file.
    pub format: FormatVersion,
    /// The directory's id.
    pub store_id: [u8; 16],
    /// The kind of its records.
    pub kind: SegmentKind,
    /// The number in the file's name. For a WAL file, it is its place in the sequence after the checkpoint.
    pub number: u64,
    /// The number that the writer of the file drew, or 0 if it drew none. Format 2 has none.
    pub writer: u64,
    /// The checkpoint whose state or changes the records are. For a WAL file, it is the one that the file
    /// follows.
    pub checkpoint_id: u64,
}

/// One entry of the chunk table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Chunk {
    /// Where the chunk starts, in bytes from the start of the file. It follows from the entries before.
    pub offset: u64,
    /// Its length in bytes.
    pub bytes: u32,
    /// How many records it holds, tombstones included.
    pub records: u32,
    /// How many of them are tombstones.
    pub tombstones: u32,
    /// Whether its records say which namespace they belong to. If not, all belong to the default one.
    pub is_namespaced: bool,
    /// The hash of its first record. In format 2 it is only known that no hash is less.
    pub first_hash: u64,
    /// The hash of its last record. In format 2 it is only known that no hash is greater.
    pub last_hash: u64,
    /// The checksum of its bytes, bound to the file and the offset.
    pub checksum: u64,
}

impl Chunk {
    /// Returns the key group of its first record.
    pub fn first_group(&self) -> u16 {
        group_of(self.first_hash)
    }

    /// Returns the key group of its last record.
    pub fn last_group(&self) -> u16 {
        group_of(self.last_hash)
    }

    /// Sets the hashes to the least and the greatest of these key groups.
    pub(super) fn set_groups(&mut self, first: u16, last: u16) {
        let shift = u64::BITS - GROUP_BITS;
        self.first_hash = u64::from(first) << shift;
        self.last_hash = u64::from(last) << shift | u64::MAX >> GROUP_BITS;
    }
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
