//! What the matrix has counted, over all its runs.

use std::io::Write;
use std::path::Path;

use alluvium_bench::report::Report;
use anyhow::{Context, Result};
use serde_json::{Value, json};

/// Kills of real processes, and what was wrong after them.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Kills {
    /// How many processes were killed or stopped.
    pub kills: u64,
    /// How many cells had a wrong state or output, or a rightful generation that was fenced.
    pub wrong: u64,
    /// How many runs with other seeds these are.
    pub runs: u64,
}

impl Kills {
    /// Adds a run of the matrix to a file, as one line.
    pub fn add(path: &Path, seed: u64, kills: u64, wrong: u64) -> Result<()> {
        let mut file = std::fs::File::options().create(true).append(true).open(path)?;
        Ok(writeln!(file, "{}", json!({"seed": seed, "kills": kills, "wrong": wrong}))?)
    }

    /// Adds up the runs in a file, which may be missing.
    pub fn read(path: &Path) -> Result<Self> {
        let text = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            read => read?,
        };
        let mut all = Self::default();
        for line in text.lines() {
            let run: Value = serde_json::from_str(line).with_context(|| path.display().to_string())?;
            let number = |name: &str| run[name].as_u64().with_context(|| format!("{}: {name}", path.display()));
            all.kills += number("kills")?;
            all.wrong += number("wrong")?;
            all.runs += 1;
        }
        Ok(all)
    }

    pub(super) fn report(self, report: &mut Report) -> Result<()> {
        let Self { kills, wrong, runs } = self;
        if runs == 0 {
            eprintln!("cluster_wrong_states is not measured: make torture-cluster counts kills");
            return Ok(());
        }
        let what = format!("{kills} kills in {runs} runs of the matrix; states, outputs and fenced owners together");
        report.goal("cluster_wrong_states", wrong as f64, "<= 0", "", &what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_add_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kills.jsonl");
        assert_eq!(Kills::read(&path).unwrap(), Kills::default());
        Kills::add(&path, 1, 40, 0).unwrap();
        Kills::add(&path, 2, 60, 1).unwrap();
        assert_eq!(Kills::read(&path).unwrap(), Kills { kills: 100, wrong: 1, runs: 2 });
    }
}
