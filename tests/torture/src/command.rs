//! The real `alluvium run`, engine component, plugin and all, as a process to be killed.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use alluvium_test_harness::command::{Recovered, built};
use alluvium_test_harness::here;

/// Where the program and its components are.
#[derive(Debug, Clone)]
pub struct Program {
    binary: PathBuf,
    engine: PathBuf,
    plugin: PathBuf,
    input: PathBuf,
    /// Whether it can make its state durable between checkpoints.
    has_sync: bool,
}

impl Program {
    /// From `ALLUVIUM_BIN`, `ALLUVIUM_ENGINE` and `ALLUVIUM_DELAYS`, or as cargo builds them; what is
    /// missing is said.
    pub fn find() -> Result<Self, String> {
        let binary = built("ALLUVIUM_BIN", &["release/alluvium", "debug/alluvium"])?;
        let engine = built("ALLUVIUM_ENGINE", &["wasm32-wasip2/release/alluvium_wasm.wasm"])?;
        let plugin = built("ALLUVIUM_DELAYS", &["wasm32-wasip2/release/delays.wasm"])?;
        let input = here("data/flights-2013-01.csv.gz");
        if !input.is_file() {
            return Err(format!("{} is missing", input.display()));
        }
        let help = Command::new(&binary).args(["run", "--help"]).output();
        let help = help.map_err(|error| format!("{}: {error}", binary.display()))?;
        let has_sync = String::from_utf8_lossy(&help.stdout).contains("--sync-every");
        Ok(Self { binary, engine, plugin, input, has_sync })
    }

    /// The same over the first records of its input alone, which are written below `scratch`.
    pub fn with_records(&self, records: usize, scratch: &Path) -> Result<Self, String> {
        let packed = std::fs::File::open(&self.input).map_err(|error| error.to_string())?;
        let lines = BufReader::new(flate2::read::GzDecoder::new(packed)).lines().take(records + 1);
        let lines = lines.collect::<Result<Vec<String>, _>>().map_err(|error| error.to_string())?;
        let input = scratch.join("input.csv");
        std::fs::write(&input, lines.join("\n") + "\n").map_err(|error| error.to_string())?;
        Ok(Self { input, ..self.clone() })
    }

    /// Runs it to its end by another program, which is given its own arguments before it.
    pub fn under(
        &self,
        wrapper: &[String],
        directory: &Path,
        output: &Path,
        every: u32,
    ) -> std::io::Result<std::process::Output> {
        let command = self.command(directory, output, every, true);
        let (program, arguments) = wrapper.split_first().ok_or(std::io::ErrorKind::InvalidInput)?;
        let mut process = Command::new(program);
        process.args(arguments).arg(command.get_program()).args(command.get_args());
        process.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).output()
    }

    fn command(&self, directory: &Path, output: &Path, every: u32, sync: bool) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg("run").arg(&self.plugin).arg("--dir").arg(directory).arg("--input").arg(&self.input);
        command.arg("--output").arg(output).arg("--engine").arg(&self.engine).arg("--json");
        command.args(["--checkpoint-every", &every.to_string()]);
        if sync && self.has_sync {
            command.args(["--sync-every", &(every / 4).max(1).to_string()]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    /// Starts it; what it tells is thrown away.
    pub fn start(&self, directory: &Path, output: &Path, every: u32, sync: bool) -> std::io::Result<Child> {
        self.command(directory, output, every, sync).stderr(Stdio::null()).spawn()
    }

    /// Runs it to its end; what it told if it failed.
    pub fn finish(&self, directory: &Path, output: &Path, every: u32) -> Result<(), String> {
        let ended = self.command(directory, output, every, false).output().map_err(|error| error.to_string())?;
        if ended.status.success() {
            return Ok(());
        }
        // The end of what it told: the error, and what to do.
        let told = String::from_utf8_lossy(&ended.stderr).into_owned();
        let lines: Vec<&str> = told.lines().rev().take(3).collect();
        Err(format!("{}: {}", ended.status, lines.into_iter().rev().collect::<Vec<_>>().join(" / ")))
    }
}

/// Every record consumed is in the state exactly once: the flights of all routes add up to the offset.
pub fn adds_up(found: &Recovered) -> Result<(), String> {
    let consumed = found.source_offsets.get("input").copied().unwrap_or_default();
    let mut flights = 0;
    for (key, value) in &found.state {
        let value: serde_json::Value = serde_json::from_slice(value).map_err(|error| format!("{key:?}: {error}"))?;
        flights += value["flights"].as_u64().ok_or_else(|| format!("{key:?} has no flights: {value}"))?;
    }
    if flights == consumed {
        Ok(())
    } else {
        Err(format!("{flights} flights in the state, {consumed} records consumed"))
    }
}
