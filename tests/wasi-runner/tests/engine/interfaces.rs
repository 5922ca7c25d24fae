//! What the interfaces promise when nothing goes wrong.

use std::path::Path;

use alluvium_test_harness::{START_MS, load};

use crate::support::{Columns, Error, OpenOptions, columns, component, engine, entries, options, packed};

/// What the world says in words: files, time, and what a language's runtime needs. Nothing else: no
/// network, and of randomness only the seed of hash tables.
#[test]
fn the_component_imports_only_what_the_world_says() {
    let (compiler, component) = component();
    let imports: Vec<String> = component.component_type().imports(compiler).map(|(name, _)| name.to_owned()).collect();
    let allowed = [
        "alluvium:checkpoint/types@",
        "wasi:filesystem/",
        "wasi:io/",
        "wasi:clocks/",
        "wasi:cli/",
        "wasi:random/insecure-seed@",
    ];
    for import in &imports {
        assert!(allowed.iter().any(|allowed| import.starts_with(allowed)), "{import} among {imports:?}");
    }
    assert!(imports.iter().any(|import| import.starts_with("wasi:filesystem/types@0.2.")), "{imports:?}");
    let exports: Vec<String> = component.component_type().exports(compiler).map(|(name, _)| name.to_owned()).collect();
    assert_eq!(exports, ["state", "checkpoints", "time"].map(|name| format!("alluvium:checkpoint/{name}@0.2.0")));
}

#[test]
fn what_is_checkpointed_is_recovered_together() {
    let scratch = tempfile::tempdir().unwrap();
    let mut engine_1 = engine(scratch.path());
    let manager = engine_1.open(&options()).unwrap();
    assert_eq!(engine_1.on(manager, |m, s, this| m.call_recovered(s, this)).map(|r| r.checkpoint_id), None);
    assert_eq!(engine_1.on(manager, |m, s, this| m.call_weaker_promises(s, this)), Vec::<String>::new());
    assert!(engine_1.on(manager, |m, s, this| m.call_should_checkpoint(s, this)));

    let batch = columns(&[(b"a", Some(b"1")), (b"b", Some(b"2")), (b"a", None), (b"c", Some(b""))]);
    assert_eq!(engine_1.on(manager, |m, s, this| m.call_apply(s, this, 0, &batch)).unwrap(), 4);
    engine_1.on(manager, |m, s, this| m.call_set_epoch(s, this, 7)).unwrap();
    engine_1.on(manager, |m, s, this| m.call_set_source_offset(s, this, "input", 1_000)).unwrap();
    engine_1.on(manager, |m, s, this| m.call_set_watermark(s, this, -5));
    engine_1.on(manager, |m, s, this| m.call_set_annotation(s, this, "plugin", "delays"));
    let report = engine_1.on(manager, |m, s, this| m.call_checkpoint(s, this, 42)).unwrap();
    assert_eq!((report.info.id, report.info.epoch, report.info.wal_position), (1, 7, 42));
    assert_eq!((report.info.key_count, report.info.watermark, report.info.parent_id), (2, Some(-5), None));
    assert_eq!(report.info.timestamp_ms, START_MS);
    assert!(report.bytes_written > 0 && report.maintenance.errors.is_empty());
    assert!(!engine_1.on(manager, |m, s, this| m.call_should_checkpoint(s, this)));
    engine_1.clock.advance_ms(60_000);
    assert!(engine_1.on(manager, |m, s, this| m.call_should_checkpoint(s, this)), "the interval has passed");
    engine_1.put(manager, b"lost", b"x").unwrap();
    drop(engine_1);

    let mut engine_2 = engine(scratch.path());
    let manager = engine_2.open(&options()).unwrap();
    let recovered = engine_2.on(manager, |m, s, this| m.call_recovered(s, this)).unwrap();
    assert_eq!((recovered.checkpoint_id, recovered.key_count, recovered.skipped.len()), (1, 2, 0));
    assert_eq!(engine_2.get(manager, b"b"), Some(b"2".to_vec()));
    assert_eq!(engine_2.get(manager, b"c"), Some(Vec::new()), "an empty value is a value");
    assert_eq!((engine_2.get(manager, b"a"), engine_2.get(manager, b"lost")), (None, None));
    assert_eq!(engine_2.on(manager, |m, s, this| m.call_len(s, this, 0)).unwrap(), 2);
    assert_eq!(engine_2.on(manager, |m, s, this| m.call_epoch(s, this)), 7);
    assert_eq!(engine_2.on(manager, |m, s, this| m.call_watermark(s, this)), Some(-5));
    assert_eq!(engine_2.on(manager, |m, s, this| m.call_wal_position(s, this)), 42);
    let offsets = engine_2.on(manager, |m, s, this| m.call_source_offsets(s, this));
    assert_eq!(offsets.iter().map(|o| (o.source.as_str(), o.offset)).collect::<Vec<_>>(), [("input", 1_000)]);
    let annotations = engine_2.on(manager, |m, s, this| m.call_annotations(s, this));
    assert_eq!(annotations.iter().map(|a| (&*a.name, &*a.value)).collect::<Vec<_>>(), [("plugin", "delays")]);
    let latest = engine_2.on(manager, |m, s, this| m.call_latest(s, this)).unwrap().unwrap();
    assert_eq!((latest.id, latest.annotations.len()), (1, 1));
}

