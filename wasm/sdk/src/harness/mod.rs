//! Running an operator natively, in a test: fed, moved in time, crashed and recovered.
//!
//! The state is kept by the engine that keeps it in production, over a directory in memory. So what a crash leaves
//! behind is what it leaves behind there.

mod host;
mod run;

use std::collections::BTreeMap;
use std::sync::Arc;

use alluvium_core::directory::MemoryDirectory;

use self::run::Run;
use crate::host::Entry;
use crate::operator::{Failure, Operator};
use crate::time::Time;

/// Runs an operator natively.
///
/// Clocks move when they are told to, and the timers that are due are worked through then, as a host does it. What the
/// operator emits is shown by [`checkpoint`](Self::checkpoint), exactly once, and [`emitted`](Self::emitted) has all of
/// it, shown or not.
///
/// ```
/// use alluvium_plugin::prelude::*;
///
/// #[derive(Row)]
/// struct Click {
///     page: String,
///     at: Time,
/// }
///
/// let clicks = || Tumbling::minutes(5).by(|it: &Click| it.page.clone()).count();
/// let mut harness = Harness::new(clicks);
/// harness.feed("page,at\n/home,60000\n/home,90000\n")?;
/// harness.checkpoint()?;
/// harness.feed("page,at\n/lost,100000\n")?;
/// harness.crash()?;       // what came after the checkpoint is gone, and would be fed again
/// harness.finish()?;
/// let line = r#"{"key":"/home","from":"1970-01-01T00:00:00Z","to":"1970-01-01T00:05:00Z","value":2}"#;
/// assert_eq!(harness.emitted(), [line]);
/// # Ok::<(), String>(())
/// ```
pub struct Harness {
    make: Box<dyn Fn() -> Box<dyn Operator>>,
    parameters: BTreeMap<String, String>,
    directory: Arc<MemoryDirectory>,
    run: Run,
    /// The records that were emitted to each output and shown.
    shown: Vec<Vec<Vec<u8>>>,
}

impl Harness {
    /// Starts an operator over an empty state. The parameters have their defaults.
    ///
    /// Panics if the operator cannot be started.
    pub fn new<O: Operator + 'static>(make: impl Fn() -> O + 'static) -> Self {
        Self::with_parameters(make, &[]).unwrap_or_else(|text| panic!("{text}"))
    }

    /// Starts an operator with values of its parameters. The error says what is wrong with them.
    pub fn with_parameters<O: Operator + 'static>(
        make: impl Fn() -> O + 'static,
        parameters: &[(&str, &str)],
    ) -> Result<Self, String> {
        let make = move || Box::new(make()) as Box<dyn Operator>;
        let directory = Arc::new(MemoryDirectory::new());
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let run = Run::start(make(), &directory, &parameters)?;
        let shown = vec![Vec::new(); run.outputs()];
        Ok(Self { make: Box::new(make), parameters, directory, run, shown })
    }

    /// Feeds records to the first input: CSV, whose first line names the columns.
    pub fn feed(&mut self, csv: &str) -> Result<(), String> {
        self.feed_to(0, csv)
    }

    /// Feeds records to an input, by its number. If one of them is refused, all are.
    pub fn feed_to(&mut self, input: u32, csv: &str) -> Result<(), String> {
        self.run.read(input, csv).and_then(|batch| self.run.feed(input, &batch)).map_err(named)
    }

    /// Feeds records to an input of bytes, by its number. If one of them is refused, all are.
    pub fn feed_records(&mut self, input: u32, records: &[&[u8]]) -> Result<(), String> {
        self.run.feed(input, &Run::bytes(records)).map_err(named)
    }

    /// Returns the bytes of the key that each record of an input of bytes belongs to.
    pub fn route_records(&mut self, input: u32, records: &[&[u8]]) -> Result<Vec<Vec<u8>>, String> {
        self.run.route(input, &Run::bytes(records)).map_err(named)
    }

    /// Returns the bytes of the key that each record of an input belongs to, as the [operator says](Operator::route).
    pub fn route(&mut self, input: u32, csv: &str) -> Result<Vec<Vec<u8>>, String> {
        self.run.read(input, csv).and_then(|batch| self.run.route(input, &batch)).map_err(named)
    }

    /// Moves the watermark, and works through the timers that are due. An earlier watermark changes nothing.
    pub fn watermark(&mut self, time: &str) -> Result<(), String> {
        self.run.set_watermark(time.parse::<Time>()?.as_ms())
    }

    /// Moves the processing time, and works through the timers that are due.
    pub fn processing_time(&mut self, time: &str) -> Result<(), String> {
        self.run.set_processing_time(time.parse::<Time>()?.as_ms())
    }

    /// Ends all inputs: works through all timers of event time, and has the operator finish.
    pub fn finish(&mut self) -> Result<(), String> {
        self.run.finish()
    }

    /// Takes a checkpoint, and shows what was emitted.
    pub fn checkpoint(&mut self) -> Result<(), String> {
        self.run.checkpoint()?;
        for (shown, emitted) in self.shown.iter_mut().zip(self.run.take_emitted()) {
            shown.extend(emitted);
        }
        Ok(())
    }

    /// Loses everything since the last checkpoint, and starts another instance over what it left.
    pub fn crash(&mut self) -> Result<(), String> {
        self.run = Run::start((self.make)(), &self.directory, &self.parameters)?;
        Ok(())
    }

    /// Starts another version of the operator over the last checkpoint, after it has brought the state to its own schema
    /// version ([`Operator::migrate`]). If that fails, nothing has changed.
    pub fn migrate<O: Operator + 'static>(&mut self, make: impl Fn() -> O + 'static) -> Result<(), String> {
        let make = move || Box::new(make()) as Box<dyn Operator>;
        let (from, to) = (self.run.schema_version(), make().describe().schema_version);
        if from == to {
            return Err(format!("the state is of schema version {to} already"));
        }
        Run::migrate(make(), &self.directory, from)?;
        self.make = Box::new(make);
        self.crash()?;
        self.shown.resize(self.run.outputs().max(self.shown.len()), Vec::new());
        Ok(())
    }

    /// Returns the lines that were emitted to the first output, by lost instances too if they were shown.
    pub fn emitted(&self) -> Vec<String> {
        self.emitted_to(0)
    }

    /// Returns the lines that were emitted to an output, by its number. There are none of an output that is not there.
    pub fn emitted_to(&self, output: usize) -> Vec<String> {
        let shown = self.shown.get(output).into_iter().flatten();
        let waiting = self.run.emitted(output);
        shown.chain(waiting).map(|record| String::from_utf8_lossy(record).into_owned()).collect()
    }

    /// Returns all results, page by page.
    pub fn results(&mut self) -> Result<Vec<String>, String> {
        self.run.results()
    }

    /// Returns the messages of the present instance.
    pub fn messages(&self) -> &[String] {
        self.run.messages()
    }

    /// Returns the entries of a namespace, in the order of their keys: the key and the value of each, as bytes. The keys
    /// of timers begin with their times.
    pub fn entries(&self, namespace: &str) -> Result<Vec<Entry>, String> {
        self.run.entries(namespace)
    }
}

/// Says of a failure which record is to blame.
fn named(Failure { record, text }: Failure) -> String {
    match record {
        Some(record) => format!("record {record}: {text}"),
        None => text,
    }
}
