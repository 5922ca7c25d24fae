//! The join of two streams whose records are near in time.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::context::Context;
use crate::description::{Description, Domain, Kind, Namespace};
use crate::key::{Key, of_timers};
use crate::operator::{Batch, Failure, Operator};
use crate::row::{Row, Rows};
use crate::state::Map;
use crate::time::{Time, millis};

/// The namespace of the records that others may still join, and that of when none can.
const OPEN: &str = "open";
const ENDS: &str = "ends";

/// The inputs by number.
const LEFT: u32 = 0;

/// The outputs by number.
const JOINED: u32 = 0;
const LATE: u32 = 1;

/// A record that others may still join.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Open<T> {
    at_ms: i64,
    is_joined: bool,
    row: T,
}

/// The records of a key, of each input in the order in which they came.
type Sides<L, R> = (Vec<Open<L>>, Vec<Open<R>>);

/// An operator that joins the records of two streams that have the same key and times that are near.
///
/// It has the inputs `left` and `right`. Each pair whose right time is not earlier than the left one by more than
/// `before`, and not later by more than `after`, is a line `{"key": …, "left": …, "right": …}` of the output `joined`, with
/// both rows in JSON. It is emitted when the second of the two has come. With [`outer`](Self::outer), a left record that
/// found none is such a line, too, without a right one, when the watermark says that none will come. A record that comes
/// later than the watermark by more than the lateness is a line `{"key": …, "time": …}` of the output `late`, because
/// what it would join may be gone.
///
/// For each key it keeps the records that others may still join, as JSON, with a timer for when none can.
///
/// ```
/// use alluvium_plugin::prelude::*;
/// use alluvium_plugin::IntervalJoin;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Row, Serialize, Deserialize)]
/// struct Event {
///     id: String,
///     at: Time,
/// }
///
/// let minute = Duration::from_mins(1);
/// let id = |it: &Event| it.id.clone();
/// let mut harness = Harness::new(move || IntervalJoin::by(id, id).between(Duration::ZERO, minute));
/// harness.feed_to(0, "id,at\na,0\n")?;
/// harness.feed_to(1, "id,at\na,60000\na,60001\n")?;
/// let [left, right] = ["00:00", "01:00"].map(|at| format!(r#"{{"id":"a","at":"1970-01-01T00:{at}Z"}}"#));
/// assert_eq!(harness.emitted(), [format!(r#"{{"key":"a","left":{left},"right":{right}}}"#)]);
/// # Ok::<(), String>(())
/// ```
#[derive(Debug)]
pub struct IntervalJoin<L, R, K, A, B> {
    name: String,
    rows: (Rows<L>, Rows<R>),
    by: (A, B),
    before_ms: i64,
    after_ms: i64,
    lateness_ms: i64,
    is_outer: bool,
    open: Map<K, Sides<L, R>>,
}

impl<L, R, K: Key, A: Fn(&L) -> K, B: Fn(&R) -> K> IntervalJoin<L, R, K, A, B>
where
    L: Row + Serialize + DeserializeOwned,
    R: Row + Serialize + DeserializeOwned,
{
    /// Takes the keys of the records of both inputs from their rows, and their times from where
    /// [the rows have them](Row::time). Without [`between`](Self::between), the times must be equal.
    pub fn by(left: A, right: B) -> Self {
        Self {
            name: String::new(),
            rows: (Rows::default(), Rows::default()),
            by: (left, right),
            before_ms: 0,
            after_ms: 0,
            lateness_ms: 0,
            is_outer: false,
            open: Map::new(OPEN),
        }
    }

    /// Sets how much earlier, and how much later than the left one the time of a right record may be.
    #[must_use]
    pub fn between(self, before: Duration, after: Duration) -> Self {
        Self { before_ms: millis(before), after_ms: millis(after), ..self }
    }

    /// Allows records to come so much later than the watermark.
    #[must_use]
    pub fn lateness(self, lateness: Duration) -> Self {
        Self { lateness_ms: millis(lateness), ..self }
    }

    /// Has left records emitted that no right one joins.
    #[must_use]
    pub fn outer(self) -> Self {
        Self { is_outer: true, ..self }
    }

    /// Sets the name of the operator, which its state belongs to.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    fn is_pair(&self, left_ms: i64, right_ms: i64) -> bool {
        right_ms >= left_ms.saturating_sub(self.before_ms) && right_ms <= left_ms.saturating_add(self.after_ms)
    }

    /// When nothing more may join a record of an input: the watermark has passed the last time of the other one.
    fn closes(&self, input: u32, at_ms: i64) -> i64 {
        let span_ms = if input == LEFT { self.after_ms } else { self.before_ms };
        at_ms.saturating_add(span_ms).saturating_add(self.lateness_ms).saturating_add(1)
    }

    /// Reads the rows of a batch with their keys and times, and what is open of these keys.
    fn placed<T: Row>(
        &self,
        (rows, by): (&Rows<T>, impl Fn(&T) -> K),
        batch: &Batch,
        context: &mut Context<'_>,
    ) -> Result<Vec<(K, Time, T)>, Failure> {
        let placed: Vec<_> = rows.timed(batch)?.into_iter().map(|(time, row)| (by(&row), time, row)).collect();
        self.open.prefetch(placed.iter().map(|(key, _, _)| key), context)?;
        Ok(placed)
    }

    /// Opens the records of a key for a record of an input, unless it comes too late.
    fn opened(
        &self,
        input: u32,
        key: &K,
        time: Time,
        context: &mut Context<'_>,
    ) -> Result<Option<Sides<L, R>>, String> {
        let latest_ms = time.as_ms().saturating_add(self.lateness_ms);
        if context.watermark().is_some_and(|watermark| latest_ms < watermark.as_ms()) {
            context.emit(LATE, &json!({ "key": key, "time": time }))?;
            return Ok(None);
        }
        let ends = context.namespace(ENDS)?;
        context.host().set_timer(ends, self.closes(input, time.as_ms()), &key.bytes())?;
        Ok(Some(self.open.get(key, context)?.unwrap_or_default()))
    }
}

