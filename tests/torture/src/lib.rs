//! Faults, enumerated: crashes, errors, damage, second writers and hostile directories, and the
//! oracle that each outcome is held to.
//!
//! Every test of the catalogue is a function from a [`Budget`] to a [`Tally`]: a bounded sample of it
//! is a test of this crate, the long form is the `torture` program. Everything follows from the seed.
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "figures of tests are small")]

pub mod command;
pub mod files;
pub mod journal;
pub mod oracle;
pub mod scenarios;
pub mod session;
pub mod tally;

pub use journal::Journal;
pub use session::{Action, Session};
pub use tally::{Budget, Tally};
