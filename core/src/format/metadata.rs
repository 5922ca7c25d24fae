//! The metadata of a checkpoint: the original's JSON in the original's order, our fields after it,
//! and a checksum over all of it.

use std::collections::BTreeMap;

use crate::error::IncrementalCheckpointError as Error;
use crate::format::json::{self, JsonError, Node, Object, Parsed};
use crate::format::paths::{Name, metadata_path, parse_hex, segment_path, state_path};
use crate::format::segment::{CHUNK_ENTRY_BYTES, HEADER_BYTES, SegmentIdentity, SegmentKind};
use crate::model::hash::{KEY_GROUPS, checksum};
use crate::seeded_defects::{self, Defect};

/// The version of the metadata that this crate writes and reads.
const VERSION: u64 = 1;

/// What a checkpoint is: its position in the stream and the files that hold its state.
///
/// The fields are the original's, and set. `to_json` writes what the original's reader accepts;
/// `from_json` reads what the original wrote.
///
/// ```
/// use alluvium_core::IncrementalCheckpointMetadata;
///
/// let metadata = IncrementalCheckpointMetadata::new(1, 100);
/// let again = IncrementalCheckpointMetadata::from_json(&metadata.to_json()?)?;
/// assert_eq!((again.id, again.epoch), (1, 100));
/// # Ok::<(), alluvium_core::IncrementalCheckpointError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncrementalCheckpointMetadata {
    /// Ids start at 1 and are never given twice.
    pub id: u64,
    /// The epoch that this checkpoint closes.
    pub epoch: u64,
    /// When it was prepared, in seconds of Unix time.
    pub timestamp: u64,
    /// The caller's own position in the caller's own log.
    pub wal_position: u64,
    /// For each source, how far it was consumed.
    pub source_offsets: BTreeMap<String, u64>,
    /// The watermark in milliseconds of Unix time, if there was one.
    pub watermark: Option<i64>,
    /// Bytes of all files that this checkpoint names.
    pub size_bytes: u64,
    /// Live keys.
    pub key_count: u64,
    /// Whether it shares files with an earlier checkpoint or builds on its state.
    pub is_incremental: bool,
    /// The checkpoint that it continues.
    pub parent_id: Option<u64>,
    /// Relative paths of the segments that hold its state.
    pub sst_files: Vec<String>,
    /// What the original does not know; `None` when the original wrote the checkpoint.
    pub alluvium: Option<AlluviumFields>,
}

/// The part of the metadata that the original does not know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlluviumFields {
    /// The id of the directory, to which every file in it is bound.
    pub store_id: [u8; 16],
    /// When the checkpoint was prepared, in milliseconds of Unix time.
    pub timestamp_ms: u64,
    /// Keys that changed since the checkpoint before, tombstones included.
    pub keys_changed: u64,
    /// How many of them were deleted.
    pub tombstones: u64,
    /// Bytes of the keys and values that changed.
    pub bytes_changed: u64,
    /// Bytes of the segments and the state that were created with this checkpoint.
    pub bytes_written: u64,
    /// Bytes of all live keys and values.
    pub state_bytes: u64,
    /// The sum of [`entry_digest`](crate::model::hash::entry_digest) over the state.
    pub state_digest: u64,
    /// The segments, in the order in which recovery applies them: see [`SegmentEntry::order`].
    pub segments: Vec<SegmentEntry>,
    /// The caller's opaque state, if this checkpoint has one.
    pub state_file: Option<StateFile>,
    /// What the caller attached: short texts by name.
    pub annotations: BTreeMap<String, String>,
}

/// One segment that a checkpoint names.
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// The caller's opaque state as a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateFile {
    /// Its length.
    pub bytes: u64,
    /// Its checksum: XXH3-64, seed 0.
    pub checksum: u64,
}

/// `"checksum": "` and what follows the digits.
const CHECKSUM_LEAD: &str = ",\n  \"checksum\": \"";
const CHECKSUM_TAIL: &str = "\"\n}";

fn hex(number: u64) -> String {
    format!("{number:016x}")
}

