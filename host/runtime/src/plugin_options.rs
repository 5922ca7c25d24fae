//! How one plugin is started.

use std::collections::BTreeMap;
use std::sync::Arc;

use alluvium_core::Clock;

use crate::engine::EngineOptions;
use crate::error::RuntimeError;
use crate::limits::Limits;
use crate::random::random;

/// How one plugin is started.
#[derive(Clone)]
pub struct PluginOptions {
    /// What it may take; nothing: what the host's plugins may take.
    pub limits: Option<Limits>,
    /// Whether to start with an empty state when the directory is empty.
    pub create: bool,
    /// How many checkpoints to keep.
    pub max_retained: u32,
    /// The id that a new directory gets; `None` for a random one.
    pub store_id: Option<[u8; 16]>,
    /// The number that tells the files of this writer from those of any other; `None` for a random one at each
    /// start.
    pub writer: Option<u64>,
    /// What the clocks say that checkpoints are dated by.
    pub clock: Arc<dyn Clock + Send + Sync>,
    /// Pass over damaged checkpoints to the newest whole one, and report them.
    pub allow_fallback: bool,
    /// The most memory that the state may take: past it, mutations are refused.
    pub state_memory_bytes: u64,
    /// Bytes of live records that the compaction after one checkpoint may rewrite: it shares the plugin's
    /// thread. See [`CheckpointConfig::max_rebase_bytes`](alluvium_core::CheckpointConfig::max_rebase_bytes).
    pub max_compaction_bytes: Option<u64>,
    /// How far the thread that [`Host::spawn`](crate::Host::spawn) gives the plugin stands behind other threads: from 0
    /// to 19, as `nice` counts. With all cores taken, distrusted plugins of 19 leave the others nearly all of their
    /// time. Other than 0 works on Linux only. It does not change the threads of callers, who call a plugin of
    /// [`Host::start`](crate::Host::start) themselves.
    pub niceness: u8,
    /// The plugin's parameters, by name. Each checkpoint holds their values in the clear.
    pub parameters: BTreeMap<String, String>,
}

impl Default for PluginOptions {
    /// The host's limits, three checkpoints, the machine's clock.
    fn default() -> Self {
        let engine = EngineOptions::new(Default::default(), 0);
        Self {
            limits: None,
            create: engine.create,
            max_retained: engine.max_retained,
            store_id: None,
            writer: None,
            clock: engine.clock,
            allow_fallback: engine.allow_fallback,
            state_memory_bytes: engine.memory_limit_bytes,
            max_compaction_bytes: engine.max_compaction_bytes,
            niceness: 0,
            parameters: BTreeMap::new(),
        }
    }
}

impl PluginOptions {
    /// The defaults, with dates from a clock of the caller's.
    pub fn with_clock(clock: impl Clock + Send + Sync + 'static) -> Self {
        Self { clock: Arc::new(clock), ..Self::default() }
    }

    /// How its engine is opened.
    pub(crate) fn engine(&self) -> Result<EngineOptions, RuntimeError> {
        Ok(EngineOptions {
            create: self.create,
            max_retained: self.max_retained,
            store_id: self.store_id.map_or_else(random, Ok).map_err(|error| no_chance(&error))?,
            writer: self
                .writer
                .map_or_else(|| random().map(u64::from_le_bytes), Ok)
                .map_err(|error| no_chance(&error))?,
            clock: Arc::clone(&self.clock),
            allow_fallback: self.allow_fallback,
            memory_limit_bytes: self.state_memory_bytes,
            max_compaction_bytes: self.max_compaction_bytes,
            syncs_beside: true,
        })
    }
}

fn no_chance(error: &std::io::Error) -> RuntimeError {
    RuntimeError::Host(format!("the system gives no randomness: {error}"))
}
