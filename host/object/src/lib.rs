//! Checkpoints on an object store.
//!
//! [`ObjectDirectory`] is a directory of Alluvium whose files are objects of S3, Google Cloud Storage, Azure or a local
//! directory. It needs a store with exclusive creation, which [`probe`](ObjectDirectory::probe) finds out.
//!
//! ```
//! use std::sync::Arc;
//! use alluvium_core::directory::block_on;
//! use alluvium_core::{CheckpointConfig, IncrementalCheckpointManager, ManualClock, OpenOptions};
//! use alluvium_object::object_store::memory::InMemory;
//! use alluvium_object::{ObjectDirectory, ObjectOptions};
//!
//! let bucket = Arc::new(InMemory::new());             // or ObjectDirectory::from_url("s3://bucket/orders", …)
//! let open = || ObjectDirectory::over(bucket.clone(), "orders", ObjectOptions::default()).map(Arc::new);
//! let options = || OpenOptions::new(Arc::new(ManualClock::new(0))).create(true);
//!
//! let mut manager = block_on(IncrementalCheckpointManager::open(open()?, CheckpointConfig::new(), options()))?;
//! manager.put(b"customer-7", b"12")?;
//! block_on(manager.create_checkpoint(0))?;            // durable when it returns
//! drop(manager);                                      // or a crash
//!
//! let manager = block_on(IncrementalCheckpointManager::open(open()?, CheckpointConfig::new(), options()))?;
//! assert_eq!(manager.get(b"customer-7"), Some(&b"12"[..]));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Files above 8 MiB are uploaded to S3 in parts, and the upload is completed only if the name is free. Each object is
//! marked with a random number, so that a creation that was repeated because its answer was lost recognises its own
//! object. Retries are those of the crate [`object_store`]; [`ObjectOptions`] has their limits.
#![forbid(unsafe_code)]

mod address;
mod background;
mod create;
mod directory;
mod error;
mod options;
mod probe;
mod read;
mod store;

pub use object_store;

pub use address::SCHEMES;
pub use directory::ObjectDirectory;
pub use options::ObjectOptions;

/// The program that the README shows is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
