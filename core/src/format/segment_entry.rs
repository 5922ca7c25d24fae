//! One segment as the metadata names it.

use serde::{Deserialize, Serialize};

use crate::format::hex_digits;
use crate::format::paths::{Name, segment_path};
use crate::format::segment::{SegmentIdentity, SegmentKind};

/// One segment that a checkpoint names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "SegmentLine", into = "SegmentLine")]
pub struct SegmentEntry {
    /// Base or delta.
    pub kind: SegmentKind,
    /// The number in its name.
    pub number: u64,
    /// The checkpoint whose state or changes it holds.
    pub checkpoint_id: u64,
    /// Length of the file.
    pub bytes: u64,
    /// Checksum of its header and chunk table.
    pub checksum: u64,
    /// Entries in its chunk table.
    pub chunks: u32,
    /// Ranges of key groups, both ends included, that are to be taken from it: ascending and apart.
    /// What a newer base covers is left out.
    pub groups: Vec<(u16, u16)>,
}

impl SegmentEntry {
    /// The relative path of the file.
    pub fn path(&self) -> String {
        segment_path(self.kind, self.number)
    }

    /// What the file is bound to in the directory `store_id`.
    pub fn identity(&self, store_id: [u8; 16]) -> SegmentIdentity {
        SegmentIdentity { store_id, kind: self.kind, number: self.number, checkpoint_id: self.checkpoint_id }
    }

    /// Where it stands in the order in which recovery applies segments: bases first, then deltas
    /// from the oldest checkpoint to the newest.
    pub fn order(&self) -> (SegmentKind, u64, u64) {
        (self.kind, self.checkpoint_id, self.number)
    }
}

/// One segment as it stands in the metadata.
#[derive(Serialize, Deserialize)]
struct SegmentLine {
    path: String,
    checkpoint: u64,
    bytes: u64,
    #[serde(with = "hex_digits")]
    checksum: u64,
    chunks: u32,
    groups: Vec<(u16, u16)>,
}

impl TryFrom<SegmentLine> for SegmentEntry {
    type Error = String;

    fn try_from(line: SegmentLine) -> Result<Self, String> {
        let Name::Segment(kind, number) = Name::parse(&line.path) else {
            return Err(format!("{:?} is not the name of a segment", line.path));
        };
        Ok(Self {
            kind,
            number,
            checkpoint_id: line.checkpoint,
            bytes: line.bytes,
            checksum: line.checksum,
            chunks: line.chunks,
            groups: line.groups,
        })
    }
}

impl From<SegmentEntry> for SegmentLine {
    fn from(entry: SegmentEntry) -> Self {
        Self {
            path: entry.path(),
            checkpoint: entry.checkpoint_id,
            bytes: entry.bytes,
            checksum: entry.checksum,
            chunks: entry.chunks,
            groups: entry.groups,
        }
    }
}
