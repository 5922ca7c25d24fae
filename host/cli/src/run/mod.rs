//! `alluvium run`: a plugin over a stream, checkpointed by the engine component.

mod apart;
mod arguments;
mod arrivals;
mod bad_record;
mod bookmarks;
#[cfg(feature = "cluster")]
mod cluster;
mod components;
mod connections;
mod cursor;
mod cursors;
mod discovery;
mod durable;
mod event_time;
mod input_options;
mod inputs;
mod isolate;
mod migrate;
mod opening;
mod operator;
mod order;
mod outcome;
mod outputs;
mod parameters;
mod processing;
mod progress;
mod reading;
mod renamed;
mod service;
mod signals;
mod storage;
mod stream;
mod strict;
mod timers;
mod watermark;

use std::path::Path;

use alluvium_host::{Host, Module, PluginOptions};

pub(crate) use self::arguments::Run;
#[cfg(feature = "cluster")]
pub(crate) use self::cluster::Cluster;
use self::components::EngineComponent;
use self::connections::Connections;
use self::outcome::Ended;
use self::progress::Progress;
use self::service::{MetricsFile, OfRun, Status};
use self::signals::Signals;
use self::stream::Stream;

use crate::answer::Answer;
use crate::failure::Failure;
use crate::log::{Level, log};
use crate::shown::tell;
use crate::{open, output};

impl Run {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let signals = Signals::watch()?;
        let engine = EngineComponent::find(self.engine.as_deref())?;
        storage::check(self, &engine)?;
        let failed = |error| Failure::runtime(&self.dir, &error);
        let host_options = self.host_options();
        let plugin_call = host_options.limits.plugin_call;
        let host = engine.host(host_options).map_err(failed)?;
        let host = if self.isolate { isolate::isolated(&host).map_err(failed)? } else { host };
        let status = Status::new(&self.plugin, &self.dir, plugin_call);
        status.update(|shown| shown.limits = self.limits());
        let mut progress = Progress::new(self.json);
        if let Some(address) = self.listen {
            progress.listening(service::listen(address, OfRun(host.clone(), status.clone()))?);
        }
        let parameters = parameters::by_name(&self.parameters)?;
        let load = if self.composed { Host::load_composed } else { Host::load };
        let plugin = load(&host, &self.plugin).map_err(failed)?;
        let is_timed = plugin.is_timed();
        let options = PluginOptions {
            max_retained: self.max_retained.get(),
            allow_fallback: self.allow_fallback,
            state_memory_bytes: u64::from(self.state_memory_mib.get()) << 20,
            parameters,
            ..PluginOptions::default()
        };
        if self.migrate && self.migrate(&host, &plugin, &options)? {
            return Ok(Answer::Yes);
        }
        let storage = open::to_run(&self.dir, self.create, self.durability)?;
        let mut plugin = storage::start(&host, &plugin, storage, &options).map_err(failed)?;
        for promise in plugin.weaker_promises().map_err(failed)? {
            progress.weaker(&self.dir, &promise);
        }
        for changed in plugin.changed_parameters() {
            progress.parameter(changed);
        }
        let connections = Connections::of(self, plugin.description())?;
        self.check_apart(&connections)?;
        inputs::check(&connections.inputs, &self.reading)?;
        let inputs = inputs::open(&connections.inputs, &self.reading)?;
        let recovered = plugin.recovered().cloned();
        let metrics = MetricsFile::new(host, status.clone(), self.metrics.as_deref());
        let mut stream = Stream::new(self, (plugin, is_timed), (inputs, connections), metrics, status, signals)?;
        progress.will_read(stream.cursors.total_bytes());
        progress.opened(&self.dir, recovered.as_ref(), stream.consumed());
        let ended = stream.feed(&mut progress)?;
        progress.finish();
        for (name, records) in stream.outputs.dropped() {
            progress.dropped(name, records);
        }
        match ended {
            // A service manager that asks for the end gets it.
            Ended::Enough | Ended::Terminated => progress.stopped(stream.outcome(), ended, &again()),
            Ended::Interrupted => {
                progress.stopped(stream.outcome(), ended, &again());
                // A script must not go on to use the results: there are none.
                return Ok(Answer::No);
            }
            Ended::Complete => {
                progress.ended(stream.outcome());
                stream.feed_unfinished(&mut progress)?;
                if !self.no_results {
                    write_results(&mut stream)?;
                }
            }
        }
        Ok(Answer::Yes)
    }

    /// Migrates the state, or tries it; whether that is all there is to do.
    fn migrate(&self, host: &Host, plugin: &Module, options: &PluginOptions) -> Result<bool, Failure> {
        if self.only_try {
            return migrate::try_it(&self.dir, host, plugin, options).map(|()| true);
        }
        let storage = open::to_run(&self.dir, self.create, self.durability)?;
        let migrated = storage::migrate(host, plugin, storage, options);
        if let Some(migrated) = migrated.map_err(|error| Failure::runtime(&self.dir, &error))? {
            let dir = self.dir.display();
            let text = migrate::sentence(&migrated);
            if self.json {
                log(Level::Info, migrate::event(&migrated, &self.dir));
            } else {
                tell(&format!("{dir}: {text}"));
            }
        }
        Ok(false)
    }
}

/// Writes the results behind what was emitted to the first output.
fn write_results(stream: &mut Stream) -> Result<(), Failure> {
    let Some(path) = stream.connections.first_output().map(Path::to_path_buf) else {
        return stream
            .results(|page| output::print_while_read(|out| page.iter().try_for_each(|line| writeln!(out, "{line}"))));
    };
    if inputs::address(&path).is_some() {
        return Ok(());
    }
    // What was emitted belongs to the checkpoints. The results after it are derived from the state again.
    let emitted = stream.emitted()?;
    output::replace_file(&path, |out| {
        out.write_all(&emitted).map_err(|error| Failure::file(&path, &error))?;
        stream.results(|page| {
            let written = page.iter().try_for_each(|line| writeln!(out, "{line}"));
            written.map(|()| true).map_err(|error| Failure::file(&path, &error))
        })
    })
}

/// Returns the command line that continues where this one stopped: the same.
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