#[test]
fn a_sync_is_durable_without_a_checkpoint() {
    let scratch = tempfile::tempdir().unwrap();
    let mut writer = engine(scratch.path());
    let manager = writer.open(&options()).unwrap();
    writer.put(manager, b"a", b"checkpointed").unwrap();
    writer.checkpoint(manager).unwrap();
    writer.put(manager, b"b", b"synced").unwrap();
    writer.on(manager, |m, s, this| m.call_delete(s, this, 0, b"a")).unwrap();
    writer.on(manager, |m, s, this| m.call_set_source_offset(s, this, "input", 9)).unwrap();
    assert_eq!(writer.on(manager, |m, s, this| m.call_wal_size(s, this)), 0);
    writer.on(manager, |m, s, this| m.call_sync(s, this, 3)).unwrap();
    assert!(writer.on(manager, |m, s, this| m.call_wal_size(s, this)) > 0);
    writer.put(manager, b"c", b"lost").unwrap();
    drop(writer);

    let mut engine = engine(scratch.path());
    let manager = engine.open(&options()).unwrap();
    let recovered = engine.on(manager, |m, s, this| m.call_recovered(s, this)).unwrap();
    assert_eq!((recovered.checkpoint_id, recovered.wal_entries, recovered.wal_cut), (1, 2, None));
    assert_eq!((engine.get(manager, b"a"), engine.get(manager, b"c")), (None, None));
    assert_eq!(engine.get(manager, b"b"), Some(b"synced".to_vec()));
    assert_eq!(engine.on(manager, |m, s, this| m.call_source_offsets(s, this))[0].offset, 9);
    assert_eq!(engine.on(manager, |m, s, this| m.call_wal_position(s, this)), 3);
    engine.checkpoint(manager).expect_err("the position was 3");
    let report = engine.on(manager, |m, s, this| m.call_checkpoint(s, this, 3)).unwrap();
    assert_eq!((report.info.id, report.info.key_count), (2, 1));
    assert_eq!(engine.on(manager, |m, s, this| m.call_wal_size(s, this)), 0);
}

#[test]
fn state_is_that_of_the_manager_opened_last_and_still_alive() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let both = [
        (one.path(), "one", wasmtime_wasi::FsPerms::ReadWrite),
        (other.path(), "other", wasmtime_wasi::FsPerms::ReadWrite),
    ];
    let mut engine = crate::support::engine_with(&both);
    let get = |engine: &mut crate::support::Engine| engine.state(|state, store| state.call_get(store, 0, b"who"));
    match get(&mut engine) {
        Err(Error::InvalidInput(text)) => assert!(text.contains("no manager is open"), "{text}"),
        found => panic!("{found:?}"),
    }
    let directory = |name: &str| OpenOptions { directory: Some(name.into()), ..options() };
    let first = engine.open(&directory("one")).unwrap();
    engine.put(first, b"who", b"first").unwrap();
    assert_eq!(get(&mut engine).unwrap(), Some(b"first".to_vec()));
    let second = engine.open(&directory("other")).unwrap();
    assert_eq!(get(&mut engine).unwrap(), None);
    engine.state(|state, store| state.call_put(store, 0, b"who", b"second")).unwrap();
    assert_eq!(engine.get(second, b"who"), Some(b"second".to_vec()));
    assert_eq!(engine.state(|state, store| state.call_len(store, 0)).unwrap(), 1);
    second.resource_drop(&mut engine.store).unwrap();
    assert_eq!(get(&mut engine).unwrap(), Some(b"first".to_vec()));
    assert!(engine.state(|state, store| state.call_delete(store, 0, b"who")).unwrap());
    first.resource_drop(&mut engine.store).unwrap();
    assert!(matches!(get(&mut engine), Err(Error::InvalidInput(_))));
}

