//! Plugins of the measurements: honest ones, and those of the kit.

use std::path::Path;
use std::time::Duration;

use alluvium_host::bindings::engine::alluvium::checkpoint::types::Columns;
use alluvium_host::{Batch, ColumnBatch, Host, Module, Plugin, PluginOptions, RuntimeError};
use alluvium_hostile::{Guest, OK};
use anyhow::{Result, ensure};

use crate::measure::{median, percentile, timed};
use crate::sandbox::STATE_BYTES;
use crate::sandbox::process::waited_us;

/// Compiles a plugin.
pub(super) fn load(host: &Host, scratch: &Path, guest: &Guest) -> Result<Module> {
    let file = scratch.join("plugin.wasm");
    std::fs::write(&file, guest.component())?;
    Ok(host.load(file)?)
}

pub(super) fn options() -> PluginOptions {
    PluginOptions { state_memory_bytes: STATE_BYTES, ..PluginOptions::default() }
}

pub(super) fn start(host: &Host, code: &Module, place: &Path) -> Result<Plugin> {
    let mut plugin = host.start(code, place, &options())?;
    begin(&mut plugin)?;
    Ok(plugin)
}

pub(super) fn begin(plugin: &mut Plugin) -> Result<(), RuntimeError> {
    plugin.begin(0, &["carrier".to_owned()])
}

/// A batch of one record.
pub(super) fn batch() -> Batch {
    Batch::Columns(ColumnBatch { count: 1, field_lens: vec![2], fields: b"UA".to_vec() })
}

/// Has a hostile plugin do what it does, which ends it or is refused: in a batch, in its results, or in what it leaves
/// to be written.
pub(super) fn perform(plugin: &mut Plugin) -> Result<RuntimeError> {
    let attempt = |plugin: &mut Plugin| -> Result<(), RuntimeError> {
        plugin.feed(0, &batch())?;
        let mut is_start = true;
        while !plugin.results(is_start, 1_000)?.is_empty() {
            is_start = false;
        }
        plugin.checkpoint().map(drop)
    };
    match attempt(plugin) {
        Err(error) => Ok(error),
        Ok(()) => Err(anyhow::anyhow!("nothing stopped it")),
    }
}

/// Puts so many keys into a plugin's state, and makes them durable.
pub(super) fn fill(plugin: &mut Plugin, keys: u32) -> Result<()> {
    for first in (0..keys).step_by(100_000) {
        let count = 100_000.min(keys - first);
        let batch = Columns {
            ops: vec![0; count as usize],
            key_lens: vec![4; count as usize],
            value_lens: vec![0; count as usize],
            keys: (first..first + count).flat_map(|key| key.wrapping_mul(0x9e37_79b1).to_le_bytes()).collect(),
            values: Vec::new(),
        };
        plugin.with_engine(|engine| engine.apply(0, &batch))?;
    }
    Ok(())
}

/// A plugin that puts two hundred values in each batch, under a thousand keys.
pub(super) fn honest() -> Guest {
    let put = "(i32.store (i32.const 8192) (i32.rem_u (i32.add (i32.load (i32.const 8192)) (i32.const 1))
            (i32.const 1000)))
        (call $put (i32.const 8192) (i32.const 4) (i32.const 65536) (i32.const 100) (i32.const 4096))";
    Guest::new().process(&format!("{} {OK}", put.repeat(200)))
}

/// The 99th percentile of batches, in microseconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct P99 {
    /// By the clock, as the caller sees it.
    pub(super) wall: f64,
    /// Without the time in which this thread was ready and another one ran instead, of this process or of any other.
    pub(super) running: f64,
}

impl P99 {
    /// The medians of several.
    pub(super) fn median(all: &[Self]) -> Self {
        let of = |part: fn(&Self) -> f64| median(&all.iter().map(part).collect::<Vec<_>>());
        Self { wall: of(|one| one.wall), running: of(|one| one.running) }
    }
}

/// Feeds batches to plugins in turns. They take at most half of one core: as long as a batch took, nothing is done.
pub(super) fn feed_in_turns(plugins: &mut [Plugin], batches: usize) -> Result<P99> {
    let (mut wall, mut running) = (Vec::with_capacity(batches), Vec::with_capacity(batches));
    ensure!(!plugins.is_empty(), "no plugins");
    let count = plugins.len();
    for number in 0..batches {
        let plugin = &mut plugins[number % count];
        let before_us = waited_us()?;
        let (elapsed_us, fed) = timed(|| plugin.feed(0, &batch()));
        fed?;
        wall.push(elapsed_us);
        running.push((elapsed_us - (waited_us()? - before_us)).max(0.0));
        std::thread::sleep(Duration::from_nanos((elapsed_us * 1e3) as u64));
    }
    Ok(P99 { wall: percentile(&wall, 0.99), running: percentile(&running, 0.99) })
}
