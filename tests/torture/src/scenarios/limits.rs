//! Scenarios 10 and 11: clocks that go backwards, stand still or end; numbers at their maximum.

use std::sync::Arc;

use alluvium_core::directory::{MemoryDirectory, block_on};
use alluvium_core::{
    CheckpointConfig, Clock, IncrementalCheckpointError as Error, IncrementalCheckpointMetadata, ManualClock,
    OpenOptions,
};
use alluvium_test_harness::tally::{Budget, Tally, guarded};
use alluvium_test_harness::{Expected, Files, STORE_ID, keep, memory, open_with, options};

/// A clock that shows one of a list of times after the other, over and over.
#[derive(Debug)]
struct OddClock {
    times: Vec<u64>,
    next: std::sync::atomic::AtomicUsize,
}

impl OddClock {
    fn show(&self) -> u64 {
        let next = self.next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.times[next % self.times.len()]
    }
}

impl Clock for OddClock {
    fn unix_ms(&self) -> u64 {
        self.show()
    }
    fn monotonic_us(&self) -> u64 {
        self.show()
    }
}

fn play(clock: &Arc<dyn Clock + Send + Sync>, config: &CheckpointConfig) -> Result<(Expected, Files), Error> {
    let directory = Arc::new(MemoryDirectory::new());
    for life in 0..3_u64 {
        let options = OpenOptions::new(clock.clone()).store_id(STORE_ID).create(true);
        let mut manager = open_with(&directory, config.clone(), options)?;
        for epoch in 1..=4_u64 {
            let at = life * 4 + epoch;
            manager.put(&at.to_be_bytes(), b"value")?;
            manager.delete(&(at / 2).to_be_bytes())?;
            manager.set_epoch(at)?;
            let _ = manager.should_checkpoint();
            block_on(manager.create_checkpoint(at))?;
        }
    }
    let manager = open_with(&directory, config.clone(), options())?;
    let mut files = directory.to_files();
    // Only the fields with the time may differ.
    files.retain(|path, _| !path.ends_with("metadata.json"));
    Ok((Expected::of(&manager), files))
}

/// Scenario 10: clocks that go backwards, stand still or end.
pub fn clocks(budget: Budget) -> Tally {
    let mut tally = Tally::new(10, "clocks backwards, frozen, at their maximum", "clocks");
    let config = keep(2);
    let frozen: Arc<dyn Clock + Send + Sync> = Arc::new(ManualClock::new(0));
    let expected = play(&frozen, &config).map_err(|error| error.to_string());
    let mut clocks: Vec<Vec<u64>> = vec![
        vec![0],
        vec![u64::MAX],
        vec![u64::MAX, 0],
        vec![1_000, 999, 998, 0],
        vec![u64::MAX - 1, u64::MAX, 0, 1],
        vec![1 << 63, (1 << 63) - 1],
        vec![u64::MAX / 1_000, u64::MAX / 1_000 + 1],
    ];
    let mut random = budget.random(0);
    clocks.extend((0..40).map(|_| (0..random.usize(1..9)).map(|_| random.u64(..)).collect::<Vec<u64>>()));
    for (cases, times) in (0..).zip(clocks) {
        if !budget.allows(cases) {
            break;
        }
        let told = format!("{times:?}");
        let outcome = guarded(|| {
            let clock: Arc<dyn Clock + Send + Sync> = Arc::new(OddClock { times, next: 0.into() });
            let found = play(&clock, &config).map_err(|error| error.to_string())?;
            if Ok(&found) == expected.as_ref() { Ok(()) } else { Err("state or segments differ".into()) }
        });
        tally.note(outcome.map_err(|what| format!("clock {told}: {what}")));
    }
    tally
}

