//! The stall of a plugin: how long a checkpoint stops its stream, with either engine.

use std::path::Path;

use alluvium_host::bindings::engine::alluvium::checkpoint::types::Columns;
use alluvium_host::{Host, HostOptions, Plugin, PluginOptions};
use anyhow::Result;
use rustix::time::ClockId;

use crate::component::built;
use crate::measure::{busy_us, fresh_directory, median, percentile, timed};
use crate::report::Report;
use crate::workload::{Records, Uniform, Workload};

/// Keys that change between two checkpoints, of as many.
const CHANGED: u32 = 100_000;
/// Records of a batch.
const BATCH: usize = 1_000;

/// Measures both engines over the same changes.
pub fn run(checkpoints: u32, scratch: &Path, report: &mut Report) -> Result<()> {
    let engines = [
        ("native", Host::native(HostOptions::default())?),
        ("component", Host::new(built("ALLUVIUM_ENGINE", "alluvium_wasm")?, HostOptions::default())?),
    ];
    for (name, host) in engines {
        let directory = scratch.join(format!("stall-{name}"));
        fresh_directory(&directory)?;
        let code = host.load(built("ALLUVIUM_DELAYS", "delays")?)?;
        let mut plugin = host.start(&code, &directory, &PluginOptions::default())?;
        let (stalls, busy) = stalls(&mut plugin, checkpoints)?;
        plugin.close();
        report.goal(
            &format!("plugin_stall_p99_us_{name}"),
            percentile(&stalls, 0.99),
            "<= 100",
            "us",
            &format!(
                "of {checkpoints} begun checkpoints, {CHANGED} keys changed; median {:.0}, longest {:.0}",
                median(&stalls),
                percentile(&stalls, 1.0)
            ),
        )?;
        report.figure(
            &format!("plugin_stall_cpu_p99_us_{name}"),
            percentile(&busy, 0.99),
            "us",
            "of the same, the time of its thread alone: without what a busy machine adds",
        )?;
    }
    Ok(())
}

/// The longest, in microseconds, that the stream stood still at a time for each checkpoint: when it was begun, or
/// between two of the batches that came while it was written.
/// The second list is the time of the thread's processor in the same calls.
fn stalls(plugin: &mut Plugin, checkpoints: u32) -> Result<(Vec<f64>, Vec<f64>)> {
    let workload = Workload { keys: CHANGED, ..Workload::of(CHANGED) };
    apply(plugin, &Records::initial(workload), &mut Stall::default())?;
    plugin.checkpoint()?;
    let mut uniform = Uniform::new(CHANGED, 21);
    let (mut stalls, mut busy) = (Vec::new(), Vec::new());
    let mut stall = Stall::default();
    for round in 0..=checkpoints {
        let changed = Records::of(uniform.draw(CHANGED).iter().copied(), u64::from(round) + 1);
        apply(plugin, &changed, &mut stall)?;
        // What is still being written then is not this row's matter.
        plugin.wait_for_checkpoints()?;
        // Before the first round none was begun.
        if round > 0 {
            stalls.push(stall.elapsed_us);
            busy.push(stall.busy_us);
        }
        stall = Stall::default();
        stall.of(|| plugin.begin_checkpoint())?;
    }
    plugin.wait_for_checkpoints()?;
    Ok((stalls, busy))
}

/// The longest that the stream stood still at a time for one checkpoint.
#[derive(Default)]
struct Stall {
    elapsed_us: f64,
    busy_us: f64,
}

impl Stall {
    fn of<T, E>(&mut self, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        let before = busy_us(ClockId::ThreadCPUTime);
        let (elapsed_us, done) = timed(work);
        self.elapsed_us = self.elapsed_us.max(elapsed_us);
        self.busy_us = self.busy_us.max(busy_us(ClockId::ThreadCPUTime) - before);
        done
    }
}

/// Changes the state in batches, and takes note of durable checkpoints between them.
fn apply(plugin: &mut Plugin, records: &Records, stall: &mut Stall) -> Result<()> {
    let entries: Vec<_> = records.iter().collect();
    for batch in entries.chunks(BATCH) {
        let columns = Columns {
            ops: vec![0; batch.len()],
            key_lens: batch.iter().map(|(key, _)| key.len() as u32).collect(),
            value_lens: batch.iter().map(|(_, value)| value.len() as u32).collect(),
            keys: batch.iter().flat_map(|(key, _)| *key).copied().collect(),
            values: batch.iter().flat_map(|(_, value)| *value).copied().collect(),
        };
        plugin.with_engine(|engine| engine.apply(0, &columns))?;
        stall.of(|| plugin.finished_checkpoints())?;
    }
    Ok(())
}