/// A field that this version does not know may only be passed over when its name says so.
fn refuse_unknown(place: &str, prefix: &str, json: &Object) -> Result<(), Error> {
    match json.unknown() {
        Some(name) => Err(Error::unknown(place, format!("unknown field {prefix}{name}: written by a newer version"))),
        None => Ok(()),
    }
}

fn store_id_hex(store_id: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(store_id))
}

impl IncrementalCheckpointMetadata {
    /// Metadata of a checkpoint without a parent, state or position.
    pub fn new(id: u64, epoch: u64) -> Self {
        Self {
            id,
            epoch,
            timestamp: 0,
            wal_position: 0,
            source_offsets: BTreeMap::new(),
            watermark: None,
            size_bytes: 0,
            key_count: 0,
            is_incremental: false,
            parent_id: None,
            sst_files: Vec::new(),
            alluvium: None,
        }
    }

    /// The checkpoint's directory, relative: `checkpoint_` and sixteen hexadecimal digits.
    pub fn checkpoint_path(&self) -> String {
        format!("checkpoint_{:016x}", self.id)
    }

    /// The files that this checkpoint needs, its metadata included, all relative.
    pub fn files(&self) -> Vec<String> {
        let mut files = self.sst_files.clone();
        if self.alluvium.as_ref().is_none_or(|fields| fields.state_file.is_some()) {
            // The original writes state.bin without saying so: reachable whenever it is there.
            files.push(state_path(self.id));
        }
        files.push(metadata_path(self.id));
        files
    }

    /// Writes the JSON: byte for byte the same for equal metadata.
    pub fn to_json(&self) -> Result<String, Error> {
        let mut out = Members { json: String::from("{"), indent: "\n  " };
        let sst_files: Vec<String> = self.sst_files.iter().map(|path| json::text(path)).collect();
        let offsets = self.source_offsets.iter().map(|(name, offset)| (name, offset.to_string()));
        out.number("id", self.id);
        out.number("epoch", self.epoch);
        out.number("timestamp", self.timestamp);
        out.number("wal_position", self.wal_position);
        out.push("source_offsets", &json::map(offsets, "\n    "));
        out.push("watermark", &json::optional(self.watermark.map(|watermark| watermark.to_string())));
        out.number("size_bytes", self.size_bytes);
        out.number("key_count", self.key_count);
        out.push("is_incremental", if self.is_incremental { "true" } else { "false" });
        out.push("parent_id", &json::optional(self.parent_id.map(|id| id.to_string())));
        out.push("sst_files", &json::list('[', &sst_files, "\n    ", ']'));
        let Some(fields) = &self.alluvium else {
            return Ok(out.json + "\n}");
        };
        let section = fields.to_json();
        out.push("alluvium", &section);
        out.json.push_str(CHECKSUM_LEAD);
        let sum = hex(checksum(out.json.as_bytes(), 0));
        Ok(out.json + &sum + CHECKSUM_TAIL)
    }

    /// Reads JSON that `to_json` or the original wrote.
    ///
    /// What carries a checksum is held to it first; what is then unknown is an error, unless its
    /// name starts with `x-`.
    pub fn from_json(json: &str) -> Result<Self, Error> {
        Self::decode("metadata", json.as_bytes())
    }

    /// As [`from_json`](Self::from_json), naming `place` in errors.
    pub(crate) fn decode(place: &str, bytes: &[u8]) -> Result<Self, Error> {
        let json = std::str::from_utf8(bytes).map_err(|error| Error::corrupt(place, error))?;
        // What the original wrote has no checksum. Ours cannot pass for it: cut or overwritten, it
        // still mentions the section, or is no JSON.
        let mentions = |name: &[u8]| bytes.windows(name.len()).any(|part| part == name);
        if !mentions(b"\"alluvium\"") && !mentions(b"\"checksum\"") {
            let read = Object::parse(json).and_then(|mut json| {
                let metadata = Self::take(&mut json);
                json.check().map(|()| metadata)
            });
            return read.map_err(|error| Error::corrupt(place, error));
        }
        let computed_over = json.len().checked_sub(CHECKSUM_TAIL.len() + 16);
        let split = computed_over.and_then(|at| Some((json.get(..at)?, json.get(at..at + 16)?, json.get(at + 16..)?)));
        let (covered, digits, tail) = split.ok_or_else(|| Error::corrupt(place, "too short for its checksum"))?;
        let expected = parse_hex(digits).filter(|_| tail == CHECKSUM_TAIL && covered.ends_with(CHECKSUM_LEAD));
        let expected = expected.ok_or_else(|| Error::corrupt(place, "does not end with a checksum"))?;
        let computed = checksum(covered.as_bytes(), 0);
        if computed != expected && !seeded_defects::is(Defect::IgnoreChecksum) {
            return Err(Error::CrcMismatch { place: place.into(), offset: 0, expected, computed });
        }
        let not_understood = |error: JsonError| Error::unknown(place, error);
        let mut json = Object::parse(json).map_err(not_understood)?;
        let mut metadata = Self::take(&mut json);
        let section = json.required("alluvium", |node| node.object().map(Some));
        json.required("checksum", Node::text);
        json.check().map_err(not_understood)?;
        refuse_unknown(place, "", &json)?;
        metadata.alluvium = section.map(|section| AlluviumFields::decode(place, section)).transpose()?;
        metadata.check(place)?;
        Ok(metadata)
    }

