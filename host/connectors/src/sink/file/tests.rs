//! The suite over files, and what crashes and other programs do to a file.

mod going_back;

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
    assert_eq!(report.assert(), 23, "{report:?}");
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
    let overwriting = || FileSink::new(scratch.path().join("out")).unwrap().overwrite(true);
    let mut first = overwriting();
    first.recover(&[]).unwrap();
    let token = first.prepare().unwrap();
    assert_eq!(token, Opaque::default());
    first.publish(&token).unwrap();
    first.abort().unwrap();
    drop(first);
    let mut second = overwriting();
    second.recover(&[token]).unwrap();
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

fn recover(directory: &Path, token: &Opaque) -> Result<FileSink, SinkError> {
    let mut sink = FileSink::new(directory.join("out")).unwrap();
    sink.recover(std::slice::from_ref(token)).map(|_| sink)
}

#[test]
fn the_file_of_another_stream_is_refused_and_stays() {
    let scratch = tempfile::tempdir().unwrap();
    let mut first = sink(scratch.path(), None);
    let token = epoch(&mut first, "one");
    first.publish(&token).unwrap();
    let second = epoch(&mut first, "two");
    first.publish(&second).unwrap();
    drop(first);
    for other in [&b"ONE\ntwo\nand more of it\n"[..], b"one\nTWO\n", b"another one\n"] {
        std::fs::write(scratch.path().join("out"), other).unwrap();
        assert_eq!(recover(scratch.path(), &second).unwrap_err().kind(), Kind::Replaced);
        let fresh = FileSink::new(scratch.path().join("out")).unwrap().recover(&[]).unwrap_err();
        assert_eq!(fresh.kind(), Kind::Replaced);
        assert_eq!(visible(scratch.path()), other);
    }
}

#[test]
fn a_file_that_was_moved_is_an_error_until_a_new_one_is_asked_for() {
    for waits in [false, true] {
        let scratch = tempfile::tempdir().unwrap();
        let mut first = sink(scratch.path(), None);
        let token = epoch(&mut first, "one");
        first.publish(&token).unwrap();
        let token = epoch(&mut first, "two");
        std::fs::rename(scratch.path().join("out"), scratch.path().join("moved")).unwrap();
        if !waits {
            std::fs::remove_file(scratch.path().join("out.pending")).unwrap();
        }
        // It dies before it shows the second one.
        drop(first);
        assert_eq!(recover(scratch.path(), &token).unwrap_err().kind(), Kind::Missing);
        let mut second = FileSink::new(scratch.path().join("out")).unwrap().start_over(true);
        second.recover(&[token]).unwrap();
        let token = epoch(&mut second, "three");
        second.publish(&token).unwrap();
        let expected: &[u8] = if waits { b"two\nthree\n" } else { b"three\n" };
        assert_eq!(visible(scratch.path()), expected);
        drop(second);
        assert_eq!(recover(scratch.path(), &token).unwrap().published_bytes(), Some(expected.len() as u64));
    }
}

#[test]
fn a_file_that_was_rotated_before_a_crash_is_completed_under_its_new_name() {
    for name in ["out.1", "out-20130101"] {
        for (epochs, is_published) in [(1, true), (2, true), (2, false), (3, false)] {
            let scratch = tempfile::tempdir().unwrap();
            let at = |name: &str| scratch.path().join(name);
            std::fs::write(at("out.7"), b"of another stream\n").unwrap();
            let mut first = sink(scratch.path(), None);
            let mut token = Opaque::default();
            for number in 0..epochs {
                token = epoch(&mut first, &format!("line {number}"));
                if is_published || number + 1 < epochs {
                    first.publish(&token).unwrap();
                }
            }
            std::fs::rename(at("out"), at(name)).unwrap();
            // Once, and once more after a crash in the recovery.
            drop(first);
            for _ in 0..2 {
                drop(recover(scratch.path(), &token).unwrap());
            }
            let expected = (0..epochs).map(|number| format!("line {number}\n")).collect::<Vec<_>>().concat();
            assert_eq!(std::fs::read_to_string(at(name)).unwrap(), expected, "{epochs} {is_published}");
            let mut second = recover(scratch.path(), &token).unwrap();
            token = epoch(&mut second, "after");
            second.publish(&token).unwrap();
            drop(second);
            recover(scratch.path(), &token).unwrap();
            assert_eq!(visible(scratch.path()), b"after\n", "{epochs} {is_published}");
        }
    }
}

