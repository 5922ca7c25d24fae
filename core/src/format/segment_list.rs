//! The list of segments: an immutable file of entries, so that metadata need only say what changed since.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use crate::error::IncrementalCheckpointError as Error;
use crate::format::paths::{Name, list_path};
use crate::format::segment_entry::SegmentEntry;
use crate::format::version::FormatVersion;
use crate::model::hash::checksum;
use crate::model::hex_digits::{self, parse_hex};

/// The text between the entries and their checksum's digits.
const CHECKSUM_LEAD: &str = "{\"checksum\":\"";
/// The text after the digits.
const CHECKSUM_TAIL: &str = "\"}\n";

/// What metadata says of a list file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ListLine", into = "ListLine")]
pub struct ListFile {
    /// The number in its name.
    pub number: u64,
    /// The number of its writer in its name, or 0 if its writer drew none.
    pub writer: u64,
    /// The length of the file in bytes.
    pub bytes: u64,
    /// The checksum at its end.
    pub checksum: u64,
}

impl ListFile {
    /// Returns the relative path of the file.
    pub fn path(&self) -> String {
        list_path(self.number, self.writer)
    }
}

/// A list of segments: its file, and the entries in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentList {
    /// The file.
    pub file: ListFile,
    /// Its entries.
    pub entries: Arc<[SegmentEntry]>,
}

/// What a list file is bound to, and how many entries it has: its first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    list: u16,
    #[serde(with = "hex_digits::store_id")]
    store_id: [u8; 16],
    #[serde(with = "hex_digits")]
    number: u64,
    #[serde(with = "hex_digits")]
    writer: u64,
    checkpoint: u64,
    segments: u64,
}

impl SegmentList {
    /// Encodes a list file of these entries for the directory `store_id`, and returns it with its content.
    pub(crate) fn encode(
        store_id: [u8; 16],
        number: u64,
        writer: u64,
        checkpoint: u64,
        entries: &[SegmentEntry],
    ) -> Result<(Self, Vec<u8>), Error> {
        let list = FormatVersion::default().number();
        let head = Head { list, store_id, number, writer, checkpoint, segments: entries.len() as u64 };
        let text = Self::write(&head, entries).map_err(|error| Error::Serialization(error.to_string()))?;
        let sum = checksum(text.as_bytes(), 0);
        let content = format!("{text}{sum:016x}{CHECKSUM_TAIL}").into_bytes();
        let file = ListFile { number, writer, bytes: content.len() as u64, checksum: sum };
        Ok((Self { file, entries: entries.into() }, content))
    }

    fn write(head: &Head, entries: &[SegmentEntry]) -> serde_json::Result<String> {
        let mut text = serde_json::to_string(head)?;
        text.push('\n');
        for entry in entries {
            text.push_str(&serde_json::to_string(entry)?);
            text.push('\n');
        }
        text.push_str(CHECKSUM_LEAD);
        Ok(text)
    }

    /// Reads the content of a list file of the directory `store_id`.
    ///
    /// A content that is not what the metadata says is [`Corruption`](Error::Corruption) or
    /// [`CrcMismatch`](Error::CrcMismatch). Entries that this version does not understand are
    /// [`Deserialization`](Error::Deserialization).
    pub(crate) fn decode(file: ListFile, store_id: [u8; 16], content: &[u8]) -> Result<Self, Error> {
        let place = file.path();
        if content.len() as u64 != file.bytes {
            return Err(Error::corrupt(&place, format!("{} bytes long, not {}", content.len(), file.bytes)));
        }
        let text = std::str::from_utf8(content).map_err(|error| Error::corrupt(&place, error))?;
        let body = text.strip_suffix(CHECKSUM_TAIL).and_then(|text| text.split_at_checked(text.len().checked_sub(16)?));
        let sealed = body.filter(|(covered, _)| covered.ends_with(CHECKSUM_LEAD));
        let sealed = sealed.and_then(|(covered, digits)| Some((covered, parse_hex(digits)?)));
        let (covered, claimed) = sealed.ok_or_else(|| Error::corrupt(&place, "does not end with a checksum"))?;
        let computed = checksum(covered.as_bytes(), 0);
        if computed != file.checksum || claimed != file.checksum {
            return Err(Error::CrcMismatch { place, offset: 0, expected: file.checksum, computed });
        }
        let mut lines = covered.strip_suffix(CHECKSUM_LEAD).unwrap_or_default().lines();
        let unknown = |error| Error::unknown(&place, error);
        let head: Head = serde_json::from_str(lines.next().unwrap_or_default()).map_err(unknown)?;
        let bound = Head { store_id, number: file.number, writer: file.writer, ..head };
        if head != bound || head.list != FormatVersion::default().number() {
            return Err(Error::corrupt(&place, "is the list of another place"));
        }
        let entries = lines.map(|line| serde_json::from_str(line).map_err(unknown));
        let entries = entries.collect::<Result<Vec<SegmentEntry>, Error>>()?;
        if entries.len() as u64 != head.segments {
            return Err(Error::corrupt(&place, format!("{} entries, not {}", entries.len(), head.segments)));
        }
        Ok(Self { file, entries: entries.into() })
    }

