//! Records that cannot be read, or that the plugin refuses.

use alluvium_connectors::Record;
use alluvium_connectors::source::Schema;
use serde_json::{Map, Value, json};

use crate::output::insert_bytes;

/// A record that is left out of the stream.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct BadRecord {
    /// Its number in the partition, counted from one.
    pub(super) number: u64,
    /// What is wrong with it.
    pub(super) error: String,
    /// Whether it was the plugin that refused it.
    pub(super) is_refused: bool,
    /// The record itself, as members of a JSON object.
    record: Map<String, Value>,
}

impl BadRecord {
    /// One whose text could not be read.
    pub(super) fn of_text(number: u64, error: String, text: &[u8]) -> Self {
        let mut record = Map::new();
        insert_bytes(&mut record, "text", text);
        Self { number, error, is_refused: false, record }
    }

    /// One with fields.
    pub(super) fn of_record(number: u64, error: String, record: &Record, schema: Option<&Schema>) -> Self {
        let Some(Schema::Fields(names)) = schema else { return Self::of_text(number, error, record.bytes()) };
        let mut fields = Map::new();
        for (at, name) in names.iter().enumerate() {
            insert_bytes(&mut fields, name, record.field(at).unwrap_or_default());
        }
        let record = Map::from_iter([("fields".to_owned(), Value::Object(fields))]);
        Self { number, error, is_refused: false, record }
    }

    /// It could be read, and the plugin refused it.
    pub(super) fn refused(self) -> Self {
        Self { is_refused: true, ..self }
    }

    /// Returns the line of a dead-letter file.
    pub(super) fn line(&self, input: &str) -> String {
        self.line_at([("input", json!(input))])
    }

    /// Returns the line of a dead-letter file, which begins with members that say where the record stands.
    pub(super) fn line_at<const MEMBERS: usize>(&self, place: [(&str, Value); MEMBERS]) -> String {
        let mut line = Map::from_iter(place.map(|(name, value)| (name.to_owned(), value)));
        line.insert("record".to_owned(), json!(self.number));
        line.insert("error".to_owned(), json!(self.error));
        line.extend(self.record.clone());
        Value::Object(line).to_string()
    }
}

#[cfg(test)]
mod tests {
    use alluvium_connectors::Batch;

    use super::*;

    #[test]
    fn a_dead_letter_names_the_record_and_holds_all_of_it() {
        let text = BadRecord::of_text(7, "1 fields".to_owned(), b"bad");
        assert_eq!(text.line("in"), r#"{"input":"in","record":7,"error":"1 fields","text":"bad"}"#);
        let mut batch = Batch::default();
        batch.push([&b"AA"[..], b"\xff"]);
        let schema = Schema::Fields(vec!["carrier".to_owned(), "raw".to_owned()]);
        let record = batch.records().next().expect("one");
        let fields = BadRecord::of_record(1, "no".to_owned(), &record, Some(&schema));
        assert!(fields.line("in").ends_with(r#""fields":{"carrier":"AA","raw_hex":"ff"}}"#), "{}", fields.line("in"));
    }
}
