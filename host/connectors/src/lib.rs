//! Sources and sinks: records in from a position on, output exactly once.
#![forbid(unsafe_code)]

pub mod sink;
