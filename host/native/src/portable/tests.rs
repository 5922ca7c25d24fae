//! The contract, asked of the portable directory; and that a manager's directory is the same by both.

use std::fs;

use alluvium_core::directory::testing::conformance::{self, Handles};
use alluvium_core::directory::{Directory, DirectoryErrorKind, block_on};

use super::NativeDirectory;

#[test]
fn it_passes_the_suite_of_every_directory() {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let open = async |storage: &str| NativeDirectory::create(scratch.path().join(storage)).expect("it opens");
    block_on(conformance::run(Handles::Many, open)).assert();
}

#[test]
fn a_writer_passes_the_suite_too() {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let open = async |storage: &str| {
        let path = scratch.path().join(storage);
        NativeDirectory::create(&path).expect("it creates");
        NativeDirectory::open_exclusive(path).expect("it opens")
    };
    block_on(conformance::run(Handles::One, open)).assert();
}

#[test]
fn a_second_writer_is_told_who_is_first_and_gets_in_when_it_is_gone() {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let first = NativeDirectory::open_exclusive(scratch.path()).expect("the first writer");
    let refused = NativeDirectory::open_exclusive(scratch.path()).expect_err("the second writer");
    assert_eq!(refused.kind(), DirectoryErrorKind::Fenced);
    assert!(refused.to_string().contains(&format!("process {}", std::process::id())), "{refused}");
    assert!(first.is_exclusive());
    drop(first);
    NativeDirectory::open_exclusive(scratch.path()).expect("the next writer");
}

#[test]
fn what_is_missing_or_no_directory_says_so() {
    let scratch = tempfile::tempdir().expect("a temporary directory");
    let file = scratch.path().join("file");
    fs::write(&file, "").expect("a file");
    let kind = |path| NativeDirectory::open(path).map(drop).map_err(|error| error.kind());
    assert_eq!(kind(scratch.path().join("missing")), Err(DirectoryErrorKind::NotFound));
    assert_eq!(kind(file), Err(DirectoryErrorKind::Invalid));
}

#[test]
fn links_are_not_followed() {
    let (scratch, outside) = (tempfile::tempdir().expect("one"), tempfile::tempdir().expect("another"));
    fs::write(outside.path().join("secret"), "secret").expect("a file");
    std::os::unix::fs::symlink(outside.path(), scratch.path().join("segments")).expect("a link");
    std::os::unix::fs::symlink(outside.path().join("secret"), scratch.path().join("link")).expect("a link");
    let directory = NativeDirectory::open(scratch.path()).expect("it opens");
    for path in ["segments/secret", "link"] {
        let error = block_on(directory.read(path)).expect_err(path);
        assert_eq!(error.kind(), DirectoryErrorKind::Invalid, "{path}");
    }
    for path in ["../secret", "/etc/passwd", "a\\b", "c:x"] {
        assert_eq!(block_on(directory.read(path)).expect_err(path).kind(), DirectoryErrorKind::Invalid, "{path}");
    }
}

/// What one implementation wrote, the other reads and continues.
#[test]
fn a_directory_is_the_same_by_both_implementations() {
    use std::sync::Arc;

    use alluvium_core::{CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions};

    async fn count<D: Directory>(directory: D) -> usize {
        let options = OpenOptions::new(Arc::new(ManualClock::new(1_700_000_000_000))).create(true);
        let open = IncrementalCheckpointManager::open(Arc::new(directory), CheckpointConfig::new(), options);
        let mut manager = open.await.expect("it opens");
        let key = manager.len().to_le_bytes();
        manager.put(&key, b"value").expect("it fits");
        manager.create_checkpoint(0).await.expect("it is written");
        manager.len()
    }

    let scratch = tempfile::tempdir().expect("a temporary directory");
    for round in 0..4 {
        let portable = NativeDirectory::open_exclusive(scratch.path()).expect("it opens");
        assert_eq!(block_on(count(portable)), 2 * round + 1);
        let linux = crate::NativeDirectory::open_exclusive(scratch.path()).expect("it opens");
        assert_eq!(block_on(count(linux)), 2 * round + 2);
    }
}
