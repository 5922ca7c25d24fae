//! Writes the JSON of the metadata. LaminarDB's fields come first, in LaminarDB's order. The section
//! `alluvium` and a checksum over everything follow. The written bytes depend on the metadata alone.

use serde_json::Value;

use crate::error::IncrementalCheckpointError as Error;
use crate::format::metadata::IncrementalCheckpointMetadata;
use crate::format::metadata::fields::FieldsLine;
use crate::format::segment_entry::SegmentEntry;
use crate::format::segment_list::ListChanges;
use crate::model::hash::checksum;

/// The text between the metadata and its checksum's digits.
pub(super) const CHECKSUM_LEAD: &str = ",\n  \"checksum\": \"";
/// The text after the digits.
pub(super) const CHECKSUM_TAIL: &str = "\"\n}";

impl IncrementalCheckpointMetadata {
    /// Returns the JSON. Equal metadata gives the same bytes. It stands alone: it names all segments, and no
    /// list file.
    ///
    /// Metadata that JSON cannot hold is [`Serialization`](Error::Serialization).
    pub fn to_json(&self) -> Result<String, Error> {
        self.write(None).map_err(|error| Error::Serialization(error.to_string()))
    }

    /// Returns the JSON as it is stored: it names the list file, and what changed since that was written.
    pub(crate) fn to_stored_json(&self, changes: &ListChanges) -> Result<String, Error> {
        self.write(Some(changes)).map_err(|error| Error::Serialization(error.to_string()))
    }

    fn write(&self, changes: Option<&ListChanges>) -> serde_json::Result<String> {
        let sst_files = changes.map_or_else(|| self.sst_files.clone(), |of| SegmentEntry::own_paths(&of.changed));
        let plain = Self { alluvium: None, source_offsets: self.source_offsets.clone(), sst_files, ..*self };
        let mut json = serde_json::to_string_pretty(&plain)?;
        let Some(fields) = &self.alluvium else { return Ok(json) };
        let mut section = FieldsLine::from(fields.clone());
        if let Some(changes) = changes {
            section.list = fields.list.as_ref().map(|list| list.file);
            section.removed.clone_from(&changes.removed);
            section.segments.clone_from(&changes.changed);
        }
        json.truncate(json.len() - "\n}".len());
        json.push_str(",\n  \"alluvium\": ");
        push_section(&mut json, &section)?;
        json.push_str(CHECKSUM_LEAD);
        let sum = checksum(json.as_bytes(), 0);
        Ok(format!("{json}{sum:016x}{CHECKSUM_TAIL}"))
    }
}

/// Appends the section. A segment and a namespace take one line each; everything else takes one line a field.
fn push_section(json: &mut String, section: &FieldsLine) -> serde_json::Result<()> {
    let mut separator = "{\n    ";
    let section = serde_json::to_value(section)?;
    for (name, value) in section.as_object().into_iter().flatten() {
        json.push_str(separator);
        json.push_str(&serde_json::to_string(name)?);
        json.push_str(": ");
        match value.as_array().filter(|array| array.first().is_some_and(Value::is_object)) {
            Some(lines) => {
                let lines: Vec<String> = lines.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
                json.push_str("[\n      ");
                json.push_str(&lines.join(",\n      "));
                json.push_str("\n    ]");
            }
            None => json.push_str(&serde_json::to_string(value)?),
        }
        separator = ",\n    ";
    }
    json.push_str("\n  }");
    Ok(())
}

#[cfg(test)]
mod tests;
