//! Resident memory of a state, each measured in a process of its own: what an allocator kept from
//! before would count otherwise.

use std::process::Command;

use anyhow::{Context, Result, bail};
use rustc_hash::FxHashMap;

use crate::measure::resident_bytes;
use crate::report::Report;
use crate::state::manager;
use crate::workload::{Workload, key, value};

/// Who is measured in the child process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Holder {
    /// Our manager, after a checkpoint has taken its log.
    Ours,
    /// `FxHashMap<Vec<u8>, Vec<u8>>`.
    Map,
}

/// The child's part: fills a state and says how much memory it is resident in.
pub fn child(holder: Holder, keys: u32) -> Result<()> {
    let before = resident_bytes()?;
    let after = match holder {
        Holder::Ours => {
            // The bare state: a manager's directory in memory would count its files.
            let mut state = alluvium_core::State::new();
            for number in 0..keys {
                state.put(&key(number), &value(number, 0))?;
            }
            let resident = resident_bytes()?;
            assert_eq!(state.len(), keys as usize);
            resident
        }
        Holder::Map => {
            let mut map: FxHashMap<Vec<u8>, Vec<u8>> = FxHashMap::default();
            for number in 0..keys {
                map.insert(key(number).to_vec(), value(number, 0).to_vec());
            }
            let resident = resident_bytes()?;
            assert_eq!(map.len(), keys as usize);
            resident
        }
    };
    println!("{}", after.saturating_sub(before));
    Ok(())
}

/// Measures the rows of memory.
pub fn run(workload: Workload, report: &mut Report) -> Result<()> {
    let measured = |holder: &str| -> Result<f64> {
        let output = Command::new(std::env::current_exe()?)
            .args(["memory-of", holder, "--keys", &workload.keys.to_string()])
            .output()?;
        if !output.status.success() {
            bail!("measuring {holder}: {}", String::from_utf8_lossy(&output.stderr));
        }
        let bytes: f64 = String::from_utf8(output.stdout)?.trim().parse().context("the child's figure")?;
        Ok(bytes / workload.payload_bytes() as f64)
    };
    report.goal("memory_vs_payload", measured("ours")?, "<= 1.25", "x", "resident bytes against keys and values")?;
    report.figure("memory_map_vs_payload", measured("map")?, "x", "the same for FxHashMap<Vec<u8>, Vec<u8>>")?;
    // What the manager itself says of it, exactly.
    let mut manager = manager();
    for number in 0..workload.keys {
        manager.put(&key(number), &value(number, 0))?;
    }
    let memory = manager.memory();
    let accounted = memory.state_bytes as f64 / memory.payload_bytes as f64;
    report.figure("memory_accounted_vs_payload", accounted, "x", "the manager's own books")
}
