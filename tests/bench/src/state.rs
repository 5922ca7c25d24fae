//! The live state against ordinary maps: put, update, get and delete, and the longest single put.

use std::time::Instant;

use alluvium_core::CheckpointConfig;
use alluvium_core::directory::block_on;
use alluvium_test_harness::{Manager, fresh_with};
use anyhow::{Result, ensure};
use rustc_hash::FxHashMap;

use crate::contender::Map;
use crate::measure::{Operations, median};
use crate::report::Report;
use crate::workload::{Records, Uniform, Workload};

/// Returns an empty manager over memory.
pub fn manager() -> Manager {
    fresh_with(CheckpointConfig::new()).1
}

/// One side's operations.
#[derive(Default)]
struct Times {
    put: Operations,
    update: Operations,
    get: Operations,
    delete: Operations,
}

/// Measures the rows of the live state.
pub fn run(workload: Workload, rounds: u32, report: &mut Report) -> Result<()> {
    let initial = Records::initial(workload);
    let mut order = Uniform::new(workload.keys, 5);
    let updates = Records::of(order.draw(workload.keys).iter().copied(), 1);
    let (mut ours, mut map, mut boxed) = (Times::default(), Times::default(), Times::default());
    for round in 0..rounds {
        // No contender always comes first.
        for side in 0..3 {
            match (round + side) % 3 {
                0 => measure_ours(&initial, &updates, &mut ours)?,
                1 => measure_map(&initial, &updates, &mut map)?,
                _ => measure_boxed(&initial, &updates, &mut boxed)?,
            }
        }
    }
    let ratio = |ours: &Operations, theirs: &Operations| ours.nanoseconds() / theirs.nanoseconds();
    let vec = "FxHashMap<Vec<u8>, Vec<u8>>";
    report.goal("put_vs_map", ratio(&ours.put, &map.put), "<= 0.5", "x", &format!("{vec}: insert of new keys"))?;
    report.figure("update_vs_map", ratio(&ours.update, &map.update), "x", &format!("{vec}: insert of known keys"))?;
    report.goal("get_vs_map", ratio(&ours.get, &boxed.get), "<= 1.25", "x", "FxHashMap<Box<[u8]>, Box<[u8]>>")?;
    report.figure("delete_vs_map", ratio(&ours.delete, &map.delete), "x", &format!("{vec}: remove"))?;
    let times = [("put", &ours.put), ("update", &ours.update), ("get", &ours.get), ("delete", &ours.delete)];
    for (name, times) in times {
        report.figure(&format!("{name}_ns"), times.nanoseconds(), "ns", "ours; put, update and delete with logging")?;
    }
    growth_pause(&initial, rounds, report)
}

fn measure_ours(initial: &Records, updates: &Records, times: &mut Times) -> Result<()> {
    let mut manager = manager();
    for (records, times) in [(initial, &mut times.put), (updates, &mut times.update)] {
        times.round(records.iter(), |(key, value)| Ok(manager.put(key, value)?))?;
        // What was logged is not what is measured next.
        block_on(manager.create_checkpoint(0))?;
    }
    let mut sum = 0;
    times.get.round(updates.iter(), |(key, _)| {
        sum += manager.get(key).map_or(0, |value| u64::from(value[7]));
        Ok(())
    })?;
    ensure!(sum == updates.iter().map(|(_, value)| u64::from(value[7])).sum::<u64>(), "other values came back");
    times.delete.round(updates.iter(), |(key, _)| {
        ensure!(manager.delete(key)?, "a key was not there");
        Ok(())
    })?;
    ensure!(manager.is_empty(), "keys were left");
    Ok(())
}

fn measure_map(initial: &Records, updates: &Records, times: &mut Times) -> Result<()> {
    let mut map: FxHashMap<Vec<u8>, Vec<u8>> = FxHashMap::default();
    for (records, times) in [(initial, &mut times.put), (updates, &mut times.update)] {
        times.round(records.iter(), |(key, value)| {
            map.insert(key.to_vec(), value.to_vec());
            Ok(())
        })?;
    }
    times.delete.round(updates.iter(), |(key, _)| {
        ensure!(map.remove(key).is_some(), "a key was not there");
        Ok(())
    })
}

fn measure_boxed(initial: &Records, updates: &Records, times: &mut Times) -> Result<()> {
    let map: Map = initial.iter().map(|(key, value)| (key.into(), value.into())).collect();
    let mut sum = 0;
    times.get.round(updates.iter(), |(key, _)| {
        sum += map.get(key).map_or(0, |value| u64::from(value[7]));
        Ok(())
    })?;
    ensure!(sum > 0, "nothing was found");
    Ok(())
}

/// The longest put while growing. Of each put the median over the rounds counts, so that what the
/// machine did meanwhile falls away and what the table does stays.
fn growth_pause(initial: &Records, rounds: u32, report: &mut Report) -> Result<()> {
    let longest = |put_all: &mut dyn FnMut(&mut Vec<f64>) -> Result<()>| -> Result<f64> {
        let mut times = vec![Vec::with_capacity(initial.len()); rounds as usize];
        times.iter_mut().try_for_each(put_all)?;
        let of_one = |at: usize| median(&times.iter().map(|round| round[at]).collect::<Vec<_>>());
        Ok((0..initial.len()).map(of_one).fold(0.0, f64::max))
    };
    let ours = longest(&mut |times| {
        let mut manager = manager();
        for (key, value) in initial.iter() {
            let started = Instant::now();
            manager.put(key, value)?;
            times.push(started.elapsed().as_secs_f64() * 1e6);
        }
        Ok(())
    })?;
    let map = longest(&mut |times| {
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
