//! How long a record is on its way: from its arrival to the log or the checkpoint that has its effect.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use alluvium_test_harness::command::recovered;
use fastrand::Rng;
use rustix::process::Signal;

use crate::Outcome;
use crate::life::Life;
use crate::program::Program;
use crate::records::{Record, draw};

/// How often the directory is looked at.
const LOOK_EVERY: Duration = Duration::from_micros(500);

/// How often records are sent that come faster than that.
const TICK: Duration = Duration::from_millis(1);

/// The first records are not counted: the plugin has just begun.
const WARMS_UP: f64 = 0.1;

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Records a second.
    pub rate: u64,
    /// For how long.
    pub time: Duration,
    /// The option `--sync-interval`.
    pub sync_interval_ms: u64,
}

/// What was measured.
#[derive(Debug, Clone)]
pub struct Measured {
    /// How many records count.
    pub records: usize,
    /// Their latencies in milliseconds: half of them are below the first, 99 of 100 below the second, and all
    /// below the third.
    pub p50_ms: f64,
    /// See `p50_ms`.
    pub p99_ms: f64,
    /// See `p50_ms`.
    pub max_ms: f64,
    /// The largest lag in milliseconds of each tenth of the time.
    pub tenths_ms: Vec<f64>,
    /// How many records came a second, as they were sent.
    pub sent_rate: f64,
}

impl Measured {
    /// Whether the lag of the last third is not above that of the first by more than half and the interval.
    pub fn is_steady(&self, load: &Load) -> bool {
        let third = self.tenths_ms.len() / 3;
        let largest = |tenths: &[f64]| tenths.iter().copied().fold(0.0, f64::max);
        let (first, last) =
            (largest(&self.tenths_ms[..third]), largest(&self.tenths_ms[self.tenths_ms.len() - third..]));
        last <= first * 1.5 + load.sync_interval_ms as f64
    }
}

/// How many records were durable when.
type Samples = Vec<(Instant, u64)>;

/// Sends records at a rate through a socket, and looks at the directory.
pub fn measure(program: &Program, load: &Load, seed: u64) -> Outcome<Measured> {
    let failed = |error: std::io::Error| error.to_string();
    let scratch = tempfile::tempdir().map_err(failed)?;
    let directory = scratch.path().join("run");
    let listener = TcpListener::bind("127.0.0.1:0").map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    let mut command = program.run(&directory);
    let options = ["--checkpoint-every", "1000000000", "--checkpoint-interval", "1000", "--time-format", "unix-ms"];
    command.args(["--input".into(), OsString::from(format!("tcp://127.0.0.1:{port}"))]).args(options);
    command.args(["--sync-interval", &load.sync_interval_ms.to_string(), "--no-results"]);
    command.args(["--output".into(), scratch.path().join("output").into_os_string()]);
    let mut life = Life::start(&mut command)?;
    let (mut peer, _) = listener.accept().map_err(failed)?;
    peer.set_nodelay(true).map_err(failed)?;
    let total = load.rate * load.time.as_secs();
    let is_over = AtomicBool::new(false);
    let (due, samples, sent_in) = std::thread::scope(|scope| {
        let looking = scope.spawn(|| look(&directory, total, &is_over));
        let sent = send(&mut peer, load, total, seed);
        let give_up = Instant::now() + load.time * 4 + Duration::from_secs(30);
        while !looking.is_finished() && Instant::now() < give_up && life.listen(Duration::from_millis(50)) {}
        is_over.store(true, Ordering::SeqCst);
        let samples = looking.join().map_err(|_| "what looks at the directory panicked".to_owned())?;
        let (due, sent_in) = sent.map_err(|error| format!("{error}: {}", life.last_words()))?;
        Ok::<_, String>((due, samples, sent_in))
    })?;
    life.signal(Signal::TERM)?;
    let ended = life.end()?;
    if ended.code != Some(0) {
        return Err(format!("{:?}: {}", ended.code, ended.told));
    }
    latencies(&due, &samples, sent_in)
}

/// Sends records when they are due. Returns when that was.
fn send(peer: &mut impl Write, load: &Load, total: u64, seed: u64) -> std::io::Result<(Vec<Instant>, Duration)> {
    let mut random = Rng::with_seed(seed);
    // A few that are sent again and again, so that drawing them costs nothing.
    let lines: Vec<String> = draw(&mut random, 0, 1_000).iter().map(Record::json).map(|line| line + "\n").collect();
    let began = Instant::now();
    let due_at = |number: u64| began + Duration::from_secs_f64(number as f64 / load.rate as f64);
    let due: Vec<Instant> = (0..total).map(due_at).collect();
    let (mut next, mut text) = (0, String::new());
    while next < due.len() {
        let now = Instant::now();
        text.clear();
        while next < due.len() && due[next] <= now {
            text.push_str(&lines[next % lines.len()]);
            next += 1;
        }
        peer.write_all(text.as_bytes())?;
        if let Some(then) = due.get(next) {
            std::thread::sleep(then.saturating_duration_since(Instant::now()).max(TICK));
        }
    }
    Ok((due, began.elapsed()))
}

/// Returns the names of the files below a directory.
fn names(directory: &Path) -> BTreeSet<OsString> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| {
            let below = std::fs::read_dir(entry.path()).into_iter().flatten().flatten();
            below.map(|below| below.path().into_os_string()).chain([entry.path().into_os_string()]).collect::<Vec<_>>()
        })
        .collect()
}

/// Looks at a directory until all records are durable. What is read of it counts if nothing came meanwhile, and
/// from when it was seen that something had come.
fn look(directory: &Path, total: u64, is_over: &AtomicBool) -> Samples {
    let (mut samples, mut before) = (Samples::new(), BTreeSet::new());
    while !is_over.load(Ordering::SeqCst) {
        let (seen, found) = (Instant::now(), names(directory));
        if found == before {
            std::thread::sleep(LOOK_EVERY);
            continue;
        }
        // Files may go while they are read.
        let state = recovered(directory);
        if let (Ok(state), true) = (state, names(directory) == found) {
            let records = state.source_offsets.get("input").copied().unwrap_or(0);
            samples.push((seen, records));
            before = found;
            if records >= total {
                break;
            }
        }
    }
    samples
}

fn latencies(due: &[Instant], samples: &Samples, sent_in: Duration) -> Outcome<Measured> {
    let mut latencies = Vec::new();
    let mut samples = samples.iter();
    let mut sample = samples.next();
    for (number, due) in due.iter().enumerate() {
        while sample.is_some_and(|(_, records)| *records <= number as u64) {
            sample = samples.next();
        }
        let (seen, _) = sample.ok_or_else(|| format!("record {number} was not seen to be durable"))?;
        latencies.push(seen.saturating_duration_since(*due).as_secs_f64() * 1e3);
    }
    let tenth = (latencies.len() / 10).max(1);
    let largest = |tenth: &[f64]| tenth.iter().copied().fold(0.0, f64::max);
    let tenths_ms = latencies.chunks(tenth).take(10).map(largest).collect();
    let first = (latencies.len() as f64 * WARMS_UP) as usize;
    let mut sorted = latencies.split_off(first);
    sorted.sort_by(f64::total_cmp);
    let at = |part: f64| sorted[((sorted.len() - 1) as f64 * part) as usize];
    Ok(Measured {
        records: sorted.len(),
        p50_ms: at(0.5),
        p99_ms: at(0.99),
        max_ms: at(1.0),
        tenths_ms,
        sent_rate: due.len() as f64 / sent_in.as_secs_f64(),
    })
}
