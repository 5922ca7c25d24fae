//! A scan costs what it finds, not what there is: a hundred entries among a million against among ten thousand.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use alluvium::NativeDirectory;
use alluvium_host::bindings::engine::alluvium::checkpoint::types::{Columns, NamespaceDeclaration, NamespaceKind};
use alluvium_host::{Cache, EngineOptions, Limits, NativeEngine, Range, Runtime, SharedEngine, lock};
use alluvium_test_harness::STORE_ID;
use anyhow::{Result, ensure};
use fastrand::Rng;

use crate::component::built;
use crate::measure::{fresh_directory, median, timed};
use crate::report::Report;

/// Entries that a scan finds.
const FOUND: u32 = 100;
/// Bytes of a value.
const VALUE_BYTES: usize = 100;
/// Scans of a round.
const SCANS: u32 = 500;
/// How many entries there are.
const SIZES: [u32; 2] = [10_000, 1_000_000];

/// Measures both engines over both sizes, in turns.
pub fn run(rounds: u32, scratch: &Path, report: &mut Report) -> Result<()> {
    let runtime = Runtime::new(Limits::default(), Cache::at(scratch.join("scan/cache")))?;
    let file = built("ALLUVIUM_ENGINE", "alluvium_wasm")?;
    for name in ["native", "component"] {
        let mut states = Vec::new();
        for entries in SIZES {
            let directory = scratch.join(format!("scan/{name}-{entries}"));
            fresh_directory(&directory)?;
            let directory = NativeDirectory::open_exclusive(&directory)?;
            let options = EngineOptions::new(STORE_ID, 0);
            let engine: SharedEngine = match name {
                "native" => Arc::new(Mutex::new(NativeEngine::open(Arc::new(directory), &options)?)),
                _ => runtime.open_engine(&file, directory, &options)?,
            };
            states.push(State::fill(engine, entries)?);
        }
        let mut times = [Vec::new(), Vec::new()];
        for round in 0..rounds {
            for turn in 0..2 {
                let at = ((round + turn) % 2) as usize;
                times[at].push(states[at].scans_us(u64::from(round))? / f64::from(SCANS));
            }
        }
        let [few, many] = times.map(|times| median(&times));
        let of = format!("{many:.1} us for {FOUND} entries among {}, {few:.1} us among {}", SIZES[1], SIZES[0]);
        report.goal(&format!("scan_vs_result_{name}"), many / few, "<= 1.5", "x", &of)?;
    }
    map(rounds, report)
}

/// The same with an ordered map, which says how much of it is the distance of the memory.
fn map(rounds: u32, report: &mut Report) -> Result<()> {
    let maps = SIZES.map(|entries| {
        let mut numbers: Vec<u32> = (0..entries).collect();
        Rng::with_seed(1).shuffle(&mut numbers);
        numbers.into_iter().map(|number| (key(number).to_vec(), vec![7; VALUE_BYTES])).collect::<BTreeMap<_, _>>()
    });
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..rounds {
        for (at, map) in maps.iter().enumerate() {
            let mut random = Rng::with_seed(u64::from(round));
            let (elapsed_us, bytes) = timed(|| {
                let mut bytes = 0;
                for _ in 0..SCANS {
                    let first = random.u32(..SIZES[at] / FOUND) * FOUND;
                    let mut values = Vec::new();
                    let found = map.range(key(first).to_vec()..key(first + FOUND).to_vec());
                    found.for_each(|(key, value)| values.extend_from_slice(&[key.as_slice(), value].concat()));
                    bytes += values.len();
                }
                bytes
            });
            ensure!(bytes == (SCANS * FOUND) as usize * (12 + VALUE_BYTES), "the map has found {bytes} bytes");
            times[at].push(elapsed_us / f64::from(SCANS));
        }
    }
    let [few, many] = times.map(|times| median(&times));
    let of = format!("a map of the standard library: {many:.1} us among {}, {few:.1} us among {}", SIZES[1], SIZES[0]);
    report.figure("scan_vs_result_map", many / few, "x", &of)
}

/// An ordered namespace of so many entries, each hundred with a prefix of its own.
struct State {
    engine: SharedEngine,
    namespace: u32,
    entries: u32,
}

impl State {
    fn fill(engine: SharedEngine, entries: u32) -> Result<Self> {
        let namespace = {
            let mut engine = lock(&engine);
            let declaration = NamespaceDeclaration {
                name: "ordered".to_owned(),
                kind: NamespaceKind::Ordered(8),
                expires: None,
                merge: None,
            };
            let namespace = engine.declare_namespace(&declaration)?;
            let mut numbers: Vec<u32> = (0..entries).collect();
            Rng::with_seed(1).shuffle(&mut numbers);
            for batch in numbers.chunks(1_000) {
                let keys: Vec<u8> = batch.iter().flat_map(|number| key(*number)).collect();
                let columns = Columns {
                    ops: vec![0; batch.len()],
                    key_lens: vec![12; batch.len()],
                    value_lens: vec![VALUE_BYTES as u32; batch.len()],
                    keys,
                    values: vec![7; batch.len() * VALUE_BYTES],
                };
                engine.apply(namespace, &columns)?;
            }
            namespace
        };
        Ok(Self { engine, namespace, entries })
    }

    /// Scans prefixes at random. Returns the microseconds of all.
    fn scans_us(&self, seed: u64) -> Result<f64> {
        let mut random = Rng::with_seed(seed);
        let mut engine = lock(&self.engine);
        let (elapsed_us, done) = timed(|| -> Result<()> {
            for _ in 0..SCANS {
                let first = random.u32(..self.entries / FOUND) * FOUND;
                let range = Range { from: key(first).to_vec(), to: Some(key(first + FOUND).to_vec()) };
                let found = engine.scan(self.namespace, &range, false, FOUND + 1)?;
                ensure!(found.key_lens.len() == FOUND as usize, "{} entries were found", found.key_lens.len());
            }
            Ok(())
        });
        done?;
        Ok(elapsed_us)
    }
}

/// A key: the number of its hundred in eight bytes, and its place there in four.
fn key(number: u32) -> [u8; 12] {
    let mut key = [0; 12];
    key[..8].copy_from_slice(&u64::from(number / FOUND).to_be_bytes());
    key[8..].copy_from_slice(&(number % FOUND).to_be_bytes());
    key
}