#[test]
fn links_are_followed_but_not_in_place_of_the_pending_file() {
    let scratch = tempfile::tempdir().unwrap();
    let target = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(target.path().join("real"), scratch.path().join("out")).unwrap();
    let mut first = sink(scratch.path(), None);
    let token = epoch(&mut first, "one");
    first.publish(&token).unwrap();
    assert_eq!(std::fs::read(target.path().join("real")).unwrap(), b"one\n");
    assert!(scratch.path().join("out").symlink_metadata().unwrap().is_symlink());
    // Somebody else's link, in a directory that others may write to.
    let victim = target.path().join("victim");
    std::fs::write(&victim, b"precious").unwrap();
    let other = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(&victim, other.path().join("out.pending")).unwrap();
    let mut second = sink(other.path(), None);
    let error = second.write(&Batch::of_raw([&b"two"[..]])).unwrap_err();
    assert!(error.to_string().ends_with("out.pending: is a link"), "{error}");
    assert_eq!(std::fs::read(&victim).unwrap(), b"precious");
}

#[test]
fn a_long_file_is_moved_aside_and_nothing_is_lost_at_any_crash() {
    let all = |directory: &Path| -> String {
        let part = |name: &str| std::fs::read_to_string(directory.join(name)).unwrap_or_default();
        ["out.1", "out.2", "out.3", "out"].map(part).concat()
    };
    let scratch = tempfile::tempdir().unwrap();
    let open = || FileSink::new(scratch.path().join("out")).unwrap().rotate_at_bytes(9);
    let mut committed: Option<Opaque> = None;
    for number in 0..10 {
        // A process for each epoch. It dies after the commit, after the publication, or not at all.
        let mut sink = open();
        sink.recover(committed.as_slice()).unwrap();
        let token = epoch(&mut sink, &format!("{number:03}"));
        committed = Some(token.clone());
        if number % 3 > 0 {
            sink.publish(&token).unwrap();
        }
        if number % 3 == 1 {
            epoch(&mut sink, "lost");
        }
    }
    open().recover(&[committed.unwrap()]).unwrap();
    let expected = "000 001 002 003 004 005 006 007 008 009 ".replace(' ', "\n");
    assert_eq!(all(scratch.path()), expected);
    assert!(scratch.path().join("out.2").exists());
}

#[test]
fn a_file_that_is_moved_away_is_begun_again_when_it_is_told() {
    let scratch = tempfile::tempdir().unwrap();
    let mut first = sink(scratch.path(), None);
    let token = epoch(&mut first, "one");
    first.publish(&token).unwrap();
    first.reopen().unwrap();
    std::fs::rename(scratch.path().join("out"), scratch.path().join("moved")).unwrap();
    first.write(&Batch::of_raw([&b"two"[..]])).unwrap();
    first.reopen().unwrap();
    let token = first.prepare().unwrap();
    first.publish(&token).unwrap();
    assert_eq!(visible(scratch.path()), b"two\n");
    drop(first);
    assert_eq!(recover(scratch.path(), &token).unwrap().published_bytes(), Some(4));
}

