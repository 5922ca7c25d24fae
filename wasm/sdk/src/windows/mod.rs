//! Windows by event time: tumbling, sliding, and sessions.
//!
//! All windows of a key are one entry of the state, and each window has a timer for its end. So both belong to the key
//! when the state is divided.

mod assign;
mod open;
mod operator;

use std::marker::PhantomData;
use std::time::Duration;

use serde::Serialize;

use self::assign::Assign;
use crate::aggregate::{Aggregate, Count, Max, Mean, Min, Sum};
use crate::key::Key;
use crate::row::{Row, Rows};
use crate::time::{Time, millis};
use crate::top::Top;

/// A window: from a time up to another, which is not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Window {
    /// The first time in it.
    pub from: Time,
    /// The first time after it.
    pub to: Time,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        $($(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name {
            assign: Assign,
            lateness_ms: i64,
        }

        impl $name {
            /// Allows records to come so much later than the end of their window. The result is emitted at the end, and
            /// again when the watermark moves next after such a record. Without it, none may come later.
            #[must_use]
            pub fn lateness(self, lateness: Duration) -> Self {
                Self { lateness_ms: millis(lateness), ..self }
            }

            /// Takes the key of each record from its row, and the time that [the row has](Row::time). A record without a
            /// time is refused.
            pub fn by<R: Row, K: Key>(self, key: impl Fn(&R) -> K) -> Keyed<R, K, impl Fn(&R) -> (K, Option<Time>)> {
                let by = move |row: &R| (key(row), row.time());
                Keyed { assign: self.assign, lateness_ms: self.lateness_ms, by, types: PhantomData }
            }

            /// Takes both the key and the time of each record from its row. A record without a time is refused.
            pub fn by_at<R: Row, K: Key, T: Into<Option<Time>>>(self, by: impl Fn(&R) -> (K, T)) -> Keyed<R, K, impl Fn(&R) -> (K, Option<Time>)> {
                let by = move |row: &R| {
                    let (key, time) = by(row);
                    (key, time.into())
                };
                Keyed { assign: self.assign, lateness_ms: self.lateness_ms, by, types: PhantomData }
            }
        })*
    };
}

kinds! {
    /// Windows of one length, each beginning where the one before it ends. They begin at multiples of their length
    /// since 1970.
    Tumbling;
    /// Windows of one length that overlap, because a window begins after each step.
    Sliding;
    /// Windows that begin with a record and end when no other has come for a gap.
    Session;
}

impl Tumbling {
    /// Returns windows of this length. Less than a millisecond counts as one.
    pub fn of(length: Duration) -> Self {
        let length_ms = millis(length).max(1);
        Self { assign: Assign::Steps { length_ms, step_ms: length_ms }, lateness_ms: 0 }
    }

    /// Returns windows of so many hours.
    pub fn hours(hours: u64) -> Self {
        Self::of(Duration::from_hours(hours))
    }

    /// Returns windows of so many minutes.
    pub fn minutes(minutes: u64) -> Self {
        Self::of(Duration::from_mins(minutes))
    }
}

impl Sliding {
    /// Returns windows of a length, of which one begins after each step. Less than a millisecond counts as one, and a
    /// record is in at most 1,000 windows: a shorter step counts as a thousandth of the length.
    pub fn of(length: Duration, step: Duration) -> Self {
        let length_ms = millis(length).max(1);
        let step_ms = millis(step).max(length_ms.div_euclid(1_000)).max(1);
        Self { assign: Assign::Steps { length_ms, step_ms }, lateness_ms: 0 }
    }
}

impl Session {
    /// Returns sessions that end after this gap.
    pub fn gap(gap: Duration) -> Self {
        Self { assign: Assign::Gap { gap_ms: millis(gap).max(1) }, lateness_ms: 0 }
    }
}

/// Windows for each key, before it is said what they compute.
#[derive(Debug)]
pub struct Keyed<R, K, B> {
    assign: Assign,
    lateness_ms: i64,
    by: B,
    types: PhantomData<fn(&R) -> K>,
}

impl<R: Row, K: Key, B: Fn(&R) -> (K, Option<Time>)> Keyed<R, K, B> {
    /// Computes an aggregate.
    pub fn aggregate<A: Aggregate<R>>(self, aggregate: A) -> Windows<R, K, B, A> {
        let Self { assign, lateness_ms, by, .. } = self;
        Windows { name: String::new(), rows: Rows::default(), assign, lateness_ms, by, aggregate, types: PhantomData }
    }

    /// Counts the records.
    pub fn count(self) -> Windows<R, K, B, Count> {
        self.aggregate(Count)
    }

    /// Adds up a number of each record, in their order. Records without it are passed over.
    pub fn sum<N: Into<Option<f64>>, F: Fn(&R) -> N>(self, number: F) -> Windows<R, K, B, Sum<F>> {
        self.aggregate(Sum(number))
    }

    /// Computes the mean of a number of each record. Records without it are passed over.
    pub fn mean<N: Into<Option<f64>>, F: Fn(&R) -> N>(self, number: F) -> Windows<R, K, B, Mean<F>> {
        self.aggregate(Mean(number))
    }

    /// Finds the least of a number of each record. Records without it are passed over.
    pub fn min<N: Into<Option<f64>>, F: Fn(&R) -> N>(self, number: F) -> Windows<R, K, B, Min<F>> {
        self.aggregate(Min(number))
    }

    /// Finds the greatest of a number of each record. Records without it are passed over.
    pub fn max<N: Into<Option<f64>>, F: Fn(&R) -> N>(self, number: F) -> Windows<R, K, B, Max<F>> {
        self.aggregate(Max(number))
    }

    /// Finds the `limit` most frequent items, of which each record has one.
    pub fn top<I: Key, F: Fn(&R) -> I>(self, limit: usize, item: F) -> Windows<R, K, B, Top<F>> {
        self.aggregate(Top::of(limit, item))
    }
}

/// An operator that computes an aggregate for each key and window.
///
/// It has the input `records` and the outputs `windows` and `late`. When the watermark has reached the end of a window,
/// it emits a line `{"key": …, "from": …, "to": …, "value": …}` to the first, the windows of one end in the order of
/// their keys. A record that comes too late for all of its windows is a line `{"key": …, "time": …}` of the second, and
/// changes nothing.
#[derive(Debug)]
pub struct Windows<R, K, B, A> {
    name: String,
    rows: Rows<R>,
    assign: Assign,
    lateness_ms: i64,
    by: B,
    aggregate: A,
    types: PhantomData<fn() -> K>,
}

impl<R, K, B, A> Windows<R, K, B, A> {
    /// Sets the name of the operator, which its state belongs to. Without it, that is the name of the function that
    /// [`export!`](crate::export) takes.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }
}
