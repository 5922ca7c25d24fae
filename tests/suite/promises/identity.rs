//! Ids, names and writers: whose a file is.

use alluvium_core::directory::block_on;
use alluvium_core::{IncrementalCheckpointError as Error, IncrementalCheckpointMetadata};
use alluvium_test_harness::golden::Golden;
use alluvium_test_harness::{Expected, Files, checkpoint, empty, fresh, keep, memory, open, open_with, options};

#[test]
fn only_sixteen_lower_case_digits_are_an_id() {
    let metadata = IncrementalCheckpointMetadata::new(15, 1).to_json().unwrap().into_bytes();
    for name in
        ["checkpoint_f", "checkpoint_+9", "checkpoint_000000000000000F", "checkpoint_0000000000000000f", "checkpoint_"]
    {
        let path = format!("{name}/metadata.json");
        let directory = memory(Files::from([(path.clone(), metadata.clone())]));
        let mut manager = open(&directory).unwrap();
        assert_eq!(manager.latest_checkpoint_id(), None, "{name}");
        assert_eq!(checkpoint(&mut manager), 1, "{name}");
        block_on(manager.collect_garbage()).unwrap();
        assert!(directory.to_files().contains_key(&path), "{name} is not ours to delete");
    }
}

#[test]
fn the_last_id_is_not_followed_by_the_first() {
    let mut metadata = IncrementalCheckpointMetadata::new(u64::MAX, 1);
    metadata.wal_position = 5;
    let path = format!("{}/metadata.json", metadata.checkpoint_path());
    let directory = memory(Files::from([(path, metadata.to_json().unwrap().into_bytes())]));
    // An error at opening or at the next checkpoint; never a wrap, never an overwritten file.
    let before = directory.to_files();
    let outcome = open(&directory).and_then(|mut manager| block_on(manager.create_checkpoint(6)).map(|_| ()));
    assert!(matches!(outcome, Err(Error::LimitExceeded(_))), "{outcome:?}");
    assert_eq!(directory.to_files(), before);
}

#[test]
fn metadata_must_carry_the_id_of_its_directory() {
    let golden = Golden::named("deltas");
    let mut files = golden.files.clone();
    let third = files["checkpoint_0000000000000003/metadata.json"].clone();
    files.insert("checkpoint_0000000000000004/metadata.json".into(), third);
    let directory = memory(files.clone());
    let mut manager = open(&directory).unwrap();
    let error = block_on(manager.load_checkpoint_metadata(4)).unwrap_err();
    assert!(error.to_string().contains("checkpoint_0000000000000004/metadata.json"), "{error}");
    // LaminarDB deletes checkpoint 3 here.
    let _ = block_on(manager.delete_checkpoint(4));
    assert!(directory.to_files().contains_key("checkpoint_0000000000000003/metadata.json"));
}

#[test]
fn ids_are_never_reused() {
    let (directory, mut manager) = fresh();
    for expected in [1, 2, 3] {
        assert_eq!(checkpoint(&mut manager), expected);
    }
    block_on(manager.delete_checkpoint(3)).unwrap();
    assert_eq!(checkpoint(&mut manager), 4);
    block_on(manager.delete_checkpoint(4)).unwrap();
    block_on(manager.delete_checkpoint(2)).unwrap();
    // Over a reopening too, when nothing but a marker can remember.
    let mut manager = open(&directory).unwrap();
    assert_eq!(manager.latest_checkpoint_id(), Some(1));
    assert_eq!(checkpoint(&mut manager), 5);
    block_on(manager.delete_checkpoint(1)).unwrap();
    block_on(manager.delete_checkpoint(5)).unwrap();
    block_on(manager.collect_garbage()).unwrap();
    let mut manager = open(&directory).unwrap();
    assert_eq!(manager.latest_checkpoint_id(), None);
    assert_eq!(checkpoint(&mut manager), 6);
}

#[test]
fn the_stale_writer_is_fenced_and_has_no_effect() {
    let (directory, mut stale) = fresh();
    stale.put(b"bed", b"gravel").unwrap();
    checkpoint(&mut stale);
    let mut newer = open(&directory).unwrap();
    newer.put(b"bed", b"sand").unwrap();
    checkpoint(&mut newer);
    let before = directory.to_files();

    stale.put(b"bed", b"mud").unwrap();
    let error = block_on(stale.create_checkpoint(0)).unwrap_err();
    assert!(matches!(error, Error::Fenced(_)), "{error:?}");
    assert_eq!(Expected::of(&open(&directory).unwrap()), Expected::of(&newer));
    for (path, content) in &before {
        assert_eq!(directory.to_files().get(path), Some(content), "{path}");
    }
    // It stays refused until it is reopened.
    assert!(block_on(stale.create_checkpoint(0)).is_err());
    // The winner can continue, no matter what the loser left.
    newer.put(b"bank", b"silt").unwrap();
    assert_eq!(checkpoint(&mut newer), 3);
    assert_eq!(Expected::of(&open(&directory).unwrap()), Expected::of(&newer));
}

#[test]
fn a_missing_directory_is_an_error_unless_creation_was_asked_for() {
    let directory = empty();
    let error = open_with(&directory, keep(3), options().create(false)).map(|_| ()).unwrap_err();
    assert!(matches!(error, Error::NotFound(_)), "{error:?}");
    assert!(directory.to_files().is_empty());
    let foreign = memory(Files::from([("notes.txt".to_string(), Vec::new())]));
    assert!(open_with(&foreign, keep(3), options().create(false)).is_err());
}

#[test]
fn a_checkpoint_that_is_not_there_is_not_found() {
    let (directory, mut manager) = fresh();
    checkpoint(&mut manager);
    for id in [0, 2, u64::MAX] {
        let not_found =
            |outcome: Result<(), Error>| assert!(matches!(outcome, Err(Error::NotFound(_))), "{id}: {outcome:?}");
        not_found(block_on(manager.load_checkpoint_metadata(id)).map(|_| ()));
        not_found(block_on(manager.load_checkpoint_state(id)).map(|_| ()));
        not_found(block_on(manager.restore_checkpoint(id)).map(|_| ()));
        not_found(block_on(manager.delete_checkpoint(id)).map(|_| ()));
        not_found(open_with(&directory, keep(3), options().checkpoint(Some(id))).map(|_| ()));
    }
    let error = block_on(manager.load_checkpoint_state(1)).unwrap_err();
    assert!(matches!(error, Error::NotFound(_)), "no state.bin: {error:?}");
}
