//! The golden directories: fixed scripts of operations, whose bytes are a promise.
//!
//! Clock and store id are fixed, so a script gives the same bytes on every platform and in every
//! build. `golden/v2` holds them; `suite/golden.rs` compares.

use std::collections::BTreeMap;
use std::sync::Arc;

use alluvium_core::directory::{MemoryDirectory, block_on};
use alluvium_core::{CheckpointConfig, ManualClock, OpenOptions};

use crate::{Expected, Files, Manager, STORE_ID, clock, fixture, keep, open_with};

/// A directory, and what each checkpoint in it must bring back.
#[derive(Debug)]
pub struct Golden {
    /// Its name below `golden/v2`.
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

/// Every golden directory, made anew by its script.
pub fn all() -> Vec<Golden> {
    vec![
        record("small", keep(3), small),
        record("deltas", keep(10), deltas),
        record("rebased", keep(2).with_recovery_read_ratio(1.1), rebased),
        record("merged", keep(2), merged),
        record("full", keep(3).with_incremental(false), deltas),
        record("opaque", keep(3), opaque),
        record("deleted", keep(10), deleted),
        record("restored", keep(10), restored),
        record("logged", keep(3), logged),
        record_over("continued", &fixture("opaque"), keep(3), continued),
    ]
}

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
    let options = OpenOptions::new(clock.clone()).store_id(STORE_ID);
    let manager = open_with(directory, config, options).expect("opens");
    let mut recorder = Recorder { manager, clock, checkpoints: BTreeMap::new(), logged: Vec::new() };
    script(&mut recorder);
    // Opened anew and tidied up, so that nothing lies there that only a living manager needs.
    let options = OpenOptions::new(recorder.clock.clone());
    let mut manager = open_with(directory, recorder.manager.config().clone(), options).expect("opens again");
    block_on(manager.collect_garbage()).expect("garbage collection");
    let files = directory.to_files();
    let mut checkpoints = recorder.checkpoints;
    checkpoints.retain(|id, _| files.contains_key(&format!("checkpoint_{id:016x}/metadata.json")));
    Golden { name, files, checkpoints, logged: recorder.logged }
}

/// One checkpoint of a few keys: one base.
fn small(recorder: &mut Recorder) {
    for (key, value) in
        [("AA:JFK-LAX", "{\"flights\":1}"), ("UA:EWR-IAH", "{\"flights\":2}"), ("", "empty key"), ("empty value", "")]
    {
        recorder.put(key, value);
    }
    recorder.at(1);
    recorder.checkpoint(100);
}

/// Puts, overwrites, tombstones, a key put and deleted in one epoch, an epoch without changes.
fn deltas(recorder: &mut Recorder) {
    for number in 0..40 {
        recorder.put(&format!("key-{number:04}"), &format!("value {number} of the first epoch"));
    }
    recorder.at(1);
    recorder.checkpoint(10);
    recorder.manager.set_annotation("operator", "a \"quoted\" name");
    recorder.put("key-0003", "same size does not matter");
    recorder.put("key-0004", "");
    recorder.delete("key-0005");
    recorder.at(2);
    recorder.checkpoint(20);
    recorder.put("passing", "by");
    recorder.delete("passing");
    recorder.put("key-0005", "back again");
    recorder.put("binary \u{1f30a}", "\u{0}\u{1}\u{7f}");
    recorder.at(3);
    recorder.checkpoint(30);
    recorder.at(4);
    recorder.checkpoint(40);
    recorder.delete("key-0039");
    recorder.delete("never there");
    recorder.at(5);
    recorder.checkpoint(50);
}

