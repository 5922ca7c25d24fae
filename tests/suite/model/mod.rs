//! Seeded random operations against a model: a `BTreeMap` and a note of every checkpoint.
//!
//! `ALLUVIUM_SEEDS=N` runs N seeds, `ALLUVIUM_SEED=S` replays one. A failure names its seed.

mod checkpoints;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use alluvium_core::directory::{MemoryDirectory, block_on};
use alluvium_core::recovery::{RecoverOptions, recover};
use alluvium_core::tools::diff::{KeyChange, diff};
use alluvium_core::tools::verify::verify;
use alluvium_core::{CheckpointConfig, Columns, ManualClock, OpenOptions, PreparedCheckpoint, WrittenCheckpoint};
use alluvium_test_harness::{Expected, Files, Manager, STORE_ID, clock, empty, number, open_with};

/// Steps of most seeds, and of every sixteenth: long enough for rebases and merges.
const STEPS: [usize; 2] = [60, 500];

fn steps(seed: u64) -> usize {
    STEPS[usize::from(seed % 16 == 15)]
}

/// A checkpoint on its way, with what it has to bring back.
#[allow(clippy::large_enum_variant, reason = "there are a few of them at a time")]
enum InFlight {
    Prepared(PreparedCheckpoint<MemoryDirectory>, Expected),
    Written(WrittenCheckpoint<MemoryDirectory>, Expected),
}

struct Run {
    rng: fastrand::Rng,
    config: CheckpointConfig,
    clock: Arc<ManualClock>,
    directory: Arc<MemoryDirectory>,
    manager: Manager,
    expected: Expected,
    kept: BTreeMap<u64, Expected>,
    /// What the logs after each checkpoint bring back.
    logged: BTreeMap<u64, Expected>,
    in_flight: VecDeque<InFlight>,
    newest_id: u64,
}

impl Run {
    fn new(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let config = CheckpointConfig::new()
            .with_max_retained(rng.usize(1..5))
            .with_incremental(rng.u8(0..8) != 0)
            .with_max_in_flight(rng.usize(1..4))
            .with_truncate_wal(rng.u8(0..4) != 0)
            .with_recovery_read_ratio([1.05, 1.25, 2.0][rng.usize(0..3)]);
        let (directory, clock) = (empty(), clock());
        let options = OpenOptions::new(clock.clone()).store_id(STORE_ID).create(true);
        let manager = open_with(&directory, config.clone(), options).unwrap();
        Self {
            rng,
            config,
            clock,
            directory,
            manager,
            expected: Expected::default(),
            kept: BTreeMap::new(),
            logged: BTreeMap::new(),
            in_flight: VecDeque::new(),
            newest_id: 0,
        }
    }

    fn key(&mut self) -> Vec<u8> {
        let number = self.rng.u8(0..40);
        // Lengths around the fast paths of short keys, the empty key among them.
        vec![number; usize::from(number % 20)]
    }

    fn value(&mut self) -> Vec<u8> {
        let length = match self.rng.u8(0..60) {
            0 => self.rng.usize(0..80_000),
            1..4 => self.rng.usize(0..9_000),
            _ => self.rng.usize(0..40),
        };
        let first = self.rng.u8(..);
        (0..length).map(|index| first.wrapping_add(index as u8)).collect()
    }

    fn step(&mut self) {
        match self.rng.u8(0..100) {
            0..35 => self.put(),
            35..47 => self.delete(),
            47..57 => self.apply(),
            57..63 => self.advance(),
            63..72 => self.checkpoint(),
            72..84 => self.three_steps(),
            84..86 => self.reopen(),
            86..89 => self.sync(),
            89..91 => self.restore(),
            91..94 => self.delete_checkpoint(),
            94..96 => self.keep_fewer(),
            96..98 => self.read_back(),
            _ => self.check_verify(),
        }
    }

    fn put(&mut self) {
        let (key, value) = (self.key(), self.value());
        self.manager.put(&key, &value).unwrap();
        self.expected.state.insert(key, value);
    }

    fn delete(&mut self) {
        let key = self.key();
        let was_there = self.expected.state.remove(&key).is_some();
        assert_eq!(self.manager.delete(&key).unwrap(), was_there);
    }

    fn apply(&mut self) {
        let (mut ops, mut key_lens, mut value_lens, mut keys, mut values) = (vec![], vec![], vec![], vec![], vec![]);
        let mut state = self.expected.state.clone();
        for _ in 0..self.rng.usize(0..24) {
            let (key, value) = (self.key(), self.value());
            let is_delete = self.rng.u8(0..4) == 0;
            ops.push(u8::from(is_delete));
            key_lens.push(key.len() as u32);
            value_lens.push(if is_delete { 0 } else { value.len() as u32 });
            keys.extend_from_slice(&key);
            if is_delete {
                state.remove(&key);
            } else {
                values.extend_from_slice(&value);
                state.insert(key, value);
            }
        }
        let spoiled = !ops.is_empty() && self.rng.u8(0..4) == 0;
        if spoiled {
            // All or nothing: one bad operation at the end, and none of the good ones before counts.
            *ops.last_mut().unwrap() = 9;
        }
        let batch = Columns { ops: &ops, key_lens: &key_lens, value_lens: &value_lens, keys: &keys, values: &values };
        let applied = self.manager.apply(&batch);
        if spoiled {
            assert!(applied.is_err());
        } else {
            assert_eq!(applied.unwrap(), ops.len() as u64);
            self.expected.state = state;
        }
    }

