//! `alluvium run`: a plugin over a stream, checkpointed by the engine component.

mod batches;
mod components;
mod emissions;
mod input;
mod metrics;
mod migrate;
mod progress;
mod stream;

use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use alluvium_host::{Cache, Code, Host, HostOptions, Limits, PluginOptions};
use clap::Args;

use self::metrics::Metrics;
use self::progress::Progress;
use self::stream::{Ended, Stream};
use super::Answer;
use super::failure::Failure;
use super::{open, output};

const EXAMPLE: &str = "\
Example:
  alluvium run target/wasm32-wasip2/release/delays.wasm --dir run --input tests/data/flights-2013-01.csv.gz \\
      --checkpoint-every 1000 --output delays.ndjson

Interrupted by Ctrl-C (exit code 1), kill -9 or a power cut, the same command goes on from the last checkpoint.";

/// Run a plugin over a stream, with checkpoints; go on from the last one, if there is one
#[derive(Args)]
#[command(after_help = EXAMPLE)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(super) struct Run {
    /// The plugin: a WebAssembly component of the world alluvium:checkpoint/plugin
    plugin: PathBuf,
    /// The directory of the checkpoints; begun anew when it is empty or, in an existing directory, missing
    #[arg(long)]
    dir: PathBuf,
    /// The records: CSV with a header, plain or compressed by gzip; - is the standard input
    #[arg(long)]
    input: PathBuf,
    /// Take a checkpoint whenever the records consumed are a multiple of N
    #[arg(long, value_name = "N", default_value = "10000")]
    checkpoint_every: NonZeroU64,
    /// Between checkpoints, make every N records durable in a log, at the price of one small file
    #[arg(long, value_name = "N")]
    sync_every: Option<NonZeroU64>,
    /// Between checkpoints, make what was consumed durable in a log after so many milliseconds
    #[arg(long, value_name = "MS")]
    sync_interval: Option<NonZeroU64>,
    /// Keep the newest N checkpoints
    #[arg(long, value_name = "N", default_value = "3")]
    max_retained: NonZeroU32,
    /// Stop with a last checkpoint after N records of this run
    #[arg(long, value_name = "N")]
    stop_after: Option<NonZeroU64>,
    /// Where what the plugin emits goes, exactly once, and behind it the results at the end of the input: as
    /// newline-delimited JSON [default: standard output]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The column of event times, whose largest is the watermark; an empty name for none
    #[arg(long, value_name = "NAME", default_value = "time_hour")]
    time_column: String,
    /// The engine component [default: beside this program, or as cargo builds it; env: `ALLUVIUM_ENGINE`]
    #[arg(long, value_name = "FILE")]
    engine: Option<PathBuf>,
    /// How much memory the plugin may take
    #[arg(long, value_name = "MIB", default_value = "256")]
    plugin_memory_mib: NonZeroU32,
    /// How long the plugin may take for one batch of records
    #[arg(long, value_name = "SECONDS", default_value = "10")]
    plugin_seconds: NonZeroU32,
    /// How much memory the state may take
    #[arg(long, value_name = "MIB", default_value = "2048")]
    state_memory_mib: NonZeroU32,
    /// How much of the disk the checkpoints may take
    #[arg(long, value_name = "MIB", default_value = "65536")]
    disk_mib: NonZeroU32,
    /// End one call into the plugin after so many steps: at the same one on every machine, a quarter slower
    #[arg(long, value_name = "FUEL")]
    plugin_fuel: Option<NonZeroU64>,
    /// When the state is of another schema version, let the plugin migrate it, by one checkpoint
    #[arg(long)]
    migrate: bool,
    /// Only show what the migration would change; nothing is changed, and no records are read
    #[arg(long = "dry-run", requires = "migrate")]
    only_try: bool,
    /// Keep counts and durations in this file, as text for Prometheus
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
    /// When the newest checkpoint is damaged, go on from the newest whole one
    #[arg(long)]
    allow_fallback: bool,
    /// Tell progress and outcome as one JSON object a line, on the standard error
    #[arg(long)]
    json: bool,
}

