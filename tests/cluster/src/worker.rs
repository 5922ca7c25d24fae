//! One process of a job of the tests, by its arguments.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alluvium_cluster::{
    ClusterError, Committed, Input, Job, JobOptions, LeftOut, NativeOperator, NativeStorage, ObjectStorage, Processes,
    Storage,
};
use alluvium_connectors::sink::{self, FileSink, Sink};
use alluvium_connectors::source::{self, FileSet, FileSource, Format, Source};
use alluvium_object::ObjectOptions;
use clap::Parser;

use crate::counts::Counts;
use crate::generated::Generated;

/// Works in one process of a job that counts words
#[derive(Parser, Debug, Clone)]
pub struct Arguments {
    /// A directory, or the address of a prefix on an object store
    #[arg(long)]
    pub job: String,
    /// A pattern of files of lines, an address, or `generated:PARTITIONS,KEYS,RECORDS,RATE`
    #[arg(long)]
    pub input: String,
    /// A file or an address. There is no output without it
    #[arg(long)]
    pub output: Option<String>,
    /// Leaves out the records that are refused, and writes them to this file
    #[arg(long)]
    pub dead_letters: Option<String>,
    /// Which counts are emitted
    #[arg(long, default_value = "10")]
    pub every: u64,
    /// How many records of each partition make an epoch
    #[arg(long, default_value = "25")]
    pub epoch_records: NonZeroU32,
    /// After how many milliseconds an epoch ends that has fewer
    #[arg(long)]
    pub epoch_interval: Option<u64>,
    /// After how many epochs the job stops
    #[arg(long)]
    pub epochs: Option<u64>,
    /// How many workers the process has
    #[arg(long, default_value = "1")]
    pub threads: NonZeroUsize,
    /// The addresses of the processes
    #[arg(long)]
    pub hosts: Option<PathBuf>,
    /// The number of this one
    #[arg(long, default_value = "0")]
    pub process: usize,
}

/// Runs the process until the job ends.
pub fn run(arguments: &Arguments) -> Result<(), ClusterError> {
    if arguments.job.contains("://") {
        let storage = ObjectStorage::from_url(&arguments.job, ObjectOptions::default())?;
        return work(arguments, storage);
    }
    work(arguments, NativeStorage::new(&arguments.job))
}

fn work<S: Storage>(arguments: &Arguments, storage: S) -> Result<(), ClusterError> {
    let input = arguments.input.clone();
    let mut job = Job::new(storage, NativeOperator::new(Counts { every: arguments.every }))
        .input(Input::new("records", move || open(&input)).grows(arguments.input.contains("://")))
        .threads(arguments.threads)
        .options(
            JobOptions::new()
                .epoch_records(arguments.epoch_records)
                .epoch_interval(arguments.epoch_interval.map(Duration::from_millis))
                .epochs_max(arguments.epochs)
                .leave_out(arguments.dead_letters.is_some()),
        )
        .watch(Arc::new(Mutex::new(tell)));
    if let Some(hosts) = &arguments.hosts {
        job = job.processes(Processes::read(hosts, arguments.process)?);
    }
    if let Some(output) = arguments.output.as_ref().filter(|_| arguments.process == 0) {
        job = job.output("counts", open_output(output)?)?;
    }
    if let Some(file) = arguments.dead_letters.as_ref().filter(|_| arguments.process == 0) {
        job = job.dead_letters(open_output(file)?, dead_letter);
    }
    let outcome = job.run()?;
    println!("ended finished={} generation={}", outcome.is_finished(), outcome.generation);
    Ok(())
}

fn dead_letter(record: &LeftOut) -> Vec<u8> {
    let LeftOut { partition, epoch, number, number_in_partition, error, fields, .. } = record;
    let text = fields.iter().map(|field| String::from_utf8_lossy(field)).collect::<Vec<_>>().join(",");
    let partition = partition.rsplit('/').next().unwrap_or_default();
    format!("{partition} {epoch} {number} {}: {error}: {text}", number_in_partition.unwrap_or(0)).into_bytes()
}

/// Says what was committed, for the test that started this process.
fn tell(committed: &Committed) {
    let manifest = &committed.manifest;
    let stalls: Vec<String> = committed.workers.iter().map(|worker| worker.stall.as_micros().to_string()).collect();
    let fields = BTreeMap::from([
        ("epoch", manifest.position.epoch.to_string()),
        ("generation", manifest.generation.to_string()),
        ("keys", manifest.keys().to_string()),
        ("digest", manifest.digest().to_string()),
        ("records", committed.records.to_string()),
        ("stalls_us", stalls.join(",")),
    ]);
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    println!("committed {}", fields.join(" "));
}

fn open(input: &str) -> Result<Box<dyn Source>, ClusterError> {
    let wrong = |what: String| ClusterError::Options(format!("{input}: {what}"));
    if let Some(numbers) = input.strip_prefix("generated:") {
        let numbers: Result<Vec<u64>, _> = numbers.split(',').map(str::parse).collect();
        let numbers = numbers.map_err(|error| wrong(error.to_string()))?;
        let [partitions, keys, records, rate] = numbers[..] else { return Err(wrong("needs four numbers".into())) };
        return Ok(Box::new(Generated::new(partitions, keys, records, rate)));
    }
    if input.contains("://") {
        return source::from_url(input).map_err(|error| wrong(error.to_string()));
    }
    let open = |path: PathBuf| FileSource::new(path).format(Format::Lines).final_record(true);
    Ok(Box::new(FileSet::matching(input, open)?))
}

fn open_output(output: &str) -> Result<Box<dyn Sink>, ClusterError> {
    let wrong = |what: String| ClusterError::Options(format!("{output}: {what}"));
    if output.contains("://") {
        return sink::from_url_of_job(output).map_err(|error| wrong(error.to_string()));
    }
    // A process that was stopped and continues later does not disturb the one that took over.
    Ok(Box::new(FileSink::new(output)?.writer(&std::process::id().to_string())))
}
