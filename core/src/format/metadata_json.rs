//! The JSON of the metadata. LaminarDB's fields come first, in LaminarDB's order. The section `alluvium`
//! and a checksum over everything follow. The written bytes depend on the metadata alone.

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::error::IncrementalCheckpointError as Error;
use crate::format::hex_digits;
use crate::format::metadata::{AlluviumFields, IncrementalCheckpointMetadata};
use crate::format::paths::parse_hex;
use crate::model::hash::checksum;
use crate::model::key_groups::KEY_GROUPS;
use crate::seeded_defects::{self, Defect};

/// The version of the section that this crate writes and reads.
const VERSION: u64 = 1;

/// The text between the metadata and its checksum's digits.
const CHECKSUM_LEAD: &str = ",\n  \"checksum\": \"";
/// The text after the digits.
const CHECKSUM_TAIL: &str = "\"\n}";

/// The part of a text that is read first. It tells whether this build understands the rest.
#[derive(Deserialize)]
struct Head {
    alluvium: Versions,
}

#[derive(Deserialize)]
struct Versions {
    version: u64,
    key_groups: u64,
}

impl Versions {
    fn check(&self, place: &str) -> Result<(), Error> {
        if self.version != VERSION {
            return Err(Error::unknown(place, format!("version {}: this build reads {VERSION}", self.version)));
        }
        if self.key_groups != u64::from(KEY_GROUPS) {
            return Err(Error::unknown(
                place,
                format!("{} key groups: this build reads {KEY_GROUPS}", self.key_groups),
            ));
        }
        Ok(())
    }
}

/// The section `alluvium`, with its fields in the written order. A segment takes one line; spread out, it
/// would take eleven.
#[derive(Serialize)]
struct Section {
    version: u64,
    #[serde(with = "hex_digits::store_id")]
    store_id: [u8; 16],
    key_groups: u16,
    timestamp_ms: u64,
    keys_changed: u64,
    tombstones: u64,
    bytes_changed: u64,
    bytes_written: u64,
    state_bytes: u64,
    #[serde(with = "hex_digits")]
    state_digest: u64,
    state_file: Option<Box<RawValue>>,
    annotations: Box<RawValue>,
    segments: Vec<Box<RawValue>>,
}

impl Section {
    fn of(fields: &AlluviumFields) -> serde_json::Result<Self> {
        Ok(Self {
            version: VERSION,
            store_id: fields.store_id,
            key_groups: KEY_GROUPS,
            timestamp_ms: fields.timestamp_ms,
            keys_changed: fields.keys_changed,
            tombstones: fields.tombstones,
            bytes_changed: fields.bytes_changed,
            bytes_written: fields.bytes_written,
            state_bytes: fields.state_bytes,
            state_digest: fields.state_digest,
            state_file: fields.state_file.as_ref().map(to_raw_value).transpose()?,
            annotations: to_raw_value(&fields.annotations)?,
            segments: fields.segments.iter().map(to_raw_value).collect::<Result<_, _>>()?,
        })
    }
}

impl IncrementalCheckpointMetadata {
    /// Returns the JSON. Equal metadata gives the same bytes.
    ///
    /// Metadata that JSON cannot hold is [`Serialization`](Error::Serialization).
    pub fn to_json(&self) -> Result<String, Error> {
        self.write().map_err(|error| Error::Serialization(error.to_string()))
    }

    fn write(&self) -> serde_json::Result<String> {
        let (source_offsets, sst_files) = (self.source_offsets.clone(), self.sst_files.clone());
        let plain = Self { alluvium: None, source_offsets, sst_files, ..*self };
        let mut json = serde_json::to_string_pretty(&plain)?;
        let Some(fields) = &self.alluvium else { return Ok(json) };
        json.truncate(json.len() - "\n}".len());
        // A JSON string holds no line break, so every line break here is between members.
        let section = serde_json::to_string_pretty(&Section::of(fields)?)?.replace('\n', "\n  ");
        json.push_str(",\n  \"alluvium\": ");
        json.push_str(&section);
        json.push_str(CHECKSUM_LEAD);
        let sum = checksum(json.as_bytes(), 0);
        Ok(format!("{json}{sum:016x}{CHECKSUM_TAIL}"))
    }

