//! Jobs over many processes: killed, stopped, cut off and rescaled, over every source and every kind of storage; and
//! what they cost.
#![allow(clippy::missing_panics_doc, reason = "a test that fails")]
#![allow(clippy::cast_precision_loss, reason = "figures are small")]

pub mod bench;
pub mod cells;
pub mod counts;
pub mod expected;
pub mod generated;
pub mod inputs;
pub mod matrix;
pub mod outputs;
pub mod processes;
pub mod storage;
pub mod worker;
