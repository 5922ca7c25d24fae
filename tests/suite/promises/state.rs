//! One state: what is checkpointed, what it costs, and that it is the same everywhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use alluvium_core::IncrementalCheckpointError as Error;
use alluvium_core::directory::{MemoryDirectory, block_on};
use alluvium_test_harness::{Expected, checkpoint, fresh, fresh_with, keep, open, open_with, options};

use super::{fill, latest};

#[test]
fn state_offsets_watermark_and_epoch_are_one_atomic_checkpoint() {
    let (directory, mut manager) = fresh();
    manager.put(b"bed", b"gravel").unwrap();
    manager.put(b"bank", b"silt").unwrap();
    manager.delete(b"bank").unwrap();
    manager.set_source_offset("input", 27_004).unwrap();
    manager.set_watermark(1_357_034_400_000);
    manager.set_epoch(7).unwrap();
    block_on(manager.create_checkpoint(99)).unwrap();
    let expected = Expected::of(&manager);
    // What comes after the checkpoint is not in it.
    manager.put(b"late", b"flood").unwrap();
    manager.set_source_offset("input", 30_000).unwrap();
    drop(manager);

    let manager = open(&directory).unwrap();
    assert_eq!(Expected::of(&manager), expected);
    assert_eq!(manager.get(b"bed"), Some(b"gravel".as_slice()));
    assert_eq!(manager.get(b"bank"), None);
    assert_eq!(manager.get(b"late"), None);
}

#[test]
fn bytes_written_follow_what_changed() {
    let (_, mut manager) = fresh_with(keep(3));
    fill(&mut manager, 20_000, 'a');
    checkpoint(&mut manager);
    let base = latest(&manager).alluvium.unwrap().bytes_written;
    assert!(base > 20_000 * 100);
    for round in 0_u64..20 {
        for number in 0..20 {
            manager.put(format!("key-{:012}", round * 20 + number).as_bytes(), &[b'b'; 100]).unwrap();
        }
        checkpoint(&mut manager);
        let metadata = latest(&manager);
        let written = metadata.alluvium.unwrap().bytes_written;
        assert!(metadata.is_incremental);
        // 20 records of 118 bytes, header and table; the rolling rebase may add a few times as much.
        assert!(written < base / 50, "round {round}: {written} bytes written for 20 keys of {base} bytes");
    }
}

#[test]
fn a_checkpoint_without_changes_writes_no_segment() {
    let (directory, mut manager) = fresh();
    fill(&mut manager, 100, 'a');
    checkpoint(&mut manager);
    let before = directory.to_files().len();
    checkpoint(&mut manager);
    assert_eq!(directory.to_files().len(), before + 1, "metadata alone");
}

#[test]
fn what_was_checkpointed_is_what_the_manager_reports() {
    let (directory, mut manager) = fresh();
    manager.set_source_offset("own", 1).unwrap();
    manager.set_watermark(1);
    let offsets = BTreeMap::from([("own".to_string(), 5), ("other".to_string(), 6)]);
    block_on(manager.create_checkpoint_with_state(10, offsets.clone(), Some(77), b"opaque")).unwrap();
    for manager in [manager, open(&directory).unwrap()] {
        assert_eq!(*manager.source_offsets(), offsets);
        assert_eq!(manager.watermark(), Some(77));
        assert_eq!(manager.wal_position(), 10);
        let metadata = latest(&manager);
        assert_eq!((metadata.source_offsets, metadata.watermark), (offsets.clone(), Some(77)));
    }
}

#[test]
fn sizes_counts_and_files_are_set_and_true() {
    let (directory, mut manager) = fresh();
    for round in 0..4 {
        fill(&mut manager, 50 + round, 'c');
        manager.delete(b"key-000000000003").unwrap();
        checkpoint(&mut manager);
        let (metadata, files) = (latest(&manager), directory.to_files());
        assert_eq!(metadata.key_count, manager.len() as u64);
        assert!(!metadata.sst_files.is_empty());
        // All files but the metadata itself, which cannot hold its own length.
        let named: u64 = metadata.sst_files.iter().map(|path| files[path].len() as u64).sum();
        assert_eq!(metadata.size_bytes, named);
        let fields = metadata.alluvium.unwrap();
        let payload: usize = manager.iter().map(|(key, value)| key.len() + value.len()).sum();
        assert_eq!(fields.state_bytes, payload as u64);
        for (entry, path) in fields.segments.iter().zip(&metadata.sst_files) {
            assert_eq!((entry.path(), entry.bytes), (path.clone(), files[path].len() as u64));
        }
    }
}

#[test]
fn keys_can_be_read_one_by_one_in_order_and_by_prefix() {
    let (_, mut manager) = fresh();
    for key in ["b:2", "a:1", "b:1", "c", "b:", "b"] {
        manager.put(key.as_bytes(), key.to_uppercase().as_bytes()).unwrap();
    }
    let texts =
        |keys: Vec<&[u8]>| keys.into_iter().map(|key| String::from_utf8(key.to_vec()).unwrap()).collect::<Vec<_>>();
    assert_eq!(texts(manager.iter().map(|(key, _)| key).collect()), ["a:1", "b", "b:", "b:1", "b:2", "c"]);
    assert_eq!(texts(manager.iter_prefix(b"b:").map(|(key, _)| key).collect()), ["b:", "b:1", "b:2"]);
    assert_eq!(manager.iter_prefix(b"d").count(), 0);
    assert_eq!(manager.get(b"b:1"), Some(b"B:1".as_slice()));
    assert_eq!(manager.len(), 6);
}

