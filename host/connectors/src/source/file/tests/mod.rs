//! The suite over files of every form, and what damaged files do.

mod follow;
mod forms;
mod other_files;
mod pipes;
mod spoiled;

use std::fs::File;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;

use super::*;
use crate::batch::Batch;
use crate::source::{Place, Polled};
use crate::testing::{SourceFixture, source_suite};

/// How a file is written.
#[derive(Debug, Clone, Copy)]
struct Form {
    start: &'static str,
    line_end: &'static str,
    is_gzip: bool,
    /// Each record is quoted and has a second line.
    has_line_breaks: bool,
}

const LF: Form = Form { start: "", line_end: "\n", is_gzip: false, has_line_breaks: false };

struct Files {
    form: Form,
    directory: TempDir,
}

impl Files {
    fn write(&self, file: &Path, text: &str) {
        let mut file = File::options().append(true).create(true).open(file).unwrap();
        if self.form.is_gzip {
            // What is appended is another member.
            let mut encoder = GzEncoder::new(file, Compression::fast());
            encoder.write_all(text.as_bytes()).unwrap();
            encoder.finish().unwrap();
        } else {
            file.write_all(text.as_bytes()).unwrap();
        }
    }

    fn row(&self, record: &str) -> String {
        let second = if self.form.has_line_breaks { ",\"two\r\nlines\nor \"\"three\"\"\"" } else { ",2" };
        format!("{record}{second}{}", self.form.line_end)
    }
}

impl SourceFixture for Files {
    fn partitions_max(&self) -> usize {
        1
    }
    fn ends(&self) -> bool {
        true
    }
    fn create(&mut self, stream: &str, partitions: &[Vec<String>]) {
        let path = self.directory.path().join(stream);
        let rows: String = partitions[0].iter().map(|record| self.row(record)).collect();
        let _ = std::fs::remove_file(&path);
        self.write(&path, &format!("{}record,second{}{rows}", self.form.start, self.form.line_end));
    }
    fn append(&mut self, stream: &str, _: usize, records: &[String]) {
        let rows: String = records.iter().map(|record| self.row(record)).collect();
        self.write(&self.directory.path().join(stream), &rows);
    }
    fn open(&mut self, stream: &str) -> Box<dyn Source> {
        Box::new(FileSource::new(self.directory.path().join(stream)))
    }
}

#[test]
fn files_of_every_form_pass_the_suite() {
    for form in [
        LF,
        Form { line_end: "\r\n", ..LF },
        Form { line_end: "\r", ..LF },
        Form { start: "\u{feff}", line_end: "\r\n", has_line_breaks: true, ..LF },
        Form { is_gzip: true, ..LF },
        Form { is_gzip: true, line_end: "\r\n", has_line_breaks: true, ..LF },
    ] {
        let report = source_suite(&mut Files { form, directory: tempfile::tempdir().unwrap() });
        assert!(report.failed.is_empty(), "{form:?}: {:?}", report.failed);
        assert_eq!(report.assert(), 18, "{form:?}");
    }
}

fn file(content: &[u8]) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("input.csv");
    std::fs::write(&path, content).unwrap();
    (directory, path)
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

/// Reads to the end, or to an error.
fn read(reader: &mut dyn Reader) -> (Vec<Vec<u8>>, Option<SourceError>) {
    let mut found = Batch::default();
    let ended = loop {
        match reader.poll(&mut found, soon()) {
            Ok(Polled::End) => break None,
            Ok(_) => {}
            Err(error) => break Some(error),
        }
    };
    (found.records().map(|record| record.field(0).unwrap().to_vec()).collect(), ended)
}

fn open(path: &Path) -> Box<dyn Reader> {
    FileSource::new(path).open(&Partition::whole()).unwrap()
}

fn opened(source: FileSource) -> Box<dyn Reader> {
    { source }.open(&Partition::whole()).unwrap()
}

