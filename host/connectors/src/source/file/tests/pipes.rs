//! Pipes: nothing waits for more than has come.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{read, soon};
use crate::batch::Batch;
use crate::source::file::options::Options;
use crate::source::file::raw::Raw;
use crate::source::file::reader::FileReader;
use crate::source::{FilePosition, FileSource, Partition, Polled, Position, Reader, Source, SourceErrorKind as Kind};

/// A reader over a pipe, and its other end.
fn pipe() -> (Box<dyn Reader>, File) {
    let (reader, writer): (OwnedFd, OwnedFd) = rustix::pipe::pipe().unwrap();
    let raw = Raw::of_file(File::from(reader)).unwrap();
    let reader = FileReader::new("a pipe".to_owned(), raw, Options::default(), None);
    (Box::new(reader), File::from(writer))
}

fn polls_nothing(reader: &mut dyn Reader) {
    let mut batch = Batch::default();
    let deadline = Instant::now() + Duration::from_millis(20);
    assert_eq!(reader.poll(&mut batch, deadline).unwrap(), Polled::Nothing);
    assert!(Instant::now() >= deadline && batch.is_empty());
}

#[test]
fn a_pipe_hands_out_what_came_until_the_deadline() {
    let (mut reader, mut writer) = pipe();
    polls_nothing(&mut *reader);
    // The header, a record and a half, in pieces.
    for piece in ["a,", "b\r", "\n1,2\r\n3", ",4"] {
        polls_nothing(&mut *reader);
        writer.write_all(piece.as_bytes()).unwrap();
        if piece.starts_with('\n') {
            let mut batch = Batch::default();
            assert_eq!(reader.poll(&mut batch, soon()).unwrap(), Polled::Records);
            assert_eq!(batch.into_parts(), (1, vec![1, 1], b"12".to_vec()));
        }
    }
    polls_nothing(&mut *reader);
    let position = FilePosition::read(&reader.position()).unwrap();
    // The position is before the line feed, which nothing waits for.
    assert_eq!((position.records, position.end_byte), (1, Some(9)));
    drop(writer);
    let (rest, error) = read(&mut *reader);
    assert_eq!((rest, error.is_none()), (vec![b"3".to_vec()], true));
}

#[test]
fn a_pipe_is_continued_by_passing_over_records() {
    let (mut reader, mut writer) = pipe();
    reader.seek(&Position::Offset(2)).unwrap();
    assert_eq!(reader.position(), Position::Offset(2));
    writer.write_all(b"a\n1\n").unwrap();
    polls_nothing(&mut *reader);
    writer.write_all(b"2\n3\n").unwrap();
    let mut batch = Batch::new(1, 100);
    assert_eq!(reader.poll(&mut batch, soon()).unwrap(), Polled::Records);
    assert_eq!(batch.records().next().unwrap().bytes(), b"3");
    let error = reader.seek(&Position::Offset(1)).unwrap_err();
    assert_eq!(error.kind(), Kind::Unsupported);
    // A pipe that ends before the position is too short.
    reader.seek(&Position::Offset(9)).unwrap();
    drop(writer);
    assert_eq!(read(&mut *reader).1.unwrap().kind(), Kind::TooShort { records: 3 });
}

#[test]
fn gzip_comes_through_a_pipe_byte_by_byte() {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(b"a,b\n1,2\n3,4\n").unwrap();
    let packed = encoder.finish().unwrap();
    let (mut reader, mut writer) = pipe();
    let mut found = Batch::default();
    for byte in packed {
        writer.write_all(&[byte]).unwrap();
        reader.poll(&mut found, Instant::now()).unwrap();
    }
    drop(writer);
    assert_eq!(reader.poll(&mut found, soon()).unwrap(), Polled::End);
    assert_eq!(found.into_parts(), (2, vec![1; 4], b"1234".to_vec()));
}

#[test]
fn the_standard_input_has_one_reader() {
    let mut source = FileSource::standard_input();
    source.open(&Partition::whole()).unwrap();
    let error = source.open(&Partition::whole()).map(drop).unwrap_err();
    assert_eq!(error.to_string(), "standard input: is being read already");
}

#[test]
fn a_pipe_that_is_passed_over_must_have_the_same_records() {
    let (mut reader, mut writer) = pipe();
    writer.write_all(b"a\n1\n2\n3\n").unwrap();
    reader.poll(&mut Batch::new(2, 100), soon()).unwrap();
    let position = reader.position();
    assert!(!reader.is_seekable());
    for (text, is_same) in [(&b"a\n1\n2\n3\n"[..], true), (b"a\n1\n9\n3\n", false), (b"a\n1\n22\n3\n", false)] {
        let (mut again, mut writer) = pipe();
        again.seek(&position).unwrap();
        writer.write_all(text).unwrap();
        drop(writer);
        match read(&mut *again) {
            (found, None) => assert!(is_same && found == [b"3"]),
            (_, Some(error)) => assert!(!is_same && error.kind() == Kind::Replaced, "{error}"),
        }
    }
}

#[test]
fn a_named_pipe_without_a_writer_keeps_the_deadline() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fifo");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &path,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    for follows in [false, true] {
        let mut reader = FileSource::new(&path).follow(follows).open(&Partition::whole()).unwrap();
        polls_nothing(&mut *reader);
        let mut found = Batch::default();
        for text in ["a\n1\n", "2\n"] {
            File::options().write(true).open(&path).unwrap().write_all(text.as_bytes()).unwrap();
            if follows || text != "2\n" {
                assert_eq!(reader.poll(&mut found, soon()).unwrap(), Polled::Records);
            }
            if !follows {
                assert_eq!(reader.poll(&mut found, soon()).unwrap(), Polled::End);
                break;
            }
        }
        assert_eq!(found.into_parts().2, if follows { &b"12"[..] } else { b"1" });
    }
}
