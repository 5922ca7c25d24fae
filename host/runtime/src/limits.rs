//! How much of the machine a plugin may take. Limits are on by default: wasmtime has none.

use std::fmt;
use std::time::Duration;

/// Limits of one plugin, and of the engine component that keeps its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Limits {
    /// All memories of a plugin together.
    pub plugin_memory_bytes: usize,
    /// How long one call into a plugin may take: a batch of records, or a page of results.
    pub plugin_call: Duration,
    /// How long one call into the engine of a [composed](crate::Host::load_composed) plugin may take: to open a
    /// directory, or to take a checkpoint.
    pub engine_call: Duration,
    /// The same as `plugin_call` in fuel, about one for each instruction, which is the same on every machine. It counts
    /// only where [`HostOptions::fuel`](crate::HostOptions::fuel) asks for it.
    pub plugin_call_fuel: u64,
    /// All memories of the engine: the state, and what checkpoints need beside it.
    pub engine_memory_bytes: usize,
    /// Elements of all tables of one component.
    pub table_elements: usize,
    /// Core instances and tables that one component may be made of, each.
    pub instances: usize,
    /// Memories that one component may be made of. Each reserves address space for the most that it may become.
    pub memories: usize,
    /// Handles that one component may hold at a time: cursors, streams, and those of its own making.
    pub handles: usize,
    /// How deep the stack of WebAssembly may grow. It is compiled in: all plugins of one
    /// [`Host`](crate::Host) have the one that the host was made with.
    pub stack_bytes: usize,
    /// What one call between plugin and host may carry: a batch applied, a page of results, a line
    /// emitted.
    pub call_bytes: usize,
    /// What a plugin may emit, all told, in one call.
    pub output_bytes: usize,
    /// What a plugin may emit between two checkpoints.
    pub checkpoint_output_bytes: u64,
    /// What a plugin may emit in all, from one start of the host's process to its end.
    pub total_output_bytes: u64,
    /// How many timers may be due at once because the work of others has set them. Each of those that were set before is
    /// worked through besides.
    pub chained_timers: u64,
    /// How many results one walk over them may have.
    pub results: u64,
    /// How many bytes these may have together.
    pub results_bytes: u64,
    /// How long a plugin may take for all pages of one walk.
    pub results_time: Duration,
    /// The files of the plugin's directory together, all kept checkpoints among them.
    pub disk_bytes: u64,
    /// How many files these may be, and directories among them.
    pub disk_files: u64,
    /// Checkpoints and syncs in one second, on average.
    pub checkpoints_per_second: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            plugin_memory_bytes: 256 << 20,
            plugin_call: Duration::from_secs(10),
            engine_call: Duration::from_mins(5),
            plugin_call_fuel: 20_000_000_000,
            // Nearly all that 32 bits can address.
            engine_memory_bytes: (4 << 30) - (64 << 10),
            table_elements: 200_000,
            instances: 64,
            memories: 2,
            handles: 1_024,
            stack_bytes: 1 << 20,
            // The longest value, 64 MiB, and its key.
            call_bytes: 65 << 20,
            output_bytes: 16 << 20,
            checkpoint_output_bytes: 4 << 30,
            // A stream has no end.
            total_output_bytes: u64::MAX,
            chained_timers: 1_000_000,
            results: 100_000_000,
            results_bytes: 64 << 30,
            results_time: Duration::from_mins(10),
            disk_bytes: 64 << 30,
            disk_files: 100_000,
            checkpoints_per_second: 100,
        }
    }
}

/// Which limit a plugin has run into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::plugin_call`], or for the engine of a composed plugin [`Limits::engine_call`].
    Time,
    /// [`Limits::plugin_call_fuel`].
    Fuel,
    /// [`Limits::plugin_memory_bytes`], or for the engine [`Limits::engine_memory_bytes`].
    Memory,
    /// [`Limits::table_elements`].
    Tables,
    /// [`Limits::instances`].
    Instances,
    /// [`Limits::stack_bytes`].
    Stack,
    /// [`Limits::handles`].
    Handles,
    /// [`Limits::call_bytes`].
    CallBytes,
    /// [`Limits::output_bytes`], [`Limits::checkpoint_output_bytes`] or [`Limits::total_output_bytes`].
    Output,
    /// [`Limits::chained_timers`].
    Timers,
    /// [`Limits::results`], [`Limits::results_bytes`] or [`Limits::results_time`].
    Results,
    /// [`Limits::disk_bytes`].
    DiskBytes,
    /// [`Limits::disk_files`].
    DiskFiles,
    /// [`Limits::checkpoints_per_second`]. The one limit that ends nothing: ask again later.
    CheckpointRate,
}

impl Limit {
    /// As messages and metrics call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Fuel => "fuel",
            Self::Memory => "memory",
            Self::Tables => "tables",
            Self::Instances => "instances",
            Self::Stack => "stack",
            Self::Handles => "handles",
            Self::CallBytes => "call bytes",
            Self::Output => "output",
            Self::Timers => "timers",
            Self::Results => "results",
            Self::DiskBytes => "disk bytes",
            Self::DiskFiles => "disk files",
            Self::CheckpointRate => "checkpoint rate",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A limit that the host's own side of a call ran into, on its way out through WebAssembly.
#[derive(Debug)]
pub(crate) struct Reached(pub(crate) Limit, pub(crate) String);

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.1)
    }
}

impl std::error::Error for Reached {}
