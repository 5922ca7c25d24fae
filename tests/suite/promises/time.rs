//! Clocks, and what never goes backwards.

use std::time::Duration;

use alluvium_core::directory::block_on;
use alluvium_core::{CheckpointConfig, IncrementalCheckpointError as Error, OpenOptions};
use alluvium_test_harness::{Expected, START_MS, STORE_ID, checkpoint, clock, empty, fresh, open, open_with};

#[test]
fn reopening_restores_epoch_offsets_watermark_position_and_time() {
    let clock = clock();
    let config = CheckpointConfig::new().with_interval(Duration::from_millis(500));
    let directory = empty();
    let options = || OpenOptions::new(clock.clone()).store_id(STORE_ID).create(true);
    let mut manager = open_with(&directory, config.clone(), options()).unwrap();
    assert!(manager.should_checkpoint(), "at once when new");
    manager.set_epoch(3).unwrap();
    manager.set_source_offset("input", u64::MAX).unwrap();
    manager.set_watermark(i64::MIN);
    block_on(manager.create_checkpoint(8)).unwrap();
    let expected = Expected::of(&manager);
    assert!(!manager.should_checkpoint());

    let manager = open_with(&directory, config, options()).unwrap();
    assert_eq!(Expected::of(&manager), expected);
    assert!(!manager.should_checkpoint(), "the last checkpoint was just now");
    clock.advance_ms(499);
    assert!(!manager.should_checkpoint());
    clock.advance_ms(1);
    assert!(manager.should_checkpoint(), "an interval below a second works");
}

#[test]
fn a_wall_clock_set_back_frozen_or_at_its_maximum_never_stalls() {
    for wall in [0, START_MS, START_MS - 1_000_000, u64::MAX] {
        let clock = clock();
        let (directory, config) = (empty(), CheckpointConfig::new().with_interval(Duration::from_secs(1)));
        let options = || OpenOptions::new(clock.clone()).store_id(STORE_ID).create(true);
        let mut manager = open_with(&directory, config.clone(), options()).unwrap();
        checkpoint(&mut manager);
        clock.advance_ms(999);
        clock.set_unix_ms(wall);
        assert!(!manager.should_checkpoint());
        clock.advance_ms(1);
        clock.set_unix_ms(wall);
        assert!(manager.should_checkpoint(), "wall clock at {wall}");
        checkpoint(&mut manager);
        assert_eq!(open_with(&directory, config, options()).unwrap().latest_checkpoint_id(), Some(2));
    }
}

#[test]
fn epoch_position_and_offsets_do_not_go_backwards() {
    let (directory, mut manager) = fresh();
    manager.set_epoch(5).unwrap();
    manager.set_source_offset("input", 50).unwrap();
    block_on(manager.create_checkpoint(500)).unwrap();
    let before = Expected::of(&manager);
    let refused =
        |outcome: Result<(), Error>| assert!(matches!(outcome, Err(Error::EpochMismatch { .. })), "{outcome:?}");
    for manager in [&mut manager, &mut open(&directory).unwrap()] {
        refused(manager.set_epoch(4));
        refused(manager.set_source_offset("input", 49));
        refused(block_on(manager.create_checkpoint(499)).map(|_| ()));
        assert_eq!(Expected::of(manager), before, "a refusal changes nothing");
        assert_eq!(manager.latest_checkpoint_id(), Some(1));
    }
}