#[test]
fn equal_states_under_equal_ids_give_equal_bytes() {
    let made = |order: &[u64]| {
        let (directory, mut manager) = fresh();
        for number in order {
            manager.put(format!("key {number}").as_bytes(), &number.to_le_bytes()).unwrap();
            manager.set_source_offset(format!("source {number}"), *number).unwrap();
        }
        checkpoint(&mut manager);
        for number in order {
            manager.put(format!("key {number}").as_bytes(), b"on the way").unwrap();
            manager.put(format!("key {number}").as_bytes(), b"changed").unwrap();
        }
        manager.delete(b"key 7").unwrap();
        checkpoint(&mut manager);
        directory.to_files()
    };
    let forwards: Vec<u64> = (0..500).collect();
    let mut shuffled = forwards.clone();
    fastrand::Rng::with_seed(7).shuffle(&mut shuffled);
    let (forwards, shuffled) = (made(&forwards), made(&shuffled));
    assert_eq!(forwards.keys().collect::<Vec<_>>(), shuffled.keys().collect::<Vec<_>>());
    for (path, content) in &forwards {
        assert!(shuffled[path] == *content, "{path} depends on the order of the puts");
    }
}

#[test]
fn a_large_state_is_written_in_bounded_pieces() {
    let (directory, mut manager) = fresh();
    for number in 0_u32..12_000 {
        manager.put(&number.to_be_bytes(), &[number as u8; 1_000]).unwrap();
    }
    checkpoint(&mut manager);
    let sizes: Vec<usize> = directory.to_files().values().map(Vec::len).collect();
    assert!(sizes.iter().sum::<usize>() > 12_000_000);
    assert!(sizes.iter().all(|size| *size <= 5 << 20), "{sizes:?}");
    assert_eq!(Expected::of(&open(&directory).unwrap()), Expected::of(&manager));
}

#[test]
fn a_packed_batch_is_all_or_nothing() {
    use alluvium_core::Columns;
    let (_, mut manager) = fresh();
    manager.put(b"bed", b"gravel").unwrap();
    let before = Expected::of(&manager);
    let good = Columns { ops: &[0, 1, 0], key_lens: &[1, 3, 1], value_lens: &[2, 0, 0], keys: b"abedc", values: b"xy" };
    let bad = [
        Columns { ops: &[0, 1, 2], ..good },
        Columns { ops: &[0, 1], ..good },
        Columns { key_lens: &[1, 3, 2], ..good },
        Columns { key_lens: &[1, 3], ..good },
        Columns { key_lens: &[u32::MAX, 3, 1], ..good },
        Columns { value_lens: &[2, 1, 0], values: b"xyz", ..good },
        Columns { value_lens: &[2, 0, 1], ..good },
        Columns { value_lens: &[1, 0, 0], ..good },
        Columns { keys: b"abed", ..good },
        Columns { keys: b"abedcd", ..good },
        Columns { values: b"xyz", ..good },
        Columns { values: b"", ..good },
    ];
    for batch in bad {
        let error = manager.apply(&batch).unwrap_err();
        assert!(matches!(error, Error::InvalidInput(_) | Error::LimitExceeded(_)), "{batch:?}: {error:?}");
        assert_eq!(Expected::of(&manager), before, "{batch:?}");
    }
    assert_eq!(manager.apply(&good).unwrap(), 3);
    let expected = BTreeMap::from([(b"a".to_vec(), b"xy".to_vec()), (b"c".to_vec(), Vec::new())]);
    assert_eq!(Expected::of(&manager).state, expected);
}

#[test]
fn puts_between_the_three_steps_belong_to_the_next_checkpoint() {
    let directory = Arc::new(MemoryDirectory::new());
    let mut manager = open_with(&directory, keep(10), options()).unwrap();
    let mut in_flight = Vec::new();
    let mut checkpoints = Vec::new();
    for round in 0_u8..3 {
        manager.put(&[round], b"prepared").unwrap();
        manager.set_epoch(u64::from(round)).unwrap();
        in_flight.push(manager.prepare_checkpoint(u64::from(round)).unwrap());
        checkpoints.push(Expected::of(&manager));
        manager.put(b"between", &[round]).unwrap();
    }
    for prepared in in_flight {
        let written = block_on(prepared.write()).unwrap();
        manager.put(b"between", b"write and finish").unwrap();
        manager.finish_checkpoint(written).unwrap();
    }
    for (id, expected) in (1..).zip(checkpoints) {
        let manager = open_with(&directory, keep(10), options().checkpoint(Some(id))).unwrap();
        assert_eq!(Expected::of(&manager).state, expected.state, "checkpoint {id}");
        assert_eq!(manager.epoch(), expected.epoch);
    }
    checkpoint(&mut manager);
    assert_eq!(open(&directory).unwrap().get(b"between"), Some(b"write and finish".as_slice()));
}

#[test]
fn statistics_tell_what_a_checkpoint_took() {
    let (directory, mut manager) = fresh();
    fill(&mut manager, 10, 'a');
    checkpoint(&mut manager);
    manager.put(b"key-000000000001", b"12345").unwrap();
    manager.put(b"key-000000000001", b"123456").unwrap();
    manager.delete(b"key-000000000002").unwrap();
    let before: usize = directory.to_files().values().map(Vec::len).sum();
    checkpoint(&mut manager);
    let after: usize = directory.to_files().values().map(Vec::len).sum();
    let statistics = manager.last_statistics().unwrap();
    assert_eq!((statistics.keys_changed, statistics.tombstones), (2, 1));
    assert_eq!(statistics.bytes_changed, 16 + 6 + 16);
    assert!(statistics.bytes_written > 0 && statistics.bytes_written <= (after - before) as u64);
}
