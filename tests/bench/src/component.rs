//! The engine as a component under wasmtime against the same engine natively: each on a directory of
//! its own, over the same mutations, taking turns.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use alluvium::NativeDirectory;
use alluvium_core::directory::block_on;
use alluvium_core::{CheckpointConfig, Columns, IncrementalCheckpointManager, ManualClock, OpenOptions};
use alluvium_host::bindings::engine::alluvium::checkpoint::types::{Columns as Batch, PackedKeys};
use alluvium_host::{Cache, EngineOptions, Limits, Runtime, SharedEngine, lock};
use alluvium_test_harness::{Files, START_MS, STORE_ID, load};
use anyhow::{Context, Result, ensure};

use crate::contender::digest;
use crate::epochs::Rounds;
use crate::measure::{fresh_directory, median, quiet_disk, timed};
use crate::report::Report;
use crate::workload::{KEY_BYTES, Records, Uniform, VALUE_BYTES, Workload, key};

/// Mutations of a packed batch.
const BATCH: usize = 1_000;
/// Single puts of an epoch.
const SINGLES: usize = 1_000;
/// The most that the state may take, on both sides: what the host gives a component.
const MEMORY_BYTES: u64 = 2 << 30;

type Native = IncrementalCheckpointManager<NativeDirectory>;

/// Measures puts, batches, checkpoints and recoveries of both sides.
pub fn run(workload: Workload, rounds: Rounds, recoveries: u32, scratch: &Path, report: &mut Report) -> Result<()> {
    let mut pair = Pair::open(scratch)?;
    let initial = Records::initial(workload);
    let insert = pair.apply(&initial, 0)?;
    drop(initial);
    pair.checkpoint(0)?;
    let mut uniform = Uniform::new(workload.keys, 13);
    let (mut puts, mut batches, mut checkpoints) = (Times::default(), Times::default(), Times::default());
    for epoch in 0..rounds.warmup + rounds.measured {
        let version = u64::from(epoch) + 1;
        let singles = Records::of(uniform.draw(SINGLES as u32).iter().copied(), version);
        let records = Records::of(uniform.draw(workload.changed).iter().copied(), version);
        let (put, batch) = (pair.put(&singles, epoch)?, pair.apply(&records, epoch)?);
        let checkpoint = pair.checkpoint(epoch)?;
        if epoch >= rounds.warmup {
            puts.add(put, SINGLES);
            batches.add(batch, records.len());
            checkpoints.add(checkpoint, 1);
        }
    }
    pair.check(workload.keys)?;
    let recovered = pair.recover(recoveries, workload.keys)?;
    let epochs = format!("medians of {} epochs in turns, {} keys", rounds.measured, workload.keys);
    let native_ns = |times: &Times| format!("natively {:.0} ns a record; {epochs}", median(&times.native) * 1e3);
    report.figure("wasm_put_vs_native", puts.ratio(), "x", &format!("single puts; {}", native_ns(&puts)))?;
    report.goal(
        "wasm_apply_vs_native",
        batches.ratio(),
        "<= 2",
        "x",
        &format!("packed batches of {BATCH}; {}", native_ns(&batches)),
    )?;
    report.figure("wasm_insert_vs_native", insert.1 / insert.0, "x", "packed batches of new keys, from none to all")?;
    report.goal(
        "wasm_checkpoint_vs_native",
        checkpoints.ratio(),
        "<= 1.4",
        "x",
        &format!("with its maintenance; natively {:.1} ms; {epochs}", median(&checkpoints.native) / 1e3),
    )?;
    report.goal(
        "wasm_recover_vs_native",
        recovered.ratio(),
        "<= 1.4",
        "x",
        &format!("bases and deltas, {recoveries} times in turns; natively {:.0} ms", median(&recovered.native) / 1e3),
    )?;
    report.figure("wasm_put_ns", median(&puts.component) * 1e3, "ns", "single put through the component")?;
    report.figure("wasm_apply_ns", median(&batches.component) * 1e3, "ns", "a record of a packed batch")?;
    report.figure("wasm_checkpoint_us", median(&checkpoints.component), "us", "with its maintenance")?;
    report.figure("wasm_recover_ms", median(&recovered.component) / 1e3, "ms", "from opening to a state")
}

/// Microseconds an operation, round by round.
#[derive(Default)]
struct Times {
    native: Vec<f64>,
    component: Vec<f64>,
}