    /// Reads JSON that `to_json` or LaminarDB wrote.
    ///
    /// If the text carries a checksum, the checksum is checked first; a wrong one is
    /// [`CrcMismatch`](Error::CrcMismatch). Unknown fields are then
    /// [`Deserialization`](Error::Deserialization), unless their name starts with `x-`. A text that is
    /// damaged in another way is [`Corruption`](Error::Corruption).
    pub fn from_json(json: &str) -> Result<Self, Error> {
        Self::decode("metadata", json.as_bytes())
    }

    /// Reads JSON like [`from_json`](Self::from_json). Errors name `place`.
    pub(crate) fn decode(place: &str, bytes: &[u8]) -> Result<Self, Error> {
        let json = std::str::from_utf8(bytes).map_err(|error| Error::corrupt(place, error))?;
        // LaminarDB writes no checksum. A text of ours cannot be mistaken for one of LaminarDB: if it is
        // cut or overwritten, it still mentions the section, or it is not JSON.
        if !json.contains("\"alluvium\"") && !json.contains("\"checksum\"") {
            return serde_json::from_str(json).map_err(|error| Error::corrupt(place, error));
        }
        check_checksum(place, json)?;
        let head: Head = serde_json::from_str(json).map_err(|error| Error::unknown(place, error))?;
        head.alluvium.check(place)?;
        let mut unknown = None;
        let mut reader = serde_json::Deserializer::from_str(json);
        let read = serde_ignored::deserialize(&mut reader, |path| {
            let name = path.to_string().replace("?.", "");
            let is_read_before = ["checksum", "alluvium.version", "alluvium.key_groups"].contains(&name.as_str());
            let is_extension = name.starts_with("x-") || name.starts_with("alluvium.x-");
            if !is_read_before && !is_extension {
                unknown.get_or_insert(name);
            }
        });
        let metadata: Self =
            read.and_then(|read| reader.end().map(|()| read)).map_err(|error| Error::unknown(place, error))?;
        if let Some(name) = unknown {
            return Err(Error::unknown(place, format!("unknown field {name}: written by a newer version")));
        }
        metadata.check(place)?;
        Ok(metadata)
    }
}

/// Checks the text against the checksum at its end.
fn check_checksum(place: &str, json: &str) -> Result<(), Error> {
    let computed_over = json.len().checked_sub(CHECKSUM_TAIL.len() + 16);
    let split = computed_over.and_then(|at| Some((json.get(..at)?, json.get(at..at + 16)?, json.get(at + 16..)?)));
    let (covered, digits, tail) = split.ok_or_else(|| Error::corrupt(place, "too short for its checksum"))?;
    let expected = parse_hex(digits).filter(|_| tail == CHECKSUM_TAIL && covered.ends_with(CHECKSUM_LEAD));
    let expected = expected.ok_or_else(|| Error::corrupt(place, "does not end with a checksum"))?;
    let computed = checksum(covered.as_bytes(), 0);
    if computed != expected && !seeded_defects::is(Defect::IgnoreChecksum) {
        return Err(Error::CrcMismatch { place: place.into(), offset: 0, expected, computed });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::format::metadata::StateFile;
    use crate::format::segment::SegmentKind;
    use crate::format::segment_entry::SegmentEntry;

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

    /// Edits the text and gives it a correct checksum.
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
            assert!(matches!(error, Error::Deserialization { .. }), "{to}: {error}");
        }
    }

    #[test]
    fn json_a_million_deep_is_an_error() {
        let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert!(IncrementalCheckpointMetadata::from_json(&deep).is_err());
    }
}
