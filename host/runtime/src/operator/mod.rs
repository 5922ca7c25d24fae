//! Operators: the instances of plugins, which work over the state of one engine.
//!
//! The [local](self::local) one is an instance in this process. What the rest of this crate asks of an instance is the
//! trait [`Operator`].

mod calls;
mod local;
mod start;

use crate::bindings::engine::alluvium::checkpoint::types::PackedKeys;
use crate::bindings::plugin::exports::alluvium::checkpoint::operator;
use crate::description::Description;
use crate::emitted::Emitted;
use crate::error::RuntimeError;
use crate::identity::Identity;
use crate::limits::Limits;
use crate::messages::Message;
use crate::module::Module;
use crate::text::{json_line, printable};

pub(crate) use self::local::LocalOperator;
pub(crate) use operator::Context;
pub use operator::{Batch, ColumnBatch, RecordBatch};

/// What a plugin may refuse, as [`RuntimeError::Refused`] calls it.
pub(crate) const PARAMETERS: &str = "its parameters";
pub(crate) const INPUT: &str = "its input";
pub(crate) const RESULTS: &str = "to give results";
pub(crate) const TIMERS: &str = "timers";
pub(crate) const END: &str = "to finish";
pub(crate) const MIGRATION: &str = "to migrate";

/// An instance of a plugin over the state of one engine.
///
/// Each call has the time that one call may take. If the plugin refuses, what it did to the state in this call is
/// undone, and what it emitted is dropped.
pub(crate) trait Operator: Send {
    /// Returns what the plugin says of itself.
    fn description(&self) -> &Description;

    /// Returns the plugin's name and the version of what it keeps.
    fn identity(&self) -> &Identity {
        &self.description().identity
    }

    /// Starts an instance of `module` over the same engine.
    fn another(&self, module: &Module, limits: &Limits) -> Result<Box<dyn Operator>, RuntimeError>;

    /// Opens `state` and `sink` to the instance: it is the plugin whose state it is.
    fn accept(&mut self) -> Result<(), RuntimeError>;

    /// Declares the plugin's namespaces to the engine, for its `state` to know. Returns their numbers.
    fn declare_namespaces(&mut self) -> Result<Vec<u32>, RuntimeError>;

    /// Starts the run, with the plugin's parameters.
    fn open(&mut self, context: &Context) -> Result<(), RuntimeError>;

    /// Begins an input of columns.
    fn begin(&mut self, input: u32, header: &[String]) -> Result<(), RuntimeError>;

    /// Works in a batch of an input.
    fn process(&mut self, input: u32, batch: &Batch) -> Result<(), RuntimeError>;

    /// Takes the first timers of a namespace from the state, at most `limit` of those of one time that is not after
    /// `up_to_ms`, and has the plugin do their work. Returns how many there were.
    fn on_timers(&mut self, namespace: u32, up_to_ms: i64, limit: u32) -> Result<u32, RuntimeError>;

    /// Tells the plugin that its inputs have ended, if it wants to know.
    fn finish(&mut self) -> Result<(), RuntimeError>;

    /// Returns the key of each record of a batch.
    fn route(&mut self, input: u32, batch: &Batch) -> Result<PackedKeys, RuntimeError>;

    /// Returns the next page of results, each one line that can be shown and parsed.
    fn results(&mut self, start: bool, limit: u32) -> Result<Vec<String>, RuntimeError>;

    /// Rewrites the state that an older version has left; the code has a migration.
    fn migrate(&mut self, from: u32) -> Result<(), RuntimeError>;

    /// Returns the messages of the last call.
    fn take_messages(&mut self) -> Vec<Message>;

    /// Returns what was emitted to each output since the last call.
    fn take_emitted(&mut self) -> Vec<Emitted>;

    /// Returns how many records were emitted to each output and not taken yet.
    fn waiting(&mut self) -> Vec<usize>;

    /// Puts what another instance emitted in front of what this one did, by the number of the output.
    fn prepend(&mut self, emitted: Vec<(usize, Emitted)>);

    /// Returns how many bytes it emitted since this was last asked.
    fn count_emitted(&mut self) -> u64;

    /// Returns the memory of WebAssembly that it takes, beside its engine's.
    fn memory_bytes(&self) -> usize;
}

/// Has `fresh` continue where `old` leaves off: what that one emitted, and was not taken yet, is this one's. If it
/// lacks the output for it, that is an error, and nothing has changed.
pub(crate) fn take_over(fresh: &mut dyn Operator, old: &mut dyn Operator) -> Result<(), RuntimeError> {
    let outputs = &fresh.description().outputs;
    let places: Vec<_> = (old.description().outputs.iter())
        .map(|was| outputs.iter().position(|is| is.name == was.name && is.format == was.format))
        .collect();
    let waiting = old.waiting();
    for ((output, place), waiting) in old.description().outputs.iter().zip(&places).zip(waiting) {
        if place.is_none() && waiting > 0 {
            let name = printable(&output.name);
            let why = format!("{waiting} records wait for the output {name}, which the new code does not have");
            return Err(RuntimeError::Host(format!("{why}: take them first")));
        }
    }
    let taken = places.into_iter().zip(old.take_emitted());
    fresh.prepend(taken.filter_map(|(place, emitted)| Some((place?, emitted))).collect());
    Ok(())
}

/// Checks that there is a key for each record of a batch.
pub(crate) fn keys_of(keys: PackedKeys, batch: &Batch) -> Result<PackedKeys, RuntimeError> {
    let records = match batch {
        Batch::Columns(batch) => batch.count as usize,
        Batch::Records(batch) => batch.lens.len(),
    };
    let bytes: u64 = keys.lens.iter().map(|&len| u64::from(len)).sum();
    if keys.lens.len() == records && bytes == keys.bytes.len() as u64 {
        return Ok(keys);
    }
    let (found, has) = (keys.lens.len(), keys.bytes.len());
    let text = format!("it returned {found} keys of {bytes} bytes in {has} for {records} records");
    Err(RuntimeError::Refused { what: INPUT, record: None, text })
}

/// Makes a page of results fit to be shown and parsed line by line.
pub(crate) fn lines(page: &[String]) -> Result<Vec<String>, RuntimeError> {
    page.iter().map(|line| json_line(line)).collect::<Result<_, String>>().map_err(|line| {
        let text = format!("one of them holds a control character: {}", printable(&line));
        RuntimeError::Refused { what: RESULTS, record: None, text }
    })
}
