//! The live state against ordinary maps: put, update, get and delete, and the longest single put.

use std::sync::Arc;
use std::time::Instant;

use alluvium_core::directory::{MemoryDirectory, block_on};
use alluvium_core::{CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions};
use anyhow::{Result, ensure};
use rustc_hash::FxHashMap;

use crate::contender::Map;
use crate::measure::{median, timed};
use crate::report::Report;
use crate::workload::{Records, Uniform, Workload};

/// A manager over memory.
pub type Manager = IncrementalCheckpointManager<MemoryDirectory>;

/// An empty manager over memory.
pub fn manager() -> Result<Manager> {
    let options = OpenOptions::new(Arc::new(ManualClock::new(1_767_225_600_000))).store_id(*b"alluvium-bench--");
    Ok(block_on(Manager::open(Arc::new(MemoryDirectory::new()), CheckpointConfig::new(), options))?)
}

/// Nanoseconds an operation, one sample a round.
#[derive(Default)]
struct Samples {
    put: Vec<f64>,
    update: Vec<f64>,
    get: Vec<f64>,
    delete: Vec<f64>,
}

/// Measures the rows of the live state.
pub fn run(workload: Workload, rounds: u32, report: &mut Report) -> Result<()> {
    let initial = Records::initial(workload);
    let mut order = Uniform::new(workload.keys, 5);
    let shuffled = order.draw(workload.keys).to_vec();
    let updates = Records::of(shuffled.iter().copied(), 1);
    let (mut ours, mut map, mut boxed) = (Samples::default(), Samples::default(), Samples::default());
    for round in 0..rounds {
        let sides: [&mut dyn FnMut() -> Result<()>; 3] = [
            &mut || measure_ours(&initial, &updates, &mut ours),
            &mut || measure_map(&initial, &updates, &mut map),
            &mut || measure_boxed(&initial, &updates, &mut boxed),
        ];
        let count = sides.len();
        let mut sides: Vec<_> = sides.into_iter().collect();
        sides.rotate_left(round as usize % count);
        for side in sides {
            side()?;
        }
    }
    let ratio = |ours: &[f64], theirs: &[f64]| median(ours) / median(theirs);
    let vec = "FxHashMap<Vec<u8>, Vec<u8>>";
    report.goal("put_vs_map", ratio(&ours.put, &map.put), "<= 0.5", "x", &format!("{vec}: insert of new keys"))?;
    report.figure("update_vs_map", ratio(&ours.update, &map.update), "x", &format!("{vec}: insert of known keys"))?;
    report.goal("get_vs_map", ratio(&ours.get, &boxed.get), "<= 1.25", "x", "FxHashMap<Box<[u8]>, Box<[u8]>>")?;
    report.figure("delete_vs_map", ratio(&ours.delete, &map.delete), "x", &format!("{vec}: remove"))?;
    for (name, samples) in [("put", &ours.put), ("update", &ours.update), ("get", &ours.get), ("delete", &ours.delete)]
    {
        report.figure(&format!("{name}_ns"), median(samples), "ns", "ours; put, update and delete with logging")?;
    }
    growth_pause(&initial, rounds, report)
}

fn per(count: usize, elapsed_us: f64) -> f64 {
    elapsed_us * 1e3 / count as f64
}

fn measure_ours(initial: &Records, updates: &Records, samples: &mut Samples) -> Result<()> {
    let mut manager = manager()?;
    let put_all = |manager: &mut Manager, records: &Records| -> Result<f64> {
        let (elapsed_us, result) = timed(|| records.iter().try_for_each(|(key, value)| manager.put(key, value)));
        result?;
        // What was logged is not what is measured next.
        block_on(manager.create_checkpoint(0))?;
        Ok(per(records.len(), elapsed_us))
    };
    samples.put.push(put_all(&mut manager, initial)?);
    samples.update.push(put_all(&mut manager, updates)?);
    let (elapsed_us, found) =
        timed(|| updates.iter().map(|(key, _)| manager.get(key).map_or(0, |value| value[7].into())).sum::<u64>());
    samples.get.push(per(updates.len(), elapsed_us));
    ensure!(found == updates.iter().map(|(_, value)| u64::from(value[7])).sum::<u64>(), "other values came back");
    let (elapsed_us, result) =
        timed(|| updates.iter().try_for_each(|(key, _)| manager.delete(key).map(|was_there| assert!(was_there))));
    result?;
    samples.delete.push(per(updates.len(), elapsed_us));
    ensure!(manager.is_empty(), "keys were left");
    Ok(())
}

fn measure_map(initial: &Records, updates: &Records, samples: &mut Samples) -> Result<()> {
    let mut map: FxHashMap<Vec<u8>, Vec<u8>> = FxHashMap::default();
    for (records, into) in [(initial, &mut samples.put), (updates, &mut samples.update)] {
        let insert = |(key, value): (&[u8], &[u8])| drop(map.insert(key.to_vec(), value.to_vec()));
        let (elapsed_us, ()) = timed(|| records.iter().for_each(insert));
        into.push(per(records.len(), elapsed_us));
    }
    let (elapsed_us, ()) = timed(|| updates.iter().for_each(|(key, _)| drop(map.remove(key))));
    samples.delete.push(per(updates.len(), elapsed_us));
    ensure!(map.is_empty(), "keys were left");
    Ok(())
}

fn measure_boxed(initial: &Records, updates: &Records, samples: &mut Samples) -> Result<()> {
    let map: Map = initial.iter().map(|(key, value)| (key.into(), value.into())).collect();
    let (elapsed_us, found) =
        timed(|| updates.iter().filter_map(|(key, _)| map.get(key)).map(|value| u64::from(value[7])).sum::<u64>());
    samples.get.push(per(updates.len(), elapsed_us));
    ensure!(found > 0, "nothing was found");
    Ok(())
}

/// The longest put while growing. Each put's fastest time over the rounds counts, so that what the
/// machine did meanwhile falls away and what the table does stays.
fn growth_pause(initial: &Records, rounds: u32, report: &mut Report) -> Result<()> {
    let fastest = |put_all: &mut dyn FnMut(&mut Vec<f64>) -> Result<()>| -> Result<f64> {
        let mut fastest = vec![f64::INFINITY; initial.len()];
        let mut times = Vec::with_capacity(initial.len());
        for _ in 0..rounds.max(3) {
            times.clear();
            put_all(&mut times)?;
            for (fastest, time) in fastest.iter_mut().zip(&times) {
                *fastest = fastest.min(*time);
            }
        }
        Ok(fastest.into_iter().fold(0.0, f64::max))
    };
    let ours = fastest(&mut |times| {
        let mut manager = manager()?;
        for (key, value) in initial.iter() {
            let started = Instant::now();
            manager.put(key, value)?;
            times.push(started.elapsed().as_secs_f64() * 1e6);
        }
        Ok(())
    })?;
    let map = fastest(&mut |times| {
        let mut map: FxHashMap<Vec<u8>, Vec<u8>> = FxHashMap::default();
        for (key, value) in initial.iter() {
            let started = Instant::now();
            map.insert(key.to_vec(), value.to_vec());
            times.push(started.elapsed().as_secs_f64() * 1e6);
        }
        Ok(())
    })?;
    report.goal("growth_pause_us", ours, "<= 1000", "us", &format!("longest put while growing; one map: {map:.0} us"))
}