    /// Takes the original's fields. It ignores what it does not know.
    fn take(json: &mut Object) -> Self {
        Self {
            id: json.unsigned("id"),
            epoch: json.unsigned("epoch"),
            timestamp: json.unsigned("timestamp"),
            wal_position: json.unsigned("wal_position"),
            source_offsets: json.required("source_offsets", |node| node.map(Node::unsigned)),
            watermark: json.optional("watermark", Node::signed),
            size_bytes: json.unsigned("size_bytes"),
            key_count: json.unsigned("key_count"),
            is_incremental: json.required("is_incremental", Node::boolean),
            parent_id: json.optional("parent_id", Node::unsigned),
            sst_files: json.required("sst_files", |node| node.list(Node::text)),
            alluvium: None,
        }
    }

    /// What must hold between the fields.
    fn check(&self, place: &str) -> Result<(), Error> {
        let Some(fields) = &self.alluvium else {
            return Ok(());
        };
        let paths: Vec<String> = fields.segments.iter().map(SegmentEntry::path).collect();
        if paths != self.sst_files {
            return Err(Error::unknown(place, "sst_files and segments name different files"));
        }
        if !fields.segments.is_sorted_by(|a, b| a.order() < b.order()) {
            return Err(Error::unknown(place, "segments are not bases and then deltas, each by checkpoint and number"));
        }
        let mut covered = vec![false; usize::from(KEY_GROUPS)];
        for entry in &fields.segments {
            let at = || format!("{place}: {}", entry.path());
            let table = u64::from(entry.chunks) * CHUNK_ENTRY_BYTES as u64;
            if entry.bytes < HEADER_BYTES as u64 + table {
                return Err(Error::unknown(at(), "shorter than its own chunk table"));
            }
            let apart = entry.groups.is_sorted_by(|a, b| a.1 < b.0);
            let sound = entry.groups.iter().all(|(first, last)| first <= last && *last < KEY_GROUPS);
            if entry.groups.is_empty() || !apart || !sound {
                return Err(Error::unknown(at(), "key groups are not ascending ranges"));
            }
            for (first, last) in &entry.groups {
                covered[usize::from(*first)..=usize::from(*last)].fill(true);
            }
        }
        if self.key_count > 0 && !covered.contains(&true) {
            return Err(Error::unknown(place, "names keys but no segment that holds them"));
        }
        Ok(())
    }
}

impl AlluviumFields {
    /// Reads our section. Unlike the original's, unknown fields are refused, but for those that start
    /// with `x-`, which a later version may add for others to pass over.
    fn decode(place: &str, mut json: Object) -> Result<Self, Error> {
        let (version, key_groups) = (json.unsigned("version"), json.unsigned("key_groups"));
        let fields = Self {
            store_id: json.required("store_id", store_id),
            timestamp_ms: json.unsigned("timestamp_ms"),
            keys_changed: json.unsigned("keys_changed"),
            tombstones: json.unsigned("tombstones"),
            bytes_changed: json.unsigned("bytes_changed"),
            bytes_written: json.unsigned("bytes_written"),
            state_bytes: json.unsigned("state_bytes"),
            state_digest: json.required("state_digest", Node::hex),
            segments: json.required("segments", |node| node.list(SegmentEntry::read)),
            state_file: json.optional("state_file", state_file),
            annotations: json.required("annotations", |node| node.map(Node::text)),
        };
        json.check().map_err(|error| Error::unknown(place, error))?;
        if version != VERSION {
            return Err(Error::unknown(place, format!("version {version}: this build reads {VERSION}")));
        }
        if key_groups != u64::from(KEY_GROUPS) {
            return Err(Error::unknown(place, format!("{key_groups} key groups: this build reads {KEY_GROUPS}")));
        }
        refuse_unknown(place, "alluvium.", &json)?;
        Ok(fields)
    }

