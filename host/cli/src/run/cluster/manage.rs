//! `alluvium cluster claim`, `gc` and `export`.

use std::path::PathBuf;

use alluvium_cluster::{claim, export, unneeded_directories};
use clap::Args;
use serde_json::json;

use super::failed;
use super::place::JobPlace;
use crate::answer::Answer;
use crate::failure::Failure;
use crate::output::{counted, print, replace_file};

/// Claim a job, so that no process that runs it now can commit any more
#[derive(Args)]
#[command(after_help = "Example:\n  alluvium cluster claim --job job")]
pub(super) struct Claim {
    /// The job
    #[arg(long, value_name = "DIR|URL")]
    job: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Delete the directories of workers that no kept epoch and no running worker needs
#[derive(Args)]
#[command(after_help = "Example:\n  alluvium cluster gc --job job --dry-run")]
pub(super) struct Gc {
    /// The job
    #[arg(long, value_name = "DIR|URL")]
    job: PathBuf,
    /// Only show what would be deleted
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Write the whole state of a job to a single file, which `alluvium import` takes
#[derive(Args)]
#[command(after_help = "Example:\n  alluvium cluster export --job job state.tar")]
pub(super) struct Export {
    /// The job
    #[arg(long, value_name = "DIR|URL")]
    job: PathBuf,
    /// The file to write
    to: PathBuf,
    /// The checkpoint of the job's log [default: the newest]
    #[arg(long)]
    id: Option<u64>,
}

impl Claim {
    pub(super) fn run(&self) -> Result<Answer, Failure> {
        let generation = claim(&JobPlace::existing(&self.job)?).map_err(|error| failed(&error))?;
        print(|out| {
            if self.json {
                return writeln!(out, "{:#}", json!({"generation": generation}));
            }
            writeln!(out, "generation {generation}: no earlier process can commit any more")
        })?;
        Ok(Answer::Yes)
    }
}

impl Gc {
    pub(super) fn run(&self) -> Result<Answer, Failure> {
        let gone =
            unneeded_directories(&JobPlace::existing(&self.job)?, self.dry_run).map_err(|error| failed(&error))?;
        print(|out| {
            if self.json {
                return writeln!(out, "{:#}", json!({"deleted": gone, "dry_run": self.dry_run}));
            }
            for id in &gone {
                writeln!(out, "parts/{id}")?;
            }
            let what = if self.dry_run { "would be deleted" } else { "were deleted" };
            writeln!(out, "{} directories {what}", gone.len())
        })?;
        Ok(Answer::Yes)
    }
}

impl Export {
    pub(super) fn run(&self) -> Result<Answer, Failure> {
        let archive = export(&JobPlace::existing(&self.job)?, self.id).map_err(|error| failed(&error))?;
        replace_file(&self.to, |file| file.write_all(&archive).map_err(|error| Failure::file(&self.to, &error)))?;
        print(|out| writeln!(out, "{}: {}", self.to.display(), counted(archive.len() as u64, "byte")))?;
        Ok(Answer::Yes)
    }
}
