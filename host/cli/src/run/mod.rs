//! `alluvium run`: a plugin over a stream, checkpointed by the engine component.

mod arguments;
mod bookmarks;
mod components;
mod connections;
mod cursors;
mod event_time;
mod inputs;
mod metrics;
mod migrate;
mod operator;
mod outcome;
mod outputs;
mod progress;
mod reading;
mod stream;

use crate::shown::tell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use alluvium_host::{Host, Module, PluginOptions};

pub(crate) use self::arguments::Run;
use self::components::EngineComponent;
use self::metrics::Metrics;
use self::outcome::Ended;
use self::progress::Progress;
use self::stream::Stream;

use crate::answer::Answer;
use crate::failure::Failure;
use crate::{open, output};

impl Run {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let interrupted = watch_for_interrupts()?;
        let engine = EngineComponent::find(self.engine.as_deref())?;
        let inputs = inputs::open(&self.inputs())?;
        let failed = |error| Failure::runtime(&self.dir, &error);
        let host = engine.host(self.host_options()).map_err(failed)?;
        let load = if self.composed { Host::load_composed } else { Host::load };
        let plugin = load(&host, &self.plugin).map_err(failed)?;
        let options = PluginOptions {
            max_retained: self.max_retained.get(),
            allow_fallback: self.allow_fallback,
            state_memory_bytes: u64::from(self.state_memory_mib.get()) << 20,
            parameters: self.parameters.iter().cloned().collect(),
            ..PluginOptions::default()
        };
        if self.migrate && self.migrate(&host, &plugin, &options)? {
            return Ok(Answer::Yes);
        }
        let mut progress = Progress::new(self.json, inputs::total_bytes(&inputs));
        let plugin = host.start_in(&plugin, open::to_run(&self.dir, self.create)?, &options).map_err(failed)?;
        connections::check(&self.plugin, plugin.description())?;
        let recovered = plugin.recovered().cloned();
        let metrics = Metrics::new(host, self.metrics.as_deref());
        let mut stream = Stream::new(self, plugin, inputs, metrics, interrupted)?;
        progress.opened(&self.dir, recovered.as_ref(), stream.consumed());
        let ended = stream.feed(&mut progress)?;
        progress.finish();
        match ended {
            Ended::Enough => progress.stopped(stream.outcome(), ended, &again()),
            Ended::Interrupted => {
                progress.stopped(stream.outcome(), ended, &again());
                // A script must not go on to use the results: there are none.
                return Ok(Answer::No);
            }
            Ended::Complete => {
                progress.ended(stream.outcome());
                self.write_results(&mut stream)?;
            }
        }
        Ok(Answer::Yes)
    }

    /// Migrates the state, or tries it; whether that is all there is to do.
    fn migrate(&self, host: &Host, plugin: &Module, options: &PluginOptions) -> Result<bool, Failure> {
        if self.only_try {
            return migrate::try_it(&self.dir, host, plugin, options).map(|()| true);
        }
        let migrated = host.migrate(plugin, open::to_run(&self.dir, self.create)?, options);
        if let Some(migrated) = migrated.map_err(|error| Failure::runtime(&self.dir, &error))? {
            let dir = self.dir.display();
            let text = migrate::sentence(&migrated);
            if self.json {
                tell(&format!("{}", migrate::event(&migrated, &self.dir)));
            } else {
                tell(&format!("{dir}: {text}"));
            }
        }
        Ok(false)
    }

    fn write_results(&self, stream: &mut Stream) -> Result<(), Failure> {
        if let Some(path) = &self.output {
            // What was emitted belongs to the checkpoints. The results after it are derived from the state again.
            let emitted = stream.emitted()?;
            return output::replace_file(path, |out| {
                out.write_all(&emitted).map_err(|error| Failure::file(path, &error))?;
                stream.results(|line| writeln!(out, "{line}").map_err(|error| Failure::file(path, &error)))
            });
        }
        // Page by page: all of them may be more than fits into memory.
        let mut is_start = true;
        loop {
            let page = stream.page_of_results(is_start)?;
            let is_end = page.is_empty();
            let is_read = output::print_while_read(|out| page.iter().try_for_each(|line| writeln!(out, "{line}")))?;
            if is_end || !is_read {
                return Ok(());
            }
            is_start = false;
        }
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
