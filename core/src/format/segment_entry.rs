//! The entry of a segment in the metadata.

use serde::{Deserialize, Serialize};

use crate::format::hex_digits;
use crate::format::paths::{Name, segment_path};
use crate::format::segment::{SegmentIdentity, SegmentKind};

/// One segment that a checkpoint names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "SegmentLine", into = "SegmentLine")]
pub struct SegmentEntry {
    /// The kind of its records: base or delta.
    pub kind: SegmentKind,
    /// The number in its name.
    pub number: u64,
    /// The checkpoint whose state or changes it holds.
    pub checkpoint_id: u64,
    /// The length of the file in bytes.
    pub bytes: u64,
    /// The checksum of its header and chunk table.
    pub checksum: u64,
    /// The number of entries in its chunk table.
    pub chunks: u32,
    /// The key groups that recovery takes from it, as ranges that include both ends. They are ascending and
    /// do not overlap. Groups that a newer base covers are left out.
    pub groups: Vec<(u16, u16)>,
}

impl SegmentEntry {
    /// Returns the relative path of the file.
    pub fn path(&self) -> String {
        segment_path(self.kind, self.number)
    }

    /// Returns what the file is bound to in the directory `store_id`.
    pub fn identity(&self, store_id: [u8; 16]) -> SegmentIdentity {
        SegmentIdentity { store_id, kind: self.kind, number: self.number, checkpoint_id: self.checkpoint_id }
    }

    /// Returns its place in the order in which recovery applies segments: bases come first, then deltas
    /// from the oldest checkpoint to the newest.
    pub fn order(&self) -> (SegmentKind, u64, u64) {
        (self.kind, self.checkpoint_id, self.number)
    }
}

/// A segment as the JSON of the metadata holds it.
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
