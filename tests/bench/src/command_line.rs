//! What the command line may say.

use std::path::PathBuf;

use alluvium_bench::amplification::Pattern;
use alluvium_bench::memory;
use clap::{Args, Parser, Subcommand};

/// Measures Alluvium against the floor, the full rewrite and ordinary maps.
///
/// Rows go to a table and to target/bench/report.json, plots beside it. Example:
/// cargo run --release -p alluvium-bench -- all
#[derive(Parser)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) place: Place,
}

#[derive(Args)]
pub(crate) struct Place {
    /// Where report and plots go.
    #[arg(long, global = true, default_value = "target/bench")]
    pub(crate) out: PathBuf,
    /// A directory for the contenders' files, on the disk that is to be measured [default: OUT/scratch].
    #[arg(long, global = true)]
    pub(crate) scratch: Option<PathBuf>,
    /// Live keys.
    #[arg(long, global = true, default_value_t = 1_000_000)]
    pub(crate) keys: u32,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Everything, in minutes.
    All,
    /// A short form that holds bytes to their goals, never times.
    Quick,
    /// Epochs of workload W: time to durable against the floor and the full rewrite.
    Epochs {
        /// Epochs that are measured.
        #[arg(long, default_value_t = 50)]
        epochs: u32,
        /// Epochs before, until rebases have settled.
        #[arg(long, default_value_t = 120)]
        warmup: u32,
    },
    /// Put, update, get and delete against maps; growth pauses.
    State,
    /// Memory of a state that grows, shrinks and is rewritten.
    Churn {
        /// Puts and deletes.
        #[arg(long, default_value_t = 10_000_000)]
        operations: u64,
    },
    /// The longest put of a stream that changes few keys.
    HotKeys,
    /// The freeze.
    Freeze,
    /// Resident memory.
    Memory,
    /// Recovery of a base against the floor.
    Recovery,
    /// Recovery of ten times the keys against ten times the time.
    RecoveryGrowth,
    /// The engine as a component under wasmtime against the engine natively.
    #[cfg(feature = "component")]
    Component,
    /// Attacks on the sandbox: when each is stopped, what it takes, and what its neighbours feel.
    #[cfg(feature = "component")]
    Sandbox {
        /// One part instead of all.
        #[arg(long)]
        part: Option<alluvium_bench::sandbox::Part>,
    },
    /// How long a checkpoint stops the stream of a plugin, with either engine.
    #[cfg(feature = "component")]
    Stall {
        /// Checkpoints with each engine.
        #[arg(long, default_value_t = 100)]
        checkpoints: u32,
    },
    /// A record's way through an operator and its engine, against the same operator over a map.
    #[cfg(feature = "component")]
    Operator {
        /// Rounds, each with every contender.
        #[arg(long, default_value_t = 3)]
        rounds: u32,
    },
    /// A scan of a hundred entries among a million against one among ten thousand.
    #[cfg(feature = "component")]
    Scan,
    /// Write, read and space amplification over many epochs, in memory.
    Amplification {
        /// Epochs; the second half is measured.
        #[arg(long, default_value_t = 1_000)]
        epochs: u32,
        /// One pattern instead of all.
        #[arg(long)]
        pattern: Option<Pattern>,
    },
    /// The same epochs at 10⁴, 10⁵ and 10⁶ keys, and plots of it.
    Growth {
        /// 4·10⁶ and 10⁷ keys too.
        #[arg(long)]
        long: bool,
    },
    #[command(hide = true)]
    MemoryOf { holder: memory::Holder },
    #[command(hide = true)]
    RecoveryOf { contender: String, path: PathBuf },
}