    /// The section as it stands in the metadata.
    fn to_json(&self) -> String {
        let mut out = Members { json: String::from("{"), indent: "\n    " };
        out.number("version", VERSION);
        out.push("store_id", &json::text(&store_id_hex(self.store_id)));
        out.number("key_groups", KEY_GROUPS.into());
        out.number("timestamp_ms", self.timestamp_ms);
        out.number("keys_changed", self.keys_changed);
        out.number("tombstones", self.tombstones);
        out.number("bytes_changed", self.bytes_changed);
        out.number("bytes_written", self.bytes_written);
        out.number("state_bytes", self.state_bytes);
        out.push("state_digest", &json::text(&hex(self.state_digest)));
        let file = |file: StateFile| format!("{{\"bytes\":{},\"checksum\":\"{}\"}}", file.bytes, hex(file.checksum));
        out.push("state_file", &json::optional(self.state_file.map(file)));
        out.push("annotations", &json::map(self.annotations.iter().map(|(name, text)| (name, json::text(text))), ""));
        // One line a segment: over several it would take eleven.
        let lines: Vec<String> = self.segments.iter().map(SegmentEntry::to_json).collect();
        out.push("segments", &json::list('[', &lines, "\n      ", ']'));
        out.json + "\n  }"
    }
}

fn store_id(node: Node) -> Parsed<[u8; 16]> {
    let wrong = node.error("thirty-two hexadecimal digits expected");
    let digits = node.text()?;
    let half = |range: std::ops::Range<usize>| parse_hex(digits.get(range)?);
    match (half(0..16), half(16..32)) {
        (Some(high), Some(low)) if digits.len() == 32 => Ok(((u128::from(high) << 64) | u128::from(low)).to_be_bytes()),
        _ => Err(wrong),
    }
}

fn range(node: Node) -> Parsed<(u16, u16)> {
    let two_ends = node.error("a range of groups has two ends");
    match node.list(Node::small)?[..] {
        [first, last] => Ok((first, last)),
        _ => Err(two_ends),
    }
}

fn state_file(node: Node) -> Parsed<StateFile> {
    let mut json = node.object()?;
    let file = StateFile { bytes: json.unsigned("bytes"), checksum: json.required("checksum", Node::hex) };
    json.end("unknown field of a state file: written by a newer version").map(|()| file)
}

impl SegmentEntry {
    fn read(node: Node) -> Parsed<Self> {
        let no_name = node.error("its path is no segment's name");
        let mut json = node.object()?;
        let path = json.required("path", Node::text);
        let mut entry = Self {
            kind: SegmentKind::Base,
            number: 0,
            checkpoint_id: json.unsigned("checkpoint"),
            bytes: json.unsigned("bytes"),
            checksum: json.required("checksum", Node::hex),
            chunks: json.required("chunks", Node::small),
            groups: json.required("groups", |node| node.list(range)),
        };
        json.end("unknown field of a segment: written by a newer version")?;
        let Name::Segment(kind, number) = Name::parse(&path) else { return Err(no_name) };
        (entry.kind, entry.number) = (kind, number);
        Ok(entry)
    }

    fn to_json(&self) -> String {
        let groups: Vec<String> = self.groups.iter().map(|(first, last)| format!("[{first},{last}]")).collect();
        format!(
            "{{\"path\":\"{}\",\"checkpoint\":{},\"bytes\":{},\"checksum\":\"{}\",\"chunks\":{},\"groups\":{}}}",
            self.path(),
            self.checkpoint_id,
            self.bytes,
            hex(self.checksum),
            self.chunks,
            json::list('[', &groups, "", ']')
        )
    }
}