    /// Returns what metadata must say so that these segments come of the list, or `None` if no metadata can
    /// say it.
    pub(crate) fn changes_to(&self, segments: &[SegmentEntry]) -> Option<ListChanges> {
        let listed: FxHashMap<_, _> = self.entries.iter().map(|entry| (entry.id(), entry)).collect();
        let named: FxHashSet<_> = segments.iter().map(SegmentEntry::id).collect();
        let is_gone = |listed: &&SegmentEntry| !named.contains(&listed.id());
        let is_changed = |entry: &&SegmentEntry| listed.get(&entry.id()) != Some(entry);
        let changes = ListChanges {
            changed: segments.iter().filter(is_changed).cloned().collect(),
            removed: self.entries.iter().filter(is_gone).map(SegmentEntry::name).collect(),
        };
        (changes.apply_to(&self.entries).as_deref() == Ok(segments)).then_some(changes)
    }
}

/// What became of the segments since a list was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ListChanges {
    /// The entries that were added, and those that replace the list's entry of the same file.
    pub(crate) changed: Vec<SegmentEntry>,
    /// The names of the segments that are no longer there.
    pub(crate) removed: Vec<String>,
}

impl ListChanges {
    /// Returns how many entries changed.
    pub(crate) fn count(&self) -> usize {
        self.changed.len() + self.removed.len()
    }

    /// Applies the changes to the entries of a list. An error says what does not fit.
    pub(crate) fn apply_to(&self, listed: &[SegmentEntry]) -> Result<Vec<SegmentEntry>, String> {
        let mut removed: Vec<&str> = self.removed.iter().map(String::as_str).collect();
        removed.sort_unstable();
        let mut left: Vec<SegmentEntry> = Vec::with_capacity(listed.len() + self.changed.len());
        let mut found = 0;
        for entry in listed {
            if removed.binary_search(&entry.name().as_str()).is_ok() {
                found += 1;
            } else {
                left.push(entry.clone());
            }
        }
        if found != removed.len() {
            return Err("removes a segment that the list does not have".into());
        }
        let places: FxHashMap<_, _> = left.iter().enumerate().map(|(at, entry)| (entry.id(), at)).collect();
        for entry in &self.changed {
            match places.get(&entry.id()) {
                Some(at) => left[*at] = entry.clone(),
                None => left.push(entry.clone()),
            }
        }
        // The order of segments of other directories is that in which they are listed, so it must stay.
        left.sort_by_key(SegmentEntry::order);
        Ok(left)
    }
}

/// A list file as the JSON of the metadata holds it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListLine {
    path: String,
    bytes: u64,
    #[serde(with = "hex_digits")]
    checksum: u64,
}

impl TryFrom<ListLine> for ListFile {
    type Error = String;

    fn try_from(line: ListLine) -> Result<Self, String> {
        let Name::List(number, writer) = Name::parse(&line.path) else {
            return Err(format!("{:?} is not the name of a list", line.path));
        };
        Ok(Self { number, writer, bytes: line.bytes, checksum: line.checksum })
    }
}

impl From<ListFile> for ListLine {
    fn from(file: ListFile) -> Self {
        Self { path: file.path(), bytes: file.bytes, checksum: file.checksum }
    }
}
