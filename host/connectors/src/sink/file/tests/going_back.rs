//! Going back to an older checkpoint, with files that were moved aside after it.

use super::*;

/// Writes numbered lines, each of which is published, until there are `epochs` of them. Returns the tokens.
fn rotated(directory: &Path, at_bytes: u64, epochs: usize) -> Vec<Opaque> {
    let mut sink = rotating(directory, at_bytes);
    sink.recover(&[]).unwrap();
    // A checkpoint before any output.
    let mut tokens = vec![sink.prepare().unwrap()];
    sink.publish(&tokens[0]).unwrap();
    for number in 0..epochs {
        let token = epoch(&mut sink, &format!("{number:03}"));
        sink.publish(&token).unwrap();
        tokens.push(token);
    }
    tokens
}

fn rotating(directory: &Path, at_bytes: u64) -> FileSink {
    FileSink::new(directory.join("out")).unwrap().rotate_at_bytes(at_bytes)
}

/// The content of all files of the output in order.
fn all(directory: &Path) -> String {
    let numbered = (1..10).map(|number| format!("out.{number}"));
    let part = |name: String| std::fs::read_to_string(directory.join(name)).unwrap_or_default();
    numbered.chain(["out".to_owned()]).map(part).collect()
}

#[test]
fn files_that_came_later_are_named_and_nothing_is_written_twice() {
    for (at_bytes, epochs) in [(1, 4), (8, 6), (8, 7), (12, 8)] {
        let numbers = 0..=epochs;
        for back_to in numbers {
            let scratch = tempfile::tempdir().unwrap();
            // Files of another stream were there before.
            std::fs::write(scratch.path().join("out.1"), "other\n").unwrap();
            let tokens = rotated(scratch.path(), at_bytes, epochs);
            let what = format!("{at_bytes} bytes, back to {back_to} of {epochs}");
            let before = all(scratch.path());
            let expected =
                |epochs: usize| (0..epochs).fold("other\n".to_owned(), |all, at| all + &format!("{at:03}\n"));
            assert_eq!(before, expected(epochs), "{what}");
            // What the error names is moved away, until there is no error.
            let mut moved: Vec<String> = Vec::new();
            let mut sink = rotating(scratch.path(), at_bytes);
            while let Err(error) = sink.recover(&tokens[back_to..=back_to]) {
                let named: Vec<_> = (1..10)
                    .map(|number| scratch.path().join(format!("out.{number}")))
                    .filter(|path| {
                        error.to_string().ends_with(&path.display().to_string())
                            || error.to_string().contains(&format!("{}, ", path.display()))
                    })
                    .collect();
                assert_eq!(
                    all(scratch.path()).len() + moved.concat().len(),
                    before.len(),
                    "nothing was changed: {what}"
                );
                let named = if named.is_empty() {
                    assert_eq!(error.kind(), Kind::Missing, "{what}: {error}");
                    vec![scratch.path().join("out")]
                } else {
                    assert_eq!(error.kind(), Kind::Ahead, "{what}: {error}");
                    named
                };
                for path in named {
                    moved.push(std::fs::read_to_string(&path).unwrap());
                    std::fs::remove_file(path).unwrap();
                }
            }
            assert!(!moved.iter().any(|text| text.contains("other")), "{what}");
            assert_eq!(all(scratch.path()), expected(back_to), "{what}");
            for number in back_to..epochs {
                let token = epoch(&mut sink, &format!("{number:03}"));
                sink.publish(&token).unwrap();
            }
            assert_eq!(all(scratch.path()), before, "{what}");
        }
    }
}

#[test]
fn a_crash_between_moving_aside_and_forgetting_what_waited_is_recovered() {
    let scratch = tempfile::tempdir().unwrap();
    let mut sink = rotating(scratch.path(), 1);
    sink.recover(&[]).unwrap();
    let token = epoch(&mut sink, "one");
    let waiting = std::fs::read(scratch.path().join("out.pending")).unwrap();
    sink.publish(&token).unwrap();
    drop(sink);
    std::fs::write(scratch.path().join("out.pending"), waiting).unwrap();
    rotating(scratch.path(), 1).recover(&[token]).unwrap();
    assert_eq!(all(scratch.path()), "one\n");
}

#[test]
fn a_lost_file_is_not_begun_again_beside_those_that_came_later() {
    let scratch = tempfile::tempdir().unwrap();
    let tokens = rotated(scratch.path(), 1, 3);
    std::fs::remove_file(scratch.path().join("out.1")).unwrap();
    let recover = || rotating(scratch.path(), 1).start_over(true).recover(&tokens[1..2]);
    let error = recover().unwrap_err();
    assert!(error.kind() == Kind::Ahead && error.to_string().contains("out.2, "), "{error}");
    for name in ["out.2", "out.3"] {
        std::fs::remove_file(scratch.path().join(name)).unwrap();
    }
    recover().unwrap();
}

#[test]
fn files_that_another_program_moved_aside_later_are_named() {
    let scratch = tempfile::tempdir().unwrap();
    let at = |name: &str| scratch.path().join(name);
    let mut first = sink(scratch.path(), None);
    let mut tokens = Vec::new();
    for (hours, number) in [(2, "1"), (1, "2")] {
        tokens.push(epoch(&mut first, number));
        first.publish(&tokens[tokens.len() - 1]).unwrap();
        let time = std::time::SystemTime::now() - std::time::Duration::from_secs(3_600 * hours);
        OpenOptions::new().write(true).open(at("out")).unwrap().set_modified(time).unwrap();
        std::fs::rename(at("out"), at(&format!("out-2013010{number}"))).unwrap();
        first.reopen().unwrap();
    }
    let error = recover(scratch.path(), &tokens[0]).unwrap_err();
    assert!(error.kind() == Kind::Ahead && error.to_string().ends_with("out-20130102"), "{error}");
    recover(scratch.path(), &tokens[1]).unwrap();
    std::fs::remove_file(at("out-20130102")).unwrap();
    recover(scratch.path(), &tokens[0]).unwrap();
}