/// An object that is being written, a member on each line.
struct Members {
    json: String,
    indent: &'static str,
}

impl Members {
    fn number(&mut self, name: &str, value: u64) {
        self.push(name, &value.to_string());
    }

    fn push(&mut self, name: &str, value: &str) {
        let comma = if self.json.len() == 1 { "" } else { "," };
        for part in [comma, self.indent, "\"", name, "\": ", value] {
            self.json.push_str(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> IncrementalCheckpointMetadata {
        let entry = |kind, number, groups: &[(u16, u16)]| SegmentEntry {
            kind,
            number,
            checkpoint_id: 4,
            bytes: 4096,
            checksum: 0xfeed,
            chunks: 2,
            groups: groups.to_vec(),
        };
        let segments = vec![entry(SegmentKind::Base, 9, &[(0, 63)]), entry(SegmentKind::Delta, 3, &[(0, 3), (8, 63)])];
        IncrementalCheckpointMetadata {
            source_offsets: BTreeMap::from([("input".into(), u64::MAX)]),
            watermark: Some(-1),
            key_count: 2,
            sst_files: segments.iter().map(SegmentEntry::path).collect(),
            alluvium: Some(AlluviumFields {
                store_id: *b"0123456789abcdef",
                segments,
                state_file: Some(StateFile { bytes: 3, checksum: 1 }),
                annotations: BTreeMap::from([("plugin".into(), "a \"quoted\" name".into())]),
                ..AlluviumFields::default()
            }),
            ..IncrementalCheckpointMetadata::new(5, 6)
        }
    }

    /// Rewrites the text and gives it a checksum that holds.
    fn forged(edit: impl Fn(&str) -> String) -> String {
        let json = sample().to_json().unwrap();
        let edited = edit(&json);
        let covered = &edited[..edited.len() - 16 - CHECKSUM_TAIL.len()];
        format!("{covered}{:016x}{CHECKSUM_TAIL}", checksum(covered.as_bytes(), 0))
    }

    #[test]
    fn comes_back() {
        assert_eq!(IncrementalCheckpointMetadata::from_json(&sample().to_json().unwrap()).unwrap(), sample());
        let original = IncrementalCheckpointMetadata::new(1, 2);
        assert_eq!(IncrementalCheckpointMetadata::from_json(&original.to_json().unwrap()).unwrap(), original);
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let json = sample().to_json().unwrap().into_bytes();
        for at in 0..json.len() * 8 {
            let mut damaged = json.clone();
            damaged[at / 8] ^= 1 << (at % 8);
            assert!(IncrementalCheckpointMetadata::decode("m", &damaged).is_err(), "bit {at}");
        }
    }

    #[test]
    fn every_cut_is_found() {
        let json = sample().to_json().unwrap();
        for length in 0..json.len() {
            assert!(IncrementalCheckpointMetadata::decode("m", &json.as_bytes()[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn unknown_is_an_error_unless_marked() {
        let check =
            |from: &str, to: &str| IncrementalCheckpointMetadata::from_json(&forged(|json| json.replacen(from, to, 1)));
        assert!(check("\"key_groups\"", "\"x-more\": [1], \"key_groups\"").is_ok());
        for (from, to) in [
            ("\"key_groups\"", "\"more\": 1, \"key_groups\""),
            ("\"epoch\"", "\"more\": 1, \"epoch\""),
            ("\"version\": 1", "\"version\": 2"),
            ("\"key_groups\": 64", "\"key_groups\": 32"),
            ("segments/0000000000000009.base", "../../../etc/passwd"),
            ("[[0,63]]", "[[0,64]]"),
            ("[[0,63]]", "[[5,2]]"),
            ("[[0,63]]", "[]"),
            ("\"bytes\":4096", "\"bytes\":9"),
        ] {
            let error = check(from, to).unwrap_err();
            assert!(matches!(error, Error::Deserialization(_)), "{to}: {error}");
        }
    }

    #[test]
    fn json_a_million_deep_is_an_error() {
        let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert!(IncrementalCheckpointMetadata::from_json(&deep).is_err());
    }
}
