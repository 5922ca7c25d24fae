//! Requests and sequential round trips of what the engine does. `--nocapture` shows them.

use std::sync::Arc;

use alluvium_core::directory::{Stores, block_on};
use alluvium_core::model::hash_range::HashRange;
use alluvium_core::recovery::{RecoverOptions, recover};
use alluvium_core::{CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions};
use alluvium_object::{ObjectDirectory, ObjectOptions};

use alluvium_test_servers::watched::{Counts, Fault, Watched};

type Manager = IncrementalCheckpointManager<ObjectDirectory>;

/// Opens a manager as a process that starts now.
fn open(store: &Arc<Watched>) -> Manager {
    let directory = ObjectDirectory::over(store.clone(), "job", ObjectOptions::default()).unwrap();
    let options = OpenOptions::new(Arc::new(ManualClock::new(0))).create(true).writer(7);
    block_on(Manager::open(Arc::new(directory), CheckpointConfig::new().with_max_retained(3), options)).unwrap()
}

/// Changes some keys, of which there are 20,000.
fn change(manager: &mut Manager, epoch: u64) {
    for key in 0..200_u64 {
        let key = (epoch * 7_919 + key * 101) % 20_000;
        manager.put(format!("key-{key:05}").as_bytes(), format!("{epoch:064}").as_bytes()).unwrap();
    }
}

/// Shows what was counted, and holds it to the most.
fn within(store: &Watched, what: &str, trips_max: u64, requests_max: u64) -> Counts {
    let counts = store.take_counts();
    let Counts { puts, gets, lists, deletes, trips } = counts;
    println!("{what}: {trips} round trips; {puts} PUT, {gets} GET, {lists} list, {deletes} delete");
    assert!(trips <= trips_max, "{what}: {trips} round trips, at most {trips_max} expected");
    let requests = puts + gets + lists + deletes;
    assert!(requests <= requests_max, "{what}: {requests} requests, at most {requests_max} expected");
    counts
}

#[test]
fn each_step_needs_few_round_trips() {
    let store = Arc::new(Watched::with(Fault::None));
    let mut manager = open(&store);
    within(&store, "opening an empty prefix", 3, 6);
    for key in 0..20_000 {
        manager.put(format!("key-{key:05}").as_bytes(), &[0; 64]).unwrap();
    }
    let mut most_maintenance = Counts::default();
    for epoch in 0..40 {
        change(&mut manager, epoch);
        let prepared = manager.prepare_checkpoint(epoch).unwrap();
        assert_eq!(store.take_counts(), Counts::default(), "freezing makes no request");
        let written = block_on(prepared.write()).unwrap();
        // The first one says that the directory has begun before it writes anything.
        within(&store, &format!("checkpoint {epoch}"), if epoch == 0 { 4 } else { 3 }, 8);
        let finished = manager.finish_checkpoint(written).unwrap();
        assert_eq!(store.take_counts(), Counts::default(), "finishing makes no request");
        block_on(finished.maintenance.run());
        let counts = within(&store, "  its maintenance", 6, 50);
        if counts.trips > most_maintenance.trips {
            most_maintenance = counts;
        }
    }
    println!("the longest maintenance: {most_maintenance:?}");
    change(&mut manager, 41);
    block_on(manager.sync(41)).unwrap();
    within(&store, "a sync", 4, 4);
    drop(manager);
    let recovered = open(&store);
    within(&store, "recovery", 4, 30);
    assert_eq!(recovered.len(), 20_000);
}

/// A checkpoint that a job names needs no order among its files, and nothing is looked for after it.
#[test]
fn a_part_of_a_job_needs_two_round_trips_at_most() {
    let store = Arc::new(Watched::with(Fault::None));
    let directory = ObjectDirectory::over(store.clone(), "part", ObjectOptions::default()).unwrap();
    let options = OpenOptions::new(Arc::new(ManualClock::new(0))).create(true).writer(7).named_elsewhere(true);
    let (range, config) = (HashRange::ALL, CheckpointConfig::new());
    let opened = Manager::open_parts(Arc::new(directory), &[], Stores::new(), range, config, options);
    let mut manager = block_on(opened).unwrap();
    for epoch in 0..5 {
        change(&mut manager, epoch);
        store.take_counts();
        let written = block_on(manager.prepare_checkpoint(epoch).unwrap().write()).unwrap();
        // The first one says that the directory has begun before it writes anything.
        within(&store, &format!("part {epoch}"), if epoch == 0 { 2 } else { 1 }, 8);
        block_on(manager.finish_checkpoint(written).unwrap().maintenance.run());
    }
    let newest = manager.latest_checkpoint_id().unwrap();
    let again = ObjectDirectory::over(store.clone(), "part", ObjectOptions::default()).unwrap();
    let recovered = block_on(recover(&again, &RecoverOptions::new().checkpoint(Some(newest)))).unwrap().unwrap();
    assert_eq!(recovered.state.len(), manager.len());
}
