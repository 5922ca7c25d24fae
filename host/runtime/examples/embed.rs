//! A small engine that embeds Alluvium: it deals one stream out to a plugin for each airport, each on
//! a thread of its own, with its own state and checkpoints. Killed and run again, each continues from
//! where its own last checkpoint was.
//!
//! `cargo run --release -p alluvium-host --example embed -- ENGINE.wasm PLUGIN.wasm DIR FLIGHTS.csv.gz`

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use alluvium_host::{Batch, ColumnBatch, Host, HostOptions, Module, PluginOptions, RuntimeError};
use flate2::read::GzDecoder;

/// Records in a batch, and batches in a checkpoint.
const BATCH: u32 = 500;
const CHECKPOINT: u64 = 8;

/// One plugin: batches in, checkpoints out, the last results at the end.
fn work(
    (host, code): (&Host, &Module),
    (dir, header): (&Path, &[String]),
    batches: &Receiver<ColumnBatch>,
) -> Result<String, RuntimeError> {
    let mut plugin = host.start(code, dir, &PluginOptions::default())?;
    let consumed = plugin.source_offset("input")?.unwrap_or(0);
    plugin.begin(0, header)?;
    let mut last = 0;
    for (number, batch) in (1..).zip(batches) {
        last += u64::from(batch.count);
        if last <= consumed {
            continue; // An earlier run has done it: batches are dealt the same every time.
        }
        plugin.feed(0, &Batch::Columns(batch))?;
        plugin.set_source_offset("input", last)?;
        if number % CHECKPOINT == 0 {
            plugin.checkpoint()?;
        }
    }
    let report = plugin.checkpoint()?;
    plugin.close();
    Ok(format!("checkpoint {}, {} keys, {} records before", report.info.id, report.info.key_count, consumed))
}

/// A worker's queue, and the batch that is being filled for it.
struct Worker {
    queue: SyncSender<ColumnBatch>,
    batch: ColumnBatch,
}

fn empty() -> ColumnBatch {
    ColumnBatch { count: 0, field_lens: Vec::new(), fields: Vec::new() }
}

impl Worker {
    fn flush(&mut self) -> Result<(), Box<dyn Error>> {
        Ok(self.queue.send(std::mem::replace(&mut self.batch, empty())).map_err(|_| "a worker has stopped")?)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let [engine, plugin, dir, input] =
        std::env::args().skip(1).collect::<Vec<_>>().try_into().map_err(|_| "see above")?;
    let host = Host::new(engine, HostOptions::default())?;
    let code = host.load(plugin)?;
    let mut csv = csv::Reader::from_reader(GzDecoder::new(File::open(input)?));
    let header: Vec<String> = csv.headers()?.iter().map(str::to_owned).collect();
    let origin = header.iter().position(|column| column == "origin").ok_or("no column origin")?;
    let (with, header) = ((&host, &code), header.as_slice());
    std::thread::scope(|scope| -> Result<(), Box<dyn Error>> {
        let (mut workers, mut threads) = (BTreeMap::new(), Vec::new());
        for record in csv.byte_records() {
            let record = record?;
            let worker = workers.entry(record[origin].to_vec()).or_insert_with_key(|airport| {
                let (queue, batches) = sync_channel(2);
                let name = String::from_utf8_lossy(airport).into_owned();
                let dir = Path::new(&dir).join(&name);
                let thread = scope.spawn(move || work(with, (&dir, header), &batches));
                threads.push((name, thread));
                Worker { queue, batch: empty() }
            });
            worker.batch.count += 1;
            for field in &record {
                worker.batch.field_lens.push(u32::try_from(field.len())?);
                worker.batch.fields.extend_from_slice(field);
            }
            (worker.batch.count == BATCH).then(|| worker.flush()).transpose()?;
        }
        workers.into_values().try_for_each(|mut worker| worker.flush())?;
        for (name, thread) in threads {
            println!("{name}: {}", thread.join().map_err(|_| "a worker panicked")??);
        }
        Ok(())
    })?;
    print!("{}", host.metrics());
    Ok(())
}
