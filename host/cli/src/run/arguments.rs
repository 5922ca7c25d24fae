//! The arguments of `alluvium run`.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;
use std::time::Duration;

use alluvium_host::{CompilerProcess, HostOptions, Limits};
use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser};

use super::connections::{Connection, TIME_COLUMN};
use super::input_options::{InputOptions, Resume};
use crate::durability::Durability;

const EXAMPLE: &str = "\
Example:
  alluvium run target/wasm32-wasip2/release/delays.wasm --dir run --input tests/data/flights-2013-01.csv.gz \\
      --checkpoint-every 1000 --output delays.ndjson

Interrupted by Ctrl-C (exit code 1), kill -9 or a power cut, the same command continues from the last checkpoint.";

/// Run a plugin over a stream, with checkpoints; continue from the last one, if there is one
#[derive(Args)]
#[command(after_help = EXAMPLE)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct Run {
    /// The plugin: a WebAssembly component of the world alluvium:checkpoint/plugin
    pub(super) plugin: PathBuf,
    /// The plugin is one of your own that was composed with an engine; never say so of a stranger's file
    #[arg(long)]
    pub(super) composed: bool,
    /// Read options from a file of TOML: a key for each, without its dashes; the command line comes first, and
    /// ${NAME} is a variable of the environment
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The directory of the checkpoints; it is created if it is missing and the directory above it exists
    #[arg(long)]
    pub(super) dir: PathBuf,
    /// Begin although the directory holds files of lost checkpoints; these files stay until `alluvium gc`
    #[arg(long)]
    pub(super) create: bool,
    /// The records: a file or a pipe, plain or compressed by gzip or Zstandard; a directory or a pattern in quotes,
    /// as 'logs/*.csv', for many files; - is the standard input; an address as `nats://HOST/STREAM`, `sse+https://HOST/PATH` or `tcp://HOST:PORT` is a stream of lines or messages
    /// A plugin with several inputs takes one for each: NAME=SOURCE
    #[arg(long, required = true, value_name = "[NAME=]SOURCE", value_parser = connection())]
    pub(super) input: Vec<Connection>,
    #[command(flatten, next_help_heading = "Reading")]
    pub(super) reading: InputOptions,
    /// How to continue with an input that cannot go back, or that is another one than before
    #[arg(long, value_name = "HOW", help_heading = "Reading")]
    pub(super) resume: Option<Resume>,
    /// Take a checkpoint whenever the records consumed are a multiple of N
    #[arg(long, value_name = "N", default_value = "10000")]
    pub(super) checkpoint_every: NonZeroU64,
    /// Between checkpoints, make every N records durable in a WAL, which costs one small file
    #[arg(long, value_name = "N")]
    pub(super) sync_every: Option<NonZeroU64>,
    /// Between checkpoints, make the records consumed durable in a WAL after this many milliseconds
    #[arg(long, value_name = "MS")]
    pub(super) sync_interval: Option<NonZeroU64>,
    /// Take a checkpoint this many milliseconds after the last one, if there is something new
    #[arg(long, value_name = "MS")]
    pub(super) checkpoint_interval: Option<NonZeroU64>,
    /// Keep the newest N checkpoints
    #[arg(long, value_name = "N", default_value = "3")]
    pub(super) max_retained: NonZeroU32,
    /// Stop with a last checkpoint after N records of this run
    #[arg(long, value_name = "N")]
    pub(super) stop_after: Option<NonZeroU64>,
    /// Write what the plugin emits, exactly once, and at the end of the input the results after it, as
    /// newline-delimited JSON; an address as `nats://HOST/STREAM?subject=NAME&waiting=DIR` takes only what is
    /// emitted [default: standard output]. A plugin with several outputs takes one for each: NAME=SINK
    #[arg(long, value_name = "[NAME=]SINK", value_parser = connection())]
    pub(super) output: Vec<Connection>,
    /// Replace a file that is at the path of the output when the run begins
    #[arg(long, requires = "output")]
    pub(super) overwrite: bool,
    /// Begin a new output, because the one that the checkpoint stands for was moved or lost
    #[arg(long, requires = "output")]
    pub(super) new_output: bool,
    /// Move the output aside with a number behind its name, as FILE.1, when it has this many bytes; SIGHUP
    /// begins a new one after it was moved away
    #[arg(long, value_name = "BYTES", requires = "output")]
    pub(super) rotate_output: Option<NonZeroU64>,
    /// Refuse inputs and outputs over which a crash may lose records or show them twice
    #[arg(long)]
    pub(super) strict: bool,
    /// Write no results at the end of the input, only what the plugin emits
    #[arg(long)]
    pub(super) no_results: bool,
    /// Set a parameter of the plugin; each checkpoint holds its value in the clear
    #[arg(long = "parameter", visible_alias = "param", value_name = "NAME=VALUE", value_parser = parameter)]
    pub(super) parameters: Vec<(String, String)>,
    /// The column of event times, whose largest is the watermark; an empty name for none. It is that of all inputs,
    /// or with INPUT=NAME that of one
    #[arg(long, value_name = "[INPUT=]NAME", default_value = TIME_COLUMN, value_parser = connection())]
    pub(super) time_column: Vec<Connection>,
    /// Allow records to be this much out of order: the watermark stays this many milliseconds behind the largest event
    /// time
    #[arg(long, value_name = "MS", default_value = "0")]
    pub(super) watermark_delay: u64,
    /// Let the watermark pass files and partitions without a record for this many milliseconds
    #[arg(long, value_name = "MS")]
    pub(super) idle_timeout: Option<NonZeroU64>,
    /// Leave the timers of the plugin as they are at the end of the input, because it may grow
    #[arg(long)]
    pub(super) no_finish: bool,
    /// Write the names of compiled functions to /tmp/perf-PID.map, so that `perf record` of this command shows the functions
    /// of the plugin and of the engine
    #[arg(long, conflicts_with = "isolate")]
    pub(super) profile: bool,
    /// Run plugin and engine in a process of their own, which the kernel keeps to the directory of the checkpoints
    #[arg(long)]
    pub(super) isolate: bool,
    /// What keeps the state: `component`, the engine inside this command; `native`, the same engine without a sandbox,
    /// for states above 4 GiB; or the file of an engine component [default: component; env: `ALLUVIUM_ENGINE`]
    #[arg(long, value_name = "ENGINE")]
    pub(super) engine: Option<PathBuf>,
    /// Limit the memory of the plugin
    #[arg(long, value_name = "MIB", default_value = "256")]
    pub(super) plugin_memory_mib: NonZeroU32,
    /// Limit the time of the plugin for one batch of records
    #[arg(long, value_name = "SECONDS", default_value = "10")]
    pub(super) plugin_seconds: NonZeroU32,
    /// Limit the memory of the state
    #[arg(long, value_name = "MIB", default_value = "2048")]
    pub(super) state_memory_mib: NonZeroU32,
    /// Limit the disk space of the checkpoints
    #[arg(long, value_name = "MIB", default_value = "65536")]
    pub(super) disk_mib: NonZeroU32,
    /// Stop one call into the plugin after this many steps: the same step on every machine, but a quarter slower
    #[arg(long, value_name = "FUEL")]
    pub(super) plugin_fuel: Option<NonZeroU64>,
    /// When the state is of another schema version, let the plugin migrate it, by one checkpoint
    #[arg(long)]
    pub(super) migrate: bool,
    /// Only show what the migration would change; nothing is changed, and no records are read
    #[arg(long = "dry-run", requires = "migrate")]
    pub(super) only_try: bool,
    /// Keep counts and durations in this file, as text for Prometheus
    #[arg(long, value_name = "FILE")]
    pub(super) metrics: Option<PathBuf>,
    /// Serve a status page, /metrics, /health and /ready at this address, as 127.0.0.1:9464
    #[arg(long, value_name = "ADDRESS")]
    pub(super) listen: Option<SocketAddr>,
    /// When the newest checkpoint is damaged, continue from the newest whole one
    #[arg(long)]
    pub(super) allow_fallback: bool,
    #[command(flatten)]
    pub(super) durability: Durability,
    /// Report progress, outcome and errors as one JSON object a line, on the standard error
    #[arg(long)]
    pub(super) json: bool,
}

