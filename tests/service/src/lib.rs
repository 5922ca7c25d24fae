//! The real `alluvium run` between real sources and sinks: stopped, terminated and killed while its input is
//! idle, slow or fast, and while that input grows, is rotated, is replaced, or is cut off.
//!
//! A [run](run::Run) follows from its cell and its seed. What it leaves is compared with a count that is made
//! here, in plain Rust, from the records that were given.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "figures of tests are small"
)]

pub mod cells;
pub mod endurance;
pub mod inputs;
pub mod latency;
pub mod life;
pub mod matrix;
pub mod outputs;
pub mod program;
pub mod records;
pub mod run;
pub mod servers;
pub mod shown;
pub mod tape;

/// What goes wrong in a run, in words.
pub type Outcome<T = ()> = Result<T, String>;
