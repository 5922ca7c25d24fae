//! `alluvium cluster run`.

use std::time::Duration;

use alluvium_cluster::{ClusterError, Ended, Job, JobOptions, Outcome, PluginOperator, Processes};
use alluvium_host::{HostOptions, Limits, PluginOptions};

use super::super::arguments::{compiler, plugin_limits};
use super::super::input_options::OnError;
use super::super::parameters;
use super::super::service::listen;
use super::super::signals::Signals;
use super::arguments::Run;
use super::board::Board;
use super::place::JobPlace;
use super::{failed, progress, sources};
use crate::answer::Answer;
use crate::failure::Failure;
use crate::shown::tell;

/// After so many milliseconds an epoch ends whose inputs have no end.
const LIVE_EPOCH_MS: u64 = 1_000;

impl Run {
    pub(super) fn run(&self) -> Result<Answer, Failure> {
        let signals = Signals::watch()?;
        let operator = PluginOperator::load(&self.plugin, self.host_options(), self.plugin_options()?)
            .map_err(|error| failed(&error))?;
        let description = operator.description().clone();
        let processes = self.processes()?;
        let is_first = processes.own() == 0;
        if is_first {
            JobPlace::of(&self.job)?.probe(&self.job)?;
        }
        let (plugin, job) = (self.plugin.display().to_string(), self.job.display().to_string());
        let call = Duration::from_secs(self.plugin_seconds.get().into());
        let board = Board::new(plugin, job, processes.own(), call, self.interval());
        if let Some(address) = self.listen {
            progress::listening(self.json, listen(address, board.clone())?);
        }
        let watch = progress::watch(self.json, board);
        let inputs = sources::inputs(self, &description)?;
        loop {
            let mut job = Job::new(JobPlace::of(&self.job)?, operator.clone())
                .processes(processes.clone())
                .threads(self.workers)
                .options(self.options())
                .stop(signals.flag())
                .watch(watch.clone());
            for input in &inputs {
                job = job.input(input.clone());
            }
            if is_first {
                for (name, sink) in sources::outputs(self, &description)? {
                    job = job.output(&name, sink).map_err(|error| failed(&error))?;
                }
                if let Some(sink) = sources::dead_letters(self)? {
                    job = job.dead_letters(sink, sources::dead_letter);
                }
            }
            match job.run() {
                Ok(Outcome { ended: Ended::Grown, .. }) => progress::grown(self.json),
                Ok(outcome) => {
                    progress::ended(self.json, &outcome);
                    return Ok(Answer::Yes);
                }
                Err(ClusterError::Stopped) => {
                    tell("stopped: the same command continues at the last committed epoch");
                    return Ok(Answer::No);
                }
                Err(error) => return Err(failed(&error)),
            }
        }
    }

    fn processes(&self) -> Result<Processes, Failure> {
        let processes = match (&self.hosts, self.process) {
            (Some(hosts), Some(own)) => Processes::read(hosts, own).map_err(|error| failed(&error))?,
            _ => Processes::single(),
        };
        let Some(path) = &self.key_file else { return Ok(processes) };
        let key = std::fs::read(path).map_err(|error| Failure::file(path, &error))?;
        if key.trim_ascii().is_empty() {
            return Err(
                Failure::at(path.display(), "is empty").hint("put a secret into it, the same for all processes")
            );
        }
        Ok(processes.key(key.trim_ascii()))
    }

    /// After how long an epoch ends, if it ends by time.
    fn interval(&self) -> Option<Duration> {
        let is_live =
            self.reading.follow || self.input.iter().any(|input| super::super::inputs::address(&input.to).is_some());
        let interval = self.epoch_interval.map(std::num::NonZeroU64::get).or(is_live.then_some(LIVE_EPOCH_MS));
        interval.map(Duration::from_millis)
    }

    fn options(&self) -> JobOptions {
        JobOptions::new()
            .epoch_records(self.epoch_records)
            .epoch_interval(self.interval())
            .max_retained(self.max_retained)
            .watermark_delay_ms(i64::try_from(self.watermark_delay).unwrap_or(i64::MAX))
            .finish(!self.no_finish)
            .leave_out(self.reading.on_error != OnError::Stop)
            .epochs_max(self.stop_after_epochs.map(std::num::NonZeroU64::get))
    }

    fn host_options(&self) -> HostOptions {
        let limits = plugin_limits(self.plugin_memory_mib, self.plugin_seconds);
        let limits = Limits { disk_bytes: u64::MAX, disk_files: u64::MAX, ..limits };
        HostOptions { limits, compiler: compiler(), ..HostOptions::default() }
    }

    fn plugin_options(&self) -> Result<PluginOptions, Failure> {
        Ok(PluginOptions {
            parameters: parameters::by_name(&self.parameters)?,
            state_memory_bytes: u64::from(self.state_memory_mib.get()) << 20,
            ..PluginOptions::default()
        })
    }
}