/// Large values that come and go until their deltas are worth a new base; small ones stay, in
/// several chunks.
fn rebased(recorder: &mut Recorder) {
    for number in 0..150 {
        recorder.put(&format!("route-{number:03}"), &format!("{number:>40}"));
    }
    recorder.at(1);
    recorder.checkpoint(512);
    // Five deltas just below the 256 KiB that deltas may always hold, and one that goes past them
    // while nothing large is alive any more: so the new base is small, and so is this directory.
    for epoch in 2..=6 {
        recorder.put(&format!("bulk-{epoch}"), &"~".repeat(52_300));
        recorder.delete(&format!("bulk-{}", epoch - 1));
        recorder.delete(&format!("route-{:03}", epoch * 11));
        recorder.at(epoch);
        recorder.checkpoint(epoch * 512);
    }
    recorder.delete("bulk-6");
    recorder.put("route-000", &"-".repeat(600));
    recorder.at(7);
    recorder.checkpoint(7 * 512);
    for epoch in 8..=10 {
        recorder.put(&format!("route-{epoch:03}"), &epoch.to_string());
        recorder.at(epoch);
        recorder.checkpoint(epoch * 512);
    }
}

/// More small deltas than recovery should have to open: they are merged.
fn merged(recorder: &mut Recorder) {
    for epoch in 1..=40 {
        recorder.put(&format!("key {}", epoch % 7), &format!("epoch {epoch}"));
        recorder.delete(&format!("key {}", epoch % 5));
        recorder.at(epoch);
        recorder.checkpoint(epoch);
    }
}

/// The caller's own bytes beside the live state, with the caller's own offsets.
fn opaque(recorder: &mut Recorder) {
    for epoch in 1..=2_u64 {
        recorder.put("live", &format!("beside the opaque bytes, {epoch}"));
        recorder.manager.set_epoch(epoch).expect("epoch");
        recorder.clock.advance_ms(1_250);
        let offsets = BTreeMap::from([("source-a".to_string(), epoch * 100), ("source-b".to_string(), u64::MAX)]);
        let state = format!("opaque bytes of epoch {epoch}\n").into_bytes();
        let position = (1 << 60) + epoch;
        let created = recorder.manager.create_checkpoint_with_state(position, offsets, Some(-5), &state);
        let id = block_on(created).expect("checkpoint").id;
        recorder.note(id);
    }
}

/// The newest checkpoint deleted: its id stays taken.
fn deleted(recorder: &mut Recorder) {
    for epoch in 1..=3 {
        recorder.put("epoch", &epoch.to_string());
        recorder.at(epoch);
        recorder.checkpoint(epoch);
    }
    block_on(recorder.manager.delete_checkpoint(3)).expect("delete");
}

/// An older checkpoint made the newest again, and one more on top.
fn restored(recorder: &mut Recorder) {
    for epoch in 1..=3 {
        recorder.put("epoch", &epoch.to_string());
        recorder.put(&format!("only {epoch}"), "here");
        recorder.at(epoch);
        recorder.checkpoint(epoch);
    }
    let restored = block_on(recorder.manager.restore_checkpoint(1)).expect("restore");
    recorder.note(restored.id);
    recorder.put("after", "the restore");
    recorder.at(9);
    recorder.checkpoint(9);
}

/// A checkpoint, and logs after it: puts, tombstones, and one in which only the position moved on.
fn logged(recorder: &mut Recorder) {
    recorder.put("before", "the first checkpoint");
    recorder.at(1);
    recorder.checkpoint(10);
    recorder.put("in a log", "of the first checkpoint");
    recorder.at(2);
    recorder.sync(20);
    recorder.put("before", "the second");
    recorder.at(3);
    recorder.checkpoint(30);
    for number in 0..12 {
        recorder.put(&format!("logged {number}"), "once");
    }
    recorder.at(4);
    recorder.sync(40);
    recorder.manager.set_annotation("sink", "prepared 5");
    recorder.put("logged 3", "twice");
    recorder.delete("logged 4");
    recorder.delete("before");
    recorder.at(5);
    recorder.sync(50);
    recorder.at(6);
    recorder.sync(60);
}

/// A directory that LaminarDB wrote, taken over.
fn continued(recorder: &mut Recorder) {
    recorder.note(3);
    recorder.put("alluvium", "takes over");
    recorder.at(40);
    recorder.checkpoint(4_000);
    recorder.delete("alluvium");
    recorder.put("gravel", "settles");
    recorder.at(50);
    recorder.checkpoint(5_000);
}
