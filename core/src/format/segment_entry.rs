//! The entry of a segment in the metadata.

use serde::{Deserialize, Serialize};

use crate::format::paths::{Name, segment_path};
use crate::format::segment::{SegmentIdentity, SegmentKind};
use crate::format::version::FormatVersion;
use crate::model::hash_range::HashRange;
use crate::model::hex_digits::{self, bytes_to_hex, parse_bytes};
use crate::model::key_groups::KeyGroups;
use crate::model::wanted::Wanted;

/// What tells an entry from all others: the directory if it is another one, the parts of the file's name, and the
/// range of hashes.
pub(super) type EntryId = (Option<[u8; 16]>, SegmentKind, u64, u64, Option<HashRange>);

/// One segment that a checkpoint names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "SegmentLine", into = "SegmentLine")]
pub struct SegmentEntry {
    /// The version of the format of the file.
    pub format: FormatVersion,
    /// The kind of its records: base or delta.
    pub kind: SegmentKind,
    /// The number in its name.
    pub number: u64,
    /// The number of its writer in its name, or 0 if its writer drew none.
    pub writer: u64,
    /// The directory that holds the file, if it is another one: its store id.
    pub store: Option<[u8; 16]>,
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
    /// The hashes of the records that count. `None` means all of them.
    pub range: Option<HashRange>,
}

impl SegmentEntry {
    /// Returns the relative path of the file in its directory.
    pub fn path(&self) -> String {
        segment_path(self.kind, self.number, self.writer)
    }

    /// Returns the relative paths of the segments that are in the directory itself.
    pub(crate) fn own_paths(entries: &[Self]) -> Vec<String> {
        entries.iter().filter(|entry| entry.store.is_none()).map(Self::path).collect()
    }

    /// Returns what the file is bound to. `store_id` is the id of the directory whose checkpoint names it.
    pub fn identity(&self, store_id: [u8; 16]) -> SegmentIdentity {
        SegmentIdentity {
            format: self.format,
            store_id: self.store.unwrap_or(store_id),
            kind: self.kind,
            number: self.number,
            writer: self.writer,
            checkpoint_id: self.checkpoint_id,
        }
    }

    /// Returns which of its records count.
    pub(crate) fn live(&self) -> Wanted {
        Wanted { groups: KeyGroups::of_ranges(&self.groups), range: self.range.unwrap_or_default() }
    }

    /// Returns its place in the order in which recovery applies segments: bases come first, then deltas.
    /// Those of other directories come before those of the own one. The own ones are ordered from the oldest
    /// checkpoint to the newest. Those of other directories keep the order in which they are listed, because
    /// ids and numbers of different directories cannot be compared.
    pub fn order(&self) -> (SegmentKind, bool, u64, u64, u64) {
        match self.store {
            Some(_) => (self.kind, false, 0, 0, 0),
            None => (self.kind, true, self.checkpoint_id, self.number, self.writer),
        }
    }

    /// Returns the name by which the entry is told from all others: its path, in front of it the store id of
    /// the directory if it is in another one, and behind it the range of hashes if it has one.
    pub fn name(&self) -> String {
        let path = match self.store {
            Some(store) => format!("{}/{}", bytes_to_hex(&store), self.path()),
            None => self.path(),
        };
        match self.range {
            Some(range) => format!("{path}#{:016x}-{:016x}", range.first(), range.last()),
            None => path,
        }
    }

    /// Tells whether two entries name the same file, and the same range of its records. Which key groups count may
    /// differ.
    pub fn is_same(&self, other: &Self) -> bool {
        self.id() == other.id()
    }

    /// Tells whether two entries name the same file. Which of its records count may differ.
    pub(crate) fn is_same_file(&self, other: &Self) -> bool {
        Self { range: None, ..self.clone() }.id() == Self { range: None, ..other.clone() }.id()
    }

    /// Returns what tells the entry from all others.
    pub(super) fn id(&self) -> EntryId {
        (self.store, self.kind, self.number, self.writer, self.range)
    }

    /// Marks the entry as one of format 2, whose entries have no fields of a later version.
    pub(super) fn as_of_version_2(&mut self) -> Result<(), String> {
        let is_plain = self.writer == 0 && self.store.is_none() && self.range.is_none();
        if !is_plain || self.format != FormatVersion::default() {
            return Err(format!("{}: has fields of a later version", self.path()));
        }
        self.format = FormatVersion::V2;
        Ok(())
    }
}

/// A segment as the JSON of the metadata holds it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SegmentLine {
    path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    format: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    store: Option<String>,
    checkpoint: u64,
    bytes: u64,
    #[serde(with = "hex_digits")]
    checksum: u64,
    chunks: u32,
    groups: Vec<(u16, u16)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    range: Option<HashRange>,
}

impl TryFrom<SegmentLine> for SegmentEntry {
    type Error = String;

    fn try_from(line: SegmentLine) -> Result<Self, String> {
        let Name::Segment(kind, number, writer) = Name::parse(&line.path) else {
            return Err(format!("{:?} is not the name of a segment", line.path));
        };
        // Only an older version is written down.
        let format = match line.format {
            None => FormatVersion::default(),
            Some(number) => FormatVersion::of_number(number)
                .filter(|format| *format != FormatVersion::default())
                .ok_or_else(|| format!("{}: format {number}", line.path))?,
        };
        // The header holds the length in four bytes. With this bound, sums of lengths cannot overflow.
        if line.bytes > u64::from(u32::MAX) {
            return Err(format!("{}: {} bytes are more than a segment can have", line.path, line.bytes));
        }
        Ok(Self {
            format,
            kind,
            number,
            writer,
            store: line.store.map(|digits| store_id(&digits)).transpose()?,
            checkpoint_id: line.checkpoint,
            bytes: line.bytes,
            checksum: line.checksum,
            chunks: line.chunks,
            groups: line.groups,
            range: line.range,
        })
    }
}

fn store_id(digits: &str) -> Result<[u8; 16], String> {
    let id = parse_bytes(digits).and_then(|bytes| bytes.try_into().ok());
    id.ok_or_else(|| format!("{digits:?}: thirty-two hexadecimal digits expected"))
}

impl From<SegmentEntry> for SegmentLine {
    fn from(entry: SegmentEntry) -> Self {
        let format = (entry.format != FormatVersion::default()).then(|| entry.format.number());
        Self {
            path: entry.path(),
            format,
            store: entry.store.map(|id| bytes_to_hex(&id)),
            checkpoint: entry.checkpoint_id,
            bytes: entry.bytes,
            checksum: entry.checksum,
            chunks: entry.chunks,
            groups: entry.groups,
            range: entry.range,
        }
    }
}
