//! Another file under the same name is never taken for the one that was read.

use super::*;

fn position_after(path: &Path, records: u32) -> crate::source::Position {
    let mut reader = open(path);
    let mut batch = Batch::new(records, usize::MAX);
    while batch.has_room() {
        reader.poll(&mut batch, soon()).unwrap();
    }
    reader.position()
}

fn refused(path: &Path, position: &crate::source::Position) -> SourceError {
    let mut reader = open(path);
    reader.seek(position).unwrap();
    let (found, error) = read(&mut *reader);
    assert!(found.is_empty(), "{found:?}");
    error.expect("it is another file")
}

#[test]
fn rows_of_the_same_width_are_no_proof() {
    let (_directory, path) = file(b"a,b\n1,2\n3,4\n5,6\n");
    for records in 1..=3 {
        let position = position_after(&path, records);
        for other in ["a,b\n1,2\n3,9\n5,7\n7,8\n", "b,a\n1,2\n3,4\n5,6\n", "a,b\n0,2\n3,4\n5,6\n"] {
            let (_directory, other_path) = file(other.as_bytes());
            let is_same = path.metadata().is_ok()
                && other.as_bytes()[..4 + 4 * records as usize] == b"a,b\n1,2\n3,4\n5,6\n"[..4 + 4 * records as usize];
            if !is_same {
                assert_eq!(refused(&other_path, &position).kind(), Kind::Replaced, "{other:?} after {records}");
            }
        }
    }
}

#[test]
fn a_shorter_file_is_too_short_or_another() {
    let (_directory, path) = file(b"a,b\n1,2\n3,4\n5,6\n");
    let position = position_after(&path, 3);
    let (_directory, shorter) = file(b"a,b\n1,2\n3,4\n");
    assert_eq!(refused(&shorter, &position).kind(), Kind::TooShort { records: 2 });
    let (_directory, other) = file(b"a\n1\n2\n3\n4\n");
    assert_eq!(refused(&other, &position).kind(), Kind::Replaced);
}

#[test]
fn a_change_far_from_the_position_and_the_beginning_is_not_seen() {
    // What is promised: the first KiB and the last before the position.
    let text = format!("a,b\n{}", "row,2\n".repeat(2_000));
    let (_directory, path) = file(text.as_bytes());
    let position = position_after(&path, 1_900);
    let at = |line: usize| text.replacen("row", "ROW", 1).len().min(4 + 6 * line);
    for (line, is_seen) in [(0, true), (100, true), (1_000, false), (1_890, true)] {
        let mut changed = text.clone().into_bytes();
        changed[at(line)] = b'R';
        std::fs::write(&path, changed).unwrap();
        let mut reader = open(&path);
        reader.seek(&position).unwrap();
        assert_eq!(read(&mut *reader).1.is_some(), is_seen, "line {line}");
    }
}
