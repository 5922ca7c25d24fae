//! The arguments of `alluvium cluster run`.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;

use clap::Args;

use super::super::arguments::{connection, parameter};
use super::super::connections::{Connection, TIME_COLUMN};
use super::super::input_options::InputOptions;

const EXAMPLE: &str = "\
Examples:
  alluvium cluster run weather.wasm --job job --workers 2 --input 'data/*.csv' --output windows.ndjson
  alluvium cluster run weather.wasm --job job --hosts hosts.txt --process 0 --input 'data/*.csv'

Each process runs the same command with its own --process. When one ends, all end. Started again, with any number of
workers, the job continues at the last committed epoch.";

/// Run a plugin over many workers; continue at the last committed epoch
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Run {
    /// The plugin, which must say which keys its records belong to: it exports the interface keyed
    pub(super) plugin: PathBuf,
    /// The job, which all processes see: a directory, or an address as `s3://BUCKET/PREFIX`. It has a log and the states
    /// of the workers
    #[arg(long, value_name = "DIR|URL")]
    pub(super) job: PathBuf,
    /// How many workers this process has; all processes have as many
    #[arg(long, value_name = "N", default_value = "1")]
    pub(super) workers: NonZeroUsize,
    /// A file with the address of each process, one HOST:PORT a line, in the same order for all
    #[arg(long, value_name = "FILE", requires = "process")]
    pub(super) hosts: Option<PathBuf>,
    /// Which of the addresses is that of this process, counted from 0; process 0 writes the outputs
    #[arg(long, value_name = "I", requires = "hosts")]
    pub(super) process: Option<usize>,
    /// A file with a key that all processes must know. It keeps out strangers; it does not encrypt
    #[arg(long, value_name = "FILE")]
    pub(super) key_file: Option<PathBuf>,
    /// The records: files by a directory or a pattern in quotes, each of them a partition; or an address. A plugin
    /// with several inputs takes one for each: NAME=SOURCE
    #[arg(long, required = true, value_name = "[NAME=]SOURCE", value_parser = connection())]
    pub(super) input: Vec<Connection>,
    #[command(flatten, next_help_heading = "Reading")]
    pub(super) reading: InputOptions,
    /// Write what the plugin emits, exactly once. A plugin with several outputs takes one for each: NAME=SINK
    #[arg(long, value_name = "[NAME=]SINK", value_parser = connection())]
    pub(super) output: Vec<Connection>,
    /// Commit an epoch whenever this many records of each partition were read
    #[arg(long, value_name = "N", default_value = "10000")]
    pub(super) epoch_records: NonZeroU32,
    /// Commit an epoch after this many milliseconds, if it has fewer records [default: 1000 for inputs without end]
    #[arg(long, value_name = "MS")]
    pub(super) epoch_interval: Option<NonZeroU64>,
    /// Keep the newest N committed epochs
    #[arg(long, value_name = "N", default_value = "3")]
    pub(super) max_retained: NonZeroU32,
    /// Stop after N epochs of this run
    #[arg(long, value_name = "N")]
    pub(super) stop_after_epochs: Option<NonZeroU64>,
    /// Set a parameter of the plugin; each epoch holds its value in the clear
    #[arg(long = "parameter", visible_alias = "param", value_name = "NAME=VALUE", value_parser = parameter)]
    pub(super) parameters: Vec<(String, String)>,
    /// The column of event times; an empty name for none. It is that of all inputs, or with INPUT=NAME that of one
    #[arg(long, value_name = "[INPUT=]NAME", default_value = TIME_COLUMN, value_parser = connection())]
    pub(super) time_column: Vec<Connection>,
    /// Let the watermark stay this many milliseconds behind the event times
    #[arg(long, value_name = "MS", default_value = "0")]
    pub(super) watermark_delay: u64,
    /// Leave the timers of the plugin as they are at the end of the inputs
    #[arg(long)]
    pub(super) no_finish: bool,
    /// Limit the memory of each instance of the plugin
    #[arg(long, value_name = "MIB", default_value = "256")]
    pub(super) plugin_memory_mib: NonZeroU32,
    /// Limit the time of the plugin for one batch of records
    #[arg(long, value_name = "SECONDS", default_value = "10")]
    pub(super) plugin_seconds: NonZeroU32,
    /// Limit the memory of the state of each worker
    #[arg(long, value_name = "MIB", default_value = "16384")]
    pub(super) state_memory_mib: NonZeroU32,
    /// Serve a status page, /metrics, /health and /ready at this address, as 127.0.0.1:9464. Process 0 shows the job
    #[arg(long, value_name = "ADDRESS")]
    pub(super) listen: Option<SocketAddr>,
    /// Report progress and errors as one JSON object a line, on the standard error
    #[arg(long)]
    pub(super) json: bool,
}