impl Run {
    pub(super) fn run(&self) -> Result<Answer, Failure> {
        let interrupted = watch_for_interrupts()?;
        let engine_file = components::find_engine(self.engine.as_deref())?;
        let input = input::open(&self.input)?;
        let failed = |error| Failure::runtime(&self.dir, &error);
        let host = Host::new(engine_file, self.host_options()).map_err(failed)?;
        let plugin = host.load(&self.plugin).map_err(failed)?;
        let options = PluginOptions {
            max_retained: self.max_retained.get(),
            allow_fallback: self.allow_fallback,
            state_memory_bytes: u64::from(self.state_memory_mib.get()) << 20,
            ..PluginOptions::default()
        };
        if self.migrate && self.migrate(&host, &plugin, &options)? {
            return Ok(Answer::Yes);
        }
        let mut progress = Progress::new(self.json, input.meter());
        let plugin = host.start_in(&plugin, open::to_write(&self.dir)?, &options).map_err(failed)?;
        let recovered = plugin.recovered().cloned();
        let metrics = Metrics::new(host, self.metrics.as_deref());
        let mut stream = Stream::new(self, plugin, metrics, interrupted)?;
        progress.opened(&self.dir, recovered.as_ref(), stream.consumed());
        let ended = stream.feed(input, &mut progress)?;
        progress.finish();
        match ended {
            Ended::Enough => progress.stopped(&stream, ended, &again()),
            Ended::Interrupted => {
                progress.stopped(&stream, ended, &again());
                // Whatever a script does next with the results must not happen: there are none.
                return Ok(Answer::No);
            }
            Ended::Complete => {
                progress.ended(&stream);
                self.write_results(&mut stream)?;
            }
        }
        Ok(Answer::Yes)
    }

    fn host_options(&self) -> HostOptions {
        let mib = |mib: NonZeroU32| usize::try_from(mib.get()).unwrap_or(usize::MAX).saturating_mul(1 << 20);
        let defaults = Limits::default();
        let limits = Limits {
            plugin_memory_bytes: mib(self.plugin_memory_mib),
            plugin_call: Duration::from_secs(self.plugin_seconds.get().into()),
            plugin_call_fuel: self.plugin_fuel.map_or(defaults.plugin_call_fuel, NonZeroU64::get),
            disk_bytes: u64::from(self.disk_mib.get()) << 20,
            // How often is what the caller asks for.
            checkpoints_per_second: u32::MAX,
            ..defaults
        };
        HostOptions { limits, cache: Cache::of_user(), fuel: self.plugin_fuel.is_some(), pool: None }
    }

    /// Migrates the state, or tries it; whether that is all there is to do.
    fn migrate(&self, host: &Host, plugin: &Code, options: &PluginOptions) -> Result<bool, Failure> {
        if self.only_try {
            return migrate::try_it(&self.dir, host, plugin, options).map(|()| true);
        }
        let migrated = host.migrate(plugin, open::to_write(&self.dir)?, options);
        if let Some(migrated) = migrated.map_err(|error| Failure::runtime(&self.dir, &error))? {
            let dir = self.dir.display();
            let text = migrate::sentence(&migrated);
            if self.json {
                eprintln!("{}", migrate::event(&migrated, &self.dir));
            } else {
                eprintln!("{dir}: {text}");
            }
        }
        Ok(false)
    }

    fn write_results(&self, stream: &mut Stream) -> Result<(), Failure> {
        if let Some(path) = &self.output {
            // Behind what was emitted, which every checkpoint stands for, the results are derived anew.
            let emitted = stream.emitted()?;
            return output::replace_file(path, |out| {
                out.write_all(&emitted).map_err(|error| Failure::file(path, &error))?;
                stream.results(|line| writeln!(out, "{line}").map_err(|error| Failure::file(path, &error)))
            });
        }
        let mut lines = Vec::new();
        stream.results(|line| {
            lines.push(line.to_owned());
            Ok(())
        })?;
        output::print(|out| lines.iter().try_for_each(|line| writeln!(out, "{line}")))
    }
}

/// The first interrupt asks for an orderly end, the second ends at once: every checkpoint before is
/// safe either way.
fn watch_for_interrupts() -> Result<Arc<AtomicBool>, Failure> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&interrupted);
    ctrlc::set_handler(move || {
        if seen.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    })
    .map_err(|error| Failure::at("the handler of Ctrl-C", error))?;
    Ok(interrupted)
}

/// The command line that goes on where this one stopped: the same.
fn again() -> String {
    let quoted = |argument: String| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
        if !argument.is_empty() && argument.chars().all(is_plain) {
            argument
        } else {
            format!("'{}'", argument.replace('\'', "'\\''"))
        }
    };
    let arguments: Vec<_> =
        std::env::args_os().map(|argument| quoted(argument.to_string_lossy().into_owned())).collect();
    arguments.join(" ")
}
