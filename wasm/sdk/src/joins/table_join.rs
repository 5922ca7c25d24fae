//! The join of a stream with tables.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Tables;
use crate::context::Context;
use crate::description::{Description, Domain, Kind, Namespace};
use crate::key::{Key, of_timers};
use crate::operator::{Batch, Failure, Operator};
use crate::row::{Row, Rows};
use crate::state::Map;
use crate::time::millis;

/// The namespace of the records that wait, and that of when their wait ends.
const WAITING: &str = "waiting";
const DUE: &str = "due";

/// The outputs by number.
const JOINED: u32 = 0;

/// An operator that joins each record of a stream with the rows of [tables](crate::Table) that belong to it.
///
/// Its inputs are the stream and the tables, in this order. A record waits in the state until the watermark has reached
/// its time and the time of [`wait`](Self::wait). Then what has come of the tables by then is looked up, and a line of
/// the output `joined` is emitted. So the order of the inputs among each other does not matter, and the lines come in
/// the order of the records' times and keys. A record that comes later waits for the next move of the watermark.
///
/// For each key it keeps the records that wait, as JSON, with a timer for when their wait ends, and of each table the
/// last row of each key. The work can be divided among workers if records are looked up in all tables by the bytes of
/// their own key. A record that is looked up by others is refused by [`route`](Operator::route).
///
/// ```
/// use alluvium_plugin::prelude::*;
/// use alluvium_plugin::{Table, TableJoin};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Row, Serialize, Deserialize)]
/// struct Order {
///     article: String,
///     at: Time,
/// }
/// #[derive(Row, Serialize, Deserialize)]
/// struct Article {
///     article: String,
///     price: f64,
/// }
///
/// let orders = || {
///     let articles = Table::new("articles", |it: &Article| it.article.clone(), |it: &Order| it.article.clone());
///     TableJoin::new("orders", |it: &Order| it.article.clone(), (articles,))
///         .emit(|order, (article,)| (order.article, article.map(|it| it.price)))
/// };
/// let mut harness = Harness::new(orders);
/// harness.feed_to(0, "article,at\npen,1000\nink,1000\n")?;
/// harness.feed_to(1, "article,price\npen,1.5\n")?;
/// harness.watermark("1000")?;
/// assert_eq!(harness.emitted(), [r#"["ink",null]"#, r#"["pen",1.5]"#]);
/// # Ok::<(), String>(())
/// ```
#[derive(Debug)]
pub struct TableJoin<S, K, B, T, E> {
    name: String,
    input: &'static str,
    rows: Rows<S>,
    by: B,
    tables: T,
    wait_ms: i64,
    emit: E,
    waiting: Map<K, Vec<(i64, S)>>,
}

impl<S: Row + Serialize + DeserializeOwned, K: Key, B: Fn(&S) -> K, T: Tables<S>> TableJoin<S, K, B, T, ()> {
    /// Names the input of the stream, and takes the keys of its records from their rows: the waiting records of a key are
    /// one entry of the state. Their times are where [the rows have them](Row::time).
    pub fn new(input: &'static str, by: B, tables: T) -> Self {
        let waiting = Map::new(WAITING);
        Self { name: String::new(), input, rows: Rows::default(), by, tables, wait_ms: 0, emit: (), waiting }
    }

    /// Sets how much longer a record waits for what belongs to it.
    #[must_use]
    pub fn wait(self, wait: Duration) -> Self {
        Self { wait_ms: millis(wait), ..self }
    }

    /// Makes the line that is emitted of a record and of what was found for it.
    pub fn emit<O: Serialize, E: Fn(S, T::Found) -> O>(self, emit: E) -> TableJoin<S, K, B, T, E> {
        let Self { name, input, rows, by, tables, wait_ms, waiting, .. } = self;
        TableJoin { name, input, rows, by, tables, wait_ms, emit, waiting }
    }
}

impl<S, K: Key, B: Fn(&S) -> K, T: Tables<S>, E> TableJoin<S, K, B, T, E> {
    /// Returns the key of a record, by which it is looked up in all tables as well.
    fn key_everywhere(&self, record: u32, row: &S) -> Result<Vec<u8>, Failure> {
        let key = (self.by)(row).bytes();
        let Some((table, _)) = self.tables.lookups(row).into_iter().find(|(_, lookup)| *lookup != key) else {
            return Ok(key);
        };
        let text = format!("it is looked up in {table} by another key than its own, so the work cannot be divided");
        Err(Failure { record: Some(record), text })
    }
}

impl<S, K, B, T, E> TableJoin<S, K, B, T, E> {
    /// Sets the name of the operator, which its state belongs to.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }
}

impl<S, K, B, T, E, O> Operator for TableJoin<S, K, B, T, E>
where
    S: Row + Serialize + DeserializeOwned,
    K: Key,
    B: Fn(&S) -> K,
    T: Tables<S>,
    E: Fn(S, T::Found) -> O,
    O: Serialize,
{
    fn describe(&self) -> Description {
        let begun = Description::new(&self.name).input(self.input).output("joined").namespace(self.waiting.namespace());
        let begun = begun.namespace(Namespace::new(DUE, Kind::Timers(Domain::Event)));
        self.tables.inputs().into_iter().fold(begun, |all, (input, namespace)| all.input(input).namespace(namespace))
    }

    fn begin(&mut self, input: u32, header: &[String]) -> Result<(), String> {
        match input.checked_sub(1) {
            None => self.rows.begin(header),
            Some(table) => self.tables.begin(table, header),
        }
    }

    fn process(&mut self, input: u32, batch: &Batch, context: &mut Context<'_>) -> Result<(), Failure> {
        if let Some(table) = input.checked_sub(1) {
            return self.tables.process(table, batch, context);
        }
        let rows = self.rows.timed(batch)?.into_iter();
        let placed: Vec<_> = rows.map(|(time, row)| ((self.by)(&row), time, row)).collect();
        self.waiting.prefetch(placed.iter().map(|(key, _, _)| key), context)?;
        let due = context.namespace(DUE)?;
        for (key, time, row) in placed {
            let at_ms = time.as_ms().saturating_add(self.wait_ms);
            let mut waiting = self.waiting.get(&key, context)?.unwrap_or_default();
            waiting.push((at_ms, row));
            self.waiting.set(&key, &waiting, context)?;
            context.host().set_timer(due, at_ms, &key.bytes())?;
        }
        Ok(())
    }

    fn route(&mut self, input: u32, batch: &Batch) -> Result<Vec<Vec<u8>>, Failure> {
        if let Some(table) = input.checked_sub(1) {
            return self.tables.route(table, batch);
        }
        let rows = self.rows.read(batch)?;
        (0..).zip(&rows).map(|(record, row)| self.key_everywhere(record, row)).collect()
    }

    fn on_timers(&mut self, _: &str, at_ms: i64, keys: &[&[u8]], context: &mut Context<'_>) -> Result<(), String> {
        let keys: Vec<K> = of_timers(keys)?;
        self.waiting.prefetch(&keys, context)?;
        let mut due = Vec::new();
        for key in keys {
            let mut waiting = self.waiting.get(&key, context)?.unwrap_or_default();
            due.extend(waiting.extract_if(.., |(until_ms, _)| *until_ms <= at_ms).map(|(_, row)| row));
            if waiting.is_empty() {
                self.waiting.delete(&key, context)?;
            } else {
                self.waiting.set(&key, &waiting, context)?;
            }
        }
        let found = self.tables.find(&due, context)?;
        for (row, found) in due.into_iter().zip(found) {
            context.emit(JOINED, &(self.emit)(row, found))?;
        }
        Ok(())
    }
}