/// Scenario 11: ids, epochs, offsets, positions, watermarks, segment numbers and lengths at their maximum.
pub fn maxima(_budget: Budget) -> Tally {
    let mut tally = Tally::new(11, "ids, epochs, offsets, lengths at their maximum", "cases");
    for value in [u64::MAX, u64::MAX - 1, 1 << 63, (1 << 63) - 1, u64::from(u32::MAX)] {
        for field in 0..4 {
            let outcome = guarded(|| carried(field, value));
            tally.note(outcome.map_err(|what| format!("field {field} at {value}: {what}")));
        }
        for name in ["id", "segment"] {
            let outcome = guarded(|| no_wrap(name, value));
            tally.note(outcome.map_err(|what| format!("{name} {value}: {what}")));
        }
    }
    for watermark in [i64::MAX, i64::MIN, 0, -1] {
        let outcome = guarded(|| {
            let (directory, mut manager) = alluvium_test_harness::fresh();
            manager.set_watermark(watermark);
            block_on(manager.create_checkpoint(0)).map_err(|error| error.to_string())?;
            let found = open_with(&directory, keep(1), options()).map_err(|error| error.to_string())?.watermark();
            if found == Some(watermark) { Ok(()) } else { Err(format!("came back as {found:?}")) }
        });
        tally.note(outcome.map_err(|what| format!("watermark {watermark}: {what}")));
    }
    tally
}

/// What the caller set comes back, and no number can be larger than the largest.
fn carried(field: u32, value: u64) -> Result<(), String> {
    let told = |error: Error| error.to_string();
    let (directory, mut manager) = alluvium_test_harness::fresh();
    let mut position = 0;
    match field {
        0 => manager.set_epoch(value).map_err(told)?,
        1 => manager.set_source_offset("input", value).map_err(told)?,
        2 => position = value,
        _ => {
            manager.set_epoch(value).map_err(told)?;
            position = value;
        }
    }
    block_on(manager.create_checkpoint(position)).map_err(told)?;
    let expected = Expected::of(&manager);
    let mut manager = open_with(&directory, keep(10), options()).map_err(told)?;
    if Expected::of(&manager) != expected {
        return Err(format!("came back as {:?}", Expected::of(&manager)));
    }
    if field == 0 && !matches!(manager.set_epoch(value - 1), Err(Error::EpochMismatch { .. })) {
        return Err("the epoch went backwards".into());
    }
    block_on(manager.create_checkpoint(position)).map_err(told)?;
    Ok(())
}

/// A directory whose highest id or segment number is `value`: the next number is
/// larger, or there is an error that names the limit. Numbers never start again from the beginning.
fn no_wrap(name: &str, value: u64) -> Result<(), String> {
    let mut files = Files::new();
    if name == "id" {
        let metadata = IncrementalCheckpointMetadata::new(value, 7);
        let json = metadata.to_json().map_err(|error| error.to_string())?;
        files.insert(format!("checkpoint_{value:016x}/metadata.json"), json.into_bytes());
        files.insert(format!("checkpoint_{value:016x}/state.bin"), Vec::new());
    } else {
        files.insert(format!("segments/{value:016x}.delta"), b"left behind".to_vec());
    }
    let before = files.clone();
    let directory = memory(files);
    // A segment without any checkpoint is what a lost checkpoint leaves.
    let beside = options().begin_beside_remains(true);
    let outcome = open_with(&directory, keep(10), beside).and_then(|mut manager| {
        manager.put(b"one", b"more")?;
        block_on(manager.create_checkpoint(1))
    });
    match outcome {
        Ok(metadata) if name == "id" && metadata.id <= value => {
            return Err(format!("id {} came after it", metadata.id));
        }
        Ok(metadata) => {
            let manager = open_with(&directory, keep(10), options()).map_err(|error| error.to_string())?;
            if manager.latest_checkpoint_id() != Some(metadata.id) || manager.get(b"one") != Some(b"more") {
                return Err("what was acknowledged did not come back".into());
            }
        }
        Err(Error::LimitExceeded(_)) => {}
        Err(error) => return Err(format!("not an error of the limit: {error:?}")),
    }
    for (path, content) in before {
        if name == "id" && directory.to_files().get(&path) != Some(&content) {
            return Err(format!("{path} has changed"));
        }
    }
    Ok(())
}
