//! The component and core natively do the same, byte for byte, whatever they are asked in whatever
//! order: every answer is compared, and after every checkpoint every file.

use std::sync::Arc;

use alluvium_core::directory::{MemoryDirectory, block_on};
use alluvium_core::{CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions, archive};
use alluvium_test_harness::{START_MS, STORE_ID, load};
use wasmtime::component::ResourceAny;

use crate::support::{Engine, engine, options};

const STEPS: usize = 400;

type Native = IncrementalCheckpointManager<MemoryDirectory>;

fn open_natively(directory: &Arc<MemoryDirectory>, clock: &Arc<ManualClock>) -> Native {
    let options = OpenOptions::new(clock.clone()).store_id(STORE_ID).create(true);
    block_on(Native::open(directory.clone(), CheckpointConfig::new(), options)).expect("it opens natively")
}

/// Both sides of the comparison.
struct Pair {
    scratch: tempfile::TempDir,
    engine: Engine,
    manager: ResourceAny,
    directory: Arc<MemoryDirectory>,
    clock: Arc<ManualClock>,
    native: Native,
}

impl Pair {
    fn new() -> Self {
        let scratch = tempfile::tempdir().expect("a temporary directory");
        let mut engine = engine(scratch.path());
        let manager = engine.open(&options()).expect("it opens");
        let (directory, clock) = (Arc::new(MemoryDirectory::new()), Arc::new(ManualClock::new(START_MS)));
        let native = open_natively(&directory, &clock);
        Self { scratch, engine, manager, directory, clock, native }
    }

    /// Throws both away and opens them again: what was not checkpointed is lost on both sides.
    fn reopen(&mut self) {
        self.manager.resource_drop(&mut self.engine.store).expect("it drops");
        self.manager = self.engine.open(&options()).expect("it opens");
        self.native = open_natively(&self.directory, &self.clock);
        let recovered = self.engine.on(self.manager, |m, s, this| m.call_recovered(s, this));
        assert_eq!(recovered.map(|r| r.checkpoint_id), self.native.recovered().map(|r| r.checkpoint_id));
    }

    fn mutate(&mut self, random: &mut fastrand::Rng) {
        let mutations: Vec<(Vec<u8>, Option<Vec<u8>>)> = (0..random.usize(1..150))
            .map(|_| {
                let key = format!("key {}", random.u16(..700)).into_bytes();
                let value = vec![random.u8(..); random.usize(..300)];
                (key, random.bool().then_some(value).or_else(|| random.bool().then(Vec::new)))
            })
            .collect();
        let borrowed: Vec<_> = mutations.iter().map(|(key, value)| (&key[..], value.as_deref())).collect();
        let batch = crate::support::columns(&borrowed);
        let applied = self.engine.on(self.manager, |m, s, this| m.call_apply(s, this, 0, &batch));
        let natively = self.native.apply(&alluvium_core::Columns {
            ops: &batch.ops,
            key_lens: &batch.key_lens,
            value_lens: &batch.value_lens,
            keys: &batch.keys,
            values: &batch.values,
        });
        assert_eq!(applied.expect("it applies"), natively.expect("it applies natively"));
    }

    fn checkpoint(&mut self, step: u64) {
        self.engine.on(self.manager, |m, s, this| m.call_set_source_offset(s, this, "input", step)).expect("forward");
        self.native.set_source_offset("input", step).expect("forward");
        self.engine.on(self.manager, |m, s, this| m.call_set_watermark(s, this, step.cast_signed()));
        self.native.set_watermark(step.cast_signed());
        let report = self.engine.checkpoint(self.manager).expect("it checkpoints");
        let metadata = block_on(self.native.create_checkpoint(0)).expect("it checkpoints natively");
        let statistics = self.native.last_statistics().expect("there was one");
        assert_eq!((report.info.id, report.info.size_bytes), (metadata.id, metadata.size_bytes));
        assert_eq!((report.bytes_written, report.info.tombstones), (statistics.bytes_written, statistics.tombstones));
        let deleted = &self.native.last_maintenance().expect("it was run").deleted;
        assert_eq!(&report.maintenance.deleted, deleted);
    }

    /// Every file and every entry.
    fn compare(&mut self, what: &str) {
        let (component, native) = (load(self.scratch.path()), self.directory.to_files());
        assert_eq!(component.keys().collect::<Vec<_>>(), native.keys().collect::<Vec<_>>(), "{what}");
        for (path, content) in &native {
            assert!(component[path] == *content, "{what}: {path} has other bytes");
        }
        let cursor = self.engine.on(self.manager, |m, s, this| m.call_iterate(s, this, 0, b"")).unwrap();
        let entries = self.engine.walk(cursor, 100);
        cursor.resource_drop(&mut self.engine.store).expect("it drops");
        assert!(entries.iter().map(|(key, value)| (&key[..], &value[..])).eq(self.native.iter()), "{what}");
    }
}

fn run(seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut pair = Pair::new();
    for step in 0..STEPS as u64 {
        let id = pair.native.latest_checkpoint_id();
        let what = match (random.u8(..20), id) {
            (0..=10, _) => {
                pair.mutate(&mut random);
                continue;
            }
            (11..=14, _) | (_, None) => {
                pair.checkpoint(step);
                "checkpoint"
            }
            (15, _) => {
                pair.reopen();
                "reopen"
            }
            (16, Some(id)) => {
                let id = id.saturating_sub(random.u64(..4));
                let restored = pair.engine.on(pair.manager, |m, s, this| m.call_restore(s, this, id));
                let natively = block_on(pair.native.restore_checkpoint(id));
                assert_eq!(restored.ok().map(|info| info.id), natively.ok().map(|metadata| metadata.id));
                "restore"
            }
            (17, Some(id)) => {
                let id = id.saturating_sub(random.u64(..4));
                let deleted = pair.engine.on(pair.manager, |m, s, this| m.call_delete_checkpoint(s, this, id));
                let natively = block_on(pair.native.delete_checkpoint(id));
                assert_eq!(deleted.ok().map(|report| report.deleted), natively.ok().map(|report| report.deleted));
                "delete"
            }
            (18, _) => {
                let count = random.u32(1..4);
                let kept =
                    pair.engine.on(pair.manager, |m, s, this| m.call_retain(s, this, count)).expect("it retains");
                let natively = block_on(pair.native.cleanup_old_checkpoints_keep(count as usize)).expect("natively");
                assert_eq!(kept.deleted, natively.deleted);
                "retain"
            }
            _ => {
                let report = pair.engine.on(pair.manager, |m, s, this| m.call_verify(s, this)).expect("it verifies");
                let natively = block_on(pair.native.verify()).expect("natively");
                assert_eq!((report.files, report.bytes), (natively.files, natively.bytes));
                assert_eq!(report.findings.len(), natively.findings.len());
                let archive = pair.engine.on(pair.manager, |m, s, this| m.call_export_checkpoint(s, this, None));
                assert_eq!(archive.ok(), block_on(archive::export(&*pair.directory, None)).ok());
                "verify"
            }
        };
        pair.clock.advance_ms(7);
        pair.engine.clock.advance_ms(7);
        pair.compare(&format!("seed {seed}, after {what} in step {step}"));
    }
}

#[test]
fn as_core_natively() {
    for seed in 0..6 {
        run(seed);
    }
}