impl Run {
    /// How long a partition may be quiet before it is idle.
    pub(super) fn idle(&self) -> Option<Duration> {
        self.idle_timeout.map(|ms| Duration::from_millis(ms.get()))
    }

    /// The limits that were asked for, for people.
    pub(super) fn limits(&self) -> Vec<(&'static str, String)> {
        let mib = |mib: NonZeroU32| format!("{mib} MiB");
        vec![
            ("memory of the plugin", mib(self.plugin_memory_mib)),
            ("time of the plugin for a batch", format!("{} s", self.plugin_seconds)),
            ("memory of the state", mib(self.state_memory_mib)),
            ("disk space of the checkpoints", mib(self.disk_mib)),
        ]
    }

    /// The limits that were asked for.
    pub(super) fn host_options(&self) -> HostOptions {
        let defaults = plugin_limits(self.plugin_memory_mib, self.plugin_seconds);
        let limits = Limits {
            plugin_call_fuel: self.plugin_fuel.map_or(defaults.plugin_call_fuel, NonZeroU64::get),
            disk_bytes: u64::from(self.disk_mib.get()) << 20,
            results_bytes: u64::from(self.disk_mib.get()) << 20,
            ..defaults
        };
        HostOptions {
            limits,
            fuel: self.plugin_fuel.is_some(),
            compiler: compiler(),
            profile: self.profile,
            ..HostOptions::default()
        }
    }
}

/// Returns the limits of one instance of a plugin.
pub(super) fn plugin_limits(memory_mib: NonZeroU32, seconds: NonZeroU32) -> Limits {
    Limits {
        plugin_memory_bytes: usize::try_from(memory_mib.get()).unwrap_or(usize::MAX).saturating_mul(1 << 20),
        plugin_call: Duration::from_secs(seconds.get().into()),
        // How often is what the caller asks for.
        checkpoints_per_second: u32::MAX,
        ..Limits::default()
    }
}

/// The command compiles plugins in a process of its own. If this program cannot be found again, it does so itself.
pub(super) fn compiler() -> Option<CompilerProcess> {
    CompilerProcess::this_program(["compile"]).ok()
}

/// Reads a source or a sink, which may have the name of an input or an output before it.
pub(super) fn connection() -> impl TypedValueParser<Value = Connection> {
    OsStringValueParser::new().map(Connection::read)
}

/// Reads `NAME=VALUE`.
pub(super) fn parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
