//! The suite over files, and what crashes and other programs do to a file.

use std::fs::OpenOptions;
use std::io::Write;

use tempfile::TempDir;

use super::*;
use crate::testing::{SinkFixture, sink_suite};

#[test]
fn it_passes_the_suite() {
    struct Files(TempDir);
    impl SinkFixture for Files {
        fn open(&mut self, target: &str) -> Box<dyn Sink> {
            Box::new(FileSink::new(self.0.path().join(target)).unwrap())
        }
        fn visible(&mut self, target: &str) -> Vec<String> {
            let shown = std::fs::read_to_string(self.0.path().join(target)).unwrap_or_default();
            assert!(shown.is_empty() || shown.ends_with('\n'), "{shown:?}");
            shown.lines().map(ToOwned::to_owned).collect()
        }
    }
    let report = sink_suite(&mut Files(tempfile::tempdir().unwrap()));
    assert_eq!(report.assert(), 22, "{report:?}");
}

fn sink(directory: &Path, token: Option<&Opaque>) -> FileSink {
    let mut sink = FileSink::new(directory.join("out")).unwrap();
    sink.recover(token.map_or(&[], std::slice::from_ref)).unwrap();
    sink
}

fn epoch(sink: &mut FileSink, record: &str) -> Opaque {
    sink.write(&Batch::of_raw([record.as_bytes()])).unwrap();
    sink.prepare().unwrap()
}

fn visible(directory: &Path) -> Vec<u8> {
    std::fs::read(directory.join("out")).unwrap_or_default()
}

/// What a run leaves that is killed after its second checkpoint and before it shows what belongs to it:
/// "one" is there, "two" is what the token stands for.
fn killed_before_showing(directory: &Path) -> Opaque {
    let mut first = sink(directory, None);
    let token = epoch(&mut first, "one");
    first.publish(&token).unwrap();
    epoch(&mut first, "two")
}

#[test]
fn a_publication_cut_short_anywhere_is_completed() {
    for written in 0..=4 {
        let scratch = tempfile::tempdir().unwrap();
        let token = killed_before_showing(scratch.path());
        // Some of the addition is in the file already.
        let mut file = OpenOptions::new().append(true).open(scratch.path().join("out")).unwrap();
        file.write_all(&b"two\n"[..written]).unwrap();
        let mut second = sink(scratch.path(), Some(&token));
        assert_eq!(visible(scratch.path()), b"one\ntwo\n", "{written}");
        second.publish(&token).unwrap();
        let token = epoch(&mut second, "three");
        second.publish(&token).unwrap();
        assert_eq!(visible(scratch.path()), b"one\ntwo\nthree\n");
    }
}

#[test]
fn a_publication_torn_by_a_power_failure_is_completed() {
    // What the file may hold where the addition goes: its length is no proof of its bytes.
    for torn in [&b""[..], b"\0\0\0\0", b"tw\0\0", b"\xa5\xa5\xa5\xa5", b"two\n", b"two\nthree\n"] {
        let scratch = tempfile::tempdir().unwrap();
        let token = killed_before_showing(scratch.path());
        std::fs::write(scratch.path().join("out"), [b"one\n", torn].concat()).unwrap();
        assert_eq!(sink(scratch.path(), Some(&token)).published_bytes(), Some(8));
        assert_eq!(visible(scratch.path()), b"one\ntwo\n", "{torn:?}");
    }
}

#[test]
fn what_is_missing_before_an_addition_is_not_filled_up() {
    let scratch = tempfile::tempdir().unwrap();
    let token = killed_before_showing(scratch.path());
    std::fs::write(scratch.path().join("out"), b"on").unwrap();
    let error = FileSink::new(scratch.path().join("out")).unwrap().recover(&[token]).unwrap_err();
    assert_eq!(error.kind(), Kind::Missing);
    assert!(error.to_string().contains("out: 6 of the 8 bytes"), "{error}");
    assert_eq!(visible(scratch.path()), b"on", "and nothing was changed");
}

#[test]
fn a_file_that_was_cut_is_an_error_that_names_it() {
    let scratch = tempfile::tempdir().unwrap();
    let mut first = sink(scratch.path(), None);
    let token = epoch(&mut first, "one two three");
    first.publish(&token).unwrap();
    drop(first);
    std::fs::write(scratch.path().join("out"), b"one").unwrap();
    let error = FileSink::new(scratch.path().join("out")).unwrap().recover(&[token]).unwrap_err();
    assert!(error.to_string().contains("out: 11 of the 14 bytes"), "{error}");
    assert_eq!(visible(scratch.path()), b"one", "and nothing was changed");
}

#[test]
fn a_file_that_another_program_cut_while_it_ran_is_not_filled_up() {
    let scratch = tempfile::tempdir().unwrap();
    let mut first = sink(scratch.path(), None);
    let token = epoch(&mut first, "one");
    first.publish(&token).unwrap();
    let token = epoch(&mut first, "two");
    std::fs::write(scratch.path().join("out"), b"o").unwrap();
    assert_eq!(first.publish(&token).unwrap_err().kind(), Kind::Missing);
    assert_eq!(visible(scratch.path()), b"o");
    // What it has done is not known any more: it asks for recovery.
    assert_eq!(first.prepare().unwrap_err().kind(), Kind::Unsupported);
}

#[test]
fn nothing_is_touched_before_something_is_written() {
    let scratch = tempfile::tempdir().unwrap();
    std::fs::write(scratch.path().join("out"), b"of an earlier run\n").unwrap();
    let mut first = sink(scratch.path(), None);
    let token = first.prepare().unwrap();
    assert_eq!(token, Opaque::default());
    first.publish(&token).unwrap();
    first.abort().unwrap();
    drop(first);
    let mut second = sink(scratch.path(), Some(&token));
    assert_eq!(visible(scratch.path()), b"of an earlier run\n");
    assert!(!scratch.path().join("out.pending").exists());
    let token = epoch(&mut second, "new");
    second.publish(&token).unwrap();
    assert_eq!(visible(scratch.path()), b"new\n");
}

#[test]
fn the_pending_file_does_not_grow_beside_a_stream_of_checkpoints() {
    let scratch = tempfile::tempdir().unwrap();
    let mut sink = sink(scratch.path(), None);
    let mut prepared = epoch(&mut sink, "a record of the first epoch");
    for _ in 0..100 {
        // There is always a checkpoint on its way, and always something that was written after it.
        sink.write(&Batch::of_raw([&b"a record of the next epoch"[..]])).unwrap();
        sink.publish(&prepared).unwrap();
        prepared = sink.prepare().unwrap();
    }
    let pending = std::fs::metadata(scratch.path().join("out.pending")).unwrap().len();
    assert!(pending < 100, "{pending} bytes wait");
    assert_eq!(String::from_utf8(visible(scratch.path())).unwrap().lines().count(), 100);
}

#[test]
fn several_writers_of_one_file_are_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let token = killed_before_showing(scratch.path());
    let error = FileSink::new(scratch.path().join("out")).unwrap().recover(&[token.clone(), token]).unwrap_err();
    assert_eq!(error.kind(), Kind::Unsupported);
    assert_eq!(FileSink::new("/").unwrap_err().to_string(), "/: names no file");
}
