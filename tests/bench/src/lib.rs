//! Benchmarks: workload W, contenders that take turns over it, and the goals for speed as ratios of
//! what was measured in one run.
//!
//! Times on a shared machine mean little; ratios between contenders that took turns mean much. Every
//! figure here is a median over turns, and the floor that a figure is held against is measured in
//! the same run, on the same disk, with the same bytes.
// Counts and durations become floating point ratios here; nothing is decided by their last bit.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]

pub mod amplification;
pub mod churn;
#[cfg(feature = "component")]
pub mod component;
pub mod contender;
pub mod epochs;
pub mod floor;
pub mod freeze;
mod freeze_beside;
pub mod full;
pub mod growth;
pub mod hot_keys;
pub mod measure;
pub mod memory;
#[cfg(feature = "component")]
pub mod operator;
pub mod ours;
pub mod plot;
pub mod recovery;
pub mod report;
#[cfg(feature = "component")]
pub mod sandbox;
#[cfg(feature = "component")]
pub mod scan;
#[cfg(feature = "component")]
pub mod stall;
pub mod state;
pub mod workload;
