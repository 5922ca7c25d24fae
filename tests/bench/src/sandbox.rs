//! Attacks of `docs/security.md`: how long each runs until it is stopped, and what it takes of memory.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use alluvium_host::{Batch, Cache, ColumnBatch, Host, HostOptions, Limits, Plugin, PluginOptions, RuntimeError};
use alluvium_hostile::{Guest, OK, bombs};
use anyhow::{Context, Result, ensure};

use crate::measure::{fresh_directory, percentile, timed};
use crate::report::Report;

/// How long one call may take.
const CALL: Duration = Duration::from_secs(1);
/// A plugin is stopped at most so much later.
const LATE_MS: f64 = 100.0;
/// Batches of the neighbours, for each percentile.
const BATCHES: usize = 2_000;

/// What an attack does with the host. It makes its component before the clock runs.
type Attack = fn(&Host, &Path) -> Result<RuntimeError>;

/// The components that are only loaded, which take longer to make than to refuse.
const LOADED: [(&str, Bomb); 2] =
    [("compile_bomb", || bombs::loops(2_000, 5_000)), ("globals", || bombs::globals(58, 990_000))];

/// Makes a component.
type Bomb = fn() -> Vec<u8>;

const ATTACKS: [(&str, f64, Attack); 6] = [
    ("loop", 1_000.0, |host, place| feed(host, place, "(loop $again (br $again)) (unreachable)")),
    ("memory", 0.0, |host, place| {
        feed(host, place, "(loop $m (br_if $m (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (unreachable)")
    }),
    ("output", 0.0, |host, place| {
        let emit = "(call $emit (i32.const 65536) (i32.const 60000) (i32.const 4096))";
        feed(host, place, &format!("(loop $more {emit} (br $more)) (unreachable)"))
    }),
    ("error_text", 0.0, |host, place| {
        let text = "(drop (memory.grow (i32.const 1000)))
            (i32.store (i32.const 8192) (i32.const 1)) (i32.store (i32.const 8196) (i32.const 0))
            (i32.store (i32.const 8204) (i32.const 65536)) (i32.store (i32.const 8208) (i32.const 62914560))
            (i32.const 8192)";
        feed(host, place, text)
    }),
    ("results", 0.0, |host, place| {
        let page = "(i32.store (i32.const 8464) (i32.const 0)) (i32.store (i32.const 8468) (i32.const 8448))
            (i32.store (i32.const 8472) (i32.const 1)) (i32.store (i32.const 8448) (i32.const 700))
            (i32.store (i32.const 8452) (i32.const 11)) (return (i32.const 8464))";
        let guest = Guest::new().more("(data (i32.const 700) \"{\\\"key\\\":\\\"a\\\"}\")").results(page);
        let mut plugin = start(host, place, &guest)?;
        let mut is_start = true;
        loop {
            match plugin.results(is_start, 1_000) {
                Ok(_) => is_start = false,
                Err(error) => return Ok(error),
            }
        }
    }),
    ("recursion", 0.0, |host, place| {
        let again = "(call $process (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4)
            (local.get 5) (local.get 6)) (i32.add (i32.const 1))";
        feed(host, place, again)
    }),
];

/// Runs every attack, and then neighbours beside one that loops.
pub fn run(scratch: &Path, report: &mut Report) -> Result<()> {
    let engine = std::env::var_os("ALLUVIUM_ENGINE").map(PathBuf::from).context("ALLUVIUM_ENGINE")?;
    let limits = Limits { plugin_call: CALL, ..Limits::default() };
    let cache = Cache::at(scratch.join("cache"));
    let host = Host::new(engine, HostOptions { limits, cache, ..HostOptions::default() })?;
    let place = scratch.join("attack");
    for (name, component) in LOADED {
        fresh_directory(&place)?;
        let file = place.join("plugin.wasm");
        std::fs::write(&file, component())?;
        measure(name, LATE_MS, || host.load(&file).err().context("it was loaded"), report)?;
    }
    for (name, within_ms, attack) in ATTACKS {
        fresh_directory(&place)?;
        measure(name, within_ms + LATE_MS, || attack(&host, &place), report)?;
    }
    neighbours(&host, scratch, report)
}

/// Runs an attack, and reports when it was stopped and what memory it took at most.
fn measure(
    name: &str,
    within_ms: f64,
    attack: impl FnOnce() -> Result<RuntimeError>,
    report: &mut Report,
) -> Result<()> {
    let before = peak_mib(true)?;
    let (stopped_us, error) = timed(attack);
    let error = error?;
    let within = format!("<= {within_ms}");
    report.goal(&format!("sandbox_{name}_ms"), stopped_us / 1e3, &within, "ms", &first_line(&error))?;
    let taken = (peak_mib(false)? - before).max(0.0);
    let budget = (Limits::default().plugin_memory_bytes >> 20) + 32;
    report.goal(&format!("sandbox_{name}_mib"), taken, &format!("<= {budget}"), "MiB", "of memory at most")
}

