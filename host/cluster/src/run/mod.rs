//! Runs a job: claims it, connects its processes, and works until the end of its inputs.

mod claim;
mod divide;
mod epochs;
mod output;
mod work;

use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use crate::committer::{DEAD_LETTERS, Outputs, Watch};
use crate::error::ClusterError;
use crate::failure::Failure;
use crate::inputs::Input;
use crate::left_out::{DeadLetter, LeftOut};
use crate::network::{Connected, Processes, Pulses, connect};
use crate::operator::Build;
use crate::options::JobOptions;
use crate::run::claim::Plan;
use crate::storage::Storage;

pub use claim::claim;

/// A job, and what it needs to run in this process.
pub struct Job<S, B> {
    storage: Arc<S>,
    operator: Arc<B>,
    inputs: Vec<Input>,
    /// They are handed to the thread that commits.
    outputs: Mutex<Outputs>,
    dead_letter: Option<DeadLetter>,
    processes: Processes,
    threads: NonZeroUsize,
    options: JobOptions,
    watch: Option<Watch>,
    stop: Arc<AtomicBool>,
}

/// How a generation of a job ended.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The generation of this run. It is 0 if there was nothing to do.
    pub generation: u64,
    /// Why it ended.
    pub ended: Ended,
}

impl Outcome {
    /// Whether all inputs have ended.
    pub fn is_finished(&self) -> bool {
        self.ended == Ended::Finished
    }
}

/// Why a generation of a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// All inputs have ended.
    Finished,
    /// An input that [grows](Input::grows) has new partitions: run the job once more, in all processes.
    Grown,
    /// It had as many epochs as it was to have.
    Enough,
}

impl<S: Storage, B: Build<S::Directory>> Job<S, B> {
    /// Returns a job with one worker in one process.
    pub fn new(storage: S, operator: B) -> Self {
        Self {
            storage: Arc::new(storage),
            operator: Arc::new(operator),
            inputs: Vec::new(),
            outputs: Mutex::default(),
            dead_letter: None,
            processes: Processes::single(),
            threads: NonZeroUsize::MIN,
            options: JobOptions::default(),
            watch: None,
            stop: Arc::default(),
        }
    }

    /// Adds an input. Inputs that the operator does not know are refused by [`run`](Self::run).
    #[must_use]
    pub fn input(mut self, input: Input) -> Self {
        self.inputs.push(input);
        self
    }

    /// Connects an output of the operator with a sink. Only the first process of a job writes to it. An output that
    /// the operator does not have is [`Options`](ClusterError::Options).
    pub fn output(mut self, name: &str, sink: Box<dyn alluvium_connectors::sink::Sink>) -> Result<Self, ClusterError> {
        let outputs = self.operator.outputs();
        let number = outputs.iter().position(|output| output == name).and_then(|number| u32::try_from(number).ok());
        let number = number.ok_or_else(|| {
            ClusterError::Options(format!("the operator has no output {name:?}; its outputs: {}", outputs.join(", ")))
        })?;
        let outputs = self.outputs.get_mut().unwrap_or_else(PoisonError::into_inner);
        outputs.insert(number, (name.to_owned(), sink));
        Ok(self)
    }

    /// Keeps the records that are [left out](JobOptions::leave_out) in a sink, exactly once, as the bytes that
    /// `bytes_of` makes of them. Only the first process of a job writes to it.
    #[must_use]
    pub fn dead_letters(
        mut self,
        sink: Box<dyn alluvium_connectors::sink::Sink>,
        bytes_of: impl Fn(&LeftOut) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let outputs = self.outputs.get_mut().unwrap_or_else(PoisonError::into_inner);
        outputs.insert(DEAD_LETTERS.0, (DEAD_LETTERS.1.to_owned(), sink));
        Self { dead_letter: Some(Arc::new(bytes_of)), ..self }
    }

    /// Sets the processes of the job.
    #[must_use]
    pub fn processes(self, processes: Processes) -> Self {
        Self { processes, ..self }
    }

    /// Sets how many workers each process has.
    #[must_use]
    pub fn threads(self, threads: NonZeroUsize) -> Self {
        Self { threads, ..self }
    }

    /// Sets the options.
    #[must_use]
    pub fn options(self, options: JobOptions) -> Self {
        Self { options, ..self }
    }

    /// Sets what is told of each committed epoch, in the first process.
    #[must_use]
    pub fn watch(self, watch: Watch) -> Self {
        Self { watch: Some(watch), ..self }
    }

    /// Sets a flag that stops the job between two epochs: what was committed stays, and the rest is read again.
    #[must_use]
    pub fn stop(self, stop: Arc<AtomicBool>) -> Self {
        Self { stop, ..self }
    }

    /// Runs a generation of the job: until all inputs have ended, one of them has new partitions, or it is stopped.
    ///
    /// Each process of the job calls this. The first process claims the job, which fences all earlier generations.
    /// After an error, what was committed is safe: start all processes again, with any number of workers.
    pub fn run(mut self) -> Result<Outcome, ClusterError> {
        self.check_inputs()?;
        self.check_outputs()?;
        let workers = self.processes.count() * self.threads.get();
        let mut log = None;
        let plan = || {
            let (opened, plan) = self.claim(workers)?;
            log = opened;
            Ok(plan)
        };
        let Connected { sockets, pulses, plan } =
            connect(&self.processes, self.threads.get(), plan, |plan: &Plan| plan.manifest.generation)?;
        if plan.is_finished {
            return Ok(Outcome { generation: 0, ended: Ended::Finished });
        }
        let failure = Failure::default();
        let _pulses = Pulses::start(pulses, &failure)?;
        let committer = log.map(|log| self.committer(log, &plan, &failure)).transpose()?;
        let generation = plan.manifest.generation;
        let ended = self.work(sockets, plan, committer, &failure)?;
        Ok(Outcome { generation, ended })
    }

    fn check_outputs(&mut self) -> Result<(), ClusterError> {
        let (number, name) = DEAD_LETTERS;
        let outputs = self.outputs.get_mut().unwrap_or_else(PoisonError::into_inner);
        if outputs.contains_key(&number) && outputs.values().filter(|(other, _)| other == name).count() > 1 {
            let what = format!("dead letters cannot be kept: the operator has an output that is called {name:?} too");
            return Err(ClusterError::Options(what));
        }
        Ok(())
    }

    fn check_inputs(&self) -> Result<(), ClusterError> {
        let (known, given) = (self.operator.inputs(), self.inputs.iter().map(|input| input.name().to_owned()));
        let given: Vec<String> = given.collect();
        if known != given {
            let what = format!("the operator has the inputs {}", known.join(", "));
            return Err(ClusterError::Options(format!("{what}, and these are given: {}", given.join(", "))));
        }
        Ok(())
    }
}
