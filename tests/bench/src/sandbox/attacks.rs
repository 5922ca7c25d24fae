//! Each attack: when it is stopped, what it takes, and what a neighbour feels meanwhile.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use alluvium_host::{Host, Limits, Plugin};
use alluvium_hostile::{ATTACKS, Attack};
use anyhow::{Context, Result, ensure};

use crate::measure::{disk_bytes, fresh_directory, timed};
use crate::report::Report;
use crate::sandbox::others::OTHERS;
use crate::sandbox::process::peak_mib;
use crate::sandbox::tenant::{P99, begin, feed_in_turns, fill, honest, load, perform, start};
use crate::sandbox::{CALL, DISK_BYTES, LATE_MS};

/// Batches of the neighbour, for each percentile.
const BATCHES: usize = 1_000;
/// Percentiles without the attack and with it, in turns.
const ROUNDS: usize = 3;
/// Keys of the state that an attack begins with, if it is one on a large state.
const KEYS: u32 = 2_000_000;
/// What a plugin may take of memory: its own, and 32 MiB.
const MIB: usize = (256 << 20 >> 20) + 32;

/// Measures every attack of the kit, and those that are no calls of a plugin.
pub(super) fn run(host: &Host, scratch: &Path, report: &mut Report) -> Result<()> {
    ensure!(Limits::default().plugin_memory_bytes >> 20 == MIB - 32, "the default limit has changed");
    let (honest_place, place) = (scratch.join("honest"), scratch.join("attack"));
    fresh_directory(&honest_place)?;
    let mut neighbour = [start(host, &load(host, scratch, &honest())?, &honest_place)?];
    feed_in_turns(&mut neighbour, BATCHES)?;
    for other in OTHERS {
        fresh_directory(&place)?;
        let mut attack = (other.prepare)(host, &place)?;
        stopped(other.name, other.within_ms, &mut attack, report)?;
        if other.repeats {
            felt(other.name, &mut neighbour, report, || attack().map(drop))?;
        }
    }
    for attack in ATTACKS {
        fresh_directory(&place)?;
        let mut plugin = start(host, &load(host, scratch, &(attack.guest)())?, &place.join("state"))?;
        let keys = if attack.name == "walks" { KEYS } else { 0 };
        fill(&mut plugin, keys)?;
        let within_ms = CALL.as_secs_f64() * 1e3;
        let error = stopped(attack.name, within_ms, || Ok(perform(&mut plugin)?.to_string()), report)?;
        ensure!(error.contains(attack.ends_by), "{}: {error}", attack.name);
        let written = disk_bytes(&place)?;
        let text = "bytes of its directory after it";
        report.goal(
            &format!("sandbox_{}_disk", attack.name),
            written as f64,
            &format!("<= {DISK_BYTES}"),
            "B",
            text,
        )?;
        again(&attack, keys, &mut plugin)?;
        felt(attack.name, &mut neighbour, report, || {
            perform(&mut plugin)?;
            again(&attack, keys, &mut plugin)
        })?;
    }
    Ok(())
}

/// Starts a plugin again after it has attacked.
fn again(attack: &Attack, keys: u32, plugin: &mut Plugin) -> Result<()> {
    plugin.restart().with_context(|| attack.name)?;
    begin(plugin)?;
    fill(plugin, keys)
}

/// Runs an attack, and reports when it was stopped and what memory it took at most.
fn stopped(name: &str, within_ms: f64, attack: impl FnOnce() -> Result<String>, report: &mut Report) -> Result<String> {
    let before = peak_mib(true)?;
    let (stopped_us, error) = timed(attack);
    let error = error?;
    let within = format!("<= {}", within_ms + LATE_MS);
    let text: String = error.chars().take(100).collect();
    report.goal(&format!("sandbox_{name}_ms"), stopped_us / 1e3, &within, "ms", &text)?;
    let taken = (peak_mib(false)? - before).max(0.0);
    report.goal(&format!("sandbox_{name}_mib"), taken, &format!("<= {MIB}"), "MiB", "of memory at most")?;
    Ok(error)
}

/// Reports the p99 of a neighbour's batches while an attack is made again and again, over what it is without.
fn felt(
    name: &str,
    neighbour: &mut [Plugin],
    report: &mut Report,
    mut attack: impl FnMut() -> Result<()> + Send,
) -> Result<()> {
    let mut p99 = || feed_in_turns(neighbour, BATCHES);
    let (mut alone, mut beside, mut attacks) = (Vec::new(), Vec::new(), 0_u32);
    for _ in 0..ROUNDS {
        alone.push(p99()?);
        let ends = AtomicBool::new(false);
        let measured = std::thread::scope(|scope| -> Result<P99> {
            let attacker = scope.spawn(|| -> Result<u32> {
                let mut made = 0;
                while made == 0 || !ends.load(Ordering::Relaxed) {
                    attack()?;
                    made += 1;
                }
                Ok(made)
            });
            let measured = p99();
            ends.store(true, Ordering::Relaxed);
            attacks += attacker.join().map_err(|_| anyhow::anyhow!("the attacker panicked"))??;
            measured
        });
        beside.push(measured.with_context(|| name.to_owned())?);
    }
    let (alone, beside) = (P99::median(&alone), P99::median(&beside));
    report_felt(
        name,
        alone,
        beside,
        &format!("a neighbour's batches, beside {attacks} attacks"),
        Some("<= 1.5"),
        report,
    )
}

/// Reports two percentiles as a ratio: by the clock, and without what was waited for a core.
pub(super) fn report_felt(
    name: &str,
    alone: P99,
    beside: P99,
    what: &str,
    goal: Option<&str>,
    report: &mut Report,
) -> Result<()> {
    let text = format!("p99 of {what}: {:.0} us, {:.0} us alone", beside.wall, alone.wall);
    let (row, ratio) = (format!("sandbox_{name}_p99"), beside.wall / alone.wall);
    match goal {
        Some(goal) => report.goal(&row, ratio, goal, "x", &text)?,
        None => report.figure(&row, ratio, "x", &text)?,
    }
    let text = "the same without the time in which the thread waited for a core";
    report.figure(&format!("{row}_running"), beside.running / alone.running, "x", text)
}
