//! Attacks of `docs/attacks.md`: how long each runs until it is stopped, what it takes of memory and disk, and what its
//! neighbours feel; and a thousand plugins of which a hundred are hostile.

mod attacks;
mod others;
mod process;
mod restarts;
mod tenant;
mod tenants;

use std::path::Path;
use std::time::Duration;

use alluvium_host::{Cache, Host, HostOptions, Limits};
use anyhow::Result;

use crate::component::built;
use crate::report::Report;

/// How long one call may take.
const CALL: Duration = Duration::from_secs(1);
/// A plugin is stopped at most so much later.
const LATE_MS: f64 = 100.0;
/// What a plugin may write to its directory.
const DISK_BYTES: u64 = 4 << 20;
/// What its state may take.
const STATE_BYTES: u64 = 128 << 20;

/// Parts that can be measured alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// Each attack of the kit.
    Attacks,
    /// A thousand plugins, a hundred of them hostile.
    Tenants,
    /// Ten thousand restarts.
    Restarts,
}

/// Measures all parts, or one.
pub fn run(part: Option<Part>, scratch: &Path, report: &mut Report) -> Result<()> {
    let engine = built("ALLUVIUM_ENGINE", "alluvium_wasm")?;
    let limits = Limits { plugin_call: CALL, disk_bytes: DISK_BYTES, ..Limits::default() };
    let host = |pool| {
        let cache = Cache::at(scratch.join("cache"));
        Host::new(&engine, HostOptions { limits, cache, pool, ..HostOptions::default() })
    };
    let is_wanted = |one| part.is_none_or(|part| part == one);
    if is_wanted(Part::Attacks) {
        attacks::run(&host(None)?, scratch, report)?;
    }
    if is_wanted(Part::Tenants) {
        for (name, pool) in [("", None), ("pooled_", Some(tenants::ALL + 1))] {
            tenants::run(name, &host(pool)?, scratch, report)?;
        }
    }
    if is_wanted(Part::Restarts) {
        restarts::run(&host(None)?, scratch, report)?;
    }
    Ok(())
}