/// Opens a record, with the pairs that it makes with records of the other input.
fn met<T, O>(
    time: Time,
    row: T,
    others: &mut [Open<O>],
    is_pair: impl Fn(i64, i64) -> bool,
    mut emit: impl FnMut(&T, &O) -> Result<(), String>,
) -> Result<Open<T>, String> {
    let mut met = Open { at_ms: time.as_ms(), is_joined: false, row };
    for other in others.iter_mut().filter(|other| is_pair(met.at_ms, other.at_ms)) {
        (met.is_joined, other.is_joined) = (true, true);
        emit(&met.row, &other.row)?;
    }
    Ok(met)
}

/// Emits a pair.
fn emit(
    key: &impl Key,
    left: &impl Serialize,
    right: Option<&impl Serialize>,
    context: &mut Context<'_>,
) -> Result<(), String> {
    context.emit(JOINED, &json!({ "key": key, "left": left, "right": right }))
}

impl<L, R, K: Key, A: Fn(&L) -> K, B: Fn(&R) -> K> Operator for IntervalJoin<L, R, K, A, B>
where
    L: Row + Serialize + DeserializeOwned,
    R: Row + Serialize + DeserializeOwned,
{
    fn describe(&self) -> Description {
        Description::new(&self.name)
            .input("left")
            .input("right")
            .output("joined")
            .output("late")
            .namespace(self.open.namespace())
            .namespace(Namespace::new(ENDS, Kind::Timers(Domain::Event)))
    }

    fn begin(&mut self, input: u32, header: &[String]) -> Result<(), String> {
        if input == LEFT { self.rows.0.begin(header) } else { self.rows.1.begin(header) }
    }

    fn process(&mut self, input: u32, batch: &Batch, context: &mut Context<'_>) -> Result<(), Failure> {
        if input == LEFT {
            for (key, time, row) in self.placed((&self.rows.0, &self.by.0), batch, context)? {
                let Some((mut lefts, mut rights)) = self.opened(input, &key, time, context)? else { continue };
                let is_pair = |left_ms, right_ms| self.is_pair(left_ms, right_ms);
                lefts.push(met(time, row, &mut rights, is_pair, |left, right| emit(&key, left, Some(right), context))?);
                self.open.set(&key, &(lefts, rights), context)?;
            }
        } else {
            for (key, time, row) in self.placed((&self.rows.1, &self.by.1), batch, context)? {
                let Some((mut lefts, mut rights)) = self.opened(input, &key, time, context)? else { continue };
                let is_pair = |right_ms, left_ms| self.is_pair(left_ms, right_ms);
                rights.push(met(time, row, &mut lefts, is_pair, |right, left| emit(&key, left, Some(right), context))?);
                self.open.set(&key, &(lefts, rights), context)?;
            }
        }
        Ok(())
    }

    fn route(&mut self, input: u32, batch: &Batch) -> Result<Vec<Vec<u8>>, Failure> {
        if input == LEFT {
            Ok(self.rows.0.read(batch)?.iter().map(|row| (self.by.0)(row).bytes()).collect())
        } else {
            Ok(self.rows.1.read(batch)?.iter().map(|row| (self.by.1)(row).bytes()).collect())
        }
    }

    fn on_timers(&mut self, _: &str, at_ms: i64, keys: &[&[u8]], context: &mut Context<'_>) -> Result<(), String> {
        let keys: Vec<K> = of_timers(keys)?;
        self.open.prefetch(&keys, context)?;
        for key in keys {
            let (mut lefts, mut rights) = self.open.get(&key, context)?.unwrap_or_default();
            for left in lefts.extract_if(.., |left| self.closes(LEFT, left.at_ms) <= at_ms) {
                if self.is_outer && !left.is_joined {
                    emit(&key, &left.row, None::<&R>, context)?;
                }
            }
            rights.retain(|right| self.closes(LEFT + 1, right.at_ms) > at_ms);
            if lefts.is_empty() && rights.is_empty() {
                self.open.delete(&key, context)?;
            } else {
                self.open.set(&key, &(lefts, rights), context)?;
            }
        }
        Ok(())
    }
}
