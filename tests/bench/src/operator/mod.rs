//! The way of a record through an operator and its engine, against the same operator over a map.

mod map;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use alluvium_host::{Batch, ColumnBatch, Host, HostOptions, Module, Plugin, PluginOptions};
use alluvium_plugin::{Batch as NativeBatch, Context, Operator};
use anyhow::{Result, ensure};
use rustc_hash::FxHashSet;
use rustix::time::ClockId;

use self::map::MapHost;
use crate::component::built;
use crate::measure::{busy_us, fresh_directory, median};
use crate::report::Report;

/// Workload P: so many records over so many keys, with a checkpoint after each so many.
const RECORDS: u32 = 1_000_000;
const KEYS: u32 = 100_000;
const CHECKPOINT_EVERY: u32 = 100_000;
/// Records of a batch, as a rule.
const BATCH: u32 = 1_000;
/// Bytes of a value in a record. In the state it has eight more.
const VALUE_BYTES: usize = 92;

/// Measures both engines, each in turns with the rival, and what batches and keys cost.
pub fn run(rounds: u32, scratch: &Path, report: &mut Report) -> Result<()> {
    let engines = [
        ("native", Host::native(HostOptions::default())?),
        ("component", Host::new(built("ALLUVIUM_ENGINE", "alluvium_wasm")?, HostOptions::default())?),
    ];
    for (name, host) in engines {
        let code = host.load(built("ALLUVIUM_BENCH_OPERATOR", "bench_operator")?)?;
        let contender = Contender { host, code, directory: scratch.join(format!("operator-{name}")) };
        contender.against_the_map(name, rounds, report)?;
        contender.ten_million(name, report)?;
    }
    Ok(())
}

/// The operator as a component, over one of the engines.
struct Contender {
    host: Host,
    code: Module,
    directory: PathBuf,
}

impl Contender {
    fn against_the_map(&self, name: &str, rounds: u32, report: &mut Report) -> Result<()> {
        let (mut rival, mut ours, mut small) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..rounds {
            let mut random = fastrand::Rng::with_seed(u64::from(round) + 1);
            let mut records = Records { numbers: (0..RECORDS).map(|_| random.u32(..KEYS)).collect(), batch: BATCH };
            rival.push(over_a_map(&records)?);
            ours.push(self.cpu(&records)?);
            records.batch = 10;
            small.push(self.cpu(&records)?);
        }
        let (rival, ours, small) = (median(&rival), median(&ours), median(&small));
        let of = format!("{ours:.0} ns of the processor a record, checkpoints included; over a map {rival:.0} ns");
        report.goal(&format!("plugin_vs_map_{name}"), ours / rival, "<= 1.3", "x", &of)?;
        let of = format!("{small:.0} ns a record in batches of 10, {ours:.0} ns in batches of {BATCH}");
        report.goal(&format!("plugin_batch10_vs_batch1000_{name}"), small / ours, "<= 1.1", "x", &of)
    }

    /// Each key once: ten million against ten times a million.
    fn ten_million(&self, name: &str, report: &mut Report) -> Result<()> {
        let once = |keys: u32| self.cpu(&Records { numbers: (0..keys).collect(), batch: BATCH });
        let (few, many) = (once(1_000_000)?, once(10_000_000)?);
        let of = format!("{many:.0} ns of the processor a record for ten million keys, {few:.0} ns for one million");
        report.goal(&format!("plugin_10m_vs_1m_{name}"), many / few, "<= 1.2", "x", &of)
    }

    /// Feeds all records, with checkpoints. Returns the nanoseconds of the processor for one, in all threads.
    fn cpu(&self, records: &Records) -> Result<f64> {
        fresh_directory(&self.directory)?;
        let mut plugin = self.host.start(&self.code, &self.directory, &PluginOptions::default())?;
        plugin.begin(0, &HEADER.map(str::to_owned))?;
        let mut spent_ns = 0.0;
        for numbers in records.numbers.chunks(CHECKPOINT_EVERY as usize) {
            let batches: Vec<Batch> = records.batches(numbers).map(Batch::Columns).collect();
            let before = cpu_ns();
            for batch in &batches {
                plugin.feed(0, batch)?;
                plugin.finished_checkpoints()?;
            }
            plugin.begin_checkpoint()?;
            spent_ns += cpu_ns() - before;
        }
        let before = cpu_ns();
        plugin.wait_for_checkpoints()?;
        spent_ns += cpu_ns() - before;
        check(&mut plugin, records.keys())?;
        plugin.close();
        Ok(spent_ns / records.numbers.len() as f64)
    }
}

fn check(plugin: &mut Plugin, keys: usize) -> Result<()> {
    // The first namespace that a plugin declares is 1.
    let found = plugin.with_engine(|engine| engine.len(1))?;
    ensure!(found == keys as u64, "the state has {found} keys of {keys}");
    Ok(())
}

/// The same natively, over a map.
fn over_a_map(records: &Records) -> Result<f64> {
    let refused = |text: String| anyhow::anyhow!(text);
    let (mut host, mut operator) = (MapHost::default(), bench_operator::newest());
    operator.begin(0, &HEADER.map(str::to_owned)).map_err(refused)?;
    let parameters = BTreeMap::new();
    let mut spent_ns = 0.0;
    for numbers in records.numbers.chunks(CHECKPOINT_EVERY as usize) {
        let batch = |ColumnBatch { count, field_lens, fields }| NativeBatch::Columns { count, field_lens, fields };
        let batches: Vec<NativeBatch> = records.batches(numbers).map(batch).collect();
        let before = cpu_ns();
        for batch in &batches {
            let mut context = Context::new(&mut host, &parameters);
            operator.process(0, batch, &mut context).map_err(|failure| refused(failure.text))?;
            context.flush().map_err(refused)?;
        }
        spent_ns += cpu_ns() - before;
    }
    ensure!(host.state.len() == records.keys(), "the map has {} keys", host.state.len());
    Ok(spent_ns / records.numbers.len() as f64)
}

const HEADER: [&str; 2] = ["key", "value"];

/// Records by the numbers of their keys, and how many are a batch.
struct Records {
    numbers: Vec<u32>,
    batch: u32,
}

impl Records {
    /// How many keys they have.
    fn keys(&self) -> usize {
        self.numbers.iter().collect::<FxHashSet<_>>().len()
    }

    fn batches<'a>(&self, numbers: &'a [u32]) -> impl Iterator<Item = ColumnBatch> + use<'a> {
        numbers.chunks(self.batch as usize).map(|numbers| {
            let mut batch = ColumnBatch { count: numbers.len() as u32, field_lens: Vec::new(), fields: Vec::new() };
            for number in numbers {
                // Scattered as hashes are.
                let key = format!("{:016x}", (u64::from(*number) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
                batch.field_lens.extend([key.len() as u32, VALUE_BYTES as u32]);
                batch.fields.extend_from_slice(key.as_bytes());
                batch.fields.extend(key.bytes().cycle().take(VALUE_BYTES));
            }
            batch
        })
    }
}

/// The time of the processor that all threads have had, in nanoseconds.
fn cpu_ns() -> f64 {
    busy_us(ClockId::ProcessCPUTime) * 1e3
}
