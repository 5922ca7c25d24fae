//! One conformance suite for each trait, for everyone who implements it.
//!
//! A suite runs every check on a stream or a target of its own, which a fixture of the implementation
//! makes. [`Report::assert`] fails with the name of each check that failed, and with what it found.

mod report;
mod sink_suite;
mod source_suite;

pub use report::Report;
pub use sink_suite::{SinkFixture, sink_suite};
pub use source_suite::{SourceFixture, source_suite};
