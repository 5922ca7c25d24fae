//! Stream operators for Alluvium in a few lines.
//!
//! An operator turns records into state, and state into results. It runs as a WebAssembly component in a sandbox of
//! its own. The host keeps its state in checkpoints: after a crash it continues as if nothing had happened, and what it
//! emits is shown exactly once.
//!
//! ```
//! use alluvium_plugin::prelude::*;
//!
//! #[derive(Row)]
//! struct Flight {
//!     carrier: String,
//!     time_hour: Time,
//!     dep_delay: Option<f64>,
//! }
//!
//! fn delays() -> impl Operator {
//!     let windows = Tumbling::hours(1).lateness(Duration::from_mins(10));
//!     windows.by(|it: &Flight| it.carrier.clone()).mean(|it| it.dep_delay)
//! }
//! alluvium_plugin::export!(delays);
//!
//! // A test runs it natively: it feeds records, moves the time, and can crash it.
//! let mut harness = Harness::new(delays);
//! harness.feed("carrier,time_hour,dep_delay\nUA,2013-01-01T05:00:00Z,4\nUA,2013-01-01T05:59:00Z,8\n")?;
//! harness.checkpoint()?;
//! harness.crash()?;
//! harness.watermark("2013-01-01T06:00:00Z")?;
//! let expected = r#"{"key":"UA","from":"2013-01-01T05:00:00Z","to":"2013-01-01T06:00:00Z","value":6.0}"#;
//! assert_eq!(harness.emitted(), [expected]);
//! # Ok::<(), String>(())
//! ```
//!
//! - [`Row`] reads records by the names of their columns.
//! - [`Tumbling`], [`Sliding`] and [`Session`] are windows by event time, each with allowed lateness.
//! - [`Top`] is an aggregate of windows: the most frequent items.
//! - [`Deduplicate`], [`IntervalJoin`] and [`TableJoin`] are operators that are ready to use.
//! - [`Map`], [`Value`], [`List`] and [`Counter`] are keyed state for [operators](Operator) of your own. They read through a cache
//!   that lives for one batch, so a batch costs one read and one write.
//! - [`OrderedMap`] is keyed state in the order of its keys, with ranges. [`Merged`] is keyed state that changes without
//!   being read: sums, extremes and sets.
//! - [`Operator::migrate`] rewrites the state that an older version of the operator has left.
//! - [`Harness`] tests an operator without WebAssembly.
//! - [`export!`] makes a component of it. Build it with `cargo build --release --target wasm32-wasip2`.

// The derive macro names the crate from outside, and the examples of this crate use it as well.
extern crate self as alluvium_plugin;

mod aggregate;
mod code;
mod codec;
#[cfg(all(target_arch = "wasm32", target_os = "wasi", target_env = "p2"))]
#[doc(hidden)]
pub mod component;
mod context;
mod deduplicate;
mod description;
mod export;
#[cfg(not(target_family = "wasm"))]
pub mod harness;
mod host;
mod joins;
mod key;
mod merged;
mod operator;
mod ordered;
mod row;
mod space;
mod state;
mod time;
mod top;
mod windows;

pub use alluvium_plugin_derive::Row;

pub use self::aggregate::{Aggregate, Count, Fold, Max, Mean, Min, Sum};
pub use self::code::{Code, FixedKey};
pub use self::codec::Codec;
pub use self::context::Context;
pub use self::deduplicate::Deduplicate;
pub use self::description::{Description, Domain, Format, Kind, Merge, Namespace, Parameter, Port};
#[cfg(not(target_family = "wasm"))]
pub use self::harness::Harness;
pub use self::host::{Entry, Host, Level};
pub use self::joins::{IntervalJoin, Table, TableJoin, Tables};
pub use self::key::Key;
pub use self::merged::Merged;
pub use self::operator::{Batch, Failure, Operator};
pub use self::ordered::OrderedMap;
pub use self::row::{Column, Fields, Row, Rows};
pub use self::state::{Counter, List, Map, Value};
pub use self::time::Time;
pub use self::top::Top;
pub use self::windows::{Keyed, Session, Sliding, Tumbling, Window, Windows};

/// How the values of [`Merged`] are merged.
pub mod merge {
    pub use crate::merged::{Add, Append, Greatest, Least, MergeOperator, Union};
}

/// What an operator needs as a rule.
pub mod prelude {
    pub use std::time::Duration;

    #[cfg(not(target_family = "wasm"))]
    pub use crate::Harness;
    pub use crate::{Context, Operator, Row, Session, Sliding, Time, Tumbling};
}
