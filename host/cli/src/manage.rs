//! `alluvium restore`, `delete` and `gc`: which checkpoints and files there are.

use std::path::PathBuf;

use alluvium_core::directory::block_on;
use alluvium_core::gc::{self, GarbageReport};
use alluvium_host::text::printable;
use clap::Args;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::durability::Durability;
use crate::failure::Failure;
use crate::open;
use crate::output::{counted, print};
use crate::shown::tell;

const RESTORE_EXAMPLE: &str = "Example:\n  alluvium restore run 12";
const DELETE_EXAMPLE: &str = "Example:\n  alluvium delete run 12";
const GC_EXAMPLE: &str = "\
Example:
  alluvium gc run --dry-run

Files that Alluvium did not write always stay.";

/// Make an older kept checkpoint the newest, by a new checkpoint that shares its files
#[derive(Args)]
#[command(after_help = RESTORE_EXAMPLE)]
pub(crate) struct Restore {
    /// The directory of the checkpoints
    dir: PathBuf,
    /// The checkpoint to go back to
    id: u64,
    #[command(flatten)]
    durability: Durability,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Restore {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let mut manager = open::to_manage(&self.dir, self.durability)?;
        let restored = block_on(manager.restore_checkpoint(self.id));
        let restored = restored.map_err(|error| Failure::core(&self.dir, &error))?;
        let bytes_written = restored.alluvium.as_ref().map_or(0, |fields| fields.bytes_written);
        print(|out| {
            if self.json {
                let value = json!({"restored": self.id, "id": restored.id, "bytes_written": bytes_written});
                return writeln!(out, "{value:#}");
            }
            writeln!(out, "checkpoint {} is checkpoint {} again, and the newest", restored.id, self.id)
        })?;
        Ok(Answer::Yes)
    }
}

/// Delete one checkpoint, with the files that no other one needs
#[derive(Args)]
#[command(after_help = DELETE_EXAMPLE)]
pub(crate) struct Delete {
    /// The directory of the checkpoints
    dir: PathBuf,
    /// The checkpoint to delete
    id: u64,
    #[command(flatten)]
    durability: Durability,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Delete {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let mut manager = open::to_manage(&self.dir, self.durability)?;
        let report = block_on(manager.delete_checkpoint(self.id));
        let report = report.map_err(|error| Failure::core(&self.dir, &error))?;
        tell_errors(&self.dir, &report.errors);
        print(|out| {
            if self.json {
                let value = json!({"id": self.id, "deleted": report.deleted, "errors": report.errors});
                return writeln!(out, "{value:#}");
            }
            let files = counted(report.deleted.len() as u64, "file");
            writeln!(out, "checkpoint {} is deleted, {files} with it", self.id)
        })?;
        Ok(Answer::Yes)
    }
}

/// Delete files that no kept checkpoint needs, and say why each file stays or goes
#[derive(Args)]
#[command(after_help = GC_EXAMPLE)]
pub(crate) struct Gc {
    /// The directory of the checkpoints
    dir: PathBuf,
    /// Only say what would be deleted
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    durability: Durability,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Gc {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let report = if self.dry_run {
            block_on(gc::plan(&open::to_inspect(&self.dir)?, None))
        } else {
            block_on(open::to_manage(&self.dir, self.durability)?.collect_garbage())
        };
        let report = report.map_err(|error| Failure::core(&self.dir, &error))?;
        tell_errors(&self.dir, &report.errors);
        print(|out| {
            if self.json {
                return writeln!(out, "{:#}", to_json(&report));
            }
            for file in &report.files {
                let verdict = if file.keep { "keep" } else { "delete" };
                let path = printable(&file.path);
                writeln!(out, "{verdict:<6} {path} ({}): {}", counted(file.bytes, "byte"), printable(&file.why))?;
            }
            let going = report.files.iter().filter(|file| !file.keep).count();
            let done = if self.dry_run { "would go" } else { "gone" };
            let (files, bytes) = (report.files.len() as u64, report.reclaimed_bytes());
            writeln!(out, "{going} of {} {done}, {}", counted(files, "file"), counted(bytes, "byte"))
        })?;
        Ok(Answer::Yes)
    }
}

/// Files that could not be deleted do no harm; they are tried again.
fn tell_errors(dir: &std::path::Path, errors: &[String]) {
    for error in errors {
        tell(&format!("{}: {error}; `alluvium gc` tries again", dir.display()));
    }
}

fn to_json(report: &GarbageReport) -> Value {
    let files: Vec<Value> = report
        .files
        .iter()
        .map(|file| json!({"path": file.path, "bytes": file.bytes, "keep": file.keep, "why": file.why}))
        .collect();
    json!({"files": files, "reclaimed_bytes": report.reclaimed_bytes(), "errors": report.errors})
}
