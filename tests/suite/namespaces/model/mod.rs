//! Random operations on namespaces against plain maps, without faults: checkpoints in three steps and in one,
//! WALs, batches that are undone, restores, compaction, and differences between checkpoints.

mod kinds;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use alluvium_core::directory::{MemoryDirectory, block_on};
use alluvium_core::model::expiry::EXPIRY_BYTES;
use alluvium_core::tools::diff::{KeyChange, diff};
use alluvium_core::tools::verify::verify;
use alluvium_core::{CheckpointConfig, Columns};
use alluvium_test_harness::{Expected, Manager, empty, keep, number};

use super::crashes::{EXPIRING, NAMES, PLAIN, declare_all};
use super::reopen;

/// The entries of each namespace by id, as they are stored. The default one is namespace 0.
type Entries = BTreeMap<u32, BTreeMap<Vec<u8>, Vec<u8>>>;

/// What is expected of a moment.
#[derive(Clone, Default)]
struct Moment {
    entries: Entries,
    watermark: Option<i64>,
}

struct Run {
    rng: fastrand::Rng,
    config: CheckpointConfig,
    directory: Arc<MemoryDirectory>,
    manager: Manager,
    now: Moment,
    /// What each checkpoint holds.
    kept: BTreeMap<u64, Moment>,
    /// What opening brings back.
    durable: Moment,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let config = keep(rng.usize(1..5))
            .with_incremental(rng.u8(0..8) != 0)
            .with_recovery_read_ratio([1.05, 2.0][rng.usize(0..2)]);
        let directory = empty();
        let mut manager = reopen(&directory, &config);
        declare_all(&mut manager);
        let (now, durable) = (Moment::default(), Moment::default());
        Self { rng, config, directory, manager, now, kept: BTreeMap::new(), durable }
    }

    fn namespace(&mut self) -> u32 {
        self.rng.u32(0..=PLAIN)
    }

    fn key(&mut self) -> Vec<u8> {
        let number = self.rng.u8(0..30);
        vec![number; usize::from(number % 14)]
    }

    fn value(&mut self) -> Vec<u8> {
        let most = if self.rng.u8(0..30) == 0 { 9_000 } else { 40 };
        vec![self.rng.u8(..); self.rng.usize(0..most)]
    }

    fn put(&mut self) {
        let (namespace, key, value) = (self.namespace(), self.key(), self.value());
        self.manager.put_in(namespace, &key, &value).unwrap();
        self.now.entries.entry(namespace).or_default().insert(key, value);
    }

    fn delete(&mut self) {
        let (namespace, key) = (self.namespace(), self.key());
        let was_there = self.now.entries.entry(namespace).or_default().remove(&key).is_some();
        assert_eq!(self.manager.delete_in(namespace, &key).unwrap(), was_there);
    }

    fn apply(&mut self) {
        let namespace = self.namespace();
        let (mut ops, mut key_lens, mut value_lens, mut keys, mut values) = (vec![], vec![], vec![], vec![], vec![]);
        let entries = self.now.entries.entry(namespace).or_default().clone();
        let mut after = entries;
        for _ in 0..self.rng.usize(0..50) {
            let (key, value) = (self.key(), self.value());
            let is_delete = self.rng.u8(0..4) == 0;
            ops.push(u8::from(is_delete));
            key_lens.push(key.len() as u32);
            value_lens.push(if is_delete { 0 } else { value.len() as u32 });
            keys.extend_from_slice(&key);
            if is_delete {
                after.remove(&key);
            } else {
                values.extend_from_slice(&value);
                after.insert(key, value);
            }
        }
        let batch = Columns { ops: &ops, key_lens: &key_lens, value_lens: &value_lens, keys: &keys, values: &values };
        assert_eq!(self.manager.apply_in(namespace, &batch).unwrap(), ops.len() as u64);
        self.now.entries.insert(namespace, after);
    }

    fn batch(&mut self) {
        let before = self.now.entries.clone();
        self.manager.begin_batch();
        for _ in 0..self.rng.usize(0..20) {
            self.change();
        }
        if self.rng.bool() {
            self.manager.rollback_batch().unwrap();
            self.now.entries = before;
        } else {
            self.manager.commit_batch();
        }
    }

    fn change(&mut self) {
        match self.rng.u8(0..10) {
            0..3 => self.put(),
            3..5 => self.delete(),
            5 => self.delete_range(),
            6 => self.timers(),
            7 => self.write_young(),
            8 => self.merge(),
            _ => self.apply(),
        }
    }

    fn checkpoint(&mut self) {
        let prepared = self.manager.prepare_checkpoint(0).unwrap();
        let frozen = self.now.clone();
        for _ in 0..self.rng.usize(0..6) {
            self.change();
        }
        let written = block_on(prepared.write()).unwrap();
        let id = written.metadata().id;
        let finished = self.manager.finish_checkpoint(written).unwrap();
        let report = block_on(finished.maintenance.run());
        assert!(report.errors.is_empty(), "{report:?}");
        self.kept.insert(id, frozen.clone());
        while self.kept.len() > self.config.max_retained {
            self.kept.pop_first();
        }
        self.durable = frozen;
    }

    fn restore(&mut self) {
        let ids: Vec<u64> = self.kept.keys().copied().collect();
        if ids.is_empty() {
            return;
        }
        let id = ids[self.rng.usize(0..ids.len())];
        let restored = block_on(self.manager.restore_checkpoint(id)).unwrap();
        self.now = self.kept[&id].clone();
        self.durable = self.now.clone();
        self.kept.insert(restored.id, self.now.clone());
        while self.kept.len() > self.config.max_retained {
            self.kept.pop_first();
        }
    }

    fn step(&mut self) {
        match self.rng.u8(0..41) {
            0..22 => self.change(),
            22..25 => self.scan(),
            25..30 => self.batch(),
            30..34 => self.checkpoint(),
            34..36 => {
                let before = self.manager.latest_checkpoint_id();
                block_on(self.manager.sync(0)).unwrap();
                self.durable = self.now.clone();
                let after = self.manager.latest_checkpoint_id();
                if before != after {
                    self.kept.insert(after.expect("it was taken"), self.now.clone());
                    while self.kept.len() > self.config.max_retained {
                        self.kept.pop_first();
                    }
                }
            }
            36 => self.restore(),
            37 => {
                self.manager = reopen(&self.directory, &self.config);
                declare_all(&mut self.manager);
                self.now = self.durable.clone();
            }
            38 => self.check_difference(),
            39 => self.advance(),
            _ => self.check(),
        }
    }

    fn check(&self) {
        let found = Expected::of(&self.manager);
        let mut expected = self.now.entries.clone();
        assert_eq!(found.state, expected.remove(&0).unwrap_or_default());
        let name = |id: u32| NAMES[id as usize - 1].to_owned();
        expected.retain(|_, entries| !entries.is_empty());
        let expected: BTreeMap<_, _> = expected.into_iter().map(|(id, entries)| (name(id), entries)).collect();
        assert_eq!(found.namespaces, expected);
        for (id, entries) in &self.now.entries {
            assert_eq!(self.manager.len_in(*id).unwrap(), entries.len());
            let lead = if *id == EXPIRING { EXPIRY_BYTES } else { 0 };
            assert!(entries.iter().all(|(key, value)| self.manager.get_in(*id, key).unwrap() == Some(&value[lead..])));
        }
        assert_eq!(found.watermark, self.now.watermark);
        let report = block_on(verify(&*self.directory)).unwrap();
        assert!(!report.is_damaged(), "{:?}", report.findings);
    }

    fn check_difference(&mut self) {
        let ids: Vec<u64> = self.kept.keys().copied().collect();
        let [Some(from), Some(to)] = [(); 2].map(|()| self.rng.choice(&ids).copied()) else { return };
        let (before, after) = (&self.kept[&from].entries, &self.kept[&to].entries);
        let keys = |entries: &Entries| -> BTreeSet<(u32, Vec<u8>)> {
            entries.iter().flat_map(|(id, entries)| entries.keys().map(move |key| (*id, key.clone()))).collect()
        };
        let value = |entries: &Entries, id: u32, key: &Vec<u8>| entries.get(&id)?.get(key).cloned();
        let all: BTreeSet<_> = keys(before).union(&keys(after)).cloned().collect();
        let change = |(namespace, key): (u32, Vec<u8>)| {
            let (before, after) = (value(before, namespace, &key), value(after, namespace, &key));
            (before != after).then_some(KeyChange { namespace, key, before, after })
        };
        let expected: Vec<KeyChange> = all.into_iter().filter_map(change).collect();
        assert_eq!(block_on(diff(&*self.directory, from, to)).unwrap().changes, expected);
    }

    fn play(mut self, steps: usize) -> BTreeMap<String, Vec<u8>> {
        for _ in 0..steps {
            self.step();
        }
        self.check();
        self.directory.to_files()
    }
}

#[test]
fn namespaces_agree_with_maps() {
    let seeds = number("ALLUVIUM_SEEDS").unwrap_or(300);
    for seed in 0..seeds {
        let steps = if seed % 16 == 15 { 800 } else { 80 };
        let played = std::panic::catch_unwind(|| Run::new(seed).play(steps));
        assert!(played.is_ok(), "seed {seed} failed");
    }
}

#[test]
fn the_same_operations_on_namespaces_give_the_same_bytes() {
    for seed in 0..10 {
        assert_eq!(Run::new(seed).play(150), Run::new(seed).play(150), "seed {seed}");
    }
}
