//! What the tests of Alluvium share: golden data, faulty directories, and the oracle of every crash test.
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "figures of tests are small")]

pub mod allocation;
pub mod backups;
pub mod cancelled;
pub mod colliding;
pub mod command;
pub mod damage;
pub mod faulty;
#[cfg(feature = "work-counters")]
pub mod flooding;
pub mod golden;
pub mod hostile;
pub mod oracle;
pub mod partial;
pub mod power_failure;
pub mod tally;

mod budget;
mod disk;
mod environment;
mod expected;
mod managers;

use std::collections::BTreeMap;

pub use disk::{Tmpfs, fixture, here, load, scratch, store, write};
pub use environment::{has_strace, is_root, number, skipped};
pub use expected::Expected;
pub use managers::{
    Manager, START_MS, STORE_ID, checkpoint, clock, empty, fresh, fresh_with, keep, memory, open, open_with, options,
};

/// Files by path: what a directory holds.
pub type Files = BTreeMap<String, Vec<u8>>;
