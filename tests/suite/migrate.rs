//! Migration: a directory of an older format holds the same afterwards, in the newest format, whatever happens
//! on the way.

use std::sync::Arc;

use alluvium_core::directory::{Node, Nodes, SimulatedDirectory, block_on};
use alluvium_core::gc;
use alluvium_core::tools::verify::verify;
use alluvium_core::{IncrementalCheckpointManager, MigrationReport, OpenOptions};
use alluvium_test_harness::golden::{Golden, all, all_of_version_2};
use alluvium_test_harness::{Expected, Files, fixture, keep, memory, open, open_with, options};

/// Options of a writer that drew this number.
fn writer(number: u64) -> OpenOptions {
    options().writer(number)
}

/// Holds a directory to what is in it, and to the newest format.
fn check_migrated(files: Files, expected: &Expected, opaque: Option<&Vec<u8>>, what: &str) {
    let directory = memory(files);
    let manager = open(&directory).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(Expected::of(&manager), *expected, "{what}");
    let latest = manager.latest_checkpoint_id().unwrap();
    assert_eq!(block_on(manager.load_checkpoint_state(latest)).ok().as_ref(), opaque, "{what}");
    let report = block_on(verify(&*directory)).unwrap();
    assert!(!report.is_damaged(), "{what}: {:?}", report.findings);
    for (path, content) in directory.to_files() {
        if path.ends_with("metadata.json") {
            let json = String::from_utf8(content).unwrap();
            assert!(json.contains("\"version\": 3") && !json.contains("\"format\":2"), "{what}: {path}: {json}");
        } else if path.starts_with("segments/") || path.starts_with("wal/") {
            assert!(content.starts_with(b"ALLUVSEG\x03\0") || path.ends_with(".list"), "{what}: {path}");
        }
    }
    let plan = block_on(gc::plan(&*directory, None)).unwrap();
    let goes = plan.files.iter().filter(|verdict| !verdict.keep && !verdict.path.ends_with("/deleted"));
    assert_eq!(goes.count(), 0, "{what}: {plan:?}");
}

fn newest<'g>(golden: &'g Golden, opaque: &'g Files) -> (&'g Expected, Option<&'g Vec<u8>>) {
    let expected = golden.expected(golden.latest(), golden.logged.len());
    (expected, opaque.get(&format!("checkpoint_{:016x}/state.bin", golden.latest())))
}

#[test]
fn every_golden_directory_of_version_2_is_migrated_once() {
    for golden in all_of_version_2() {
        let directory = memory(golden.files.clone());
        let mut manager = open_with(&directory, keep(10), writer(1)).unwrap();
        let report = block_on(manager.migrate()).unwrap();
        assert_eq!((&report.errors[..], &report.left[..]), (&[][..], &[][..]), "{}", golden.name);
        assert!(report.written.is_some_and(|id| id > golden.latest()), "{}", golden.name);
        let (expected, opaque) = newest(&golden, &golden.files);
        check_migrated(directory.to_files(), expected, opaque, golden.name);
        // The second time there is nothing to do.
        let before = directory.to_files();
        assert_eq!(block_on(manager.migrate()).unwrap(), MigrationReport::default(), "{}", golden.name);
        drop(manager);
        let mut manager = open_with(&directory, keep(10), writer(2)).unwrap();
        assert_eq!(block_on(manager.migrate()).unwrap(), MigrationReport::default(), "{}", golden.name);
        assert_eq!(directory.to_files(), before, "{}", golden.name);
        // Work goes on.
        manager.put(b"after", b"the migration").unwrap();
        block_on(manager.create_checkpoint(u64::MAX)).unwrap();
        assert_eq!(Expected::of(&open(&directory).unwrap()), Expected::of(&manager), "{}", golden.name);
    }
}

#[test]
fn nothing_happens_to_a_directory_of_this_version_or_an_empty_one() {
    for golden in all().into_iter().filter(|golden| golden.name != "continued") {
        let directory = memory(golden.files.clone());
        let mut manager = open_with(&directory, keep(10), writer(1)).unwrap();
        assert_eq!(block_on(manager.migrate()).unwrap(), MigrationReport::default(), "{}", golden.name);
        assert_eq!(directory.to_files(), golden.files, "{}", golden.name);
    }
    let directory = memory(Files::new());
    let mut manager = open_with(&directory, keep(10), writer(1)).unwrap();
    assert_eq!(block_on(manager.migrate()).unwrap(), MigrationReport::default());
    assert!(directory.to_files().is_empty());
}

#[test]
fn what_laminardb_wrote_stays_opaque() {
    let laminar = fixture("opaque").to_files();
    let directory = memory(laminar.clone());
    let mut manager = open_with(&directory, keep(10), writer(1)).unwrap();
    let (before, id) = (Expected::of(&manager), manager.latest_checkpoint_id().unwrap());
    let opaque = block_on(manager.load_checkpoint_state(id)).unwrap();
    let report = block_on(manager.migrate()).unwrap();
    assert!(report.written.is_some_and(|written| written > id) && report.left.is_empty(), "{report:?}");
    check_migrated(directory.to_files(), &before, Some(&opaque), "opaque");
}

