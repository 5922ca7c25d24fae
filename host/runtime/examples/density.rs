//! How densely plugins can be packed: so many at once in one process, each with a small state of its
//! own, started from its checkpoint; and what a hostile neighbour costs the others.
//!
//! `make density`, or `cargo run --release -p alluvium-host --example density -- ENGINE.wasm PLUGIN.wasm [PLUGINS=1000]`
//!
//! It measures in a process of its own for each way (on demand, pooled), so that one way's memory
//! does not show in the other's.

use std::error::Error;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use alluvium_host::{
    Batch, Cache, ColumnBatch, Host, HostOptions, Limits, Module, Plugin, PluginOptions, RuntimeError,
};
use alluvium_hostile::Guest;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Keys in each plugin's state.
const KEYS: u32 = 100;
/// Batches for each of the neighbour's percentiles: seconds of them, so that no single moment decides.
const BATCHES: u64 = 30_000;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        [engine, plugin] => all(engine, plugin, "1000"),
        [engine, plugin, plugins] => all(engine, plugin, plugins),
        ["one-way", way, engine, plugin, plugins, state] => {
            one_way(way, engine, plugin, plugins.parse()?, Path::new(state))
        }
        ["neighbours", engine, plugin, state] => neighbours(engine, plugin, Path::new(state)),
        _ => Err("give ENGINE.wasm PLUGIN.wasm [PLUGINS]".into()),
    }
}

fn all(engine: &str, plugin: &str, plugins: &str) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let state = scratch.path().to_str().ok_or("a path of text")?;
    for way in ["fill", "on-demand", "pooled"] {
        again(&["one-way", way, engine, plugin, plugins, state])?;
    }
    again(&["neighbours", engine, plugin, state])
}

/// This program again, with other arguments.
fn again(arguments: &[&str]) -> Result<()> {
    let status = Command::new(std::env::current_exe()?).args(arguments).status()?;
    if status.success() { Ok(()) } else { Err(format!("{arguments:?}: {status}").into()) }
}

fn host(engine: &str, state: &Path, pool: Option<u32>) -> Result<Host> {
    let cache = Cache::at(state.join("cache"));
    Ok(Host::new(engine, HostOptions { cache, pool, ..HostOptions::default() })?)
}

fn start(host: &Host, code: &Module, path: &Path, limits: Option<Limits>) -> std::result::Result<Plugin, RuntimeError> {
    let mut plugin = host.start(code, path, &PluginOptions { limits, ..PluginOptions::default() })?;
    plugin.begin(0, &["carrier", "origin", "dest", "dep_time", "arr_delay"].map(String::from))?;
    Ok(plugin)
}

/// Flights of as many routes.
fn flights(count: u32) -> Result<Batch> {
    let mut records = ColumnBatch { count, field_lens: Vec::new(), fields: Vec::new() };
    for number in 0..count {
        for field in ["UA", "EWR", &format!("D{number:03}"), "600", "17"] {
            records.field_lens.push(u32::try_from(field.len())?);
            records.fields.extend_from_slice(field.as_bytes());
        }
    }
    Ok(Batch::Columns(records))
}

/// All plugins at once, by one way; to `fill`, each takes its first checkpoint.
fn one_way(way: &str, engine: &str, plugin: &str, plugins: u32, state: &Path) -> Result<()> {
    // Each directory holds a few descriptors open.
    let mut files = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    files.current = files.maximum;
    rustix::process::setrlimit(rustix::process::Resource::Nofile, files)?;
    let host = host(engine, state, (way == "pooled").then_some(plugins + 1))?;
    let cold = Instant::now();
    let code = host.load(plugin)?;
    let loaded = cold.elapsed();
    // The first one pays for what all share.
    let mut first = start(&host, &code, &state.join("first"), None)?;
    first.feed(0, &flights(KEYS)?)?;
    let before_kib = resident_kib()?;
    let begun = Instant::now();
    let (mut all, mut each) = (Vec::new(), Vec::new());
    for number in 0..plugins {
        let begun = Instant::now();
        let mut plugin = start(&host, &code, &state.join(format!("plugin-{number}")), None)?;
        each.push(begun.elapsed());
        if way == "fill" {
            plugin.feed(0, &flights(KEYS)?)?;
            plugin.set_source_offset("input", u64::from(KEYS))?;
            plugin.checkpoint()?;
        } else {
            assert_eq!(plugin.recovered().map(|recovered| recovered.key_count), Some(u64::from(KEYS)));
            all.push(plugin);
        }
    }
    if way == "fill" {
        return Ok(());
    }
    let (took, after_kib) = (begun.elapsed(), resident_kib()?);
    let wasm: usize = all.iter().map(Plugin::memory_bytes).sum();
    println!(
        "{way}: {plugins} plugins of {KEYS} keys in {:.2} s; one from its checkpoint: median {:.2} ms, 99th percentile \
         {:.2} ms; resident {} KiB each, of WebAssembly's {} KiB; code from the cache in {:.1} ms",
        took.as_secs_f64(),
        ms(percentile(&mut each, 500)),
        ms(percentile(&mut each, 990)),
        (after_kib - before_kib) / u64::from(plugins),
        wasm / 1024 / all.len(),
        ms(loaded),
    );
    let begun = Instant::now();
    for plugin in &mut all {
        plugin.feed(0, &flights(KEYS)?)?;
    }
    let fed = begun.elapsed();
    println!(
        "{way}: a batch of {KEYS} records into each of them: {:.2} s, {} KiB each afterwards",
        fed.as_secs_f64(),
        (resident_kib()? - before_kib) / u64::from(plugins)
    );
    Ok(())
}