fn append(path: &Path, text: &str) {
    File::options().append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

#[test]
fn a_last_line_without_an_end_is_before_no_position() {
    // Beyond what is read at a time, too.
    for rows in [0, 3, 40_000] {
        let text = format!("a,b\n{}x,1", "a row,2\n".repeat(rows));
        let (_directory, path) = file(text.as_bytes());
        let mut reader = open(&path);
        let (found, error) = read(&mut *reader);
        assert_eq!((found.len(), error.is_none()), (rows, true));
        let mut half = Batch::default();
        for _ in 0..2 {
            half = Batch::default();
            assert!(reader.unfinished(&mut half).unwrap());
        }
        assert_eq!(half.into_parts(), (1, vec![1, 1], b"x1".to_vec()));
        let position = reader.position();
        append(&path, "23\ny,4\n");
        let mut grown = open(&path);
        grown.seek(&position).unwrap();
        let mut rest = Batch::default();
        while grown.poll(&mut rest, soon()).unwrap() != Polled::End {}
        assert_eq!(rest.into_parts().2, b"x123y4");
        assert!(!grown.unfinished(&mut Batch::default()).unwrap());
    }
}

#[test]
fn half_a_record_may_be_none_at_all() {
    let (_directory, path) = file(b"a,b\n1,2\n3");
    let mut reader = open(&path);
    assert_eq!(read(&mut *reader).0, [b"1"]);
    let error = reader.unfinished(&mut Batch::default()).unwrap_err();
    assert_eq!((error.kind(), error.place()), (Kind::Record, Some(&Place::Line(3))));
}

#[test]
fn the_growth_of_a_record_that_was_final_is_refused() {
    let text = b"a,b\n1,2\nx,1";
    for (growth, expected) in [("23\ny,4\n", None), ("\ny,4\n", Some([b"y"]))] as [(_, Option<[&[u8]; 1]>); 2] {
        let (_directory, path) = file(text);
        let mut reader = opened(FileSource::new(&path).final_record(true));
        assert_eq!(read(&mut *reader).0, [b"1", b"x"]);
        let position = reader.position();
        let mut again = open(&path);
        again.seek(&position).unwrap();
        assert_eq!(read(&mut *again).0.len(), 0);
        append(&path, growth);
        let mut grown = open(&path);
        grown.seek(&position).unwrap();
        let (found, error) = read(&mut *grown);
        let refused = error.map(|error| (error.kind(), error.place().cloned()));
        // Otherwise the record that was counted was half of one.
        let place = expected.is_none().then_some((Kind::Replaced, Some(Place::Byte(text.len() as u64))));
        assert_eq!((found, refused), (expected.map_or(Vec::new(), |rest| vec![rest[0].to_vec()]), place));
    }
}

#[test]
fn a_file_is_continued_compressed_and_the_other_way_round() {
    let text = b"a\n1\n2\n3\n4\n";
    let (_plain, plain) = file(text);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    let (_packed, packed) = file(&encoder.finish().unwrap());
    for (first, second) in [(&plain, &packed), (&packed, &plain)] {
        let mut reader = open(first);
        assert_eq!(reader.poll(&mut Batch::new(2, 100), soon()).unwrap(), Polled::Records);
        let mut again = open(second);
        again.seek(&reader.position()).unwrap();
        assert_eq!(read(&mut *again).0, [b"3", b"4"]);
    }
}

#[test]
fn records_before_an_error_come_first_and_the_error_stays() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(b"a,b\n1,2\n3,4\n").unwrap();
    let packed = encoder.finish().unwrap();
    let damaged = [&packed[..], b"not gzip at all"].concat();
    for (content, kind, place, what) in [
        (&b"a,b\n1,2\n3,4\n5\n6,7\n"[..], Kind::Record, Some(Place::Line(4)), "1 fields where the header has 2"),
        (&packed[..packed.len() - 3], Kind::CutShort, None, "the file is only half there"),
        (&damaged, Kind::Damaged, None, "other bytes follow it"),
    ] {
        let (_directory, path) = file(content);
        let mut reader = open(&path);
        let mut batch = Batch::default();
        assert_eq!(reader.poll(&mut batch, soon()).unwrap(), Polled::Records, "{what}");
        assert_eq!(batch.count(), 2, "{what}");
        let position = reader.position();
        for _ in 0..2 {
            let error = reader.poll(&mut batch, soon()).unwrap_err();
            assert_eq!((error.kind(), error.place()), (kind, place.as_ref()));
            assert!(error.to_string().contains(what) && error.to_string().contains("input.csv"), "{error}");
        }
        assert_eq!((batch.count(), reader.position()), (2, position));
    }
}

#[test]
fn what_cannot_be_opened_or_has_no_header_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let refused = |name: &str| FileSource::new(directory.path().join(name)).open(&Partition::whole()).map(drop);
    let missing = refused("missing").unwrap_err();
    assert_eq!(missing.io_error().map(io::Error::kind), Some(io::ErrorKind::NotFound));
    assert!(refused(".").unwrap_err().to_string().ends_with("is a directory"));
    let other = Partition::new("other").unwrap();
    assert_eq!(FileSource::standard_input().open(&other).map(drop).unwrap_err().what(), "has no partition \"other\"");
    for (content, what) in [(&b""[..], "is empty"), (b"\xff\n1\n", "the header is not UTF-8 text")] {
        let (_directory, path) = file(content);
        let error = read(&mut *open(&path)).1.unwrap();
        assert_eq!((error.kind(), error.what()), (Kind::Header, what));
    }
}