fn first_line(error: &RuntimeError) -> String {
    error.to_string().chars().take(100).collect()
}

/// The most memory that this process has taken, in MiB; with `again`, counted from now on.
fn peak_mib(again: bool) -> Result<f64> {
    if again {
        std::fs::write("/proc/self/clear_refs", "5")?;
    }
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).context("no VmHWM")?;
    let kib: f64 = line.split_whitespace().nth(1).context("no number")?.parse()?;
    Ok(kib / 1024.0)
}

fn start(host: &Host, place: &Path, guest: &Guest) -> Result<Plugin> {
    let file = place.join("plugin.wasm");
    std::fs::write(&file, guest.component())?;
    let mut plugin = host.start(&host.load(file)?, place.join("state"), &PluginOptions::default())?;
    plugin.begin(0, &["carrier".to_owned()])?;
    Ok(plugin)
}

fn batch() -> Batch {
    Batch::Columns(ColumnBatch { count: 1, field_lens: vec![2], fields: b"UA".to_vec() })
}

fn feed(host: &Host, place: &Path, process: &str) -> Result<RuntimeError> {
    start(host, place, &Guest::new().process(process))?.feed(0, &batch()).err().context("nothing stopped it")
}

/// The batches of an honest plugin, with and without a neighbour that loops, is stopped and starts again.
fn neighbours(host: &Host, scratch: &Path, report: &mut Report) -> Result<()> {
    let place = |name: &str| -> Result<PathBuf> {
        let place = scratch.join(name);
        fresh_directory(&place)?;
        Ok(place)
    };
    let put = "(i32.store (i32.const 8192) (i32.add (i32.load (i32.const 8192)) (i32.const 1)))
        (call $put (i32.const 8192) (i32.const 4) (i32.const 65536) (i32.const 100) (i32.const 4096))";
    let honest = Guest::new().process(&format!("{} {OK}", put.repeat(200)));
    let mut honest = start(host, &place("honest")?, &honest)?;
    let hostile = Guest::new().process("(loop $again (br $again)) (unreachable)");
    let mut hostile = start(host, &place("looping")?, &hostile)?;
    let mut p99 = || -> Result<f64> {
        let mut samples = Vec::new();
        for _ in 0..BATCHES {
            let (elapsed_us, fed) = timed(|| honest.feed(0, &batch()));
            fed?;
            samples.push(elapsed_us);
            // At most half of one core: as long as the batch took, nothing is done.
            std::thread::sleep(Duration::from_nanos((elapsed_us * 1e3) as u64));
        }
        Ok(percentile(&samples, 0.99))
    };
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        alone.push(p99()?);
        let ends = AtomicBool::new(false);
        let measured = std::thread::scope(|scope| -> Result<f64> {
            let attacker = scope.spawn(|| -> Result<u64> {
                let mut stopped = 0;
                while !ends.load(Ordering::Relaxed) {
                    ensure!(hostile.feed(0, &batch()).is_err(), "nothing stopped it");
                    hostile.restart()?;
                    hostile.begin(0, &["carrier".to_owned()])?;
                    stopped += 1;
                }
                Ok(stopped)
            });
            let measured = p99();
            ends.store(true, Ordering::Relaxed);
            let stopped = attacker.join().map_err(|_| anyhow::anyhow!("the attacker panicked"))??;
            ensure!(stopped > 0, "no attack was stopped in this time");
            measured
        });
        beside.push(measured?);
    }
    let (alone, beside) = (crate::measure::median(&alone), crate::measure::median(&beside));
    let against =
        format!("p99 of a batch, medians of five rounds: {alone:.0} us alone, {beside:.0} us beside one that loops");
    report.goal("sandbox_neighbour_p99", beside / alone, "<= 1.5", "x", &against)?;
    let (took, restarts) = (Instant::now(), 1_000);
    let before = resources()?;
    for _ in 0..restarts {
        honest.restart()?;
    }
    let after = resources()?;
    let text = format!(
        "descriptors, maps and threads after {restarts} restarts in {:.1} s: {after:?}, before {before:?}",
        took.elapsed().as_secs_f64()
    );
    let more = after.iter().zip(before).map(|(after, before)| after.saturating_sub(before)).max().unwrap_or(0);
    report.goal("sandbox_leaked", more as f64, "<= 8", "", &text)
}

/// Open descriptors, mappings and threads.
fn resources() -> Result<[usize; 3]> {
    let count = |path: &str| -> Result<usize> { Ok(std::fs::read_dir(path)?.count()) };
    let maps = std::fs::read_to_string("/proc/self/maps")?.lines().count();
    Ok([count("/proc/self/fd")?, maps, count("/proc/self/task")?])
}
