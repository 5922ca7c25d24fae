//! The command and its components as cargo builds them, and what a run of it left in its directory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use alluvium::NativeDirectory;
use alluvium_core::directory::block_on;
use alluvium_core::recovery::{RecoverOptions, recover};

use crate::here;
use crate::oracle::undamaged;

/// Where cargo builds.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| here("../target"), PathBuf::from)
}

/// Returns the file that an environment variable names, or the first that is there of these below the target
/// directory. What is missing is said.
pub fn built(variable: &str, names: &[&str]) -> Result<PathBuf, String> {
    if let Some(given) = std::env::var_os(variable).filter(|given| !given.is_empty()) {
        let given = PathBuf::from(given);
        return if given.is_file() { Ok(given) } else { Err(format!("{variable}={} is no file", given.display())) };
    }
    let found = names.iter().map(|name| target().join(name)).find(|path| path.is_file());
    found.ok_or_else(|| format!("{} is not built (or set {variable})", target().join(names[0]).display()))
}

/// What a directory came back with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovered {
    /// Keys and values.
    pub state: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Positions in the sources.
    pub source_offsets: BTreeMap<String, u64>,
    /// Event time.
    pub watermark: Option<i64>,
}

/// Reads a directory as a newcomer would, without changing it: undamaged, and whole.
pub fn recovered(path: &Path) -> Result<Recovered, String> {
    let directory = Arc::new(NativeDirectory::open(path).map_err(|error| error.to_string())?);
    undamaged(&*directory, "after the kill")?;
    let found = block_on(recover(&*directory, &RecoverOptions::new())).map_err(|error| error.to_string())?;
    let Some(found) = found else { return Ok(Recovered::default()) };
    let position = found.position();
    Ok(Recovered {
        state: found.state.iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect(),
        source_offsets: position.source_offsets,
        watermark: position.watermark,
    })
}