#[test]
fn many_keys_are_answered_in_the_order_asked() {
    let scratch = tempfile::tempdir().unwrap();
    let mut engine = engine(scratch.path());
    let manager = engine.open(&options()).unwrap();
    engine.put(manager, b"a", b"one").unwrap();
    engine.put(manager, b"b", b"").unwrap();
    let keys = packed(&[b"b", b"none", b"a", b"a", b""]);
    let found = engine.state(|state, store| state.call_get_many(store, 0, &keys)).unwrap();
    assert_eq!(
        (found.present, found.lens, found.bytes),
        (vec![1, 0, 1, 1, 0], vec![0, 0, 3, 3, 0], b"oneone".to_vec())
    );
    let mut keys = packed(&[b"ab"]);
    keys.lens.push(u32::MAX);
    for found in [
        engine.state(|state, store| state.call_get_many(store, 0, &keys)),
        engine.on(manager, |m, s, this| m.call_get_many(s, this, 0, &keys)),
    ] {
        assert!(matches!(found, Err(Error::InvalidInput(_))), "{found:?}");
    }
}

#[test]
fn a_walk_is_in_key_order_whatever_its_pages() {
    let scratch = tempfile::tempdir().unwrap();
    let mut engine = engine(scratch.path());
    let manager = engine.open(&options()).unwrap();
    let mut expected: Vec<(Vec<u8>, Vec<u8>)> =
        (0..500_u32).map(|n| (format!("{}:{n}", n % 7).into_bytes(), n.to_le_bytes().to_vec())).collect();
    for (key, value) in &expected {
        engine.put(manager, key, value).unwrap();
    }
    expected.sort();
    for limit in [1, 7, 499, 500, 501, u32::MAX] {
        let cursor = engine.on(manager, |m, s, this| m.call_iterate(s, this, 0, b"")).unwrap();
        assert_eq!(engine.walk(cursor, limit), expected, "pages of {limit}");
    }
    let cursor = engine.state(|state, store| state.call_iterate(store, 0, b"3:")).unwrap();
    let threes: Vec<_> = expected.iter().filter(|(key, _)| key.starts_with(b"3:")).cloned().collect();
    assert_eq!(engine.walk(cursor, 10), threes);
    let refused = engine.state(|state, store| state.cursor().call_next(store, cursor, 0));
    assert!(matches!(refused, Err(Error::InvalidInput(_))), "{refused:?}");
}

#[test]
fn a_walk_keeps_to_the_keys_that_there_were() {
    let scratch = tempfile::tempdir().unwrap();
    let mut engine = engine(scratch.path());
    let manager = engine.open(&options()).unwrap();
    let batch = columns(&[(b"a", Some(b"1")), (b"b", Some(b"2")), (b"c", Some(b"3")), (b"d", Some(b"4"))]);
    engine.on(manager, |m, s, this| m.call_apply(s, this, 0, &batch)).unwrap();
    let cursor = engine.on(manager, |m, s, this| m.call_iterate(s, this, 0, b"")).unwrap();
    let page = engine.state(|state, store| state.cursor().call_next(store, cursor, 1)).unwrap();
    assert_eq!(entries(&page), [(b"a".to_vec(), b"1".to_vec())]);
    let batch = columns(&[(b"b", None), (b"c", Some(b"changed")), (b"bb", Some(b"new")), (b"e", Some(b"new"))]);
    engine.on(manager, |m, s, this| m.call_apply(s, this, 0, &batch)).unwrap();
    let rest = [(b"c".to_vec(), b"changed".to_vec()), (b"d".to_vec(), b"4".to_vec())];
    assert_eq!(engine.walk(cursor, 10), rest);

    let cursor = engine.on(manager, |m, s, this| m.call_iterate(s, this, 0, b"")).unwrap();
    manager.resource_drop(&mut engine.store).unwrap();
    let refused = engine.state(|state, store| state.cursor().call_next(store, cursor, 1));
    assert!(matches!(refused, Err(Error::InvalidInput(_))), "{refused:?}");
}

