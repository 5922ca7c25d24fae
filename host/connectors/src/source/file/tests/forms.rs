//! Compression, encodings and formats.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// Reads a file from every position in it, and returns the first fields.
fn check(content: &[u8], source: impl Fn(&Path) -> FileSource, expected: &[&str]) {
    let (_directory, path) = file(content);
    for stop in 0..=expected.len() {
        let mut reader = opened(source(&path));
        let mut found = Batch::new(u32::try_from(stop).unwrap(), usize::MAX);
        while found.has_room() {
            assert_ne!(reader.poll(&mut found, soon()).unwrap(), Polled::End);
        }
        let mut again = opened(source(&path));
        again.seek(&reader.position()).unwrap();
        let (rest, error) = read(&mut *again);
        assert!(error.is_none(), "{error:?}");
        let found = found.records().map(|record| record.field(0).unwrap().to_vec()).chain(rest);
        let found: Vec<_> = found.map(|field| String::from_utf8(field).unwrap()).collect();
        assert_eq!(found, expected, "stopped after {stop}");
    }
}

#[test]
fn zeros_behind_gzip_are_nothing() {
    for zeros in [1, 511, 200_000] {
        let content = [gzip(b"a\n1\n"), gzip(b"2\n"), vec![0; zeros]].concat();
        check(&content, |path| FileSource::new(path), &["1", "2"]);
    }
    let (_directory, path) = file(&[gzip(b"a\n1\n"), vec![0; 9], gzip(b"2\n")].concat());
    let (found, error) = read(&mut *open(&path));
    assert_eq!((found, error.unwrap().kind()), (vec![b"1".to_vec()], Kind::Damaged));
}

#[test]
fn zstandard_is_recognised() {
    let frame = |text: &[u8]| zstd::encode_all(text, 1).unwrap();
    let content = [frame(b"a\n1\n"), frame(b"2\n")].concat();
    check(&content, |path| FileSource::new(path), &["1", "2"]);
    for (content, kind) in
        [(content[..content.len() - 2].to_vec(), Kind::CutShort), ([&content[..], b"garbage"].concat(), Kind::Damaged)]
    {
        let (_directory, path) = file(&content);
        let (found, error) = read(&mut *open(&path));
        let error = error.unwrap();
        assert_eq!((found[0].as_slice(), error.kind()), (&b"1"[..], kind), "{error}");
    }
}

#[test]
fn other_encodings_become_utf_8() {
    let latin1 = |path: &Path| FileSource::new(path).encoding("latin1").unwrap();
    check(b"a\n\xe9t\xe9\nhiver\n", latin1, &["\u{e9}t\u{e9}", "hiver"]);
    check(&gzip(b"a\n\xe9t\xe9\n"), latin1, &["\u{e9}t\u{e9}"]);
    let utf16: Vec<u8> = "\u{feff}a\n\u{e9}\u{1f30a}\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    check(&utf16, |path| FileSource::new(path).encoding("utf-16le").unwrap(), &["\u{e9}\u{1f30a}"]);
    check(b"a\n\xc3\xa9\n", |path| FileSource::new(path).encoding("UTF-8").unwrap(), &["\u{e9}"]);
    let error = FileSource::new("x").encoding("klingon").unwrap_err();
    assert!(error.to_string().starts_with("\"klingon\" is no encoding"), "{error}");
    let (_directory, path) = file(b"a\n1\n\xff\xff\n");
    let error = read(&mut *opened(FileSource::new(&path).encoding("shift_jis").unwrap())).1.unwrap();
    assert!(error.to_string().ends_with("a byte is no Shift_JIS"), "{error}");
}

#[test]
fn other_characters_separate_fields() {
    let csv = Csv { delimiter: b'\t', quote: b'\'' };
    let source = |path: &Path| FileSource::new(path).format(Format::Csv(csv));
    check(b"a\tb\n'x\ty\nz'\t1\n\"q\t2\n", source, &["x\ty\nz", "\"q"]);
}

#[test]
fn lines_are_raw_records() {
    let lines = |path: &Path| FileSource::new(path).format(Format::Lines);
    check(b"{\"a\":1}\r\n\n{\"a\":\"2,\"}\n", lines, &["{\"a\":1}", "{\"a\":\"2,\"}"]);
    check(&gzip(b"one\ntwo"), lines, &["one", "two"]);
    let (_directory, path) = file(b"one\n");
    let mut reader = opened(lines(&path));
    assert_eq!(reader.schema().map(|schema| &**schema), Some(&crate::source::Schema::Raw));
    assert_eq!(reader.poll(&mut Batch::default(), soon()).unwrap(), Polled::Records);
}