/// A good plugin alone, and beside one that loops until it is stopped, again and again.
fn neighbours(engine: &str, plugin: &str, state: &Path) -> Result<()> {
    let host = host(engine, state, None)?;
    let mut good = start(&host, &host.load(plugin)?, &state.join("good"), None)?;
    let text = Guest::new().process("(loop $again (br $again)) (unreachable)");
    let hostile = state.join("hostile.wasm");
    std::fs::write(&hostile, text.component())?;
    let hostile = host.load(&hostile)?;
    let mut measure = |what: &str| -> Result<()> {
        let mut each = Vec::new();
        let waited = waited_for_a_core()?;
        for _ in 0..BATCHES {
            let batch = flights(KEYS)?;
            let begun = Instant::now();
            good.feed(0, &batch)?;
            each.push(begun.elapsed());
        }
        let waited = waited_for_a_core()?.saturating_sub(waited);
        println!(
            "{what}: a batch of {KEYS} records: median {:.3} ms, 99th percentile {:.3} ms, 99.9th {:.3} ms; of {:.0} ms \
             it waited {:.1} ms for a core",
            ms(percentile(&mut each, 500)),
            ms(percentile(&mut each, 990)),
            ms(percentile(&mut each, 999)),
            ms(each.iter().sum()),
            ms(waited),
        );
        Ok(())
    };
    measure("alone")?;
    // What the system's scheduler costs by itself: as many threads, and one of them no plugin.
    beside(
        || measure("beside a thread that only computes"),
        |go_on| {
            let mut number = 0_u64;
            while go_on() {
                number = std::hint::black_box(number.wrapping_mul(31).wrapping_add(1));
            }
            Ok(0)
        },
    )?;
    let looping = |go_on: &dyn Fn() -> bool| {
        let limits = Limits { plugin_call: Duration::from_millis(100), ..Limits::default() };
        let mut bad = start(&host, &hostile, &state.join("bad"), Some(limits))?;
        let batch = Batch::Columns(ColumnBatch { count: 0, field_lens: Vec::new(), fields: Vec::new() });
        let mut ends = 0;
        while go_on() {
            ends += u32::from(bad.feed(0, &batch).is_err_and(|error| error.is_end()));
            bad.restart()?;
        }
        Ok(ends)
    };
    let ends = beside(|| measure("beside one that loops"), looping)?;
    println!("meanwhile it was stopped {ends} times");
    Ok(())
}

/// Does one thing on this thread, and another on a second one for as long.
fn beside(
    here: impl FnOnce() -> Result<()>,
    there: impl FnOnce(&dyn Fn() -> bool) -> std::result::Result<u32, RuntimeError> + Send,
) -> Result<u32> {
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| there(&|| !stop.load(std::sync::atomic::Ordering::Relaxed)));
        let done = here();
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        let counted = other.join().map_err(|_| "the neighbour panicked")?;
        done?;
        Ok(counted?)
    })
}

/// How long this thread was ready to run, and another one ran instead, since it began.
fn waited_for_a_core() -> Result<Duration> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let waited = told.split_whitespace().nth(1).ok_or("no time of waiting in schedstat")?;
    Ok(Duration::from_nanos(waited.parse()?))
}

fn percentile(each: &mut [Duration], of_thousand: usize) -> Duration {
    each.sort_unstable();
    each[(each.len() - 1) * of_thousand / 1_000]
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Memory of this process that is really there.
fn resident_kib() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
}
