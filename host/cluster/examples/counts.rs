//! Counts the flights of each route with any number of workers, in under 100 lines.
//!
//! ```text
//! counts JOB FLIGHTS.csv WORKERS             one process
//! counts JOB FLIGHTS.csv WORKERS HOSTS I     process I of those that the file HOSTS names
//! ```

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Arc, Mutex};

use alluvium_cluster::{
    ClusterError, Committed, Context, Input, Job, JobOptions, NativeOperator, NativeStorage, Operator, Processes,
};
use alluvium_connectors::sink::FileSink;
use alluvium_connectors::source::{FileSet, FileSource, Source};
use alluvium_core::directory::Directory;

/// Counts flights by route, and emits each hundredth of a route.
struct Counts;

fn field<'r>(columns: &[String], record: &[&'r [u8]], name: &str) -> Result<&'r [u8], String> {
    let at = columns.iter().position(|column| column == name);
    at.and_then(|at| record.get(at)).copied().ok_or_else(|| format!("there is no column {name}"))
}

impl Operator for Counts {
    fn name(&self) -> &'static str {
        "counts"
    }

    fn outputs(&self) -> Vec<String> {
        vec!["hundreds".into()]
    }

    fn key(&self, _input: u32, columns: &[String], record: &[&[u8]], key: &mut Vec<u8>) -> Result<(), String> {
        key.extend_from_slice(field(columns, record, "origin")?);
        key.push(b'-');
        key.extend_from_slice(field(columns, record, "dest")?);
        Ok(())
    }

    fn process<D: Directory>(
        &self,
        context: &mut Context<'_, D>,
        input: u32,
        columns: &[String],
        record: &[&[u8]],
    ) -> Result<(), String> {
        let mut key = Vec::new();
        self.key(input, columns, record, &mut key)?;
        let count = context.state().get(&key).and_then(|value| value.try_into().ok()).map_or(0, u64::from_le_bytes) + 1;
        context.state().put(&key, &count.to_le_bytes()).map_err(|error| error.to_string())?;
        if count.is_multiple_of(100) {
            context.emit(0, format!("{} {count}", String::from_utf8_lossy(&key)).as_bytes());
        }
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [job, flights, workers, rest @ ..] = arguments.as_slice() else { return Err("JOB FLIGHTS WORKERS".into()) };
    let flights = flights.clone();
    let input = Input::new("records", move || {
        let open = |path: std::path::PathBuf| FileSource::new(path).final_record(true);
        let files = FileSet::matching(&flights, open).map_err(ClusterError::from)?;
        Ok(Box::new(files) as Box<dyn Source>)
    });
    let every =
        std::env::var("EPOCH").ok().and_then(|every| every.parse().ok()).unwrap_or(NonZeroU32::new(1_000).unwrap());
    let mut running = Job::new(NativeStorage::new(job), NativeOperator::new(Counts))
        .input(input)
        .output(
            "hundreds",
            Box::new(FileSink::new(format!("{job}.hundreds"))?.writer(&std::process::id().to_string())),
        )?
        .threads(workers.parse::<NonZeroUsize>()?)
        .options(JobOptions::new().epoch_records(every))
        .watch(Arc::new(Mutex::new(|committed: &Committed| {
            let manifest = &committed.manifest;
            println!(
                "epoch {} of generation {}: {} keys",
                manifest.position.epoch,
                manifest.generation,
                manifest.keys()
            );
        })));
    if let [hosts, number] = rest {
        running = running.processes(Processes::read(hosts, number.parse()?)?);
    }
    let outcome = running.run()?;
    println!("generation {} ended, all inputs read: {}", outcome.generation, outcome.is_finished());
    Ok(())
}
