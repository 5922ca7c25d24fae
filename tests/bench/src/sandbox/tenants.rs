//! A thousand plugins in one process, of which a hundred are hostile by turns.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use alluvium_core::directory::block_on;
use alluvium_host::{Host, Plugin, PluginHandle, PluginOptions, RuntimeError};
use alluvium_hostile::ATTACKS;
use anyhow::{Context, Result, ensure};

use crate::measure::fresh_directory;
use crate::report::Report;
use crate::sandbox::attacks::report_felt;
use crate::sandbox::process::{open_many_files, resident_mib};
use crate::sandbox::tenant::{P99, begin, feed_in_turns, honest, load, options, perform, start};

/// Plugins in all.
pub(super) const ALL: u32 = 1_000;
/// Hostile ones among them.
const HOSTILE: usize = 100;
/// Batches of the honest ones, for each percentile: each gets several.
const BATCHES: usize = 3 * (ALL as usize - HOSTILE);
/// Percentiles without and with the hostile ones, in turns.
const ROUNDS: usize = 5;

/// Measures the others' p99: beside one hostile call at a time, and with all cores taken by hostile calls, with and
/// without a lower priority.
pub(super) fn run(name: &str, host: &Host, scratch: &Path, report: &mut Report) -> Result<()> {
    open_many_files()?;
    let place = scratch.join("tenants");
    fresh_directory(&place)?;
    let code = load(host, scratch, &honest())?;
    let many = (0..ALL as usize - HOSTILE).map(|at| start(host, &code, &place.join(format!("honest-{at}"))));
    let mut honest = many.collect::<Result<Vec<Plugin>>>()?;
    feed_in_turns(&mut honest, BATCHES)?;
    let cores = std::thread::available_parallelism()?.get();
    for (form, at_a_time, niceness, goal) in
        [("", 1, 0, Some("<= 1.5")), ("_all_cores", cores, 0, None), ("_all_cores_nice", cores, 19, None)]
    {
        let (alone, beside, attacks) = measure(host, scratch, &mut honest, at_a_time, niceness)?;
        let what = format!(
            "batches of {} among {ALL} plugins, beside {attacks} attacks, {at_a_time} at a time with niceness \
             {niceness}, {:.0} MiB resident",
            honest.len(),
            resident_mib()?
        );
        report_felt(&format!("{name}tenants{form}"), alone, beside, &what, goal, report)?;
    }
    Ok(())
}

/// Measures with so many hostile calls at a time.
fn measure(
    host: &Host,
    scratch: &Path,
    honest: &mut [Plugin],
    at_a_time: usize,
    niceness: u8,
) -> Result<(P99, P99, usize)> {
    let mut hostile = Vec::new();
    for at in 0..HOSTILE {
        let attack = ATTACKS[at % ATTACKS.len()];
        let place = scratch.join("tenants").join(format!("hostile-{at}"));
        fresh_directory(&place)?;
        let code = load(host, scratch, &(attack.guest)())?;
        let options = PluginOptions { niceness, ..options() };
        let plugin = block_on(host.spawn(&code, place, options))?;
        block_on(plugin.with(begin))?;
        hostile.push(plugin);
    }
    let (mut alone, mut beside, attacks) = (Vec::new(), Vec::new(), AtomicUsize::new(0));
    for _ in 0..ROUNDS {
        alone.push(feed_in_turns(honest, BATCHES)?);
        let ends = AtomicBool::new(false);
        let measured = std::thread::scope(|scope| -> Result<P99> {
            let attack = || -> Result<()> {
                while !ends.load(Ordering::Relaxed) {
                    let at = attacks.fetch_add(1, Ordering::Relaxed) % HOSTILE;
                    turn(&hostile[at]).with_context(|| ATTACKS[at % ATTACKS.len()].name)?;
                }
                Ok(())
            };
            let attackers: Vec<_> = (0..at_a_time).map(|_| scope.spawn(attack)).collect();
            let measured = feed_in_turns(honest, BATCHES);
            ends.store(true, Ordering::Relaxed);
            for attacker in attackers {
                attacker.join().map_err(|_| anyhow::anyhow!("an attacker panicked"))??;
            }
            measured
        });
        beside.push(measured?);
    }
    let attacks = attacks.into_inner();
    ensure!(attacks > ATTACKS.len(), "{attacks} attacks in all");
    Ok((P99::median(&alone), P99::median(&beside), attacks))
}

/// A hostile one's turn, on its own thread: its attack, and a new start.
fn turn(plugin: &PluginHandle) -> Result<()> {
    block_on(plugin.with(|plugin| {
        perform(plugin).map_err(|error| RuntimeError::Host(format!("{error:#}")))?;
        plugin.restart()?;
        begin(plugin)
    }))
    .map_err(Into::into)
}
