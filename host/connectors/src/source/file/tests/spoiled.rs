//! Records that cannot be read, and how reading continues after them.

use super::*;

/// Reads to the end and passes over what cannot be read. Returns the first fields, and what was passed
/// over with its line.
fn read_around(reader: &mut dyn Reader) -> (Vec<String>, Vec<(String, u64)>) {
    let (mut found, mut spoiled) = (Batch::default(), Vec::new());
    loop {
        match reader.poll(&mut found, soon()) {
            Ok(Polled::End) => break,
            Ok(_) => {}
            Err(error) => {
                let Some(Place::Line(line)) = error.place().cloned() else { panic!("{error} names no line") };
                let text = reader.pass_over().expect("reading continues after it");
                spoiled.push((String::from_utf8(text).unwrap(), line));
            }
        }
    }
    let text = |field: &[u8]| String::from_utf8(field.to_vec()).unwrap();
    (found.records().map(|record| text(record.field(0).unwrap())).collect(), spoiled)
}

#[track_caller]
fn check(text: &str, expected: &[&str], expected_spoiled: &[(&str, u64)]) {
    let (_directory, path) = file(text.as_bytes());
    let (found, spoiled) = read_around(&mut *open(&path));
    let spoiled: Vec<_> = spoiled.iter().map(|(text, line)| (text.as_str(), *line)).collect();
    assert_eq!((found.as_slice(), spoiled.as_slice()), (&expected.map_strings()[..], expected_spoiled), "{text:?}");
    // From every position before, between and after them.
    for stop in 0..expected.len() {
        let mut reader = open(&path);
        let mut first = Batch::new(u32::try_from(stop).unwrap(), usize::MAX);
        while first.has_room() {
            if reader.poll(&mut first, soon()).is_err() {
                reader.pass_over();
            }
        }
        let mut again = open(&path);
        again.seek(&reader.position()).unwrap();
        assert_eq!(read_around(&mut *again).0, expected[stop..], "{text:?} after {stop}");
    }
}

trait MapStrings {
    fn map_strings(&self) -> Vec<String>;
}

impl MapStrings for [&str] {
    fn map_strings(&self) -> Vec<String> {
        self.iter().map(ToString::to_string).collect()
    }
}

#[test]
fn a_record_of_another_width_is_passed_over() {
    check("a,b\n1,2\nbad\n3,4\n", &["1", "3"], &[("bad", 3)]);
    check("a,b\r\n\r\nx\r\n1,2\r\n\r\n\r\ny,y,y\r\n", &["1"], &[("x", 3), ("y,y,y", 7)]);
    check("a,b\nx\n", &[], &[("x", 2)]);
}

#[test]
fn a_quote_that_stays_open_spoils_its_line_only() {
    check("a,b\n1,2\n3,\"4\n5,6\n7,8\n", &["1", "5", "7"], &[("3,\"4", 3)]);
    // The record before it on the same lines has a quote that is closed.
    check("a,b\n\"1\n1\",\"2\n3,4\n", &["3"], &[("\"1\n1\",\"2", 3)]);
    check("a,b\n\n3,\"4", &[], &[("3,\"4", 3)]);
    check("a,b\n1,\"\n2,\"\"\n", &["2"], &[("1,\"", 2)]);
}

#[test]
fn a_record_that_is_too_long_is_an_error_wherever_it_is_in_the_text() {
    let row = |bytes: usize, end: &str| format!("{},2{end}", "x".repeat(bytes - 2));
    for end in ["\n", "\r\n", "\r"] {
        let header = format!("a,b{end}");
        for rows_before in [0, 1, 5_000] {
            let before = row(100, end).repeat(rows_before);
            for (last, is_long) in [
                (row(100, end), false),
                (row(101, end), true),
                (row(101, ""), true),
                (format!("\"{}\",2{end}", end.repeat(50)), end.len() == 2),
                // Empty lines are no part of the record behind them.
                (end.repeat(100 / end.len()) + &row(100, end), false),
            ] {
                let (_directory, path) = file(format!("{header}{before}{last}").as_bytes());
                let source = FileSource::new(&path).record_bytes_max(100).final_record(true);
                let (found, error) = read(&mut *opened(source));
                let what = format!("{rows_before} rows before {last:?}: {error:?}");
                assert_eq!(found.len(), rows_before + usize::from(!is_long), "{what}");
                assert_eq!(error.map(|error| error.kind()), is_long.then_some(Kind::TooLong), "{what}");
            }
        }
    }
    let (_directory, path) = file(b"12345\n123456\n");
    let (found, error) = read(&mut *opened(FileSource::new(&path).format(Format::Lines).record_bytes_max(5)));
    assert_eq!((found.len(), error.unwrap().place()), (1, Some(&Place::Line(2))));
    let (_directory, path) = file(b"carrier,origin\nUA,EWR\n");
    assert_eq!(read(&mut *opened(FileSource::new(&path).record_bytes_max(6))).1.unwrap().kind(), Kind::TooLong);
}

#[test]
fn a_record_without_an_end_is_bounded() {
    let text = format!("a,b\n1,2\n3,\"4\n{}", "5,6\n".repeat(1_000));
    let (_directory, path) = file(text.as_bytes());
    let source = || FileSource::new(&path).record_bytes_max(100);
    let error = read(&mut *opened(source())).1.unwrap();
    assert_eq!((error.kind(), error.place()), (Kind::Record, Some(&Place::Line(3))));
    assert!(error.what().contains("longer than 100 bytes, because of a quote that opens here"), "{error}");
    assert_eq!(read_around(&mut *opened(source())).0.len(), 1_001);
    std::fs::write(&path, format!("a,b\n1,2\n3,{}\n5,6\n", "4".repeat(100_000))).unwrap();
    let mut reader = opened(source());
    let error = read(&mut *reader).1.unwrap();
    assert_eq!((error.kind(), error.place()), (Kind::TooLong, Some(&Place::Line(3))));
    assert!(reader.pass_over().is_none(), "where it ends is not known");
}

#[test]
fn lines_are_named_after_a_jump_too() {
    let text = format!("a,b\n{}bad\n", "\"1\n1\",2\n".repeat(1_000));
    let (_directory, path) = file(text.as_bytes());
    let mut reader = open(&path);
    let mut found = Batch::new(700, usize::MAX);
    while found.has_room() {
        reader.poll(&mut found, soon()).unwrap();
    }
    let mut again = open(&path);
    again.seek(&reader.position()).unwrap();
    assert_eq!(read(&mut *again).1.unwrap().place(), Some(&Place::Line(2_002)));
}