#[test]
fn a_page_is_bounded_whatever_the_entries_are() {
    let scratch = tempfile::tempdir().unwrap();
    let mut engine = engine(scratch.path());
    let manager = engine.open(&options()).unwrap();
    let large = vec![7; 400 << 10];
    for key in [b"a", b"b", b"c", b"d"] {
        engine.put(manager, key, &large).unwrap();
    }
    engine.put(manager, b"e", &vec![8; 3 << 20]).unwrap();
    let cursor = engine.on(manager, |m, s, this| m.call_iterate(s, this, 0, b"")).unwrap();
    let mut page = || -> Columns { engine.state(|state, store| state.cursor().call_next(store, cursor, 100)).unwrap() };
    assert_eq!(page().keys, b"ab");
    assert_eq!(page().keys, b"cd");
    let page_of_one = page();
    assert_eq!((page_of_one.keys, page_of_one.values.len()), (b"e".to_vec(), 3 << 20), "one entry always fits");
    assert!(page().ops.is_empty());
}

#[test]
fn an_export_stands_alone() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut engine_1 = engine(from.path());
    let manager = engine_1.open(&options()).unwrap();
    for round in 0..3_u8 {
        engine_1.put(manager, &[round], b"value").unwrap();
        engine_1.checkpoint(manager).unwrap();
    }
    let archive = engine_1.on(manager, |m, s, this| m.call_export_checkpoint(s, this, Some(2))).unwrap();
    let mut engine_2 = engine(to.path());
    let mut damaged = archive.clone();
    damaged[700] ^= 1;
    assert!(engine_2.import(&damaged, &options()).is_err());
    assert_eq!(load(to.path()).len(), 0, "a refused archive changes nothing");
    let manager = engine_2.import(&archive, &options()).unwrap();
    assert_eq!(engine_2.get(manager, &[1]), Some(b"value".to_vec()));
    assert_eq!(engine_2.get(manager, &[2]), None);
    engine_2.put(manager, b"more", b"x").unwrap();
    assert_eq!(engine_2.checkpoint(manager).unwrap().info.id, 3);
}

/// What maintenance writes at most after one of twelve checkpoints, a tenth of 4 MB changing for each.
fn most_rebased(max_compaction_bytes: Option<u64>) -> u64 {
    let scratch = tempfile::tempdir().unwrap();
    let mut engine = engine(scratch.path());
    let manager = engine.open(&OpenOptions { max_compaction_bytes, ..options() }).unwrap();
    let bases =
        || load(scratch.path()).into_iter().filter(|(path, _)| Path::new(path).extension() == Some("base".as_ref()));
    let mut checkpoint = |keys: std::ops::Range<u32>, value: &[u8]| {
        let before: Vec<String> = bases().map(|(path, _)| path).collect();
        let keys: Vec<[u8; 4]> = keys.map(u32::to_be_bytes).collect();
        let mutations: Vec<(&[u8], Option<&[u8]>)> = keys.iter().map(|key| (&key[..], Some(value))).collect();
        engine.on(manager, |m, s, this| m.call_apply(s, this, 0, &columns(&mutations))).unwrap();
        assert_eq!(engine.checkpoint(manager).unwrap().maintenance.errors, [""; 0]);
        bases().filter(|(path, _)| !before.contains(path)).map(|(_, content)| content.len() as u64).sum()
    };
    let _: u64 = checkpoint(0..4_000, &[0; 1_000]);
    (0..12).map(|epoch| checkpoint(epoch % 10 * 400..(epoch % 10 + 1) * 400, &[1; 1_000])).max().unwrap()
}

#[test]
fn maintenance_rewrites_no_more_than_the_caller_allows() {
    let free = most_rebased(None);
    assert!(free > 1 << 20, "nothing that a bound could prevent: {free}");
    // A 64th of the state, a half more where hashes are uneven, and what a file holds beside its records.
    let one_group = 4_000_000 / 64 * 3 / 2 + 8_192;
    let bounded = most_rebased(Some(1));
    assert!(bounded > 0 && bounded <= one_group, "{bounded}");
}
