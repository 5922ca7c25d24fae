//! Deduplication: the first record of a key passes, and others of the key only when a time has gone by.

use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use crate::codec::Codec;
use crate::context::Context;
use crate::description::{Description, Domain, Kind, Namespace};
use crate::key::{Key, of_timers};
use crate::operator::{Batch, Failure, Operator};
use crate::row::{Row, Rows};
use crate::state::Map;
use crate::time::{Time, millis};

/// The namespace of the times of what has passed, and that of when these can be forgotten.
const PASSED: &str = "passed";
const ENDS: &str = "ends";

/// The outputs by number.
const UNIQUE: u32 = 0;
const DUPLICATES: u32 = 1;
const LATE: u32 = 2;

/// An operator that lets a record pass if no other one of its key has passed within a duration of event time.
///
/// It has the input `records`. A record that passes is a line of the output `unique`, as its row is in JSON. Any other is
/// a line `{"key": …, "time": …}` of the output `duplicates`. One that comes later than the watermark by more than the
/// lateness is such a line of the output `late`, because what was before it may be forgotten.
///
/// For each key it keeps the times of what has passed, of eight bytes each, little-endian, in their order. Each has a
/// timer for when no record can be its duplicate any more.
///
/// ```
/// use alluvium_plugin::prelude::*;
/// use alluvium_plugin::Deduplicate;
///
/// #[derive(Row, serde::Serialize)]
/// struct Order {
///     id: String,
///     at: Time,
/// }
///
/// let mut harness = Harness::new(|| Deduplicate::by(|it: &Order| it.id.clone()).within(Duration::from_secs(1)));
/// harness.feed("id,at\na,0\na,999\na,1000\n")?;
/// let [first, second] = ["00Z", "01Z"].map(|at| format!(r#"{{"id":"a","at":"1970-01-01T00:00:{at}"}}"#));
/// assert_eq!(harness.emitted(), [first, second]);
/// # Ok::<(), String>(())
/// ```
#[derive(Debug)]
pub struct Deduplicate<R, K, B> {
    name: String,
    rows: Rows<R>,
    key: B,
    within_ms: i64,
    lateness_ms: i64,
    passed: Map<K, Times>,
}

impl<R: Row, K: Key, B: Fn(&R) -> K> Deduplicate<R, K, B> {
    /// Takes the key of each record from its row, and its time from where [the row has it](Row::time). Without
    /// [`within`](Self::within) it is one day in which records are duplicates.
    pub fn by(key: B) -> Self {
        let within_ms = millis(Duration::from_hours(24));
        Self { name: String::new(), rows: Rows::default(), key, within_ms, lateness_ms: 0, passed: Map::new(PASSED) }
    }

    /// Sets within which time another record of a key is a duplicate. Less than a millisecond counts as one.
    #[must_use]
    pub fn within(self, duration: Duration) -> Self {
        Self { within_ms: millis(duration).max(1), ..self }
    }

    /// Allows records to come so much later than the watermark.
    #[must_use]
    pub fn lateness(self, lateness: Duration) -> Self {
        Self { lateness_ms: millis(lateness), ..self }
    }

    /// Sets the name of the operator, which its state belongs to.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    /// When what has passed at a time can be forgotten.
    fn forgets(&self, at_ms: i64) -> i64 {
        at_ms.saturating_add(self.within_ms).saturating_add(self.lateness_ms)
    }
}

/// The times of what has passed of a key.
#[derive(Debug, Default)]
struct Times(Vec<i64>);

impl Codec for Times {
    fn encode(&self) -> Vec<u8> {
        self.0.iter().flat_map(|at_ms| at_ms.to_le_bytes()).collect()
    }

    fn decode(bytes: &[u8]) -> Result<Self, String> {
        let (times, rest) = bytes.as_chunks();
        let times = times.iter().map(|time| i64::from_le_bytes(*time)).collect();
        if rest.is_empty() { Ok(Self(times)) } else { Err("an entry of the times is none".to_owned()) }
    }
}

impl<R: Row + Serialize, K: Key, B: Fn(&R) -> K> Operator for Deduplicate<R, K, B> {
    fn describe(&self) -> Description {
        Description::new(&self.name)
            .input("records")
            .output("unique")
            .output("duplicates")
            .output("late")
            .namespace(self.passed.namespace())
            .namespace(Namespace::new(ENDS, Kind::Timers(Domain::Event)))
    }

    fn begin(&mut self, _input: u32, header: &[String]) -> Result<(), String> {
        self.rows.begin(header)
    }

    fn process(&mut self, _input: u32, batch: &Batch, context: &mut Context<'_>) -> Result<(), Failure> {
        let rows = self.rows.timed(batch)?.into_iter();
        let placed: Vec<_> = rows.map(|(time, row)| ((self.key)(&row), time, row)).collect();
        self.passed.prefetch(placed.iter().map(|(key, _, _)| key), context)?;
        let ends = context.namespace(ENDS)?;
        let watermark = context.watermark();
        for (key, time, row) in placed {
            let at_ms = time.as_ms();
            if watermark.is_some_and(|watermark| at_ms.saturating_add(self.lateness_ms) < watermark.as_ms()) {
                context.emit(LATE, &line(&key, time))?;
                continue;
            }
            let Times(mut times) = self.passed.get(&key, context)?.unwrap_or_default();
            if times.iter().any(|passed| passed.abs_diff(at_ms) < self.within_ms.unsigned_abs()) {
                context.emit(DUPLICATES, &line(&key, time))?;
                continue;
            }
            times.insert(times.partition_point(|passed| *passed < at_ms), at_ms);
            self.passed.set(&key, &Times(times), context)?;
            context.host().set_timer(ends, self.forgets(at_ms), &key.bytes())?;
            context.emit(UNIQUE, &row)?;
        }
        Ok(())
    }

    fn route(&mut self, _input: u32, batch: &Batch) -> Result<Vec<Vec<u8>>, Failure> {
        Ok(self.rows.read(batch)?.iter().map(|row| (self.key)(row).bytes()).collect())
    }

    fn on_timers(&mut self, _: &str, at_ms: i64, keys: &[&[u8]], context: &mut Context<'_>) -> Result<(), String> {
        let keys: Vec<K> = of_timers(keys)?;
        self.passed.prefetch(&keys, context)?;
        for key in keys {
            let Times(mut times) = self.passed.get(&key, context)?.unwrap_or_default();
            times.retain(|time| self.forgets(*time) > at_ms);
            if times.is_empty() {
                self.passed.delete(&key, context)?;
            } else {
                self.passed.set(&key, &Times(times), context)?;
            }
        }
        Ok(())
    }
}

/// What is said of a record that does not pass.
fn line(key: &impl Key, time: Time) -> serde_json::Value {
    json!({ "key": key, "time": time })
}
