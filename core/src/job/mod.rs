//! A job: one state that several workers own together, each the keys of a range of hashes in a directory of its own.
//!
//! A job has a **log**, which is an Alluvium directory itself. Each checkpoint of the log is one consistent state of
//! the whole job: it names a checkpoint of each worker's directory, and has the position in the stream. So claims and
//! commits are one numbered sequence, and a claim fences all workers of earlier generations.
//!
//! A **generation** is one start of the job with a number of workers. Each generation has directories of its own,
//! whose first states are made of [parts](crate::recovery::Part) of the directories before. So another number of
//! workers is a start like any other, and no directory ever has two writers.

mod log;
mod manifest;
pub mod ownership;
mod part;
mod store_id;
mod unneeded;

pub use crate::job::log::{Commit, JobLog};
pub use crate::job::manifest::{JobManifest, Source};
pub use crate::job::part::JobPart;
pub use crate::job::store_id::StoreId;
pub use crate::job::unneeded::{kept_manifests, unneeded};
