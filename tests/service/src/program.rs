//! Where the command is, and how it is called.

use std::path::{Path, PathBuf};
use std::process::Command;

use alluvium_test_harness::command::{built, target};

use crate::Outcome;

/// The command, the plugin that counts and tells late flights, and the engine.
#[derive(Debug, Clone)]
pub struct Program {
    binary: PathBuf,
    engine: PathBuf,
    plugin: PathBuf,
}

impl Program {
    /// From `ALLUVIUM_BIN`, `ALLUVIUM_ENGINE` and `ALLUVIUM_ALERTS`, or as cargo builds them for tests.
    pub fn find() -> Outcome<Self> {
        Ok(Self {
            binary: built("ALLUVIUM_BIN", &["debug/alluvium"])?,
            engine: built("ALLUVIUM_ENGINE", &["wasm32-wasip2/release/alluvium_wasm.wasm"])?,
            plugin: built("ALLUVIUM_ALERTS", &["wasm32-wasip2/release/alerts.wasm"])?,
        })
    }

    /// Returns `alluvium run` of the plugin in a directory, with a cache of compiled components of the tests' own.
    pub fn run(&self, directory: &Path) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg("run").arg(&self.plugin).arg("--dir").arg(directory).arg("--json");
        command.env("ALLUVIUM_ENGINE", &self.engine).env("XDG_CACHE_HOME", target().join("tmp/cache"));
        command
    }
}
