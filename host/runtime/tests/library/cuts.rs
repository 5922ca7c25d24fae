//! Batches may be cut anywhere between two times: the example operators then have the same state, the same timers and the
//! same output, byte for byte.

use std::io::Read;
use std::path::Path;

use alluvium_host::{Batch, ColumnBatch, Module, Plugin, PluginOptions};
use fastrand::Rng;

use crate::support::{Bench, component};

/// How often each operator is fed, with each engine, in other batches. `make torture` sets `ALLUVIUM_CUTS` to 100.
fn seeds() -> u64 {
    std::env::var("ALLUVIUM_CUTS").map_or(8, |cuts| cuts.parse().expect("a number of cuts"))
}

/// Records of each input between two times.
const EPOCH: usize = 400;
/// How often the time moves.
const EPOCHS: usize = 3;

/// Records of an input, and the column of their times.
struct Input {
    header: Vec<String>,
    records: Vec<Vec<Vec<u8>>>,
    time: usize,
}

impl Input {
    fn read(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data").join(name);
        let mut text = Vec::new();
        let file = std::fs::File::open(path).expect("a file");
        flate2::read::GzDecoder::new(file).read_to_end(&mut text).expect("it is read");
        let mut reader = csv::Reader::from_reader(text.as_slice());
        let header: Vec<String> = reader.headers().expect("a header").iter().map(str::to_owned).collect();
        let record =
            |record: csv::Result<csv::ByteRecord>| record.expect("a record").iter().map(<[u8]>::to_vec).collect();
        let records = reader.byte_records().take(EPOCH * EPOCHS).map(record).collect();
        let time = header.iter().position(|column| column == "time_hour").expect("a column of times");
        Self { header, records, time }
    }

    /// The latest time of an epoch, in milliseconds.
    fn latest(&self, epoch: usize) -> i64 {
        let of = |record: &Vec<Vec<u8>>| String::from_utf8(record[self.time].clone()).expect("text");
        let latest = self.records[epoch * EPOCH..(epoch + 1) * EPOCH].iter().map(of).max().expect("a record");
        latest.parse::<jiff::Timestamp>().expect("a time").as_millisecond()
    }
}

fn batch(records: &[Vec<Vec<u8>>]) -> Batch {
    let fields = || records.iter().flatten();
    Batch::Columns(ColumnBatch {
        count: u32::try_from(records.len()).expect("few"),
        field_lens: fields().map(|field| u32::try_from(field.len()).expect("short")).collect(),
        fields: fields().flatten().copied().collect(),
    })
}

/// What is left of a run: the entries of all namespaces, timers among them, and what was emitted to each output.
type Left = (Vec<(Vec<u8>, Vec<u8>)>, Vec<Vec<u8>>);

fn run(bench: &Bench, code: &Module, inputs: &[&Input], name: &str, mut cut: impl FnMut(usize) -> usize) -> Left {
    let mut plugin = bench.host.start(code, bench.path(name), &PluginOptions::default()).expect("it starts");
    for (number, input) in (0..).zip(inputs) {
        plugin.begin(number, &input.header).expect("it begins");
    }
    let mut emitted = vec![Vec::new(); plugin.description().outputs.len()];
    for epoch in 0..EPOCHS {
        for (number, input) in (0..).zip(inputs) {
            let mut rest = &input.records[epoch * EPOCH..(epoch + 1) * EPOCH];
            while !rest.is_empty() {
                let (records, after) = rest.split_at(cut(rest.len()));
                plugin.feed(number, &batch(records)).expect("a batch");
                rest = after;
            }
        }
        let latest = inputs.iter().map(|input| input.latest(epoch)).min().expect("an input");
        plugin.with_engine(|engine| engine.set_watermark(latest - 6 * 3_600_000)).expect("it is set");
        while plugin.fire_timers().expect("they fire") > 0 {}
        for (all, emitted) in emitted.iter_mut().zip(plugin.take_emitted()) {
            all.extend_from_slice(emitted.bytes());
        }
    }
    let namespaces = u32::try_from(plugin.description().namespaces.len()).expect("few");
    let entries = (1..=namespaces).flat_map(|namespace| entries(&mut plugin, namespace)).collect();
    plugin.close();
    (entries, emitted)
}

fn entries(plugin: &mut Plugin, namespace: u32) -> Vec<(Vec<u8>, Vec<u8>)> {
    let page = plugin.with_engine(|engine| {
        let walk = engine.iterate(namespace, b"")?;
        engine.next(walk, 100_000)
    });
    let page = page.expect("the entries");
    let (mut keys, mut values) = (page.keys.as_slice(), page.values.as_slice());
    let mut entries = Vec::new();
    for (&key_len, &value_len) in page.key_lens.iter().zip(&page.value_lens) {
        let (key, after) = keys.split_at(key_len as usize);
        let (value, behind) = values.split_at(value_len as usize);
        entries.push((key.to_vec(), value.to_vec()));
        (keys, values) = (after, behind);
    }
    entries
}

#[test]
fn batches_of_any_length_have_the_same_state_timers_and_output() {
    let [flights, weather] = ["flights-2013-01.csv.gz", "weather-2013-01.csv.gz"].map(Input::read);
    let operators = [
        ("weather", vec![&weather]),
        ("aircraft", vec![&flights]),
        ("routes", vec![&flights]),
        ("unique", vec![&flights]),
        ("overdue", vec![&flights]),
        ("board", vec![&flights]),
        ("joined", vec![&flights, &weather]),
    ];
    for (engine, bench) in Bench::both() {
        for (name, inputs) in &operators {
            let code =
                bench.host.load(component(&format!("ALLUVIUM_{}", name.to_uppercase()), &format!("{name}.wasm")));
            let code = code.expect("it loads");
            let whole = run(&bench, &code, inputs, &format!("{name}-whole"), |len| len);
            assert!(!whole.0.is_empty(), "{name}: something is left");
            for seed in 0..seeds() {
                let mut random = Rng::with_seed(seed);
                // Half of the seeds cut off a few records at a time.
                let most = if seed % 2 == 0 { 20 } else { EPOCH };
                let cuts = |len: usize| random.usize(1..=len.min(most));
                let left = run(&bench, &code, inputs, &format!("{name}-{seed}"), cuts);
                assert!(left == whole, "{name} with the {engine} engine: cuts of seed {seed} change something");
            }
        }
    }
}
