//! Faults, enumerated: crashes, errors, damage, second writers and hostile directories, each outcome
//! held to the oracle of the test harness.
//!
//! Every scenario is a function from a budget to a tally. The tests of this crate run a bounded
//! sample of each, and the `torture` program runs the long form. Everything follows from the seed.
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "figures of tests are small")]

pub mod command;
pub mod scenarios;
pub mod seeds;

use alluvium_test_harness::allocation::NotingAllocator;

#[global_allocator]
static ALLOCATOR: NotingAllocator = NotingAllocator;
