//! Objects that name other things, that are none, and that have no end.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::source::{FileSource, Format, Identity, MemorySource, MemoryStream, Partition, Source};
use crate::testing::{SourceFixture, source_suite};

/// Objects in memory.
#[derive(Default)]
struct Objects(BTreeMap<String, MemoryStream>);

struct ObjectSource(MemorySource);

impl Source for ObjectSource {
    fn identity(&self) -> &Identity {
        self.0.identity()
    }
    fn partitions(&mut self) -> Result<Vec<Partition>, SourceError> {
        self.0.partitions()
    }
    fn open(&mut self, partition: &Partition) -> Result<Box<dyn Reader>, SourceError> {
        Ok(Box::new(JsonReader::new(self.identity().name().to_owned(), self.0.open(partition)?)))
    }
}

impl SourceFixture for Objects {
    fn partitions_max(&self) -> usize {
        1
    }
    fn ends(&self) -> bool {
        false
    }
    fn create(&mut self, stream: &str, partitions: &[Vec<String>]) {
        let memory = MemoryStream::new(stream);
        memory.partition("").unwrap();
        self.0.insert(stream.to_owned(), memory);
        self.append(stream, 0, &partitions[0]);
    }
    fn append(&mut self, stream: &str, _: usize, records: &[String]) {
        let objects = records.iter().map(|record| format!("{{\"record\":\"{record}\"}}"));
        objects.for_each(|object| self.0[stream].push(&Partition::whole(), object));
    }
    fn has_other_schemas(&self) -> bool {
        true
    }
    fn append_other(&mut self, stream: &str, records: &[String]) {
        let objects = records.iter().map(|record| format!("{{\"record\":\"{record}\",\"further\":1}}"));
        objects.for_each(|object| self.0[stream].push(&Partition::whole(), object));
    }
    fn open(&mut self, stream: &str) -> Box<dyn Source> {
        Box::new(ObjectSource(self.0[stream].source()))
    }
}

#[test]
fn objects_pass_the_suite() {
    assert_eq!(source_suite(&mut Objects::default()).assert(), 19);
}

fn reader(text: &str) -> (tempfile::NamedTempFile, JsonReader) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let reader = again(&file);
    (file, reader)
}

fn again(file: &tempfile::NamedTempFile) -> JsonReader {
    let lines = FileSource::new(file.path()).format(Format::Lines).open(&Partition::whole()).unwrap();
    JsonReader::new("events", lines)
}

fn columns(reader: &JsonReader) -> Vec<String> {
    match reader.schema().map(|schema| &**schema) {
        Some(Schema::Fields(names)) => names.clone(),
        _ => Vec::new(),
    }
}

/// Polls once: the columns, and the fields of the records.
fn poll(reader: &mut JsonReader) -> Option<(String, String)> {
    let mut batch = Batch::default();
    let polled = reader.poll(&mut batch, Instant::now() + Duration::from_secs(30)).unwrap();
    let width = columns(reader).len();
    let fields = |record: crate::batch::Record| {
        let fields: Vec<_> = (0..width).map(|at| record.field(at).unwrap().escape_ascii().to_string()).collect();
        fields.join(",")
    };
    let records: Vec<_> = batch.records().map(fields).collect();
    (polled == Polled::Records).then(|| (columns(reader).join(","), records.join(";")))
}

#[test]
fn further_names_begin_another_schema() {
    let text = "{\"a\":1,\"b\":\"x\"}\n{\"b\":\"y\"}\n{\"c\":[1, 2],\"a\":null}\n{\"c\":{\"d\":true},\"b\":false}\n";
    let (file, mut reader) = reader(text);
    let strings = |columns: &str, records: &str| Some((columns.to_owned(), records.to_owned()));
    assert_eq!(poll(&mut reader), strings("a,b", "1,x;,y"));
    let position = reader.position();
    let rest = strings("a,b,c", ",,[1, 2];,false,{\"d\":true}").map(|(a, b)| (a, b.replace('"', "\\\"")));
    assert_eq!(poll(&mut reader), rest);
    assert_eq!(poll(&mut reader), None);
    // Another process continues with the columns that were known.
    let mut continued = again(&file).known_columns(vec!["a".to_owned(), "b".to_owned()]);
    continued.seek(&position).unwrap();
    assert_eq!(poll(&mut continued), rest);
}

#[test]
fn texts_are_decoded_and_the_last_of_a_name_counts() {
    let (_file, mut reader) = reader("{\"a\":\"\\u00e9\\n\\\"\",\"b\":1e400,\"a\":\"z\"}\n{}\n");
    assert_eq!(poll(&mut reader).unwrap().1, "z,1e400;,");
    let (_file, reader) = self::reader("{\"a\":\"\\u00e9\"}\n{\"b\":2}\n");
    let mut reader = reader.only_columns(vec!["b".to_owned(), "a".to_owned()]);
    assert_eq!(poll(&mut reader).unwrap(), ("b,a".to_owned(), ",\\xc3\\xa9;2,".to_owned()));
}

#[test]
fn what_is_no_object_is_an_error_at_its_line_and_can_be_passed_over() {
    let (_file, mut reader) = reader("{\"a\":1}\n\n[1]\n{\"a\":2\n{\"a\":3}\n");
    let mut batch = Batch::default();
    let soon = Instant::now() + Duration::from_secs(30);
    let mut passed = Vec::new();
    loop {
        match reader.poll(&mut batch, soon) {
            Ok(Polled::End) => break,
            Ok(_) => {}
            Err(error) => {
                assert_eq!(reader.poll(&mut batch, soon).unwrap_err().to_string(), error.to_string());
                passed.push((error.place().cloned(), String::from_utf8(reader.pass_over().unwrap()).unwrap()));
            }
        }
    }
    assert_eq!(batch.into_parts().2, b"13");
    let line = |line, text: &str| (Some(Place::Line(line)), text.to_owned());
    assert_eq!(passed, [line(3, "[1]"), line(4, "{\"a\":2")]);
}

#[test]
fn half_an_object_is_left() {
    let (_file, mut reader) = reader("{\"a\":1}\n{\"a\":2}");
    assert_eq!(poll(&mut reader).unwrap().1, "1");
    assert_eq!(poll(&mut reader), None);
    let mut rest = Batch::default();
    assert!(reader.unfinished(&mut rest).unwrap());
    assert_eq!(rest.into_parts().2, b"2");
}

#[test]
fn the_last_object_is_handed_out_with_a_further_name_although_nothing_ends_it() {
    let (_file, mut reader) = reader("{\"a\":1}\n{\"a\":2,\"b\":3}");
    assert_eq!(poll(&mut reader).unwrap().1, "1");
    assert_eq!(poll(&mut reader), None);
    let mut rest = Batch::default();
    assert!(reader.unfinished(&mut rest).unwrap());
    assert_eq!((columns(&reader), rest.into_parts().2), (vec!["a".to_owned(), "b".to_owned()], b"23".to_vec()));
}
