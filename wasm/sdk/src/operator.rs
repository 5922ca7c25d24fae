//! The trait that operators implement.

use serde::de::DeserializeOwned;

use crate::context::Context;
use crate::description::Description;
use crate::host::split;

/// Records of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Batch {
    /// Records with fields: how many there are, the lengths of all fields record by record, and the fields.
    Columns {
        /// The number of records.
        count: u32,
        /// The length of every field.
        field_lens: Vec<u32>,
        /// All fields, one after the other.
        fields: Vec<u8>,
    },
    /// Records as bytes: their lengths, and the records.
    Records {
        /// The length of every record.
        lens: Vec<u32>,
        /// All records, one after the other.
        bytes: Vec<u8>,
    },
}

impl Batch {
    /// Returns the records of an input of bytes.
    pub fn records(&self) -> Result<Vec<&[u8]>, Failure> {
        match self {
            Self::Records { lens, bytes } => Ok(split(lens, bytes)?),
            Self::Columns { .. } => Err("the input has records as bytes, and came with columns".into()),
        }
    }

    /// Reads the records of an input of bytes, each of which is JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<Vec<T>, Failure> {
        let read = |(number, record): (u32, &[u8])| {
            let wrong = |error| Failure { record: Some(number), text: format!("no JSON of a record here: {error}") };
            serde_json::from_slice(record).map_err(wrong)
        };
        (0..).zip(self.records()?).map(read).collect()
    }
}

/// Why a batch was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The record that is to blame, counted from 0 in the batch. None: no single one.
    pub record: Option<u32>,
    /// What is wrong, in words.
    pub text: String,
}

impl Failure {
    /// Says that a record has no time, where one is needed.
    pub(crate) fn without_time(record: u32) -> Self {
        Self { record: Some(record), text: "it has no time".to_owned() }
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self { record: None, text }
    }
}

impl From<&str> for Failure {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

/// A stream operator.
///
/// Everything that must survive belongs in the state, which the [`Context`] leads to. A call that returns an error has
/// changed nothing there, and has emitted nothing.
pub trait Operator {
    /// Returns what the operator says of itself. It is always the same.
    fn describe(&self) -> Description;

    /// Rewrites the state that another version of the operator has left, of the schema version `from`, to that of
    /// [`describe`](Self::describe). It is called once, before `open`, and without parameters. It emits nothing. If it
    /// fails, the state is as it was. Only an operator that is [exported](crate::export) as one that migrates is asked.
    fn migrate(&mut self, from: u32, context: &mut Context<'_>) -> Result<(), String> {
        let _ = context;
        Err(format!("the operator does not know a state of schema version {from}"))
    }

    /// Starts a run. The context has the parameters.
    fn open(&mut self, context: &mut Context<'_>) -> Result<(), String> {
        let _ = context;
        Ok(())
    }

    /// Begins an input of columns, which have these names. An operator whose inputs are bytes is not asked.
    fn begin(&mut self, input: u32, header: &[String]) -> Result<(), String> {
        let _ = (input, header);
        Ok(())
    }

    /// Works in a batch of an input.
    fn process(&mut self, input: u32, batch: &Batch, context: &mut Context<'_>) -> Result<(), Failure>;

    /// Returns the key of each record of a batch, so that the work can be divided among workers. Whatever the operator
    /// does with a record or a timer, it touches only entries and timers of that key: in a hashed namespace the key
    /// itself. The answer does not depend on the state.
    ///
    /// Without it, the operator runs with one worker only.
    fn route(&mut self, input: u32, batch: &Batch) -> Result<Vec<Vec<u8>>, Failure> {
        let _ = (input, batch);
        Err("the operator does not say which keys its records belong to, so its work cannot be divided".into())
    }

    /// Does the work of timers that are set for one time, in the order of their keys. `namespace` is the name of the
    /// namespace that holds them.
    fn on_timers(
        &mut self,
        namespace: &str,
        at_ms: i64,
        keys: &[&[u8]],
        context: &mut Context<'_>,
    ) -> Result<(), String> {
        let _ = (at_ms, keys, context);
        Err(format!("there is no work for the timers of {namespace}"))
    }

    /// Does what is left to do when all inputs have ended.
    fn finish(&mut self, context: &mut Context<'_>) -> Result<(), String> {
        let _ = context;
        Ok(())
    }

    /// Returns a page of results: lines of JSON, sorted by their first member, `"key"`. With `start` it is the first
    /// page. An empty page is the end.
    fn results(&mut self, start: bool, limit: u32, context: &mut Context<'_>) -> Result<Vec<String>, String> {
        let _ = (start, limit, context);
        Ok(vec![])
    }
}

impl<O: Operator + ?Sized> Operator for Box<O> {
    fn describe(&self) -> Description {
        (**self).describe()
    }

    fn migrate(&mut self, from: u32, context: &mut Context<'_>) -> Result<(), String> {
        (**self).migrate(from, context)
    }

    fn open(&mut self, context: &mut Context<'_>) -> Result<(), String> {
        (**self).open(context)
    }

    fn begin(&mut self, input: u32, header: &[String]) -> Result<(), String> {
        (**self).begin(input, header)
    }

    fn process(&mut self, input: u32, batch: &Batch, context: &mut Context<'_>) -> Result<(), Failure> {
        (**self).process(input, batch, context)
    }

    fn route(&mut self, input: u32, batch: &Batch) -> Result<Vec<Vec<u8>>, Failure> {
        (**self).route(input, batch)
    }

    fn on_timers(
        &mut self,
        namespace: &str,
        at_ms: i64,
        keys: &[&[u8]],
        context: &mut Context<'_>,
    ) -> Result<(), String> {
        (**self).on_timers(namespace, at_ms, keys, context)
    }

    fn finish(&mut self, context: &mut Context<'_>) -> Result<(), String> {
        (**self).finish(context)
    }

    fn results(&mut self, start: bool, limit: u32, context: &mut Context<'_>) -> Result<Vec<String>, String> {
        (**self).results(start, limit, context)
    }
}
