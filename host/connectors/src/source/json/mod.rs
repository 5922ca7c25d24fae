//! Records of JSON, decoded to fields.

use std::sync::Arc;
use std::time::Instant;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Place, Polled, Position, Progress, Reader, Schema, SourceError, SourceErrorKind as Kind};
use crate::batch::Batch;

/// A reader that makes fields of raw records, each of which is a JSON object.
///
/// A text becomes the field without its quotes, `null` and a missing name an empty field, and anything else
/// the JSON as it stands. Unless columns are given, they are the names in the order in which they come up:
/// a record with a further name begins another schema, which has it at its end.
///
/// ```
/// use std::time::{Duration, Instant};
///
/// use alluvium_connectors::Batch;
/// use alluvium_connectors::source::{FileSource, Format, JsonReader, Partition, Reader, Schema, Source};
///
/// let scratch = tempfile::tempdir()?;
/// let path = scratch.path().join("events.ndjson");
/// std::fs::write(&path, "{\"sensor\":\"s0\",\"value\":0.50}\n{\"sensor\":\"s1\",\"value\":null}\n")?;
/// let lines = FileSource::new(&path).format(Format::Lines).open(&Partition::whole())?;
/// let mut reader = JsonReader::new("events.ndjson", lines);
///
/// let mut batch = Batch::default();
/// reader.poll(&mut batch, Instant::now() + Duration::from_secs(1))?;
/// assert_eq!(**reader.schema().unwrap(), Schema::Fields(vec!["sensor".into(), "value".into()]));
/// let values: Vec<&[u8]> = batch.records().map(|record| record.field(1).unwrap()).collect();
/// assert_eq!(values, [&b"0.50"[..], b""]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct JsonReader {
    name: String,
    records: Box<dyn Reader>,
    columns: Vec<String>,
    /// Whether further names are columns.
    grows: bool,
    schema: Option<Arc<Schema>>,
    /// The record that begins the next schema, and where it ends.
    held: Option<Vec<u8>>,
    /// The position after the last record that was handed out.
    position: Position,
    failed: Option<SourceError>,
    /// The text of a record that could not be decoded.
    spoiled: Option<Vec<u8>>,
}

impl JsonReader {
    /// Returns the reader that decodes what another one reads. `name` is what errors call the source.
    pub fn new(name: impl Into<String>, records: Box<dyn Reader>) -> Self {
        let position = records.position();
        Self {
            name: name.into(),
            records,
            columns: Vec::new(),
            grows: true,
            schema: None,
            held: None,
            position,
            failed: None,
            spoiled: None,
        }
    }

    /// Begins with these columns, as those of an earlier process.
    #[must_use]
    pub fn known_columns(mut self, columns: Vec<String>) -> Self {
        self.schema = Some(Arc::new(Schema::Fields(columns.clone())));
        self.columns = columns;
        self
    }

    /// These are the columns. Other names are left out.
    #[must_use]
    pub fn only_columns(self, columns: Vec<String>) -> Self {
        Self { grows: false, ..self.known_columns(columns) }
    }

    /// Decodes a record. Returns its fields, in the order of the columns. Further names become columns.
    fn decode(&mut self, record: &[u8]) -> Result<Vec<Vec<u8>>, SourceError> {
        let decoded = serde_json::from_slice::<Object>(record);
        let Object(members) = decoded.map_err(|error| {
            let what = format!("is no JSON object: {error}");
            let error = SourceError::new(Kind::Record, &self.name, what);
            self.records.place().map_or(error.clone(), |place| error.at(place))
        })?;
        let mut fields = vec![Vec::new(); self.columns.len()];
        for (name, value) in members {
            let number = self.columns.iter().position(|column| *column == name);
            match number {
                // The last of several with one name counts, as everywhere.
                Some(number) => fields[number] = text(value),
                None if self.grows => {
                    self.columns.push(name);
                    fields.push(text(value));
                }
                None => {}
            }
        }
        Ok(fields)
    }

    /// Whether there are columns that the schema does not have.
    fn has_further_columns(&self) -> bool {
        let known = match self.schema.as_deref() {
            Some(Schema::Fields(names)) => names.len(),
            _ => 0,
        };
        known < self.columns.len()
    }

