//! The engine in the component and core natively write the same bytes.

use std::sync::Arc;

use alluvium::NativeDirectory;
use alluvium_core::directory::block_on;
use alluvium_core::{CheckpointConfig, Columns, IncrementalCheckpointManager, ManualClock, OpenOptions};
use alluvium_host::bindings::engine::alluvium::checkpoint::types;
use alluvium_host::{Cache, EngineOptions, Limits, Runtime, lock};

use crate::support::{Bench, engine, files};

const STORE_ID: [u8; 16] = *b"same bytes twice";
const STARTED_MS: u64 = 1_700_000_000_000;
const CHECKPOINTS: u64 = 12;

/// A batch of mutations as columns, drawn by a seed: new keys, changed ones, deleted ones.
fn batch(random: &mut fastrand::Rng) -> types::Columns {
    let mut batch = types::Columns { ops: vec![], key_lens: vec![], value_lens: vec![], keys: vec![], values: vec![] };
    for _ in 0..random.u32(1..400) {
        let key = format!("key {}", random.u16(..600));
        let is_delete = random.u8(..5) == 0;
        let value = vec![random.u8(..); if is_delete { 0 } else { random.usize(..200) }];
        batch.ops.push(u8::from(is_delete));
        batch.key_lens.push(u32::try_from(key.len()).expect("short"));
        batch.value_lens.push(u32::try_from(value.len()).expect("short"));
        batch.keys.extend_from_slice(key.as_bytes());
        batch.values.extend_from_slice(&value);
    }
    batch
}

#[test]
fn natively_and_in_the_component() {
    let (native, component) = (Bench::new(), Bench::new());
    run_natively(&native, &mut fastrand::Rng::with_seed(7));
    run_in_component(&component, &mut fastrand::Rng::with_seed(7));
    let relative = |bench: &Bench| {
        let files = files(&bench.dir()).into_iter();
        files
            .map(|(path, content)| (path.strip_prefix(bench.dir()).expect("below it").to_owned(), content))
            .collect::<Vec<_>>()
    };
    let (native, component) = (relative(&native), relative(&component));
    let names =
        |files: &[(std::path::PathBuf, Vec<u8>)]| files.iter().map(|(path, _)| path.clone()).collect::<Vec<_>>();
    assert_eq!(names(&native), names(&component));
    assert!(native.len() > 4, "checkpoints and segments: {:?}", names(&native));
    for ((path, native), (_, component)) in native.iter().zip(&component) {
        assert!(native == component, "{}: other bytes", path.display());
    }
}

fn run_natively(bench: &Bench, random: &mut fastrand::Rng) {
    NativeDirectory::create(bench.dir()).expect("it creates");
    let directory = Arc::new(NativeDirectory::open_exclusive(bench.dir()).expect("it opens"));
    let clock = Arc::new(ManualClock::new(STARTED_MS));
    let options = OpenOptions::new(clock.clone()).store_id(STORE_ID).create(true);
    let config = CheckpointConfig::new().with_max_retained(3);
    let mut manager = block_on(IncrementalCheckpointManager::open(directory, config, options)).expect("it opens");
    for n in 1..=CHECKPOINTS {
        let batch = batch(random);
        let columns = Columns {
            ops: &batch.ops,
            key_lens: &batch.key_lens,
            value_lens: &batch.value_lens,
            keys: &batch.keys,
            values: &batch.values,
        };
        manager.apply(&columns).expect("it applies");
        manager.set_epoch(n).expect("an epoch");
        manager.set_source_offset("input", n * 100).expect("an offset");
        manager.set_watermark(i64::try_from(n).expect("small") * 1_000);
        block_on(manager.create_checkpoint(n)).expect("a checkpoint");
        clock.advance_ms(250);
    }
}

fn run_in_component(bench: &Bench, random: &mut fastrand::Rng) {
    NativeDirectory::create(bench.dir()).expect("it creates");
    let directory = NativeDirectory::open_exclusive(bench.dir()).expect("it opens");
    let clock = Arc::new(ManualClock::new(STARTED_MS));
    let options = EngineOptions { clock: clock.clone(), ..EngineOptions::new(STORE_ID, 0) };
    let runtime = Runtime::new(Limits::default(), Cache::none()).expect("a runtime");
    let engine = runtime.open_engine(&engine(), directory, &options).expect("it opens");
    let mut engine = lock(&engine);
    assert_eq!(engine.weaker_promises().expect("an answer"), Vec::<String>::new());
    for n in 1..=CHECKPOINTS {
        engine.apply(0, &batch(random)).expect("it applies");
        engine.set_epoch(n).expect("an epoch");
        engine.set_source_offset("input", n * 100).expect("an offset");
        engine.set_watermark(i64::try_from(n).expect("small") * 1_000).expect("a watermark");
        engine.checkpoint(n).expect("a checkpoint");
        clock.advance_ms(250);
    }
}