impl Times {
    fn add(&mut self, (native, component): (f64, f64), operations: usize) {
        self.native.push(native / operations as f64);
        self.component.push(component / operations as f64);
    }

    fn ratio(&self) -> f64 {
        median(&self.component) / median(&self.native)
    }
}

/// Both sides.
struct Pair {
    native: Native,
    component: SharedEngine,
    runtime: Runtime,
    file: PathBuf,
    directories: [PathBuf; 2],
    /// The same for both, and still: so the files must be equal too.
    clock: Arc<ManualClock>,
}

/// A component: the file that a variable names, or where `make bench-engine` puts it.
pub(crate) fn built(variable: &str, name: &str) -> Result<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let built = target.join(format!("wasm32-wasip2/release/{name}.wasm"));
    let file = std::env::var_os(variable).map_or(built, PathBuf::from);
    ensure!(file.is_file(), "{}: the component is not there; make bench-engine", file.display());
    Ok(file)
}

fn open_native(path: &Path, clock: &Arc<ManualClock>) -> Result<Native> {
    let config = CheckpointConfig::new().with_max_retained(3).with_memory_limit_bytes(Some(MEMORY_BYTES));
    let options = OpenOptions::new(clock.clone()).store_id(STORE_ID).create(true);
    Ok(block_on(Native::open(Arc::new(NativeDirectory::open_exclusive(path)?), config, options))?)
}

impl Pair {
    fn open(scratch: &Path) -> Result<Self> {
        let directories = ["native", "component"].map(|name| scratch.join("component").join(name));
        directories.iter().try_for_each(|path| fresh_directory(path))?;
        let file = built("ALLUVIUM_ENGINE", "alluvium_wasm")?;
        let runtime = Runtime::new(Limits::default(), Cache::at(scratch.join("component/cache")))?;
        let clock = Arc::new(ManualClock::new(START_MS));
        let native = open_native(&directories[0], &clock)?;
        let component = open_component(&runtime, &file, &directories[1], &clock)?;
        Ok(Self { native, component, runtime, file, directories, clock })
    }

    /// Does the same on both sides, each going first every other time; microseconds of both.
    fn both(
        &mut self,
        turn: u32,
        mut native: impl FnMut(&mut Native) -> Result<()>,
        mut component: impl FnMut(&mut dyn alluvium_host::Engine) -> Result<()>,
    ) -> Result<(f64, f64)> {
        let (mut native_us, mut component_us) = (0.0, 0.0);
        for side in 0..2 {
            if (turn + side).is_multiple_of(2) {
                let (elapsed_us, done) = timed(|| native(&mut self.native));
                done.context("natively")?;
                native_us = elapsed_us;
            } else {
                let (elapsed_us, done) = timed(|| component(&mut *lock(&self.component)));
                done.context("in the component")?;
                component_us = elapsed_us;
            }
        }
        Ok((native_us, component_us))
    }

    fn put(&mut self, records: &Records, turn: u32) -> Result<(f64, f64)> {
        self.both(
            turn,
            |native| Ok(records.iter().try_for_each(|(key, value)| native.put(key, value))?),
            |component| Ok(records.iter().try_for_each(|(key, value)| component.put(0, key, value))?),
        )
    }

    /// In packed batches, made before the clock runs; both sides take each before the next comes.
    fn apply(&mut self, records: &Records, turn: u32) -> Result<(f64, f64)> {
        let batches = packed(records);
        let (mut native_us, mut component_us) = (0.0, 0.0);
        for (batch, turn) in batches.iter().zip(turn..) {
            let columns = Columns {
                ops: &batch.ops,
                key_lens: &batch.key_lens,
                value_lens: &batch.value_lens,
                keys: &batch.keys,
                values: &batch.values,
            };
            let (native, component) = self.both(
                turn,
                |native| Ok(native.apply(&columns).map(|_| ())?),
                |component| Ok(component.apply(0, batch).map(|_| ())?),
            )?;
            native_us += native;
            component_us += component;
        }
        Ok((native_us, component_us))
    }