#[test]
fn a_file_that_is_moved_away_is_written_to_until_it_is_told() {
    let scratch = tempfile::tempdir().unwrap();
    let moved = scratch.path().join("moved");
    let mut first = sink(scratch.path(), None).rotate_at_bytes(20);
    let publish = |sink: &mut FileSink, record: &str| {
        let token = epoch(sink, record);
        sink.publish(&token).unwrap();
        token
    };
    publish(&mut first, "one");
    std::fs::rename(scratch.path().join("out"), &moved).unwrap();
    let mut token = publish(&mut first, "two");
    // It is long enough to be moved aside, and is not there.
    token = publish(&mut first, &format!("{token:?}"));
    let before = std::fs::read(&moved).unwrap();
    assert!(before.starts_with(b"one\ntwo\n") && !scratch.path().join("out").exists());
    // Moved back, it is the one that the token stands for.
    std::fs::rename(&moved, scratch.path().join("out")).unwrap();
    assert_eq!(recover(scratch.path(), &token).unwrap().published_bytes(), Some(before.len() as u64));
    std::fs::rename(scratch.path().join("out"), &moved).unwrap();
    // Another program has put something in its place.
    std::fs::write(scratch.path().join("out"), b"other").unwrap();
    assert_eq!(first.reopen().unwrap_err().kind(), Kind::Replaced);
    assert_eq!((visible(scratch.path()), std::fs::read(&moved).unwrap()), (b"other".to_vec(), before));
}

#[test]
fn a_file_that_is_deleted_while_it_is_written_to_is_an_error() {
    let scratch = tempfile::tempdir().unwrap();
    let mut first = sink(scratch.path(), None);
    let token = epoch(&mut first, "one");
    first.publish(&token).unwrap();
    std::fs::remove_file(scratch.path().join("out")).unwrap();
    let token = epoch(&mut first, "two");
    assert_eq!(first.publish(&token).unwrap_err().kind(), Kind::Missing);
}

#[test]
fn what_another_program_put_in_the_place_of_a_file_that_was_moved_aside_stays() {
    let scratch = tempfile::tempdir().unwrap();
    let mut first = FileSink::new(scratch.path().join("out")).unwrap().rotate_at_bytes(1);
    first.recover(&[]).unwrap();
    let token = epoch(&mut first, "one two three");
    first.publish(&token).unwrap();
    drop(first);
    assert!(scratch.path().join("out.1").exists());
    std::fs::write(scratch.path().join("out"), b"other").unwrap();
    assert_eq!(recover(scratch.path(), &token).unwrap_err().kind(), Kind::Missing);
    assert_eq!(visible(scratch.path()), b"other");
    std::fs::remove_file(scratch.path().join("out")).unwrap();
    assert_eq!(recover(scratch.path(), &token).unwrap().published_bytes(), Some(0));
}

#[test]
fn a_writer_that_was_overtaken_disturbs_nothing_and_what_it_committed_is_completed() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("out");
    let open = |name: &str| FileSink::new(&path).unwrap().writer(name);
    let records = |text: &str| Batch::of_raw([text.as_bytes()]);
    let mut stale = open("first");
    stale.recover(&[]).unwrap();
    stale.write(&records("one")).unwrap();
    let committed = stale.prepare().unwrap();
    // Another one takes over before this one has published, and completes what was committed.
    let mut next = open("second");
    assert_eq!(next.recover(std::slice::from_ref(&committed)).unwrap(), [Publication::Now]);
    next.write(&records("two")).unwrap();
    let token = next.prepare().unwrap();
    // The first one continues: what it does changes nothing.
    assert!(stale.publish(&committed).is_err() || std::fs::read(&path).unwrap() == b"one\n");
    let _ = stale.write(&records("three"));
    let _ = stale.prepare();
    next.publish(&token).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"one\ntwo\n");
    let mut last = open("third");
    last.recover(&[token]).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"one\ntwo\n");
    let left: Vec<_> = std::fs::read_dir(scratch.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("first")), "{left:?}");
}

#[test]
fn a_writer_that_began_with_nothing_and_was_overtaken_cuts_nothing_off() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("out");
    let open = |name: &str| FileSink::new(&path).unwrap().writer(name);
    let mut stale = open("first");
    stale.recover(&[]).unwrap();
    let mut next = open("second");
    next.recover(&[]).unwrap();
    next.write(&Batch::of_raw([&b"one"[..]])).unwrap();
    let token = next.prepare().unwrap();
    next.publish(&token).unwrap();
    assert_eq!(stale.write(&Batch::of_raw([&b"two"[..]])).unwrap_err().kind(), Kind::Replaced);
    assert_eq!(std::fs::read(&path).unwrap(), b"one\n");
}
