//! One worker of a job against the same fold in one thread, in turns.

use std::path::Path;
use std::time::{Duration, Instant};

use alluvium_bench::measure::median;
use alluvium_bench::report::Report;
use alluvium_connectors::Batch;
use alluvium_connectors::source::{Partition, Polled, Source};
use alluvium_core::directory::{MemoryDirectory, block_on};
use alluvium_core::{CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions};
use anyhow::{Context, Result, ensure};
use rustc_hash::FxHashMap;

use super::{KEYS, arguments};
use crate::counts::word;
use crate::generated::Generated;
use crate::processes::{Layout, Processes};

/// So many records of each partition are counted.
const RECORDS: u64 = 1_500_000;

pub(super) fn run(rounds: usize, scratch: &Path, report: &mut Report) -> Result<()> {
    let (mut map, mut engine, mut worker) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        map.push(in_a_map()?);
        worker.push(in_a_job(scratch, Layout { processes: 1, threads: 1 })?);
        engine.push(in_the_engine()?);
    }
    let (map, engine, worker) = (median(&map), median(&engine), median(&worker));
    let held =
        format!("{map:.0} records/s into a hash map in one thread; medians of {rounds} rounds in turns, {KEYS} keys");
    report.goal("cluster_vs_one_thread", worker / map, ">= 0.8", "x", &held)?;
    let held = "the same operator over the engine's state in one thread, without checkpoints";
    report.figure("cluster_vs_engine_alone", worker / engine, "x", held)?;
    report.figure(
        "cluster_records_per_s",
        worker,
        "1/s",
        "one worker, an epoch each 100,000 records of four partitions",
    )?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    if cores < 4 {
        eprintln!("cluster_two_workers is not measured: there are {cores} cores, and it needs 4");
        return Ok(());
    }
    let two: Result<Vec<f64>> = (0..rounds).map(|_| in_a_job(scratch, Layout { processes: 1, threads: 2 })).collect();
    report.goal("cluster_two_workers", median(&two?) / worker, ">= 1.7", "x", "two workers against one")
}

/// Reads everything, a thousand records of each partition in turn, as a worker does. Returns records a second.
fn read(mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<f64> {
    let mut source = Generated::new(super::PARTITIONS, KEYS, RECORDS, 0);
    let partitions: Vec<Partition> = source.partitions()?;
    let mut readers = partitions.iter().map(|partition| source.open(partition)).collect::<Result<Vec<_>, _>>()?;
    let (begun, mut records) = (Instant::now(), 0_u64);
    loop {
        let mut found = false;
        for reader in &mut readers {
            let mut batch = Batch::new(1_000, 1 << 20);
            if reader.poll(&mut batch, begun)? == Polled::Records {
                found = true;
                records += u64::from(batch.count());
                batch.records().try_for_each(|record| each(record.bytes()))?;
            }
        }
        if !found {
            return Ok(records as f64 / begun.elapsed().as_secs_f64());
        }
    }
}

fn in_a_map() -> Result<f64> {
    let mut counts: FxHashMap<Vec<u8>, u64> = FxHashMap::default();
    let rate = read(|record| {
        let key = word(record);
        match counts.get_mut(key) {
            Some(count) => *count += 1,
            None => drop(counts.insert(key.to_vec(), 1)),
        }
        Ok(())
    })?;
    ensure!(counts.len() as u64 == KEYS, "{} keys", counts.len());
    Ok(rate)
}

fn in_the_engine() -> Result<f64> {
    let options = OpenOptions::new(std::sync::Arc::new(ManualClock::new(0))).create(true);
    let directory = std::sync::Arc::new(MemoryDirectory::new());
    let mut state = block_on(IncrementalCheckpointManager::open(directory, CheckpointConfig::new(), options))?;
    read(|record| {
        let key = word(record);
        let count = state.get(key).and_then(|value| value.try_into().ok()).map_or(0, u64::from_le_bytes) + 1;
        Ok(state.put(key, &count.to_le_bytes())?)
    })
}

fn in_a_job(scratch: &Path, layout: Layout) -> Result<f64> {
    let folder = tempfile::tempdir_in(scratch)?;
    let job = folder.path().join("job").display().to_string();
    let arguments = arguments(&job, RECORDS, 0, &["--epoch-records", "25000"]);
    let mut processes = Processes::start(folder.path(), layout, &arguments, &[]);
    processes.next_epoch().context("no epoch was committed")?;
    let (begun, mut records, mut elapsed) = (Instant::now(), 0, Duration::ZERO);
    // From the first commit to the last one: the start is another row.
    while let Some(epoch) = processes.next_epoch() {
        records += epoch.records;
        elapsed = begun.elapsed();
    }
    let ended = processes.wait(crate::processes::PATIENCE);
    ensure!(ended.is_finished, "{}", ended.messages);
    Ok(records as f64 / elapsed.as_secs_f64())
}
