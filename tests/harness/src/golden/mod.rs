//! The golden directories: fixed scripts of operations, whose bytes are a promise.
//!
//! Clock, store id and writer are fixed, so a script gives the same bytes on every platform and in every
//! build. `golden/v3` holds them; `suite/golden.rs` compares. `golden/v2` holds what an earlier encoder made
//! of some of the same scripts: it is only read.

mod namespaces;
mod scripts;

use std::collections::BTreeMap;
use std::sync::Arc;

use alluvium_core::directory::{MemoryDirectory, block_on};
use alluvium_core::{CheckpointConfig, ManualClock, OpenOptions};

use crate::{Expected, Files, Manager, STORE_ID, clock, fixture, here, keep, load, open_with};

/// A directory, and what each checkpoint in it must bring back.
#[derive(Debug)]
pub struct Golden {
    /// Its name below `golden/v3`, and below `golden/v2` if it is there.
    pub name: &'static str,
    /// What it holds.
    pub files: Files,
    /// Each kept checkpoint by id.
    pub checkpoints: BTreeMap<u64, Expected>,
    /// What each log after the newest checkpoint brings back, in order of their sequence.
    pub logged: Vec<Expected>,
}

impl Golden {
    /// The id of the newest checkpoint.
    pub fn latest(&self) -> u64 {
        *self.checkpoints.keys().next_back().expect("every golden directory holds a checkpoint")
    }

    /// What opening must bring back when checkpoint `newest` is the newest and `logs` logs after it
    /// are read.
    pub fn expected(&self, newest: u64, logs: usize) -> &Expected {
        match logs {
            0 => &self.checkpoints[&newest],
            logs => &self.logged[logs - 1],
        }
    }

    /// The golden directory `name`.
    pub fn named(name: &str) -> Self {
        all().into_iter().find(|golden| golden.name == name).expect("the name of a golden directory")
    }
}

/// Returns every golden directory, made again by its script.
pub fn all() -> Vec<Golden> {
    vec![
        record("small", keep(3), scripts::small),
        record("deltas", keep(10), scripts::deltas),
        record("rebased", keep(2).with_recovery_read_ratio(1.1), scripts::rebased),
        record("merged", keep(2), scripts::merged),
        record("full", keep(3).with_incremental(false), scripts::deltas),
        record("opaque", keep(3), scripts::opaque),
        record("deleted", keep(10), scripts::deleted),
        record("restored", keep(10), scripts::restored),
        record("logged", keep(3), scripts::logged),
        record("positioned", keep(3), scripts::positioned),
        record("listed", keep(4), scripts::listed),
        record("namespaced", keep(4), namespaces::namespaced),
        record("timed", keep(4), namespaces::timed),
        record_over("continued", &fixture("opaque"), keep(3), scripts::continued),
    ]
}

/// Returns the golden directories of version 2. Each must bring back what the same script brings back now.
pub fn all_of_version_2() -> Vec<Golden> {
    let root = here("golden/v2");
    let stored = all().into_iter().filter(|golden| root.join(golden.name).exists());
    stored.map(|golden| Golden { files: load(&root.join(golden.name)), ..golden }).collect()
}

/// The writer of every golden directory.
const WRITER: u64 = u64::from_be_bytes(*b"golden-1");

/// A script's hands: the manager, and a note of every checkpoint it took.
struct Recorder {
    manager: Manager,
    clock: Arc<ManualClock>,
    checkpoints: BTreeMap<u64, Expected>,
    logged: Vec<Expected>,
}

impl Recorder {
    fn put(&mut self, key: &str, value: &str) {
        self.manager.put(key.as_bytes(), value.as_bytes()).expect("put");
    }

    fn delete(&mut self, key: &str) {
        self.manager.delete(key.as_bytes()).expect("delete");
    }

    fn at(&mut self, epoch: u64) {
        self.manager.set_epoch(epoch).expect("epoch");
        self.manager.set_source_offset("input", epoch * 1_000).expect("offset");
        self.manager.set_watermark(i64::try_from(epoch * 60_000).expect("small"));
    }

    fn checkpoint(&mut self, wal_position: u64) {
        self.clock.advance_ms(1_250);
        let created = block_on(self.manager.create_checkpoint(wal_position)).expect("checkpoint");
        self.note(created.id);
    }

    fn note(&mut self, id: u64) {
        self.checkpoints.insert(id, Expected::of(&self.manager));
        self.logged.clear();
    }

    fn sync(&mut self, wal_position: u64) {
        block_on(self.manager.sync(wal_position)).expect("sync");
        self.logged.push(Expected::of(&self.manager));
    }
}

fn record(name: &'static str, config: CheckpointConfig, script: fn(&mut Recorder)) -> Golden {
    record_over(name, &Arc::new(MemoryDirectory::new()), config, script)
}

fn record_over(
    name: &'static str,
    directory: &Arc<MemoryDirectory>,
    config: CheckpointConfig,
    script: fn(&mut Recorder),
) -> Golden {
    let clock = clock();
    let options = OpenOptions::new(clock.clone()).store_id(STORE_ID).writer(WRITER).create(true);
    let manager = open_with(directory, config, options).expect("opens");
    let mut recorder = Recorder { manager, clock, checkpoints: BTreeMap::new(), logged: Vec::new() };
    script(&mut recorder);
    // Opened again and tidied up, so that no file lies there that only a living manager needs.
    let options = OpenOptions::new(recorder.clock.clone()).writer(WRITER);
    let mut manager = open_with(directory, recorder.manager.config().clone(), options).expect("opens again");
    block_on(manager.collect_garbage()).expect("garbage collection");
    let files = directory.to_files();
    let mut checkpoints = recorder.checkpoints;
    checkpoints.retain(|id, _| files.contains_key(&format!("checkpoint_{id:016x}/metadata.json")));
    Golden { name, files, checkpoints, logged: recorder.logged }
}
