//! Reads the JSON of the metadata.

use crate::error::IncrementalCheckpointError as Error;
use crate::format::features;
use crate::format::members::Members;
use crate::format::metadata::fields::FieldsLine;
use crate::format::metadata::json::{CHECKSUM_LEAD, CHECKSUM_TAIL};
use crate::format::metadata::{FIELDS, IncrementalCheckpointMetadata, MetadataLine};
use crate::format::segment_list::{ListFile, SegmentList};
use crate::format::version::FormatVersion;
use crate::model::hash::checksum;
use crate::model::hex_digits::parse_hex;
use crate::model::key_groups::KEY_GROUPS;
use crate::seeded_defects::{self, Defect};

/// The names of the members of the section `alluvium`.
pub(super) const SECTION_FIELDS: [&str; 24] = [
    "version",
    "features",
    "store_id",
    "writer",
    "key_groups",
    "timestamp_ms",
    "keys_changed",
    "tombstones",
    "bytes_changed",
    "bytes_written",
    "state_bytes",
    "state_digest",
    "state_file",
    "annotations",
    "positions",
    "watermarks",
    "processing_time_ms",
    "sinks",
    "namespaces",
    "kept",
    "range",
    "list",
    "removed",
    "segments",
];

impl IncrementalCheckpointMetadata {
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
        let stored = StoredMetadata::decode(place, bytes)?;
        match stored.list() {
            Some((list, _)) => Err(Error::unknown(place, format!("its segments are in {}", list.path()))),
            None => stored.complete(None),
        }
    }
}

/// The metadata of a checkpoint as it is stored. What it says of its segments may be based on a list file.
pub(crate) struct StoredMetadata<'p> {
    place: &'p str,
    line: MetadataLine,
}

impl<'p> StoredMetadata<'p> {
    /// Reads stored JSON. The errors are those of [`IncrementalCheckpointMetadata::from_json`], and name
    /// `place`.
    pub(crate) fn decode(place: &'p str, bytes: &[u8]) -> Result<Self, Error> {
        let json = std::str::from_utf8(bytes).map_err(|error| Error::corrupt(place, error))?;
        // LaminarDB writes no checksum. A text of ours cannot be mistaken for one of LaminarDB: if it is
        // cut or overwritten, it still mentions the section, or it is not JSON.
        if !json.contains("\"alluvium\"") && !json.contains("\"checksum\"") {
            let line = serde_json::from_str(json).map_err(|error| Error::corrupt(place, error))?;
            return Ok(Self { place, line });
        }
        check_checksum(place, json)?;
        let understood = || {
            let members = Members::read(json)?;
            let section = Members::read(members.text("alluvium"))?;
            check_requirements(place, &section)?;
            let unknown = members.unknown(&FIELDS).map(str::to_owned);
            let unknown = unknown.or_else(|| Some(format!("alluvium.{}", section.unknown(&SECTION_FIELDS)?)));
            match unknown {
                Some(name) => Err(Unread::Refused(Error::unknown(place, format!("unknown field {name}: {NEWER}")))),
                None => Ok(serde_json::from_str(json)?),
            }
        };
        let line = understood().map_err(|unread| match unread {
            Unread::Refused(error) => error,
            Unread::Json(error) => Error::unknown(place, error),
        })?;
        Ok(Self { place, line })
    }

    /// Returns the list file that the metadata names, and the id of the directory that holds it.
    pub(crate) fn list(&self) -> Option<(ListFile, [u8; 16])> {
        self.line.alluvium.as_ref().and_then(FieldsLine::list)
    }

    /// Returns the whole metadata, given the list that it names.
    pub(crate) fn complete(self, list: Option<SegmentList>) -> Result<IncrementalCheckpointMetadata, Error> {
        let metadata = self.line.complete(list).map_err(|what| Error::unknown(self.place, what))?;
        metadata.check(self.place)?;
        Ok(metadata)
    }
}

/// Why a whole text is not read.
enum Unread {
    Refused(Error),
    Json(serde_json::Error),
}

impl From<serde_json::Error> for Unread {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error)
    }
}

/// What is said of fields that are not known.
const NEWER: &str = "written by a newer version";

/// Checks what the section requires of a reader, before anything else in it is looked at.
fn check_requirements(place: &str, section: &Members<'_>) -> Result<(), Unread> {
    let version: u64 = serde_json::from_str(section.text("version"))?;
    if FormatVersion::with_metadata(version).is_none() {
        return Err(Unread::Refused(Error::unknown(place, format!("version {version}: this build reads 1 and 3"))));
    }
    let key_groups: u64 = serde_json::from_str(section.text("key_groups"))?;
    if key_groups != u64::from(KEY_GROUPS) {
        let what = format!("{key_groups} key groups: this build reads {KEY_GROUPS}");
        return Err(Unread::Refused(Error::unknown(place, what)));
    }
    let required: Option<Vec<String>> = serde_json::from_str(section.text("features"))?;
    let required = required.iter().flatten().map(String::as_str);
    features::check(place, required, &features::KNOWN).map_err(Unread::Refused)
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
