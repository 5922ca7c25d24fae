//! `alluvium migrate`: rewrites a directory of an older format in the newest one.

use std::path::PathBuf;

use alluvium_core::directory::block_on;
use clap::Args;
use serde_json::json;

use crate::answer::Answer;
use crate::durability::Durability;
use crate::failure::Failure;
use crate::open;
use crate::output::{counted, print};
use crate::shown::tell;

const EXAMPLE: &str = "\
Example:
  alluvium migrate run

What the newest checkpoint and the WAL after it hold becomes a new checkpoint. Then the checkpoints of an \
older format are deleted. If the process is killed on the way, the directory holds what it held; run the \
command again. The opaque state of a LaminarDB directory stays opaque.";

/// Rewrite a directory of an older format, or one of LaminarDB, in the newest format
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Migrate {
    /// The directory of the checkpoints
    dir: PathBuf,
    #[command(flatten)]
    durability: Durability,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Migrate {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let mut manager = open::to_continue(&self.dir, self.durability)?;
        let report = block_on(manager.migrate()).map_err(|error| Failure::core(&self.dir, &error))?;
        for error in &report.errors {
            tell(&format!("{}: {error}; `alluvium migrate` tries again", self.dir.display()));
        }
        print(|out| {
            if self.json {
                let value = json!({
                    "written": report.written,
                    "bytes_written": report.bytes_written,
                    "deleted": report.deleted,
                    "reclaimed_bytes": report.reclaimed_bytes,
                    "left": report.left,
                    "errors": report.errors,
                });
                return writeln!(out, "{value:#}");
            }
            match report.written {
                Some(id) => writeln!(out, "wrote checkpoint {id} ({})", counted(report.bytes_written, "byte"))?,
                None => writeln!(out, "the newest checkpoint is in the newest format already")?,
            }
            if !report.deleted.is_empty() {
                let files = counted(report.deleted.len() as u64, "file");
                writeln!(out, "deleted {files} of older checkpoints ({})", counted(report.reclaimed_bytes, "byte"))?;
            }
            for id in &report.left {
                writeln!(out, "checkpoint {id} stays in an older format, because it is kept")?;
            }
            Ok(())
        })?;
        Ok(if report.errors.is_empty() { Answer::Yes } else { Answer::No })
    }
}