#[test]
fn a_newer_checkpoint_on_old_files_is_migrated_too() {
    let golden = Golden { files: all_of_version_2().remove(1).files, ..Golden::named("deltas") };
    let directory = memory(golden.files);
    let mut manager = open_with(&directory, keep(10), writer(1)).unwrap();
    manager.put(b"a delta", b"of this version").unwrap();
    block_on(manager.create_checkpoint(u64::MAX)).unwrap();
    manager.put(b"a log", b"of this version").unwrap();
    block_on(manager.sync(u64::MAX)).unwrap();
    let expected = Expected::of(&manager);
    drop(manager);
    let mut manager = open_with(&directory, keep(10), writer(2)).unwrap();
    let report = block_on(manager.migrate()).unwrap();
    assert!(report.written.is_some() && report.left.is_empty(), "{report:?}");
    check_migrated(directory.to_files(), &expected, None, "mixed");
}

#[test]
fn a_checkpoint_that_is_kept_stays_in_its_format() {
    let golden = all_of_version_2().into_iter().find(|golden| golden.checkpoints.len() > 2).unwrap();
    let oldest = *golden.checkpoints.keys().next().unwrap();
    let directory = memory(golden.files.clone());
    let mut manager = open_with(&directory, keep(10), writer(1)).unwrap();
    block_on(manager.keep(oldest)).unwrap();
    let report = block_on(manager.migrate()).unwrap();
    assert_eq!((&report.errors[..], &report.left[..]), (&[][..], &[oldest][..]), "{}", golden.name);
    drop(manager);
    let mut manager = open_with(&directory, keep(10), writer(2)).unwrap();
    assert_eq!(manager.kept_checkpoints(), [oldest].into());
    let opened = open_with(&directory, keep(10), options().checkpoint(Some(oldest))).unwrap();
    assert_eq!(Expected::of(&opened), golden.checkpoints[&oldest], "{}", golden.name);
    manager.release(oldest).unwrap();
    assert!(block_on(manager.migrate()).unwrap().left.is_empty());
    let (expected, opaque) = newest(&golden, &golden.files);
    check_migrated(directory.to_files(), expected, opaque, golden.name);
}

fn nodes(files: Files) -> Nodes {
    files.into_iter().map(|(path, content)| (path, Node::File(content))).collect()
}

/// Lets the power fail during every call of a migration, in every state that this may leave. What is there
/// must be what was there, and migrating again must come to its end.
fn check_every_crash(files: &Files, expected: &Expected, opaque: Option<&Vec<u8>>, what: &str) -> usize {
    let mut states = 0;
    for call in 0.. {
        let directory = Arc::new(SimulatedDirectory::from_nodes(call, nodes(files.clone())));
        let mut manager = open_with(&directory, keep(10), writer(1)).unwrap();
        let calls = directory.calls().len() as u64;
        directory.crash_at(calls + call);
        let migrated = block_on(manager.migrate());
        if !directory.is_down() {
            assert!(migrated.is_ok_and(|report| report.errors.is_empty()), "{what}: {call}");
            break;
        }
        for left in directory.crash_states() {
            states += 1;
            let place = format!("{what}: power failed during call {call}, state {states}");
            let directory = Arc::new(SimulatedDirectory::from_nodes(call, left));
            let mut manager: IncrementalCheckpointManager<SimulatedDirectory> =
                open_with(&directory, keep(10), writer(2)).unwrap_or_else(|error| panic!("{place}: {error}"));
            assert_eq!(Expected::of(&manager), *expected, "{place}");
            let report = block_on(manager.migrate()).unwrap_or_else(|error| panic!("{place}: {error}"));
            assert!(report.errors.is_empty() && report.left.is_empty(), "{place}: {report:?}");
            block_on(manager.cleanup_old_checkpoints_keep(1)).unwrap();
            let file = |(path, node)| if let Node::File(content) = node { Some((path, content)) } else { None };
            check_migrated(directory.to_nodes().into_iter().filter_map(file).collect(), expected, opaque, &place);
        }
    }
    states
}

#[test]
fn the_power_may_fail_at_any_point() {
    let mut states = 0;
    for golden in all_of_version_2().into_iter().filter(|golden| ["logged", "opaque", "deltas"].contains(&golden.name))
    {
        let (expected, opaque) = newest(&golden, &golden.files);
        states += check_every_crash(&golden.files, expected, opaque, golden.name);
    }
    let laminar = fixture("opaque").to_files();
    let manager = open(&memory(laminar.clone())).unwrap();
    let opaque = block_on(manager.load_checkpoint_state(manager.latest_checkpoint_id().unwrap())).unwrap();
    states += check_every_crash(&laminar, &Expected::of(&manager), Some(&opaque), "LaminarDB's");
    println!("{states} states after a power failure");
    assert!(states > 100, "only {states} states");
}