    fn checkpoint(&mut self, turn: u32) -> Result<(f64, f64)> {
        let position = u64::from(turn);
        let (mut native_us, mut component_us) = (0.0, 0.0);
        for side in 0..2 {
            quiet_disk();
            if (turn + side).is_multiple_of(2) {
                let (elapsed_us, taken) = timed(|| block_on(self.native.create_checkpoint(position)));
                taken.context("natively")?;
                native_us = elapsed_us;
            } else {
                let (elapsed_us, taken) = timed(|| lock(&self.component).checkpoint(position));
                let report = taken.context("in the component")?;
                ensure!(report.maintenance.errors.is_empty(), "{}", report.maintenance.errors.join("; "));
                component_us = elapsed_us;
            }
        }
        Ok((native_us, component_us))
    }

    /// Both hold the same entries, and wrote the same bytes.
    fn check(&mut self, keys: u32) -> Result<()> {
        let native = digest(self.native.iter());
        ensure!(self.native.len() == keys as usize, "{} keys natively", self.native.len());
        ensure!(component_digest(&self.component, keys)? == native, "the component holds another state");
        let [native, component] = self.directories.each_ref().map(|path| files_of(path));
        ensure!(native == component, "the component wrote other files");
        Ok(())
    }

    /// Opens both directories again, in turns.
    fn recover(self, rounds: u32, keys: u32) -> Result<Times> {
        let Self { native, component, runtime, file, directories, clock } = self;
        let expected = digest(native.iter());
        drop((native, component));
        let mut times = Times::default();
        for round in 0..rounds {
            let (mut native_us, mut component_us) = (0.0, 0.0);
            for side in 0..2 {
                if (round + side).is_multiple_of(2) {
                    let (elapsed_us, opened) = timed(|| open_native(&directories[0], &clock));
                    native_us = elapsed_us;
                    let opened = opened?;
                    ensure!(round > 0 || digest(opened.iter()) == expected, "natively another state is back");
                } else {
                    let (elapsed_us, opened) = timed(|| open_component(&runtime, &file, &directories[1], &clock));
                    component_us = elapsed_us;
                    let opened = opened?;
                    ensure!(
                        round > 0 || component_digest(&opened, keys)? == expected,
                        "in the component another state is back"
                    );
                }
            }
            times.add((native_us, component_us), 1);
        }
        Ok(times)
    }
}

fn open_component(runtime: &Runtime, file: &Path, path: &Path, clock: &Arc<ManualClock>) -> Result<SharedEngine> {
    let options = EngineOptions {
        max_retained: 3,
        clock: clock.clone(),
        memory_limit_bytes: MEMORY_BYTES,
        ..EngineOptions::new(STORE_ID, 0)
    };
    Ok(runtime.open_engine(file, NativeDirectory::open_exclusive(path)?, &options)?)
}

/// The digest of a component's entries, asked for key by key.
fn component_digest(component: &SharedEngine, keys: u32) -> Result<u64> {
    let mut component = lock(component);
    ensure!(component.len(0)? == u64::from(keys), "the component holds {} keys", component.len(0)?);
    let mut sum = 0u64;
    for first in (0..keys).step_by(BATCH) {
        let wanted: Vec<_> = (first..keys.min(first + BATCH as u32)).map(key).collect();
        let packed = PackedKeys { lens: vec![KEY_BYTES as u32; wanted.len()], bytes: wanted.concat() };
        let found = component.get_many(0, &packed)?;
        ensure!(found.lens.iter().all(|len| *len == VALUE_BYTES as u32), "a value is missing or of another length");
        let entries = wanted.iter().zip(found.bytes.chunks_exact(VALUE_BYTES));
        sum = sum.wrapping_add(digest(entries.map(|(key, value)| (&key[..], value))));
    }
    Ok(sum)
}

fn packed(records: &Records) -> Vec<Batch> {
    let entries: Vec<_> = records.iter().collect();
    let batch = |entries: &[(&[u8], &[u8])]| Batch {
        ops: vec![0; entries.len()],
        key_lens: entries.iter().map(|(key, _)| key.len() as u32).collect(),
        value_lens: entries.iter().map(|(_, value)| value.len() as u32).collect(),
        keys: entries.iter().flat_map(|(key, _)| *key).copied().collect(),
        values: entries.iter().flat_map(|(_, value)| *value).copied().collect(),
    };
    entries.chunks(BATCH).map(batch).collect()
}

/// Names and contents of what a checkpoint directory holds; the lock file is native only.
fn files_of(path: &Path) -> Files {
    let is_ours = |path: &String| path.starts_with("segments/") || path.starts_with("checkpoint_");
    load(path).into_iter().filter(|(path, _)| is_ours(path)).collect()
}
