//! The host as a library: other people's operators inside your engine, each with durable state and
//! nothing else.
//!
//! A [`Host`] holds the engine component, compiled once, and loads plugins. A [`Plugin`] is one
//! operator at work over one directory: it has a WebAssembly store of its own, and so has the engine
//! that keeps its state, so that what ends takes nothing with it. The engine alone gets the
//! directory; the plugin sees the interface `state`, and an empty shell of WASI without files,
//! network, environment or a clock that moves. [`Limits`] are on by default.
//!
//! ```no_run
//! use alluvium_host::{Batch, ColumnBatch, Host, HostOptions, PluginOptions};
//!
//! let host = Host::new("alluvium_wasm.wasm", HostOptions::default())?;
//! let delays = host.load("delays.wasm")?;                    // compiled once, started as often as you like
//! let mut plugin = host.start(&delays, "state/tenant-7", &PluginOptions::default())?;
//!
//! // The source's position is part of each checkpoint: continue from there.
//! let consumed = plugin.source_offset("input")?.unwrap_or(0);
//! plugin.begin(0, &["carrier".to_owned()])?;
//! plugin.feed(0, &Batch::Columns(ColumnBatch { count: 1, field_lens: vec![2], fields: b"UA".to_vec() }))?;
//! plugin.set_source_offset("input", consumed + 1)?;
//!
//! // State and position become durable together, or not at all.
//! let report = plugin.checkpoint()?;
//! println!("checkpoint {}: {} bytes", report.info.id, report.bytes_written);
//! plugin.close();
//! # Ok::<(), alluvium_host::RuntimeError>(())
//! ```
//!
//! **When a plugin misbehaves**, the call that it did so in returns an error that
//! [`is_end`](RuntimeError::is_end): a trap, or a [`Limit`] by name. Its stores are gone by then, its
//! checkpoints are as they were, and no other plugin has noticed. [`Plugin::restart`] continues
//! from the last checkpoint, which says from which record on to feed it.
//!
//! **Many plugins, many threads.** A [`Plugin`] goes to any thread; the [`Host`] is shared by all.
//! With [`HostOptions::pool`] instances come out of address space that is reserved at the start.
//!
//! **Asynchronous callers** use [`Host::spawn`], which gives a [`PluginHandle`]: the plugin works on
//! a thread of its own, and its answers are futures for any executor.
//!
//! ```no_run
//! # use alluvium_host::{Batch, Host, PluginOptions, RuntimeError, Module};
//! # async fn example(host: Host, delays: Module, header: Vec<String>, batch: Batch) -> Result<(), RuntimeError> {
//! let plugin = host.spawn(&delays, "state/tenant-8", PluginOptions::default()).await?;
//! plugin.begin(0, header).await?;
//! plugin.feed(0, batch).await?;
//! let report = plugin.checkpoint().await?;
//! # Ok(())
//! # }
//! ```
//!
//! **New code for a plugin** goes in with [`Plugin::swap`], between two batches. State carries the
//! plugin's [`Identity`]; code of another schema version is refused unless it brings a migration,
//! which [`Host::migrate`] runs from one checkpoint to the next.
//!
//! **What happens** is told as events of the crate `tracing`, and counted: [`Host::metrics`] gives it
//! as text for Prometheus.
//!
//! `examples/embed.rs` is a whole engine in under a hundred lines.
#![deny(unsafe_code)]

pub mod bindings;
mod budget;
mod compiler;
mod deadline;
mod description;
mod disk;
mod disk_limit;
mod emitted;
mod engine;
mod error;
mod handle;
mod host;
mod identity;
#[cfg(target_os = "linux")]
mod isolated;
#[cfg(not(target_os = "linux"))]
#[path = "isolated/elsewhere.rs"]
mod isolated;
mod limits;
#[cfg(target_os = "linux")]
mod linear_memory;
mod messages;
mod metrics;
mod migrate;
mod module;
mod operator;
mod ownership;
mod plugin;
mod plugin_options;
mod random;
mod rate_limit;
mod settings;
mod sink;
mod stack;
mod start;
mod state;
mod stderr_tail;
mod store_data;
mod syncs;
mod system_error;
pub mod text;
mod threads;
mod time;
mod wasi;

pub use self::bindings::plugin::alluvium::checkpoint::logging::Level as MessageLevel;
pub use self::compiler::Runtime;
pub use self::compiler::cache::Cache;
pub use self::compiler::caps::CodeLimits;
pub use self::compiler::options::HostOptions;
pub use self::compiler::process::CompilerProcess;
pub use self::compiler::serve::compile_for_host;
pub use self::description::{Description, Input, InputFormat, Output, OutputFormat, Parameter};
pub use self::emitted::Emitted;
pub use self::engine::{
    CheckpointInfo, CheckpointReport, ComponentEngine, DueTimers, Engine, EngineOptions, MaintenanceReport,
    NativeEngine, PartsStart, Range, Recovery, SharedEngine, SkippedCheckpoint, Walk, lock,
};
pub use self::error::{EngineError, RuntimeError};
pub use self::handle::{Answer, PluginHandle};
pub use self::host::Host;
pub use self::identity::Identity;
#[cfg(target_os = "linux")]
#[doc(hidden)]
pub use self::isolated::Wall;
pub use self::isolated::process::WorkerProcess;
pub use self::isolated::serve::work_for_host;
pub use self::limits::{Limit, Limits};
pub use self::messages::Message;
pub use self::migrate::Migrated;
pub use self::module::Module;
pub use self::operator::{Batch, ColumnBatch, RecordBatch};
pub use self::plugin::{FiredTimers, Plugin};
pub use self::plugin_options::PluginOptions;
pub use self::settings::ChangedParameter;
pub use self::state::Cursor;