    /// Makes the columns that are known the schema.
    fn take_columns(&mut self) {
        self.schema = Some(Arc::new(Schema::Fields(self.columns.clone())));
    }

    /// Takes the next record, which was not handed out yet.
    fn next(&mut self, deadline: Instant) -> Result<Result<Vec<u8>, Polled>, SourceError> {
        if let Some(record) = self.held.take() {
            return Ok(Ok(record));
        }
        let mut one = Batch::new(1, usize::MAX);
        Ok(match self.records.poll(&mut one, deadline)? {
            Polled::Records => Ok(one.into_parts().2),
            polled => Err(polled),
        })
    }

    fn add_records(&mut self, batch: &mut Batch, deadline: Instant) -> Result<Polled, SourceError> {
        let mut added = 0;
        let mut until = deadline;
        while batch.has_room() {
            let record = match self.next(until) {
                Ok(Ok(record)) => record,
                Ok(Err(_)) | Err(_) if added > 0 => break,
                Ok(Err(polled)) => return Ok(polled),
                Err(error) => return Err(error),
            };
            let fields = match self.decode(&record) {
                Ok(fields) => fields,
                Err(error) => {
                    (self.spoiled, self.failed) = (Some(record), Some(error.clone()));
                    if added > 0 {
                        break;
                    }
                    return Err(error);
                }
            };
            if self.has_further_columns() {
                if !batch.is_empty() && self.schema.is_some() {
                    self.held = Some(record);
                    batch.close();
                    break;
                }
                self.take_columns();
            }
            if fields.is_empty() {
                // An object without names, before any name: there is nothing to hand out.
                self.position = self.records.position();
                continue;
            }
            batch.push(fields.iter().map(Vec::as_slice));
            self.position = self.records.position();
            added += 1;
            if added == 1 {
                // From here on only what is at hand.
                until = Instant::now();
            }
        }
        Ok(if added > 0 { Polled::Records } else { Polled::Nothing })
    }
}

/// The members of an object, in order.
struct Object<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// Returns the field of a value.
fn text(value: &RawValue) -> Vec<u8> {
    match value.get() {
        "null" => Vec::new(),
        quoted if quoted.starts_with('"') => {
            // What a record may be is checked already: this is a text.
            serde_json::from_str::<String>(quoted).unwrap_or_default().into_bytes()
        }
        other => other.as_bytes().to_vec(),
    }
}

impl Reader for JsonReader {
    fn schema(&self) -> Option<&Arc<Schema>> {
        self.schema.as_ref()
    }

    fn position(&self) -> Position {
        self.position.clone()
    }

    fn seek(&mut self, position: &Position) -> Result<(), SourceError> {
        self.records.seek(position)?;
        self.position = self.records.position();
        (self.held, self.failed, self.spoiled) = (None, None, None);
        Ok(())
    }

    fn poll(&mut self, batch: &mut Batch, deadline: Instant) -> Result<Polled, SourceError> {
        match &self.failed {
            Some(error) => Err(error.clone()),
            None => self.add_records(batch, deadline),
        }
    }

    fn is_seekable(&self) -> bool {
        self.records.is_seekable()
    }

    fn unfinished(&mut self, batch: &mut Batch) -> Result<bool, SourceError> {
        let mut one = Batch::new(1, usize::MAX);
        if !self.records.unfinished(&mut one)? {
            return Ok(false);
        }
        let fields = self.decode(&one.into_parts().2)?;
        if fields.is_empty() {
            return Ok(false);
        }
        if self.has_further_columns() {
            self.take_columns();
        }
        batch.push(fields.iter().map(Vec::as_slice));
        Ok(true)
    }

    fn pass_over(&mut self) -> Option<Vec<u8>> {
        let passed = match self.spoiled.take() {
            Some(record) => record,
            None => self.records.pass_over()?,
        };
        self.failed = None;
        self.position = self.records.position();
        Some(passed)
    }

    fn place(&mut self) -> Option<Place> {
        self.records.place()
    }

    fn progress(&self) -> Progress {
        self.records.progress()
    }
}

#[cfg(test)]
mod tests;
