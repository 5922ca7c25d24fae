//! How a host compiles and runs plugins.

use crate::compiler::cache::Cache;
use crate::compiler::caps::CodeLimits;
use crate::compiler::process::CompilerProcess;
use crate::limits::Limits;

/// How a [`Host`](crate::Host) compiles and runs plugins.
#[derive(Debug, Clone)]
pub struct HostOptions {
    /// What a plugin may take, unless its own options say otherwise.
    pub limits: Limits,
    /// Where compiled components are kept.
    pub cache: Cache,
    /// Count fuel, so that [`Limits::plugin_call_fuel`] ends a call at the same instruction on every
    /// machine. It costs a quarter of a plugin's speed; deadlines count all the same.
    pub fuel: bool,
    /// Reserve address space for so many plugins at once, and take instances from there: starting one
    /// is faster, and there are never more. Without it the system is asked each time.
    pub pool: Option<u32>,
    /// How large the code of a plugin may be, in this process and in a compiler process.
    pub code: CodeLimits,
    /// How large the code of a plugin may be that is compiled within this process.
    pub code_in_process: CodeLimits,
    /// A process of its own that compiles plugins, within limits of time and memory. Without it, plugins are
    /// compiled within this process.
    pub compiler: Option<CompilerProcess>,
    /// Write the names and addresses of compiled functions to `/tmp/perf-PID.map`, where `perf` looks for them. The code
    /// is the same. It works on Unix, and not in worker processes, which may not write there.
    pub profile: bool,
}

impl Default for HostOptions {
    /// Default limits, the user's cache, no fuel, no pool, no process that compiles, no profile.
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            cache: Cache::of_user(),
            fuel: false,
            pool: None,
            code: CodeLimits::default(),
            code_in_process: CodeLimits::in_process(),
            compiler: None,
            profile: false,
        }
    }
}
