//! Stream operators over many workers, with exactly-once state, on Timely Dataflow.
//!
//! A [`Job`] reads partitioned inputs, sends each record to the worker that owns its key, and commits epochs: the
//! state of all workers, the positions of the inputs and the outputs become durable together. After a crash, or with
//! another number of workers, the job continues at the last committed epoch. The state and the output are the same for
//! any number of workers, byte for byte.
//!
//! A supervisor starts the processes, and starts them again when the job stops. Each start claims the job, which fences
//! all earlier ones.
#![forbid(unsafe_code)]

mod committer;
mod dataflow;
mod error;
mod export;
mod failure;
mod inputs;
mod lag;
mod left;
mod left_out;
mod message;
mod network;
pub mod operator;
mod options;
mod reading;
mod run;
mod stash;
mod status;
mod storage;

pub use committer::{Committed, Outputs, Watch, WorkerEpoch};
pub use error::ClusterError;
pub use export::export;
pub use inputs::{Input, OpenSource, ReadTime};
pub use lag::Lag;
pub use left_out::{DeadLetter, LeftOut};
pub use network::Processes;
#[cfg(feature = "plugins")]
pub use operator::PluginOperator;
pub use operator::{Context, NativeOperator, Operator};
pub use options::JobOptions;
pub use run::{Ended, Job, Outcome, claim};
pub use status::{JobStatus, PartStatus, unneeded_directories};
pub use storage::NativeStorage;
#[cfg(feature = "object")]
pub use storage::ObjectStorage;
pub use storage::Storage;

/// The program that the README shows is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