    fn advance(&mut self) {
        self.clock.advance_ms(self.rng.u64(0..100_000));
        self.expected.epoch += self.rng.u64(0..3);
        self.manager.set_epoch(self.expected.epoch).unwrap();
        let source = format!("source {}", self.rng.u8(0..3));
        let offset = self.expected.source_offsets.entry(source.clone()).or_default();
        *offset += self.rng.u64(0..1_000);
        self.manager.set_source_offset(source, *offset).unwrap();
        let watermark = self.expected.watermark.unwrap_or(-1_000) + self.rng.i64(0..500);
        self.manager.set_watermark(watermark);
        self.expected.watermark = Some(watermark);
        if self.rng.u8(0..4) == 0 {
            let token = format!("token {}", self.rng.u8(..));
            self.manager.set_annotation("sink", token.clone());
            self.expected.annotations.insert("sink".into(), token);
        }
    }

    fn check_listed(&self) {
        let listed = block_on(self.manager.list_checkpoints()).unwrap();
        let listed: Vec<u64> = listed.iter().map(|metadata| metadata.id).collect();
        assert_eq!(listed, self.kept.keys().rev().copied().collect::<Vec<_>>());
    }

    /// Any kept checkpoint, read without a manager.
    fn read_back(&mut self) {
        let Some(id) = self.any_kept() else { return };
        let options = RecoverOptions::new().checkpoint(Some(id));
        let recovered = block_on(recover(&*self.directory, &options)).unwrap().expect("it is kept");
        let state: BTreeMap<Vec<u8>, Vec<u8>> =
            recovered.state.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
        assert_eq!(state, self.kept[&id].state);
        assert_eq!(recovered.metadata.source_offsets, self.kept[&id].source_offsets);
    }

    fn check_verify(&mut self) {
        let report = block_on(verify(&*self.directory)).unwrap();
        assert!(!report.is_damaged(), "{:?}", report.findings);
    }

    /// Any two kept checkpoints differ as their states do.
    fn check_difference(&self, from: u64, to: u64) {
        let (before, after) = (&self.kept[&from].state, &self.kept[&to].state);
        let found = block_on(diff(&*self.directory, from, to)).unwrap();
        let keys: BTreeSet<&Vec<u8>> = before.keys().chain(after.keys()).collect();
        let differ = keys.into_iter().filter(|key| before.get(*key) != after.get(*key));
        let expected: Vec<KeyChange> = differ
            .map(|key| KeyChange {
                namespace: 0,
                key: key.clone(),
                before: before.get(key).cloned(),
                after: after.get(key).cloned(),
            })
            .collect();
        assert_eq!(found.changes, expected, "from {from} to {to}");
        assert!(from != to || found.bytes_read == 0);
    }

    fn check_live(&self) {
        assert_eq!(Expected::of(&self.manager), self.expected);
        assert_eq!(self.manager.len(), self.expected.state.len());
        for (key, value) in &self.expected.state {
            assert_eq!(self.manager.get(key), Some(value.as_slice()));
        }
        let prefixed: Vec<&[u8]> = self.manager.iter_prefix(&[7]).map(|(key, _)| key).collect();
        let expected: Vec<&[u8]> =
            self.expected.state.keys().map(Vec::as_slice).filter(|key| key.starts_with(&[7])).collect();
        assert_eq!(prefixed, expected);
    }

    /// Every step of one seed, then everything that must hold at the end; gives the files.
    fn play(mut self, steps: usize) -> Files {
        for _ in 0..steps {
            self.step();
        }
        self.check_live();
        self.land_all();
        self.check_listed();
        self.check_verify();
        block_on(self.manager.collect_garbage()).unwrap();
        self.collect();
        for id in self.kept.keys().copied().collect::<Vec<_>>() {
            let options = OpenOptions::new(self.clock.clone()).checkpoint(Some(id));
            let manager = open_with(&self.directory, self.config.clone(), options).unwrap();
            assert_eq!(Expected::of(&manager), self.kept[&id], "checkpoint {id}");
            for other in self.kept.keys() {
                self.check_difference(id, *other);
            }
        }
        self.reopen();
        self.directory.to_files()
    }
}

fn play(seed: u64) -> Files {
    let played = std::panic::catch_unwind(|| Run::new(seed).play(steps(seed)));
    played.unwrap_or_else(|_| panic!("seed {seed} failed: replay it with ALLUVIUM_SEED={seed}"))
}

#[test]
fn two_thousand_seeds_agree_with_the_model() {
    if let Some(seed) = number("ALLUVIUM_SEED") {
        Run::new(seed).play(steps(seed));
        return;
    }
    let seeds = number("ALLUVIUM_SEEDS").unwrap_or(2_000);
    for seed in 0..seeds {
        play(seed);
    }
    println!("{seeds} seeds of {STEPS:?} steps, 0 differences");
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for seed in 0..40 {
        assert_eq!(play(seed), play(seed), "seed {seed}");
    }
}
